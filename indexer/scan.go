package indexer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/storage"
)

// Scan lists the photos of a catalogue as a job does, without its index: see source.Scan. exclude names a folder inside it
// that is left out, "" for none.
func Scan(ctx context.Context, catalogue, exclude string) (source.Listing, error) {
	return source.Scan(ctx, catalogue, source.Options{Exclude: exclude, IsIndex: isIndex, IndexOf: indexOf})
}

// ErrNoCatalogue is what is wrong where the catalogue is not there.
var ErrNoCatalogue = errors.New("there is no such catalogue")

// noCatalogue makes an error an ErrNoCatalogue, and leaves it its text.
type noCatalogue struct{ error }

func (n noCatalogue) Unwrap() error { return n.error }

func (n noCatalogue) Is(target error) bool { return target == ErrNoCatalogue }

// scan lists the catalogue.
func (r *runner) scan(ctx context.Context) error {
	r.begin(StageScan)
	if err := r.remember(ctx); err != nil {
		return err
	}
	listing, err := source.Scan(ctx, r.Catalogue, source.Options{Exclude: r.Out, IsIndex: isIndex, IndexOf: indexOf, IsPhoto: r.isPhoto})
	if errors.Is(err, storage.ErrNotExist) {
		return noCatalogue{err}
	}
	if err != nil {
		return err
	}
	r.Filter.Apply(&listing)
	if listing.Filtered > 0 && !slices.ContainsFunc(listing.Entries, func(e source.Entry) bool { return !e.IsLine }) {
		return fmt.Errorf("none of the %d photos of the catalogue %s passes the filter: sources are paths in the folder, such as shoes/1.jpg, and what a manifest names", listing.Filtered, storage.WithoutSecrets(r.Catalogue))
	}
	if len(listing.Entries) == 0 {
		return fmt.Errorf("the catalogue %s has no photos: name a folder that has some, or a CSV, JSONL or Parquet file with a row for each", storage.WithoutSecrets(r.Catalogue))
	}
	r.entries, r.report.Photos, r.report.OtherFiles = listing.Entries, len(listing.Entries), listing.Others
	r.report.Filtered = listing.Filtered
	r.report.Skipped = append(r.report.Skipped, listing.Skipped...)
	for _, s := range listing.Skipped {
		r.Logger.Warn("skipped", "source", s.Source, "reason", s.Reason)
	}
	r.end(StageScan)
	return nil
}

// remember reads what earlier jobs, or this one's shards, found at the photos' locations.
func (r *runner) remember(ctx context.Context) (err error) {
	if r.shards != nil {
		return r.shards.readFindings(ctx)
	}
	if r.known, err = readKnown(r.work(), r.Limits); err != nil {
		r.Logger.Warn("all photos are read again", "error", err)
	}
	return nil
}

// isPhoto says whether there is a photo at a location, if that is known. What is there of other shards they will see.
func (r *runner) isPhoto(location string, info storage.Info) (isPhoto, isKnown bool) {
	if r.shards != nil {
		_, ok := r.shards.findings[location]
		return ok, ok
	}
	if r.shard != nil && !r.shard.takes(location) {
		return true, true
	}
	same := info.Same(r.known[location].Info)
	return same, same
}
