package indexer

import (
	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
)

// Judgements are what people say of dresses, such as datasets.Judgements.
type Judgements interface {
	// Of is what they say of the dress in a box of a photo, in its pixels: labels of facets, of some or none, and whether
	// it is no dress at all. It is asked from one goroutine.
	Of(photoID string, box photo.Box, facets []catalog.Facet) (labels map[string]string, noDress bool)
	// IsDress is whether they say that there is a dress in a photo. It is asked from several goroutines.
	IsDress(photoID string) bool
}

// isDress is whether people say that there is a dress in a photo; judgements may be nil.
func isDress(judgements Judgements, photoID string) bool {
	return judgements != nil && judgements.IsDress(photoID)
}

// heed makes none of a dress that was looked for since people told of it, where they do not any more.
func (s *sighting) heed(judgements Judgements) {
	if s.told && !isDress(judgements, s.key.String()) {
		s.status = catalog.StatusNoDress
	}
}

// relabel puts what people say of a row's dress in the place of what was predicted; judgements may be nil.
func relabel(row *catalog.Row, judgements Judgements, facets []catalog.Facet) {
	if judgements == nil || row.Status != catalog.StatusOK {
		return
	}
	box := photo.Box{XMin: int(row.Box.XMin), YMin: int(row.Box.YMin), XMax: int(row.Box.XMax), YMax: int(row.Box.YMax)}
	labels, noDress := judgements.Of(row.PhotoID, box, facets)
	if noDress {
		row.Status, row.Box, row.BoxConfidence = catalog.StatusNoDress, nil, 0
		row.Facets, row.Colours, row.EmbeddingUnsupervised, row.EmbeddingDeepRank = nil, nil, nil, nil
		return
	}
	for facet, label := range labels {
		if row.Facets == nil {
			row.Facets = make(map[string]catalog.FacetValue, len(labels))
		}
		row.Facets[facet] = catalog.FacetValue{Label: label, Probability: 1, Source: catalog.Human}
	}
}

// judged says whether people gave the row a label.
func judged(row *catalog.Row) bool {
	for _, f := range row.Facets {
		if f.Source == catalog.Human {
			return true
		}
	}
	return false
}
