package indexer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kleid-search/kleid/vectors"
)

// storeName says which store takes the vectors; "" if it does not know. The folder of an index can be
// moved, so the embedded store in it is named without it.
func storeName(store vectors.Store, out string) string {
	named, ok := store.(vectors.Named)
	if !ok {
		return ""
	}
	name := named.Name()
	if dir, ok := strings.CutPrefix(name, "embedded:"); ok && sameFolder(dir, out) {
		return "embedded"
	}
	return name
}

func sameFolder(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

func (l layout) storeName() string { return filepath.Join(l.work(), "store") }

// bound is the store that the runs in the folder went to, by its name; "" if that is not known.
func (l layout) bound() (string, error) {
	data, err := os.ReadFile(l.storeName())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(data)), err
}

// StoreElsewhere is the store that has the vectors of the index in a folder, by its name, if it is not the embedded one in
// that folder; otherwise, and where that cannot be read, "".
func StoreElsewhere(out string) string {
	bound, err := layout{out}.bound()
	if latest, _ := Latest(out); err != nil || latest == "" || bound == "embedded" {
		return ""
	}
	return bound
}

// bindStore notes that the runs in the folder go to a store. See checkStore for what it refuses.
func (l layout) bindStore(store vectors.Store) error {
	name := storeName(store, l.out)
	bound, err := l.bound()
	if err != nil || name == "" || bound == name {
		return err
	}
	if err := l.checkStore(store); err != nil {
		return err
	}
	return writeFile(l.storeName(), []byte(name+"\n"))
}

// checkStore refuses another store than the one that the runs in the folder went to: the index in that one
// would grow stale unseen, and what an interrupted job committed there could not be told. A folder that
// has no run yet takes any store.
func (l layout) checkStore(store vectors.Store) error {
	name := storeName(store, l.out)
	bound, err := l.bound()
	if err != nil || name == "" || bound == "" || bound == name {
		return err
	}
	latest, err := Latest(l.out)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(jobPath(l.out)); latest == "" && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return usage{fmt.Errorf("the vectors of the index in %s are in the store %s, not in %s: name that --store, or another --out for this one. If both are the same store, remove %s",
		l.out, bound, name, l.storeName())}
}
