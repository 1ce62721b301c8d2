package datasets

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
)

// TestWhatPeopleSayOfADress is of its own box, in the facets' spelling, by majority.
func TestWhatPeopleSayOfADress(t *testing.T) {
	facets := []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "round"}}, {Name: "sleeve", Labels: []string{"long"}}}
	box := photo.Box{XMin: 10, YMin: 10, XMax: 50, YMax: 90}
	near, far := photo.Box{XMin: 12, YMin: 8, XMax: 52, YMax: 90}, photo.Box{XMin: 60, YMin: 10, XMax: 100, YMax: 90}
	say := func(judge, facet, label string, box *photo.Box) Judgement {
		j := judgement(judge, "a", facet, label)
		j.Box = box
		return j
	}
	type answer struct {
		labels  map[string]string
		noDress bool
	}
	none := map[string]string{}
	for name, c := range map[string]struct {
		said []Judgement
		want answer
	}{
		"nothing":          {nil, answer{nil, false}},
		"spelled loosely":  {[]Judgement{say("ann", "neckline", "V Neck", nil)}, answer{map[string]string{"neckline": "v-neck"}, false}},
		"box nearby":       {[]Judgement{say("ann", "neckline", "round", &near)}, answer{map[string]string{"neckline": "round"}, false}},
		"another dress":    {[]Judgement{say("ann", "neckline", "round", &far)}, answer{none, false}},
		"taken back":       {[]Judgement{say("ann", "neckline", "round", nil), say("Ann", "neckline", "", &near)}, answer{none, false}},
		"at odds":          {[]Judgement{say("ann", "neckline", "round", nil), say("bob", "neckline", "v-neck", nil)}, answer{none, false}},
		"most":             {[]Judgement{say("ann", "neckline", "round", nil), say("bob", "neckline", "v-neck", nil), say("cy", "neckline", "Round", &near)}, answer{map[string]string{"neckline": "round"}, false}},
		"not to be seen":   {[]Judgement{say("ann", "neckline", Unseen, nil)}, answer{none, false}},
		"foreign":          {[]Judgement{say("ann", "neckline", "bardot", nil), say("ann", "fabric", "silk", nil), say("ann", "sleeve", "long", nil)}, answer{map[string]string{"sleeve": "long"}, false}},
		"no dress":         {[]Judgement{say("ann", DressFacet, NoDress, nil)}, answer{none, true}},
		"one labels it":    {[]Judgement{say("ann", DressFacet, NoDress, nil), say("bob", "sleeve", "long", nil)}, answer{map[string]string{"sleeve": "long"}, false}},
		"the other no one": {[]Judgement{say("ann", DressFacet, NoDress, &far)}, answer{none, false}},
	} {
		t.Run(name, func(t *testing.T) {
			js := &Judgements{}
			for _, j := range c.said {
				js.Add(j)
			}
			for range 2 { // asking changes nothing
				labels, noDress := js.Of(photo.ID([]byte("a")), box, facets)
				require.Equal(t, c.want, answer{labels, noDress})
			}
			if name == "foreign" {
				require.Equal(t, []string{"fabric=silk", "neckline=bardot"}, js.Foreign(facets))
			} else {
				require.Empty(t, js.Foreign(facets))
			}
		})
	}
}

// TestFetchJudgements reads what kleid quality has written, by its path, and says which line is wrong.
// TestDressThatPeopleTellOf is one where most of those who judged a photo say so, or label it.
func TestDressThatPeopleTellOf(t *testing.T) {
	for name, c := range map[string]struct {
		said []Judgement
		want bool
	}{
		"nothing":    {nil, false},
		"said":       {[]Judgement{judgement("ann", "a", DressFacet, IsDress)}, true},
		"labelled":   {[]Judgement{judgement("ann", "a", "sleeve", "long")}, true},
		"not seen":   {[]Judgement{judgement("ann", "a", "sleeve", Unseen)}, false},
		"at odds":    {[]Judgement{judgement("ann", "a", DressFacet, IsDress), judgement("bob", "a", DressFacet, NoDress)}, false},
		"taken back": {[]Judgement{judgement("ann", "a", DressFacet, IsDress), judgement("ann", "a", DressFacet, "")}, false},
		"no dress":   {[]Judgement{judgement("ann", "a", DressFacet, NoDress)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			js := &Judgements{}
			for _, j := range c.said {
				js.Add(j)
			}
			require.Equal(t, c.want, js.IsDress(photo.ID([]byte("a"))))
			require.False(t, js.IsDress(photo.ID([]byte("another"))))
		})
	}
}

func TestFetchJudgements(t *testing.T) {
	dir := place(t, map[string]string{"neckline/round/a.jpg": "a"})
	judge(t, dir, judgement("ann", "a", "neckline", "boat"))
	js, err := FetchJudgements(t.Context(), filepath.Join(dir, JudgementsFile))
	require.NoError(t, err)
	labels, _ := js.Of(photo.ID([]byte("a")), photo.Box{XMax: 9, YMax: 9}, []catalog.Facet{{Name: "neckline", Labels: []string{"boat"}}})
	require.Equal(t, map[string]string{"neckline": "boat"}, labels)

	wrong := place(t, map[string]string{"labels.csv": "photo,neckline\n"})
	_, err = FetchJudgements(t.Context(), filepath.Join(wrong, "labels.csv"))
	require.ErrorContains(t, err, "labels.csv: line 1: ")
	_, err = FetchJudgements(t.Context(), filepath.Join(dir, "none.jsonl"))
	require.ErrorContains(t, err, "none.jsonl")
}
