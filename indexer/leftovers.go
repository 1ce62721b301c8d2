package indexer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// temporary is the form of the names of files that are being written: those of placeFile, of a metrics file, of what is
// known, of a shard's result, of others' rows and of a folder's Put. Under the lock nobody writes them, and a kill has left
// what is there.
var temporary = regexp.MustCompile(`^(?:` +
	`\.(?:latest|store|job\.json|pending\.json|known|report\.(?:json|txt|html)|part-000\.parquet|model\.json|[0-9]{6,}(?:-[0-9a-f]{12})?\.log)\.[0-9]+|` +
	`metrics\.prom[0-9]+|result-[0-9]+|others\.parquet\.tmp|\.put-[0-9]+\.tmp)$`)

// tidy removes what kills have left before a job begins, which it must not cost.
func (r *runner) tidy() {
	if err := r.removeTemporary(); err != nil {
		r.Logger.Warn("what an interrupted job left is left behind", "error", err)
	}
}

// removeTemporary removes what kills have left of files that were being written, in the folder of an index, its runs and
// its journals. In the folder of a run it would keep that from going. Whatever else lies there stays.
func (l layout) removeTemporary() error {
	var all error
	for _, dir := range []string{l.out, l.work()} {
		files, err := os.ReadDir(dir)
		all = errors.Join(all, err)
		for _, file := range files {
			run, isRun := strings.CutPrefix(file.Name(), runPrefix)
			if file.IsDir() && (isRun && ownRun.MatchString(run) || ownJournal.MatchString(file.Name())) {
				inside, err := os.ReadDir(filepath.Join(dir, file.Name()))
				all = errors.Join(all, err, removeTemporaryOf(filepath.Join(dir, file.Name()), inside))
			}
		}
		all = errors.Join(all, removeTemporaryOf(dir, files))
	}
	return all
}

func removeTemporaryOf(dir string, files []fs.DirEntry) error {
	var all error
	for _, file := range files {
		if file.Type().IsRegular() && temporary.MatchString(file.Name()) {
			all = errors.Join(all, removeIfThere(filepath.Join(dir, file.Name())))
		}
	}
	return all
}
