package main

import (
	"bytes"
	"encoding/csv"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/storage"
)

// badPhotosFile lists, in --work, what could not be learned from; so many are also told.
const (
	badPhotosFile = "bad-photos.csv"
	toldBad       = 10
)

// badPhotos tells what of datasets is bad, as it comes to be known: rows first, then what cannot be read.
type badPhotos struct {
	c        *cli.Context
	progress *progress
	limit    maxBad
	work     storage.Bucket // for badPhotosFile; nil writes none
	known    int            // so many were told of, or counted
}

// list takes in all that is bad so far, what was listed before first. It fails if there is too much.
func (b *badPhotos) list(bad []datasets.Bad, total int) error {
	if err := b.write(bad); err != nil {
		return err
	}
	if len(bad) > b.known {
		for i := b.known; i < min(len(bad), toldBad); i++ {
			b.progress.say("bad: %s: %s", printable(bad[i].Photo), printable(bad[i].Reason))
		}
		if b.known = len(bad); b.work == nil {
			b.progress.say("%d of %d photos are bad", len(bad), total)
		} else {
			b.progress.say("%d of %d photos are bad, all of them listed in %s of %s", len(bad), total, badPhotosFile, b.work)
		}
	}
	return b.limit.check(len(bad), total)
}

// write writes badPhotosFile; one of a run before goes where there is nothing to list.
func (b *badPhotos) write(bad []datasets.Bad) error {
	switch {
	case b.work == nil:
		return nil
	case len(bad) == 0:
		return b.work.Delete(b.c.Context, badPhotosFile)
	}
	var text bytes.Buffer
	rows := [][]string{{"photo", "reason"}}
	for _, one := range bad {
		rows = append(rows, []string{one.Photo, one.Reason})
	}
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return err
	}
	return b.work.Put(b.c.Context, badPhotosFile, &text)
}
