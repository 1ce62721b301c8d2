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

// bindStore refuses another store than the one that the runs in the folder went to: the index in that one
// would grow stale unseen, and what an interrupted job committed there could not be told. A folder that
// has no run yet takes any store.
func (l layout) bindStore(store vectors.Store) error {
	name := storeName(store, l.out)
	if name == "" {
		return nil
	}
	data, err := os.ReadFile(l.storeName())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	bound := strings.TrimSpace(string(data))
	if bound == name {
		return nil
	}
	if bound != "" {
		latest, err := Latest(l.out)
		if err != nil {
			return err
		}
		_, err = os.Lstat(jobPath(l.out))
		if latest != "" || !errors.Is(err, fs.ErrNotExist) {
			return usage{fmt.Errorf("the vectors of the index in %s are in the store %s, not in %s: name that --store, or another --out for this one. If both are the same store, remove %s",
				l.out, bound, name, l.storeName())}
		}
	}
	return writeFile(l.storeName(), []byte(name+"\n"))
}
