package indexer

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	runPrefix   = "run="
	parquetFile = "part-000.parquet"
	reportFile  = "report.json"
)

// ownRun is the form of the ids that newRunID makes.
var ownRun = regexp.MustCompile(`^[0-9]{8}T[0-9]{9}Z-[0-9a-f]{6}$`)

// layout names what is in the folder of an index.
type layout struct{ out string }

func (l layout) work() string       { return filepath.Join(l.out, "work") }
func (l layout) thumbnails() string { return filepath.Join(l.out, "thumbnails") }
func (l layout) latest() string     { return filepath.Join(l.out, "latest") }

// unpublished is the Parquet file of a run that is not committed, or not settled.
func (l layout) unpublished() string { return filepath.Join(l.work(), parquetFile+".tmp") }

func (l layout) parquet(run string) string {
	return filepath.Join(l.out, runPrefix+run, parquetFile)
}

// report is that of a published run, which the gate compares with the next one.
func (l layout) report(run string) string {
	return filepath.Join(l.out, runPrefix+run, reportFile)
}

// unpublishedReport is the report of a run that is not settled.
func (l layout) unpublishedReport() string { return filepath.Join(l.work(), reportFile+".tmp") }

// Latest returns the run whose Parquet file is current in the folder of an index, "" if there is none.
func Latest(out string) (string, error) {
	data, err := os.ReadFile(layout{out}.latest())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(data)), err
}

// ParquetPath is where the rows of a published run are in the folder of an index.
func ParquetPath(out, run string) string { return layout{out}.parquet(run) }

// ThumbnailsFolder is where the thumbnails are in the folder of an index; see ThumbnailPath.
func ThumbnailsFolder(out string) string { return layout{out}.thumbnails() }

// runs lists the runs that have a folder, the oldest first. Whoever else keeps a folder called run=… here
// keeps it: one of Kleid's has the form of its ids and its Parquet file, or nothing, where a kill came
// between the removal of the file and of the folder.
func (l layout) runs() ([]string, error) {
	files, err := os.ReadDir(l.out) // in order of name
	if err != nil {
		return nil, err
	}
	var runs []string
	for _, file := range files {
		run, ok := strings.CutPrefix(file.Name(), runPrefix)
		if !ok || !file.IsDir() || !ownRun.MatchString(run) {
			continue
		}
		inside, err := os.ReadDir(filepath.Join(l.out, file.Name()))
		if err != nil {
			return nil, err
		}
		isParquet := func(f os.DirEntry) bool { return f.Name() == parquetFile && f.Type().IsRegular() }
		if len(inside) == 0 || slices.ContainsFunc(inside, isParquet) {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// isIndex says whether a folder with these files is what a job made: it has runs, or all that a job makes
// before there is one.
func isIndex(files []os.DirEntry) bool {
	has := make(map[string]bool)
	for _, file := range files {
		name := file.Name()
		if run, ok := strings.CutPrefix(name, runPrefix); ok && ownRun.MatchString(run) {
			name = runPrefix
		}
		has[name] = true
	}
	return has["latest"] && has[runPrefix] || has["lock"] && has["work"] && has["thumbnails"]
}

// indexOf is the folder of the index that a key is of, by the form of its name: a Parquet file, a report or a thumbnail.
// Other files stay the shop's, also in a folder called thumbnails.
func indexOf(key string) (folder string, ok bool) {
	parts := strings.Split(key, "/")
	for i, part := range parts[:len(parts)-1] {
		if run, ok := strings.CutPrefix(part, runPrefix); ok && ownRun.MatchString(run) {
			return path.Join(parts[:i]...), true
		}
	}
	if n := len(parts); n >= 3 && parts[n-3]+"/" == thumbnailsPrefix {
		if m := ownThumbnail.FindStringSubmatch(parts[n-1]); m != nil && m[1] != "" && m[1][:2] == parts[n-2] {
			return path.Join(parts[:n-3]...), true
		}
	}
	return "", false
}
