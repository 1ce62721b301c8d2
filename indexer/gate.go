package indexer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// Gate says what a new index must be like to take the place of the one before it. All but MinRecall compare the two.
type Gate struct {
	// MaxMoreUnreadable is by how much the share of unreadable photos may have grown, 0..1.
	MaxMoreUnreadable float64 `json:"max_more_unreadable"`
	// MinRows is the share of yesterday's rows with a dress that there must be at least, 0..1.
	MinRows float64 `json:"min_rows"`
	// MaxDrift is how far the labels of a facet may have moved: the share of dresses that would have to change
	// theirs (the total variation distance), 0..1, beyond what chance alone does to so few dresses.
	MaxDrift float64 `json:"max_drift"`
	// MaxLost is the share of probes that may no longer find their product, 0..1. A probe searches with a vector of
	// yesterday for a photo that is still in the catalogue.
	MaxLost float64 `json:"max_lost"`
	// MinKept is the share of yesterday's products, and of its titles, URLs, prices and currencies, that must be left, 0..1:
	// of products, those that could be, where the catalogue has become smaller or grown; of the others, of a dress.
	MinKept float64 `json:"min_kept"`
	// MinRecall is the share of the truly nearest ten that the index must find, 0..1.
	MinRecall float64 `json:"min_recall"`
}

// DefaultGate lets a usual night pass.
func DefaultGate() Gate {
	return Gate{MaxMoreUnreadable: 0.02, MinRows: 0.8, MaxDrift: 0.1, MaxLost: 0.02, MinKept: 0.5, MinRecall: 0.98}
}

// check refuses shares that are none.
func (g Gate) check() error {
	for name, share := range map[string]float64{
		"more unreadable photos": g.MaxMoreUnreadable, "rows": g.MinRows, "drift": g.MaxDrift, "lost probes": g.MaxLost, "kept products": g.MinKept, "recall": g.MinRecall,
	} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("the gate's bar for %s is %v: it must be between 0 and 1", name, share)
		}
	}
	return nil
}

// The checks of the gate, as Reason.Check names them.
const (
	CheckUnreadable = "unreadable"
	CheckRows       = "rows"
	CheckCatalogue  = "catalogue" // it says other things of its products than before
	CheckDrift      = "drift"
	CheckProbes     = "probes"
	CheckRecall     = "recall"
	CheckContent    = "content" // the index does not hold what was put into it
)

// Reason is why the gate refuses a new index.
type Reason struct {
	Check  string `json:"check"`
	Detail string `json:"detail"`
}

// Verdict is what the gate says of a new index.
type Verdict struct {
	Reasons []Reason `json:"reasons"` // empty: it may take its place
	// Forced says that it took its place in spite of reasons.
	Forced bool `json:"forced"`
	// Recall is the share of the truly nearest ten that was found, Probed how many searches that is the mean of.
	Recall float64 `json:"recall"`
	Probed int     `json:"probed"`
	// Lost of Sought probes of yesterday did not find their product.
	Lost   int `json:"lost"`
	Sought int `json:"sought"`
	// ProductsBefore is how many products the run before had, ProductsKept how many of them there are in this one.
	ProductsBefore int `json:"products_before"`
	ProductsKept   int `json:"products_kept"`
	// Drift is how far the labels of each facet have moved; nil without a run before.
	Drift map[string]float64 `json:"drift,omitempty"`
}

func (v *Verdict) refuse(check, format string, args ...any) {
	v.Reasons = append(v.Reasons, Reason{check, fmt.Sprintf(format, args...)})
}

// Refused says whether the index did not take its place.
func (v *Verdict) Refused() bool { return len(v.Reasons) > 0 && !v.Forced }

// String names the reasons, parted by semicolons.
func (v *Verdict) String() string {
	var all []string
	for _, r := range v.Reasons {
		all = append(all, r.Detail)
	}
	return strings.Join(all, "; ")
}

// fewPhotos is how many photos more or less no gate speaks of: in a small catalogue, a photo is a large share.
const fewPhotos = 5

// fewDresses is from how many dresses on the shares of labels say anything.
const fewDresses = 20

// compare judges the numbers of a run by those of the one before it.
func (v *Verdict) compare(gate Gate, yesterday, today *Report) {
	if yesterday.Photos == 0 || today.Photos == 0 {
		return
	}
	before, now := float64(yesterday.Unreadable)/float64(yesterday.Photos), float64(today.Unreadable)/float64(today.Photos)
	if now-before > gate.MaxMoreUnreadable && today.Unreadable-yesterday.Unreadable >= fewPhotos {
		v.refuse(CheckUnreadable, "%.1f%% of the photos are unreadable, and %.1f%% were%s", 100*now, 100*before, today.BadReasons.Most())
	}
	if float64(today.OK) < gate.MinRows*float64(yesterday.OK) && yesterday.OK-today.OK >= fewPhotos {
		v.refuse(CheckRows, "%d photos show a dress, and %d did: fewer than %.0f%% of them", today.OK, yesterday.OK, 100*gate.MinRows)
	}
	v.Drift = map[string]float64{}
	for _, facet := range today.Facets {
		old := yesterday.facet(facet.Name)
		if old == nil {
			continue
		}
		drift, chance := facet.drift(old)
		v.Drift[facet.Name] = drift
		if drift > gate.MaxDrift+chance && min(facet.total(), old.total()) >= fewDresses {
			v.refuse(CheckDrift, "the labels of %s have moved by %.0f%%: %s", facet.Name, 100*drift, facet.largestChange(old))
		}
	}
}

// FacetCounts is how many dresses have each label of a facet.
type FacetCounts struct {
	Name   string   `json:"name"`
	Labels []string `json:"labels"`
	Counts []int    `json:"counts"` // one for each label
}

func (f *FacetCounts) total() int {
	n := 0
	for _, c := range f.Counts {
		n += c
	}
	return n
}

// share is that of the dresses that have a label.
func (f *FacetCounts) share(label string) float64 {
	for i, l := range f.Labels {
		if l == label {
			return float64(f.Counts[i]) / float64(max(f.total(), 1))
		}
	}
	return 0
}

// union are the labels of both.
func (f *FacetCounts) union(old *FacetCounts) []string {
	labels := slices.Clone(f.Labels)
	for _, l := range old.Labels {
		if f.share(l) == 0 && !slices.Contains(labels, l) {
			labels = append(labels, l)
		}
	}
	return labels
}

// drift is the total variation distance of the two distributions of labels, and what chance makes of it at most,
// about, where both are of other dresses: twice its mean for that many labels.
func (f *FacetCounts) drift(old *FacetCounts) (drift, chance float64) {
	if f.total() == 0 || old.total() == 0 {
		return 0, 0 // the number of rows is another check
	}
	labels := f.union(old)
	for _, l := range labels {
		drift += math.Abs(f.share(l)-old.share(l)) / 2
	}
	n := 1/float64(f.total()) + 1/float64(old.total())
	return drift, 2 * math.Sqrt(float64(len(labels)-1)*n/(2*math.Pi))
}

// largestChange names the label whose share moved most.
func (f *FacetCounts) largestChange(old *FacetCounts) string {
	var worst string
	for _, l := range f.union(old) {
		if worst == "" || math.Abs(f.share(l)-old.share(l)) > math.Abs(f.share(worst)-old.share(worst)) {
			worst = l
		}
	}
	return fmt.Sprintf("%s from %.0f%% to %.0f%%", worst, 100*old.share(worst), 100*f.share(worst))
}

// soughtProbes is how many of yesterday's photos are sought.
const soughtProbes = 64

// probeDepth is among how many products that of a probe has to be.
const probeDepth = 10

// probeYesterday searches the new index with vectors of the one before, for products that are still there.
func (v *Verdict) probeYesterday(ctx context.Context, gate Gate, index vectors.Index, yesterday []catalog.Row) error {
	var lost []string
	for _, row := range yesterday {
		v.Sought++
		result, err := index.Search(ctx, vectors.Query{Embedding: vectors.DeepRank, Vector: row.EmbeddingDeepRank, K: probeDepth, OnePerProduct: true})
		if err != nil {
			return err
		}
		found := false
		for _, m := range result.Matches {
			found = found || m.Row.ProductID == row.ProductID || m.Similarity >= probeSimilarity // another product with the same photo
		}
		if !found {
			v.Lost++
			lost = append(lost, row.ProductID)
		}
	}
	if v.Sought > 0 && float64(v.Lost)/float64(v.Sought) > gate.MaxLost {
		v.refuse(CheckProbes, "%d of %d photos of yesterday no longer find their own product: %s", v.Lost, v.Sought, strings.Join(lost[:min(len(lost), 3)], ", "))
	}
	return nil
}
