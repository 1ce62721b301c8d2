package indexer

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/kleid-search/kleid/storage"
)

// What a shard has embedded it keeps until a commit has published a night that did without it. A catalogue that is cut
// short for a night, a filter that is mistyped and a model that the gate refuses cost nothing then.

// try is where a shard notes which of its tries is the last that began.
func (s Shard) try() string { return path.Join(s.work(), "try") }

// published is where a commit leaves what a shard saw, once an index has it.
func (s Shard) published(file string) string { return path.Join(s.work(), "published", file) }

// remember tells the shards that an index has what they saw.
func (s *shardSource) remember(ctx context.Context) error {
	for i, shard := range s.shards {
		m := s.manifests[i]
		findings, err := s.read(ctx, shard, shardFindings, m)
		if err != nil {
			return err
		}
		done, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			return err
		}
		for _, file := range []struct {
			name string
			data []byte
		}{{shardFindings, findings}, {shardDone, append(done, '\n')}} {
			if err := s.bucket.Put(ctx, shard.published(file.name), bytes.NewReader(file.data)); err != nil {
				return err
			}
		}
	}
	return nil
}

// beganAgain says whether one of the shards has begun since it saw what is committed, as where a commit comes late and the
// next night's shards are at work.
func (s *shardSource) beganAgain(ctx context.Context) (bool, error) {
	for i, shard := range s.shards {
		last, err := storage.ReadAll(ctx, s.bucket, shard.try(), 1<<10)
		if err != nil || s.manifests[i].Try != string(last) {
			return err == nil, err
		}
	}
	return false, nil
}

// begin drops what the shard's last try did not see, if an index has what it saw: photos from the journal, what is known of
// locations, and journals of models that are neither that one's nor this one's. It returns the name of the try that begins.
func (s Shard) begin(ctx context.Context, bucket storage.Bucket, r *runner) (try string, err error) {
	if err := s.forget(ctx, bucket, r); err != nil {
		r.Logger.Warn("what was seen of photos that are gone is left behind", "error", err)
	}
	try = newRunID(r.started)
	return try, bucket.Put(ctx, s.try(), strings.NewReader(try))
}

func (s Shard) forget(ctx context.Context, bucket storage.Bucket, r *runner) error {
	published := &shardSource{bucket: bucket, at: Shard.published}
	m, err := published.manifest(ctx, s)
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	last, err := storage.ReadAll(ctx, bucket, s.try(), 1<<10)
	if err != nil {
		return err
	}
	if m.Try == string(last) { // otherwise photos may have come since that no index has
		table, err := published.read(ctx, s, shardFindings, m)
		if err != nil {
			return err
		}
		var findings []shardFinding
		if err := gob.NewDecoder(bytes.NewReader(table)).Decode(&findings); err != nil {
			return fmt.Errorf("%s: %w", s.published(shardFindings), err)
		}
		live, locations := make(map[photoKey]bool, len(findings)), make(map[string]bool, len(findings))
		for _, f := range findings {
			live[f.Key], locations[f.Location] = true, true
		}
		maps.DeleteFunc(r.known, func(location string, _ known) bool { return !locations[location] })
		if m.Journal == journalName(r.meta) {
			err = r.journal.Compact(func(key photoKey) bool { return live[key] })
		}
		if err := errors.Join(err, removeOtherJournals(r.work(), m.Journal, journalName(r.meta))); err != nil {
			return err
		}
	}
	return errors.Join(bucket.Delete(ctx, s.published(shardDone)), bucket.Delete(ctx, s.published(shardFindings)))
}
