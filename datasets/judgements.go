package datasets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// JudgementsFile is the file, beside the photos or the manifest, of what people said of the photos since: a line of JSON for
// each Judgement, the oldest first. Lines are added and never changed.
const JudgementsFile = "judgements.jsonl"

// Judgement is what a person said of a dress: which label a facet of it has.
type Judgement struct {
	Time  time.Time `json:"time"`
	Judge string    `json:"judge"` // who; of a judge's judgements of a facet the last one counts
	// PhotoID is that of the photo's bytes, so that a file may be moved or renamed.
	PhotoID string     `json:"photo_id"`
	Box     *photo.Box `json:"box,omitempty"` // of the dress, where the photo has several
	Facet   string     `json:"facet"`         // or DressFacet
	// Label is one of the facet's, or a new one, or Unseen; "" takes back what the judge said of the facet.
	Label string `json:"label"`
}

const (
	// DressFacet is the facet of whether the photo shows a dress at all, "yes" or "no".
	DressFacet = "is_dress"
	// Unseen is the label of what the photo does not show, such as the length of a dress that is cut off.
	Unseen = "unknown"
)

// Check returns an error where a judgement says nothing.
func (j Judgement) Check() error {
	var err error
	name, wrong := FacetName(j.Facet)
	switch {
	case strings.TrimSpace(j.Judge) == "" || len(j.Judge) > maxLabel:
		err = fmt.Errorf("it takes the judge's name, of %d bytes at most", maxLabel)
	case len(j.PhotoID) != 64 || strings.Trim(j.PhotoID, "0123456789abcdef") != "":
		err = errors.New("photo_id must be the SHA-256 of the photo's bytes, in lower-case hex")
	case wrong != nil:
		err = wrong
	case name != j.Facet:
		err = fmt.Errorf("the facet %q must be written %q", j.Facet, name)
	case len(j.Label) > maxLabel || strings.TrimSpace(j.Label) != j.Label:
		err = fmt.Errorf("a label has %d bytes at most, and no space around it", maxLabel)
	case j.Facet == DressFacet && j.Label != "" && j.Label != yes && j.Label != no:
		err = fmt.Errorf("%s is %q, but must be yes or no", DressFacet, j.Label)
	}
	return err
}

const yes, no = "yes", "no"

// Judgements are what people said, by dress and facet. The zero value is empty.
type Judgements struct {
	said map[dress]map[string][]vote
}

// vote is the last word of a judge.
type vote struct{ judge, label string }

// Add adds a judgement, later than those that are there.
func (js *Judgements) Add(j Judgement) {
	of := dress{photo: j.PhotoID}
	if j.Box != nil {
		of.box = *j.Box
	}
	if js.said == nil {
		js.said = map[dress]map[string][]vote{}
	}
	if js.said[of] == nil {
		js.said[of] = map[string][]vote{}
	}
	votes := slices.DeleteFunc(slices.Clone(js.said[of][j.Facet]), func(v vote) bool { return v.judge == j.Judge })
	if j.Label != "" {
		votes = append(votes, vote{j.Judge, j.Label})
	}
	js.said[of][j.Facet] = votes
}

// Votes are the labels that judges gave a facet of an example, by their names. alone says that the photo has no other
// example: then judgements without a box count as well.
func (js *Judgements) Votes(e *Example, facet string, alone bool) map[string]string {
	votes := map[string]string{}
	of := dress{photo: e.PhotoID}
	if e.Box == nil || alone {
		for _, v := range js.said[of][facet] {
			votes[v.judge] = v.label
		}
	}
	if e.Box != nil {
		of.box = *e.Box
		for _, v := range js.said[of][facet] {
			votes[v.judge] = v.label
		}
	}
	return votes
}

// Majority is the label that most judges gave; false where as many gave another one.
func Majority(votes map[string]string) (string, bool) {
	counts := map[string]int{}
	for _, label := range votes {
		counts[label]++
	}
	best, tied := "", false
	for _, label := range slices.Sorted(maps.Keys(counts)) {
		switch {
		case best == "" || counts[label] > counts[best]:
			best, tied = label, false
		case counts[label] == counts[best]:
			tied = true
		}
	}
	return best, best != "" && !tied
}

// Apply gives examples the labels that people gave, of the named facets, or of all where none is named. What was
// imported counts where nobody has judged; where judges are at odds, as many for one label as for another, the facet is
// not known. Judges who disagree are Example.Votes, so that training learns how sure people are.
func (js *Judgements) Apply(examples []Example, facets []string) {
	if len(js.said) == 0 {
		return
	}
	photos := map[string]int{}
	for _, e := range examples {
		photos[e.PhotoID]++
	}
	judged := map[string][]string{} // facets by photo
	for of, by := range js.said {
		for facet := range by {
			if facet == DressFacet || len(facets) == 0 || slices.Contains(facets, facet) {
				judged[of.photo] = append(judged[of.photo], facet)
			}
		}
	}
	for i := range examples {
		e := &examples[i]
		names := judged[e.PhotoID]
		slices.Sort(names)
		js.apply(e, slices.Compact(names), photos[e.PhotoID] == 1)
	}
}

func (js *Judgements) apply(e *Example, facets []string, alone bool) {
	if len(facets) == 0 {
		return
	}
	if label, ok := Majority(js.Votes(e, DressFacet, alone)); ok {
		e.NoDress = label == no
	}
	if e.NoDress {
		e.Labels, e.Votes = map[string]string{}, nil
		return
	}
	labels := map[string]string{} // of its own: the example may be somebody's
	maps.Copy(labels, e.Labels)
	e.Labels = labels
	byJudge := map[string]map[string]string{}
	disagree := false
	for _, facet := range facets {
		votes := js.Votes(e, facet, alone)
		if facet == DressFacet || len(votes) == 0 {
			continue
		}
		label, ok := Majority(votes)
		delete(e.Labels, facet)
		if ok && label != Unseen {
			e.Labels[facet] = label
		}
		for judge, own := range votes {
			if byJudge[judge] == nil {
				byJudge[judge] = map[string]string{}
			}
			byJudge[judge][facet] = own
			disagree = disagree || own != label
		}
	}
	if !disagree {
		return
	}
	e.Votes = nil
	for _, judge := range slices.Sorted(maps.Keys(byJudge)) {
		said := maps.Clone(e.Labels)
		maps.Copy(said, byJudge[judge])
		maps.DeleteFunc(said, func(_, label string) bool { return label == Unseen })
		e.Votes = append(e.Votes, said)
	}
}

// ParseJudgements reads a JudgementsFile. A last line that is cut off, as by a machine that lost its power, is left out.
func ParseJudgements(text []byte) ([]Judgement, error) {
	var all []Judgement
	for number := 1; len(text) > 0; number++ {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		text = rest
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var j Judgement
		err := json.Unmarshal(line, &j)
		if err != nil && !whole {
			return all, nil
		}
		if err == nil {
			err = j.Check()
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		all = append(all, j)
	}
	return all, nil
}

// maxJudgements is how many bytes a JudgementsFile may have: some million judgements.
const maxJudgements = 1 << 30

func readJudgements(ctx context.Context, bucket storage.Bucket) (*Judgements, error) {
	js := &Judgements{}
	text, err := storage.ReadAll(ctx, bucket, JudgementsFile, maxJudgements)
	if errors.Is(err, fs.ErrNotExist) {
		return js, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := ParseJudgements(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", JudgementsFile, err)
	}
	for _, j := range all {
		js.Add(j)
	}
	return js, nil
}
