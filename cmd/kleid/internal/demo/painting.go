package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/kleid-search/kleid/datasets/studio"
)

// painting is the file that says what folders beside it were painted with. Its fingerprint is written last,
// so that folders with one are whole.
type painting struct {
	path        string
	fingerprint string
}

type paintingFile struct {
	Fingerprint string   `json:"fingerprint,omitempty"`
	Made        []string `json:"made"` // names of the folders that were not there before
}

// read returns what the file says, nothing where there is none.
func (p painting) read() (file paintingFile) {
	data, err := os.ReadFile(p.path)
	if err != nil || json.Unmarshal(data, &file) != nil {
		return paintingFile{}
	}
	return file
}

func (p painting) there() bool { return p.read().Fingerprint == p.fingerprint }

// begin removes those of the folders that an earlier painting made, and nobody else, and notes which this
// one makes.
func (p painting) begin(folders ...string) error {
	earlier := p.read().Made
	made := []string{}
	for _, folder := range folders {
		name := filepath.Base(folder)
		if slices.Contains(earlier, name) {
			if err := os.RemoveAll(folder); err != nil {
				return err
			}
		}
		if _, err := os.Lstat(folder); errors.Is(err, fs.ErrNotExist) {
			made = append(made, name)
		}
	}
	return p.write(paintingFile{Made: made})
}

func (p painting) remember() error { return p.write(paintingFile{p.fingerprint, p.read().Made}) }

func (p painting) write(file paintingFile) error {
	data, err := json.Marshal(file)
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
