package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
)

// A new facet_model alone does not need the photos: what it reads of a dress is in the journal of the model before.

// journalModel is whose journal a folder is: its file model.json.
type journalModel struct {
	FacetCells string           `json:"facet_cells"` // Embedder.FacetCells
	Metadata   catalog.Metadata `json:"metadata"`
}

const modelFile = "model.json"

// writeJournalModel writes model.json unless it is there.
func writeJournalModel(dir string, m journalModel) error {
	name := filepath.Join(dir, modelFile)
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	m.Metadata.Run = "" // any
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(name, append(data, '\n'))
}

func readJournalModel(dir string) (journalModel, error) {
	var m journalModel
	data, err := os.ReadFile(filepath.Join(dir, modelFile))
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	return m, err
}

// readFacets brings the photos into the journal that journals of models with other facet heads alone have, with the
// facets that this model reads from the features kept there. Interrupted, it goes on.
func (r *runner) readFacets(ctx context.Context) error {
	folders, err := os.ReadDir(r.work())
	if err != nil {
		return err
	}
	for _, folder := range folders {
		dir := filepath.Join(r.work(), folder.Name())
		if dir == r.journal.dir || !ownJournal.MatchString(folder.Name()) {
			continue
		}
		m, err := readJournalModel(dir)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				r.Logger.Warn("a journal of another model is not read", "folder", dir, "error", err)
			}
			continue
		}
		old := m.Metadata
		if m.FacetCells != r.Embedder.FacetCells() || old.EmbeddingModel != r.meta.EmbeddingModel || old.UnsupervisedSize != r.meta.UnsupervisedSize || old.DeepRankSize != r.meta.DeepRankSize {
			continue
		}
		r.begin(StageFacets)
		if err := r.readFacetsFrom(ctx, dir, old); err != nil {
			return fmt.Errorf("facets from the journal %s: %w", dir, err)
		}
		r.end(StageFacets)
	}
	return nil
}

func (r *runner) readFacetsFrom(ctx context.Context, dir string, meta catalog.Metadata) error {
	segments, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, segment := range segments {
		if filepath.Ext(segment.Name()) != ".log" {
			continue
		}
		f, err := os.Open(filepath.Join(dir, segment.Name()))
		if err != nil {
			return err
		}
		err = r.journal.readMissing(f, newSightingCodec(meta), func(seen []sighting) error { return r.takeOver(ctx, seen, meta.Facets) })
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// takeOver adds sightings of another journal to this one, which has none of them, with facets read anew. Facets that
// are not read from features, such as colour, stay what they are.
func (r *runner) takeOver(ctx context.Context, seen []sighting, before []catalog.Facet) error {
	var dresses []embedding.Cells
	var of []int
	for i, s := range seen {
		if s.status == catalog.StatusOK {
			dresses, of = append(dresses, s.cells), append(of, i)
		}
	}
	facets, err := r.Embedder.ReadFacets(ctx, dresses)
	if err == nil && len(facets) != len(dresses) {
		err = fmt.Errorf("the embedder read the facets of %d dresses of %d", len(facets), len(dresses))
	}
	if err != nil {
		return err
	}
	for n, i := range of {
		old := seen[i].facets
		seen[i].facets = nil
		for _, f := range r.meta.Facets {
			value, read := newFacetSighting(f, facets[n])
			if at := slices.IndexFunc(before, func(b catalog.Facet) bool { return b.Name == f.Name }); !read && at >= 0 && old[at].label >= 0 {
				value = facetSighting{int32(slices.Index(f.Labels, before[at].Labels[old[at].label])), old[at].probability}
			}
			seen[i].facets = append(seen[i].facets, value)
		}
		if err := r.journal.codec.check(seen[i]); err != nil {
			return err
		}
	}
	// What no store takes is looked at again, and named then.
	seen = slices.DeleteFunc(seen, func(s sighting) bool { return s.usable(r.meta) != nil })
	if err := r.journal.Append(seen); err != nil {
		return err
	}
	r.report.FacetsRead += len(seen)
	r.Progress(Progress{Stage: StageFacets, Done: r.report.FacetsRead, Total: max(len(r.entries), r.report.FacetsRead)})
	return nil
}
