package indexer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kleid-search/kleid/storage"
)

// What shards leave is removed after these times, which are longer than any job takes: what they saw, if nobody committed
// it, and what they know from job to job, if the jobs have another number of shards.
const (
	resultsKept = 7 * 24 * time.Hour
	shardsKept  = 30 * 24 * time.Hour
)

// shardFolder is the form of Shard.String.
var shardFolder = regexp.MustCompile(`^[0-9]+-of-([0-9]+)$`)

// shardFiles are files of the shards of one job, or of one number of shards.
type shardFiles struct {
	keys   []string
	latest time.Time
}

func (f *shardFiles) add(info storage.Info) {
	f.keys = append(f.keys, info.Key)
	if info.ModTime.After(f.latest) {
		f.latest = info.ModTime
	}
}

// sweepShards removes what shards have left, where Out is and in Scratch.
func (r *runner) sweepShards(ctx context.Context) error {
	var own Shard
	if r.shards != nil {
		own = r.shards.shards[0]
	}
	here, err := storage.Open(ctx, r.out)
	if err != nil {
		return err
	}
	err = sweepShards(ctx, here, own.Job, own.Count, r.started, r.layout.hasShard)
	if r.remote != nil {
		err = errors.Join(err, sweepShards(ctx, r.remote, own.Job, own.Count, r.started, func(string) bool { return false }))
	}
	return errors.Join(err, r.removeShardFolders(r.started))
}

// hasShard says whether a shard is at work in its folder here.
func (l layout) hasShard(folder string) bool {
	unlock, err := lock(filepath.Join(l.work(), "shards", folder))
	if err == nil {
		unlock()
	}
	return err != nil
}

// sweepShards removes from a bucket what shards have left that no commit will take and no shard will read. job, of count
// shards, is the one that was committed, "" and 0 for none; atWork says whether one of a folder is at work.
func sweepShards(ctx context.Context, bucket storage.Bucket, job string, count int, now time.Time, atWork func(folder string) bool) error {
	type jobShards struct {
		job   string
		count int
	}
	results := map[jobShards]*shardFiles{}
	memories := map[int]*shardFiles{} // by the number of shards
	folders := map[int][]string{}
	for info, err := range bucket.List(ctx, "work/") {
		if err != nil {
			return err
		}
		switch parts := strings.Split(info.Key, "/"); {
		case len(parts) == 5 && parts[1] == "jobs" && isResult(parts[4]):
			if n := shardCount(parts[3]); n > 0 {
				addTo(results, jobShards{parts[2], n}, info)
			}
		case len(parts) >= 4 && parts[1] == "shards":
			if n := shardCount(parts[2]); n > 0 {
				addTo(memories, n, info)
				if !slices.Contains(folders[n], parts[2]) {
					folders[n] = append(folders[n], parts[2])
				}
			}
		}
	}
	underWay := map[int]bool{count: true}
	var gone []string
	for of, files := range results {
		if of == (jobShards{job, count}) || now.Sub(files.latest) < resultsKept {
			underWay[of.count] = true
			continue
		}
		gone = append(gone, files.keys...)
	}
	for n, files := range memories {
		if !underWay[n] && now.Sub(files.latest) >= shardsKept && !slices.ContainsFunc(folders[n], atWork) {
			gone = append(gone, files.keys...)
		}
	}
	for _, key := range gone {
		if err := bucket.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func addTo[K comparable](all map[K]*shardFiles, of K, info storage.Info) {
	if all[of] == nil {
		all[of] = &shardFiles{}
	}
	all[of].add(info)
}

func isResult(file string) bool {
	return file == shardDone || file == shardPhotos || file == shardFindings
}

// shardCount is the number of shards in the name of a shard's folder, 0 if it is none.
func shardCount(folder string) int {
	m := shardFolder.FindStringSubmatch(folder)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// removeShardFolders removes the folders of jobs and shards in which there has been no file for so long that nobody is
// about to write there.
func (l layout) removeShardFolders(now time.Time) error {
	var all error
	for _, kind := range []string{"jobs", "shards"} {
		root := filepath.Join(l.work(), kind)
		folders, err := os.ReadDir(root)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
		for _, folder := range folders {
			if folder.IsDir() {
				all = errors.Join(all, removeEmptyTree(filepath.Join(root, folder.Name()), now.Add(-resultsKept)))
			}
		}
	}
	return all
}

// removeEmptyTree removes a folder if nothing in it is younger, and there is no file but what a kill has left.
func removeEmptyTree(root string, younger time.Time) error {
	var folders, files []string
	keep := false
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		switch {
		case err != nil || info.ModTime().After(younger) || !d.IsDir() && !temporary.MatchString(d.Name()):
			keep = true
			return fs.SkipAll
		case d.IsDir():
			folders = append(folders, name)
		default:
			files = append(files, name)
		}
		return nil
	})
	if err != nil || keep {
		return err
	}
	for _, file := range files {
		err = errors.Join(err, removeIfThere(file))
	}
	for _, folder := range slices.Backward(folders) { // those inside come first
		err = errors.Join(err, removeEmpty(folder))
	}
	return err
}
