package datasets

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// JudgementsFile is the file, beside the photos or the manifest, of what people said of the photos since: a line of JSON for
// each Judgement, the oldest first. Lines are added and never changed.
const JudgementsFile = "judgements.jsonl"

// Judgement is what a person said of a dress: which label a facet of it has.
type Judgement struct {
	Time  time.Time `json:"time"`
	Judge string    `json:"judge"` // who; of a judge's judgements of a facet the last one counts, whatever the case of the name
	// PhotoID is that of the photo's bytes, so that a file may be moved or renamed.
	PhotoID string     `json:"photo_id"`
	Box     *photo.Box `json:"box,omitempty"` // of the dress, where it is known
	Facet   string     `json:"facet"`         // or DressFacet
	// Label is one of the facet's, or a new one, or Unseen; "" takes back what the judge said of the facet.
	Label string `json:"label"`
}

// What is said beside labels.
const (
	// DressFacet is the facet of whether the photo shows a dress at all, IsDress or NoDress.
	DressFacet = "is_dress"
	IsDress    = "yes"
	NoDress    = "no"
	// Unseen is the label of what the photo does not show, such as the length of a dress that is cut off.
	Unseen = "unknown"
)

// maxJudged is how many characters a new label, or a judge's name, may have.
const maxJudged = 60

// Check returns an error where a judgement says nothing.
func (j Judgement) Check() error {
	name, wrong := FacetName(j.Facet)
	switch {
	case strings.TrimSpace(j.Judge) == "" || !plain(j.Judge):
		return fmt.Errorf("it takes the judge's name, of %d plain characters at most", maxJudged)
	case len(j.PhotoID) != 64 || strings.Trim(j.PhotoID, "0123456789abcdef") != "":
		return errors.New("photo_id must be the SHA-256 of the photo's bytes, in lower-case hex")
	case wrong != nil:
		return wrong
	case name != j.Facet:
		return fmt.Errorf("the facet %q must be written %q", j.Facet, name)
	case strings.TrimSpace(j.Label) != j.Label || len(j.Label) > maxLabel && !plain(j.Label) || !utf8.ValidString(j.Label) || strings.ContainsFunc(j.Label, unicode.IsControl):
		return fmt.Errorf("a label has %d bytes at most, and no space around it", maxLabel)
	case j.Facet == DressFacet && j.Label != "" && j.Label != IsDress && j.Label != NoDress:
		return fmt.Errorf("%s is %q, but must be %s or %s", DressFacet, j.Label, IsDress, NoDress)
	}
	return nil
}

// IsOf says whether a judgement is of the dress in a box of its photo: it overlaps the judged one by half, or that is not
// known.
func (j Judgement) IsOf(box photo.Box) bool {
	return j.Box == nil || isOf(*j.Box, box)
}

func isOf(judged, box photo.Box) bool { return judged.Empty() || judged.IoU(box) >= SameDress }

// CheckNewLabel returns an error where a label that a dataset does not have yet is none to give it. What was imported may be
// longer, and is judged as it stands.
func CheckNewLabel(label string) error {
	if !plain(label) {
		return fmt.Errorf("a new label has %d plain characters at most", maxJudged)
	}
	return nil
}

// plain says whether a text is short, and has nothing that does not show or turns what is around it.
func plain(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxJudged && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// LooseLabel is the same for labels that differ in case, spaces, - and _ alone, or in how their accents are encoded, which
// are one to people. A label of nothing else is itself.
func LooseLabel(label string) string {
	loose := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFC.String(label))
	return cmp.Or(loose, label)
}

// JudgeName is a judge's name as it is kept: without spaces to spare, accents in one encoding.
func JudgeName(name string) string {
	return strings.Join(strings.Fields(norm.NFC.String(name)), " ")
}

// JudgeKey is the same for names that are one person's: whoever writes small letters today has no second vote.
func JudgeKey(name string) string { return strings.ToLower(JudgeName(name)) }

// SameJudge says whether two names are one person's.
func SameJudge(a, b string) bool { return JudgeKey(a) == JudgeKey(b) }

// Standing are the judgements that no later one of the same judge has taken the place of, in their order.
func Standing(all []Judgement) []Judgement {
	type question struct{ photo, box, facet, judge string }
	later := map[question]bool{}
	var standing []Judgement
	for _, j := range slices.Backward(all) {
		q := question{j.PhotoID, fmt.Sprint(j.Box), j.Facet, JudgeKey(j.Judge)}
		if !later[q] {
			later[q] = true
			standing = append(standing, j)
		}
	}
	slices.Reverse(standing)
	return standing
}

// Judgements are what people said, by photo and facet. The zero value is empty.
type Judgements struct {
	said  map[string]map[string][]vote
	count int // of all that were added
}

// vote is the last word of a judge on a dress; those of a photo are in the order in which they were said.
type vote struct {
	judge, key, label string    // key: JudgeKey
	box               photo.Box // empty where it was not known
	turn              int       // from 1, of all judgements
}

// Add adds a judgement, later than those that are there.
func (js *Judgements) Add(j Judgement) {
	js.count++
	v := vote{judge: j.Judge, key: JudgeKey(j.Judge), label: j.Label, turn: js.count}
	if j.Box != nil {
		v.box = *j.Box
	}
	if js.said == nil {
		js.said = map[string]map[string][]vote{}
	}
	if js.said[j.PhotoID] == nil {
		js.said[j.PhotoID] = map[string][]vote{}
	}
	votes := slices.DeleteFunc(js.said[j.PhotoID][j.Facet], func(o vote) bool { return o.key == v.key && o.box == v.box })
	js.said[j.PhotoID][j.Facet] = append(votes, v)
}

// last are the last words of judges on a facet of an example.
func (js *Judgements) last(e *Example, facet string, alone bool) []vote {
	var last []vote
	for _, v := range js.said[e.PhotoID][facet] {
		if alone || e.Box != nil && v.box == *e.Box {
			last = append(slices.DeleteFunc(last, func(o vote) bool { return o.key == v.key }), v)
		}
	}
	return last
}

// Votes are the labels that judges gave a facet of an example, by their names. alone says that the photo has no other
// example: then all that was said of the photo is of this one; else what was said of its box.
func (js *Judgements) Votes(e *Example, facet string, alone bool) map[string]string {
	if len(js.said[e.PhotoID][facet]) == 0 {
		return nil
	}
	votes := map[string]string{}
	for _, v := range js.last(e, facet, alone) {
		if v.label != "" {
			votes[v.judge] = v.label
		}
	}
	return votes
}

// DressVotes are what judges say of whether an example is a dress, by their names, but what a label of theirs has overruled
// since. Who labels a dress says that it is one: counted has those, too, by JudgeKey.
func (js *Judgements) DressVotes(e *Example, alone bool) (votes, counted map[string]string) {
	if len(js.said[e.PhotoID]) == 0 {
		return nil, nil
	}
	votes, counted = map[string]string{}, map[string]string{}
	labelled := map[string]int{} // by judge, when last
	for facet := range js.said[e.PhotoID] {
		for _, v := range js.last(e, facet, alone) {
			if facet != DressFacet && v.label != "" && v.label != Unseen {
				labelled[v.key], counted[v.key] = max(labelled[v.key], v.turn), IsDress
			}
		}
	}
	for _, v := range js.last(e, DressFacet, alone) {
		if v.label == IsDress || v.label == NoDress && v.turn > labelled[v.key] {
			votes[v.judge], counted[v.key] = v.label, v.label
		}
	}
	return votes, counted
}

// boxesOf are those of the examples of photos that people judged, empty where they are not known.
func (js *Judgements) boxesOf(examples []Example) map[string][]photo.Box {
	boxes := map[string][]photo.Box{}
	for _, e := range examples {
		if js.said[e.PhotoID] == nil {
			continue
		}
		var box photo.Box
		if e.Box != nil {
			box = *e.Box
		}
		boxes[e.PhotoID] = append(boxes[e.PhotoID], box)
	}
	return boxes
}

// Match takes what was said of a box that is no example's any more, as one that was found anew, for said of the box that
// overlaps it most, at least by half.
func (js *Judgements) Match(examples []Example) {
	for id, boxes := range js.boxesOf(examples) {
		for _, votes := range js.said[id] {
			for i, v := range votes {
				if v.box.Empty() || slices.Contains(boxes, v.box) {
					continue
				}
				nearest := slices.MaxFunc(boxes, func(a, b photo.Box) int { return cmp.Compare(a.IoU(v.box), b.IoU(v.box)) })
				if nearest.IoU(v.box) >= SameDress {
					votes[i].box = nearest
				}
			}
		}
	}
}

// Strays counts photos of which people said something that is of no example: the photo is none's, or the box in it.
func (js *Judgements) Strays(examples []Example) int {
	boxes := js.boxesOf(examples)
	strays := 0
	for id, facets := range js.said {
		isStray := func(v vote) bool {
			return v.label != "" && len(boxes[id]) != 1 && (v.box.Empty() || !slices.Contains(boxes[id], v.box))
		}
		for _, votes := range facets {
			if slices.ContainsFunc(votes, isStray) {
				strays++
				break
			}
		}
	}
	return strays
}

// facets are those that somebody judged, by name.
func (js *Judgements) facets() []string {
	names := map[string]bool{}
	for _, by := range js.said {
		for facet := range by {
			if facet != DressFacet {
				names[facet] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Majority is the label that most judges gave, in the spelling that most of them gave it; false where as many gave
// another one.
func Majority(votes map[string]string) (string, bool) {
	labels, spellings := map[string]int{}, map[string]map[string]int{}
	for _, label := range votes {
		loose := LooseLabel(label)
		if label == Unseen { // which a label "Unknown" is not
			loose = ""
		}
		if spellings[loose] == nil {
			spellings[loose] = map[string]int{}
		}
		labels[loose]++
		spellings[loose][label]++
	}
	loose, ok := most(labels)
	label, _ := most(spellings[loose])
	return label, ok
}

// most is what was counted most often, the first by name of several; ok says that it is the only one.
func most(counts map[string]int) (best string, ok bool) {
	highest := 0
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		switch n := counts[name]; {
		case n > highest:
			best, highest, ok = name, n, true
		case n == highest:
			ok = false
		}
	}
	return best, ok
}

// Apply gives examples the labels that people gave, of the named facets, or of all where none is named. What was
// imported counts where nobody has judged; where judges are at odds, as many for one label as for another, the facet is
// not known.
func (js *Judgements) Apply(examples []Example, facets []string) {
	js.Match(examples)
	photos := map[string]int{}
	for _, e := range examples {
		photos[e.PhotoID]++
	}
	for i := range examples {
		e := &examples[i]
		if len(js.said[e.PhotoID]) == 0 {
			continue
		}
		alone := photos[e.PhotoID] == 1
		labels := map[string]string{} // of its own: the example may be somebody's
		maps.Copy(labels, e.Labels)
		for facet := range js.said[e.PhotoID] {
			votes := js.Votes(e, facet, alone)
			if facet == DressFacet || len(votes) == 0 || len(facets) > 0 && !slices.Contains(facets, facet) {
				continue
			}
			delete(labels, facet)
			switch label, ok := Majority(votes); {
			case !ok || label == Unseen:
			case LooseLabel(label) == LooseLabel(e.Labels[facet]): // as it is spelled elsewhere in the dataset
				labels[facet] = e.Labels[facet]
			default:
				labels[facet] = label
			}
		}
		_, dress := js.DressVotes(e, alone)
		if label, ok := Majority(dress); ok {
			e.NoDress = label == NoDress
		}
		if e.NoDress {
			clear(labels)
		}
		e.Labels = labels
	}
}

// byteOrderMark is what some editors put before a text.
var byteOrderMark = []byte("\xef\xbb\xbf")

// ParseJudgements reads a JudgementsFile. A last line that is cut off, as by a machine that lost its power, is left out.
func ParseJudgements(text []byte) ([]Judgement, error) {
	text = bytes.TrimPrefix(text, byteOrderMark)
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
	text, err := storage.ReadAll(ctx, bucket, JudgementsFile, maxJudgements)
	if errors.Is(err, fs.ErrNotExist) {
		return &Judgements{}, nil
	}
	if err != nil {
		return nil, err
	}
	js, err := judgementsOf(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", JudgementsFile, err)
	}
	return js, nil
}

// judgementsOf are those of a JudgementsFile.
func judgementsOf(text []byte) (*Judgements, error) {
	all, err := ParseJudgements(text)
	if err != nil {
		return nil, err
	}
	js := &Judgements{}
	for _, j := range all {
		js.Add(j)
	}
	return js, nil
}
