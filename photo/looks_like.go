package photo

import (
	"bytes"
	"encoding/json"
)

// mostJSON is how many bytes are read to tell JSON: what a server says of an error has fewer.
const mostJSON = 1 << 20

// looksLike adds a guess for the commonest mistakes: a page, a text or an answer of a server in place of a photo.
func looksLike(data []byte) string {
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) // the mark of a text in UTF-8
	head := bytes.ToLower(text[:min(len(text), 1024)])
	begins := func(with string) bool { return bytes.HasPrefix(head, []byte(with)) }
	// Before the first element there may be what XML says of itself, and comments.
	for _, end := range []struct{ begin, end string }{{"<?", "?>"}, {"<!--", "-->"}, {"<!--", "-->"}} {
		if begins(end.begin) {
			_, rest, _ := bytes.Cut(head, []byte(end.end))
			if head = bytes.TrimSpace(rest); len(head) == 0 {
				return " but looks like a page or drawing: check the photo's address"
			}
		}
	}
	switch {
	case begins("<svg"), begins("<!doctype svg"):
		return " but a drawing (SVG): send a photo"
	case begins("<!doctype html"), begins("<html"), begins("<head"), begins("<body"):
		return " but a web page: check the photo's address"
	case begins("<") && len(head) > 1 && 'a' <= head[1] && head[1] <= 'z':
		return " but looks like XML, which may be a server's error: check the photo's address"
	case (begins("{") || begins("[")) && len(text) <= mostJSON && json.Valid(text):
		return " but JSON, which may be a server's error: check the photo's address"
	case begins("%pdf"):
		return " but a PDF: send a photo"
	case begins("version https://git-lfs"):
		return " but a pointer of Git LFS: run git lfs pull where it comes from"
	}
	return ": check that the right file was sent"
}
