package main

import (
	"bytes"
	"encoding/csv"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
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
	progress *terminal.Progress
	limit    maxBad
	work     storage.Bucket // for badPhotosFile; nil writes none
	known    map[string]int // so many of a kind were told of, or counted
}

// newBadPhotos lists bad photos nowhere, until it is told a place.
func newBadPhotos(c *cli.Context, progress *terminal.Progress, limit maxBad) *badPhotos {
	return &badPhotos{c: c, progress: progress, limit: limit, known: map[string]int{}}
}

// badOnes are the bad ones of a kind, such as photos or triplets.
type badOnes struct {
	kind  string
	bad   []datasets.Bad
	total int // good ones included
}

// list takes in all photos that are bad so far, what was listed before first. It fails if there is too much.
func (b *badPhotos) list(bad []datasets.Bad, total int) error {
	return b.listKinds(badOnes{"photos", bad, total})
}

// listKinds is list of several kinds; it fails if there are too many of one.
func (b *badPhotos) listKinds(kinds ...badOnes) error {
	if err := b.write(kinds); err != nil {
		return err
	}
	var tooMany error
	for _, of := range kinds {
		if known := b.known[of.kind]; len(of.bad) > known {
			for i := known; i < min(len(of.bad), toldBad); i++ {
				b.progress.Say("bad: %s: %s", terminal.Printable(of.bad[i].Photo), terminal.Printable(of.bad[i].Reason))
			}
			if b.known[of.kind] = len(of.bad); b.work == nil {
				b.progress.Say("%d of %d %s are bad", len(of.bad), of.total, of.kind)
			} else {
				b.progress.Say("%d of %d %s are bad, all of them listed in %s of %s", len(of.bad), of.total, of.kind, badPhotosFile, b.work)
			}
		}
		if err := b.limit.check(of); tooMany == nil {
			tooMany = err
		}
	}
	return tooMany
}

// write writes badPhotosFile; one of a run before goes where there is nothing to list.
func (b *badPhotos) write(kinds []badOnes) error {
	if b.work == nil {
		return nil
	}
	rows := [][]string{{"photo", "reason"}}
	for _, of := range kinds {
		for _, one := range of.bad {
			rows = append(rows, []string{one.Photo, one.Reason})
		}
	}
	if len(rows) == 1 {
		return b.work.Delete(b.c.Context, badPhotosFile)
	}
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return err
	}
	return b.work.Put(b.c.Context, badPhotosFile, &text)
}
