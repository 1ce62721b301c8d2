package indexer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/kleid-search/kleid/storage"
)

// The files of a shard's result. The last is written when all others are whole.
const (
	shardPhotos   = "photos.log" // a segment of a journal
	shardFindings = "findings"
	shardDone     = "done.json"
)

// shardManifest is done.json.
type shardManifest struct {
	Index          int               `json:"index"`
	Count          int               `json:"count"`
	EmbeddingModel string            `json:"embedding_model"`
	FacetModel     string            `json:"facet_model"`
	Journal        string            `json:"journal"` // the folder of the model's
	Try            string            `json:"try"`     // which of the shard's it was
	Photos         int               `json:"photos"`
	Embedded       int               `json:"embedded"` // anew
	SHA256         map[string]string `json:"sha256"`   // of the other files
}

// shardFinding is what became of a location.
type shardFinding struct {
	Location string
	Key      photoKey
	HasKey   bool
	Err      string
	Broken   string // why its bytes are no photo, or no network could look at it
}

// result is where a shard leaves what it saw.
func (s Shard) result(file string) string {
	return path.Join("work", "jobs", s.Job, s.String(), file)
}

// putResult leaves what the shard saw.
func (r *runner) putResult(ctx context.Context, bucket storage.Bucket, shard Shard, manifest shardManifest) error {
	seen := map[string]bool{}
	keys := map[photoKey]bool{}
	var findings []shardFinding
	for i := range r.entries {
		f := &r.loader.findings[i]
		location := r.entries[i].Location
		if location == "" || seen[location] {
			continue // what names no photo says so in the catalogue
		}
		seen[location] = true
		broken := r.loader.broken[f.key]
		findings = append(findings, shardFinding{location, f.key, f.hasKey, f.err, broken})
		if f.hasKey && f.err == "" && broken == "" {
			keys[f.key] = true
		}
	}
	var table bytes.Buffer
	if err := gob.NewEncoder(&table).Encode(findings); err != nil {
		return err
	}
	photos, err := os.CreateTemp(r.work(), "result-*")
	if err != nil {
		return err
	}
	defer os.Remove(photos.Name())
	defer photos.Close()
	sorted := slices.SortedFunc(maps.Keys(keys), func(a, b photoKey) int { return bytes.Compare(a[:], b[:]) })
	if err := r.journal.CopyTo(photos, sorted); err != nil {
		return err
	}
	for name, source := range map[string]io.ReadSeeker{shardPhotos: photos, shardFindings: bytes.NewReader(table.Bytes())} {
		if manifest.SHA256[name], err = putHashed(ctx, bucket, shard.result(name), source); err != nil {
			return err
		}
	}
	done, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return err
	}
	return bucket.Put(ctx, shard.result(shardDone), bytes.NewReader(append(done, '\n')))
}

func putHashed(ctx context.Context, bucket storage.Bucket, key string, source io.ReadSeeker) (string, error) {
	if _, err := source.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	h := sha256.New()
	if err := bucket.Put(ctx, key, io.TeeReader(source, h)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
