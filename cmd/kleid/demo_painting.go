package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kleid-search/kleid/datasets/studio"
)

// painting is the file that says what a folder was painted with. It is written last, so that a folder
// with it is whole.
type painting struct {
	path        string
	fingerprint string
}

type paintingFile struct {
	Fingerprint string `json:"fingerprint"`
}

func (p painting) there() bool {
	data, err := os.ReadFile(p.path)
	var file paintingFile
	return err == nil && json.Unmarshal(data, &file) == nil && file.Fingerprint == p.fingerprint
}

func (p painting) forget() error {
	err := os.Remove(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (p painting) remember() error {
	data, err := json.Marshal(paintingFile{p.fingerprint})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(p.path, append(data, '\n'), 0o644)
}

// fingerprint changes with what is painted and with how: it hashes two of the pictures themselves.
func (d *demo) fingerprint() string {
	h := sha256.New()
	fmt.Fprintln(h, d.seed, len(d.products), d.photosPerProduct, d.queries)
	for _, shot := range []studio.Shot{{}, {Query: true}} {
		p := d.products[0].Paint(shot)
		h.Write(p.Image.Pix)
	}
	return hex.EncodeToString(h.Sum(nil))
}
