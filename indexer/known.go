package indexer

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// known is what earlier jobs found at a photo's location. As long as the location's Info stays the same, so do the
// photo's bytes, and they are not read again.
type known struct {
	Location string
	Info     storage.Info
	Key      photoKey
	Broken   string // why the bytes are no readable photo, "" if they are one
}

func knownPath(work string) string { return filepath.Join(work, "known") }

// knownVersion changes with the form of the file, and with what makes a photo unreadable.
func knownVersion(limits photo.Limits) string {
	return fmt.Sprintf("kleid-known-2 %s %+v", photo.Version, limits)
}

// readKnown returns what is known, by location. A file that is not there, damaged or of another version costs reading
// the photos again.
func readKnown(work string, limits photo.Limits) (map[string]known, error) {
	all := make(map[string]known)
	f, err := os.Open(knownPath(work))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	defer f.Close()
	decoder := gob.NewDecoder(bufio.NewReaderSize(f, 1<<20))
	var version string
	if err := decoder.Decode(&version); err != nil || version != knownVersion(limits) {
		return all, fmt.Errorf("%s was made with other limits or by another version of Kleid (%q)", f.Name(), version)
	}
	for {
		var k known
		err := decoder.Decode(&k)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return make(map[string]known), fmt.Errorf("%s is damaged: %w", f.Name(), err)
		}
		all[k.Location] = k
	}
}

// writeKnown replaces what is known, by location.
func writeKnown(work string, limits photo.Limits, all map[string]known) error {
	path := knownPath(work)
	f, err := os.CreateTemp(work, ".known.*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after a rename there is nothing to remove
	w := bufio.NewWriterSize(f, 1<<20)
	encoder := gob.NewEncoder(w)
	err = encoder.Encode(knownVersion(limits))
	for _, k := range all {
		if err == nil {
			err = encoder.Encode(&k)
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
