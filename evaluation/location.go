package evaluation

import (
	"context"
	"fmt"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// LocationReport says how well dresses are found.
type LocationReport struct {
	Dresses int     `json:"dresses"`  // photos with a known box
	MeanIoU float64 `json:"mean_iou"` // of the best candidate with the true box; 0 where none was found
	IoU50   float64 `json:"iou_50"`   // share with an IoU of at least 0.5
	IoU75   float64 `json:"iou_75"`   // share with an IoU of at least 0.75
	Missed  float64 `json:"missed"`   // share of dresses where none was found
	Others  int     `json:"others"`   // photos known to show no dress
	False   float64 `json:"false"`    // share of those that got one all the same
	// MeasuredOn is the fingerprint of the photos and of where the dresses are in them.
	MeasuredOn string `json:"measured_on,omitempty"`
}

// Location measures location on examples with a box or known to show no dress; others are left out.
func Location(ctx context.Context, parts ...Part) (LocationReport, error) {
	reports, err := LocationAt(ctx, []float64{0}, parts...)
	if err != nil {
		return LocationReport{}, err
	}
	return reports[0], nil
}

// LocationAt measures location as if a dress were only taken for one from each of the confidences, where those that
// the embedders ask for are lower.
func LocationAt(ctx context.Context, confidences []float64, parts ...Part) ([]LocationReport, error) {
	located, err := Locate(ctx, parts...)
	if err != nil {
		return nil, err
	}
	reports := make([]LocationReport, len(confidences))
	for i, confidence := range confidences {
		reports[i] = MeasureLocation(located, confidence)
	}
	return reports, nil
}

// Located is an example with a box, or known to show no dress, and where the dress was found.
type Located struct {
	datasets.Example
	Found      *photo.Box // nil for none
	Confidence float64    // of Found
}

// IoU of the box that was found with the true one, 0 where there is not both.
func (l Located) IoU() float64 {
	if l.NoDress || l.Found == nil {
		return 0
	}
	return l.Found.IoU(*l.Box)
}

// Locate looks for the dress in examples with a box or known to show no dress; others are left out.
func Locate(ctx context.Context, parts ...Part) ([]Located, error) {
	known, photos, err := embed(ctx, parts, false, func(e datasets.Example) bool { return e.Located() })
	if err != nil {
		return nil, err
	}
	located := make([]Located, len(known))
	for i, p := range photos {
		located[i].Example = known[i]
		if p.Status == catalog.StatusOK {
			located[i].Found, located[i].Confidence = &p.Box, float64(p.BoxConfidence)
		}
	}
	return located, nil
}

// MeasureLocation is Location of examples in which the dress was looked for already; what was found with less than a
// confidence counts as none.
func MeasureLocation(located []Located, confidence float64) LocationReport {
	var r LocationReport
	var truth []string
	for _, l := range located {
		found := l.Found != nil && l.Confidence >= confidence
		if l.NoDress {
			truth = append(truth, l.Identity())
			r.Others++
			if found {
				r.False++
			}
			continue
		}
		r.Dresses++
		truth = append(truth, fmt.Sprint(l.Identity(), *l.Box))
		if !found {
			r.Missed++
			continue
		}
		iou := l.IoU()
		r.MeanIoU += iou
		if iou >= 0.5 {
			r.IoU50++
		}
		if iou >= 0.75 {
			r.IoU75++
		}
	}
	r.MeasuredOn = datasets.PhotosFingerprint(truth)
	dresses, others := float64(max(r.Dresses, 1)), float64(max(r.Others, 1))
	r.MeanIoU, r.IoU50, r.IoU75, r.Missed, r.False = r.MeanIoU/dresses, r.IoU50/dresses, r.IoU75/dresses, r.Missed/dresses, r.False/others
	return r
}

// Locating is an Embedder that finds dresses and describes none: location is measured by that alone.
type Locating struct{ *embedding.Embedder }

// Embed is Embedder's.
func (l Locating) Embed(ctx context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	return l.Locate(ctx, inputs)
}
