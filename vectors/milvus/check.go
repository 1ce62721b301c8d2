package milvus

// CheckURL says what is wrong with a store's URL, without connecting.
func CheckURL(text string) error {
	_, err := parseAddress(text)
	return err
}
