// Package report tells of a training, to programs and to people: what went into it, how each of its stages went, curve by
// curve, and what was measured of the model that came of it. It knows nothing of how models are trained.
package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/kleid-search/kleid/storage"
)

// The report's keys in a bucket: the same for programs and for people.
const (
	Key     = "report.json"
	PageKey = "report.html"
)

// Report is how a making went: what went into it, and each stage's curves.
type Report struct {
	Updated time.Time `json:"updated"`
	State   string    `json:"state"`           // as a stage's; "" in reports of an earlier Kleid
	Error   string    `json:"error,omitempty"` // what it failed of, in a stage or between two
	Facts   []Fact    `json:"facts"`           // data and seeds
	Stages  []*Stage  `json:"stages"`
	// Measured are figures of facets that were fitted, if that is what was trained; Figures are of other models.
	Measured []MeasuredFacet `json:"measured,omitempty"`
	Figures
}

// Fact is something that a person may want to know of a training.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ClassWeight is what a label's samples count.
type ClassWeight struct {
	Facet   string  `json:"facet"`
	Label   string  `json:"label"`
	Samples int     `json:"samples"`
	Weight  float64 `json:"weight"`
	Painted int     `json:"painted,omitempty"` // of Samples, where others are photos
}

// Mixed says whether some of the samples are painted, and are told apart.
func Mixed(weights []ClassWeight) bool {
	return slices.ContainsFunc(weights, func(w ClassWeight) bool { return w.Painted > 0 })
}

// Stage is the training of the trunk or of a head.
type Stage struct {
	Name         string        `json:"name"`
	Title        string        `json:"title"`
	State        string        `json:"state"` // Running, Done, Failed or Interrupted
	Error        string        `json:"error,omitempty"`
	Facts        []Fact        `json:"facts"` // options
	Steps        int           `json:"steps"`
	StepsDone    int           `json:"steps_done"`
	StoppedEarly bool          `json:"stopped_early,omitempty"`
	Seconds      float64       `json:"seconds"` // of all steps
	PerSecond    float64       `json:"photos_per_second"`
	ClassWeights []ClassWeight `json:"class_weights,omitempty"`
	Curves       []Curve       `json:"curves"`
	Pictures     []Picture     `json:"pictures,omitempty"`

	// Rehearsal says that its weights are not those of the model: they only tell what such weights know of photos that
	// are left out.
	Rehearsal bool `json:"rehearsal,omitempty"`

	untrained bool // it has begun, and no training of it has
}

// Picture is part of a stage.
type Picture struct {
	Title  string `json:"title"`
	Legend string `json:"legend,omitempty"` // what its colours and lines mean
	PNG    []byte `json:"png"`
}

// Open goes on with the report of an earlier run in the same place, whose finished stages are not run again. What that run
// has left behind as if it still ran was interrupted: it was killed. Where there is none, the report is empty.
func Open(ctx context.Context, bucket storage.Bucket) (*Report, error) {
	r := &Report{}
	data, err := storage.ReadAll(ctx, bucket, Key, 64<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(data, r)
	}
	if err != nil {
		return nil, err
	}
	r.interrupted()
	return r, nil
}

// Write leaves the report as it is now in a bucket, under Key and PageKey.
func (r *Report) Write(ctx context.Context, bucket storage.Bucket) error {
	r.Updated = time.Now().UTC().Truncate(time.Second)
	data, err := json.Marshal(r)
	var page bytes.Buffer
	if err := errors.Join(err, r.page(&page)); err != nil {
		return err
	}
	return errors.Join(bucket.Put(ctx, Key, bytes.NewReader(data)), bucket.Put(ctx, PageKey, &page))
}
