package datasets

import (
	"context"
	"fmt"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// FetchJudgements reads a JudgementsFile, which source names as storage.Fetch has it: a path or a URL.
func FetchJudgements(ctx context.Context, source string) (*Judgements, error) {
	text, err := storage.Fetch(ctx, source, storage.FetchOptions{Limit: maxJudgements, AllowPrivate: true, Attempts: 3})
	if err != nil {
		return nil, err
	}
	js, err := judgementsOf(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", storage.WithoutSecrets(source), err)
	}
	return js, nil
}

// SameDress is how much two boxes overlap at least, as an IoU, that are of one dress.
const SameDress = 0.5

// Of is what most judges say of the dress in a box of a photo: its labels, as facets spell them, and whether it is no dress
// at all. What was said of another box counts where that overlaps this one by half, and what was said without a box does.
// Labels that facets do not have are left out, see Foreign.
func (js *Judgements) Of(photoID string, box photo.Box, facets []catalog.Facet) (labels map[string]string, noDress bool) {
	said := js.said[photoID]
	if len(said) == 0 {
		return nil, false
	}
	ofDress := map[string][]vote{}
	for facet, votes := range said {
		for _, v := range votes {
			if isOf(v.box, box) {
				ofDress[facet] = append(ofDress[facet], v)
			}
		}
	}
	dress := []Example{{PhotoID: photoID, Box: &box}}
	(&Judgements{said: map[string]map[string][]vote{photoID: ofDress}}).Apply(dress, nil)
	labels = map[string]string{}
	for _, facet := range facets {
		if label, ok := spelled(dress[0].Labels[facet.Name], facet); ok {
			labels[facet.Name] = label
		}
	}
	return labels, dress[0].NoDress
}

// IsDress says whether most of those who judged a photo say that there is a dress in it. It may be asked from several
// goroutines.
func (js *Judgements) IsDress(photoID string) bool {
	_, counted := js.DressVotes(&Example{PhotoID: photoID}, true)
	label, ok := Majority(counted)
	return ok && label == IsDress
}

// Foreign are the labels that somebody gave and that facets do not have, as facet=label.
func (js *Judgements) Foreign(facets []catalog.Facet) []string {
	known := map[string]catalog.Facet{}
	for _, facet := range facets {
		known[facet.Name] = facet
	}
	var foreign []string
	for _, said := range js.said {
		for name, votes := range said {
			for _, v := range votes {
				if _, ok := spelled(v.label, known[name]); !ok && name != DressFacet && v.label != "" && v.label != Unseen {
					foreign = append(foreign, name+"="+v.label)
				}
			}
		}
	}
	slices.Sort(foreign)
	return slices.Compact(foreign)
}

// spelled is a label as a facet spells it.
func spelled(label string, facet catalog.Facet) (string, bool) {
	i := slices.IndexFunc(facet.Labels, func(own string) bool { return label != "" && LooseLabel(own) == LooseLabel(label) })
	if i < 0 {
		return "", false
	}
	return facet.Labels[i], true
}
