package indexer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kleid-search/kleid/indexer/source"
)

// Report is what became of a job. It is written to report.json, report.txt and report.html in Options.Out, and may be sent
// elsewhere: photos are named without what may be a password or a signature in their URLs, which the rows have.
type Report struct {
	Photos     int `json:"photos"` // rows: ok, no_dress and unreadable together, and NotRead
	OK         int `json:"ok"`
	NoDress    int `json:"no_dress"`
	Unreadable int `json:"unreadable"`
	// Embedded is how many photos were embedded anew; the others were in the journal, or have the bytes
	// of one that was.
	Embedded int `json:"embedded"`
	// FacetsRead is how many photos had their facets read from kept features, since the facet_model alone is new.
	FacetsRead      int     `json:"facets_read"`
	Seconds         float64 `json:"seconds"`
	ImagesPerSecond float64 `json:"images_per_second"` // photos a second, of the whole job
	Index           string  `json:"index"`             // the folder
	Run             string  `json:"run"`
	EmbeddingModel  string  `json:"embedding_model"`
	FacetModel      string  `json:"facet_model"`
	// OtherModel is whether the index before is of another embedding model, so that their vectors are not compared.
	OtherModel bool `json:"other_model,omitempty"`

	Products int `json:"products"`
	// Judged is how many rows have a label that people gave.
	Judged int `json:"judged"`
	// Described is how many of the rows with a dress have a title, url, price and currency, by these names.
	Described map[string]int `json:"described"`
	// Repeated is how many rows have the product and source of an earlier one. They are in the Parquet
	// file; the store has the first that shows a dress.
	Repeated int `json:"repeated"`
	// Published says whether this run is now the current one. It is not when TooManyBad and there was an
	// index before: that one stays.
	Published   bool    `json:"published"`
	PreviousRun string  `json:"previous_run,omitempty"`
	Parquet     string  `json:"parquet,omitempty"`
	MaxBad      float64 `json:"max_bad"`                 // the share of the photos that MaxBadCount is, if that was given
	MaxBadCount *int    `json:"max_bad_count,omitempty"` // nil where a share was given
	TooManyBad  bool    `json:"too_many_bad"`
	// Gate is what the gate says of the new index.
	Gate Verdict `json:"gate"`
	// Replay compares recent queries' answers with those of the run before; nil without such queries or run.
	Replay *Replay `json:"replay,omitempty"`
	// Facets are how many dresses have each label, in the order of the model.
	Facets []FacetCounts `json:"facets"`

	Stages map[string]float64 `json:"stages"` // seconds by stage
	// Work is seconds by kind of work, of all goroutines together. Those of the embed stage overlap, and wait
	// for a CPU now and then.
	Work map[string]float64 `json:"work"`

	// Unsure are the dresses that the model is least sure of, and some photos in which it sees none.
	Unsure []UnsurePhoto `json:"unsure"`
	// Bad lists the unreadable photos, Skipped what else of the catalogue was not indexed, or not as it was meant.
	Bad []BadPhoto `json:"bad"`
	// BadReasons are the commonest reasons why photos are unreadable.
	BadReasons BadReasons       `json:"bad_reasons"`
	Skipped    []source.Skipped `json:"skipped"`
	// OtherFiles counts the files in the catalogue's folder that are no photos, such as texts.
	OtherFiles int `json:"other_files"`
	// NotRead counts the photos that nobody looked at, since the run was to be refused for its unreadable ones anyway.
	NotRead int `json:"not_read,omitempty"`
	// CameLater counts the photos that came after the shards of a job had listed the catalogue: the next run has them.
	CameLater int `json:"came_later,omitempty"`
	// Filtered counts the photos that Options.Filter left out.
	Filtered int `json:"filtered"`
	// BadLeftOut and SkippedLeftOut count what a Brief leaves out of the lists.
	BadLeftOut     int `json:"bad_left_out,omitempty"`
	SkippedLeftOut int `json:"skipped_left_out,omitempty"`
}

// count takes over the numbers of rows.
func (r *Report) count(t tally) {
	r.OK, r.NoDress, r.Unreadable, r.Repeated, r.Products, r.Judged = t.ok, t.noDress, t.unreadable, t.repeated, len(t.products), t.judged
	r.Described = make(map[string]int, len(descriptions))
	for _, d := range descriptions {
		r.Described[d.name] = t.described[d.name]
	}
	r.Bad = append(r.Bad, t.bad...)
	r.BadReasons = reasonsOf(r.Bad)
	r.Unsure = append(append(r.Unsure, t.unsure...), t.dressless...)
	for i := range r.Facets {
		f := &r.Facets[i]
		f.Counts = make([]int, len(f.Labels))
		for l, label := range f.Labels {
			f.Counts[l] = t.labels[f.Name][label]
		}
	}
}

// took notes how long the job has taken so far.
func (r *Report) took(started time.Time, watch *stopwatch) {
	r.Work = watch.seconds()
	r.Seconds = time.Since(started).Seconds()
	r.ImagesPerSecond = float64(r.Photos) / r.Seconds
}

// facet returns the counts of a facet, nil where there are none.
func (r *Report) facet(name string) *FacetCounts {
	for i := range r.Facets {
		if r.Facets[i].Name == name {
			return &r.Facets[i]
		}
	}
	return nil
}

// BadPhoto is an unreadable photo.
type BadPhoto struct {
	Source    string `json:"source"`
	ProductID string `json:"product_id"`
	PhotoID   string `json:"photo_id,omitempty"`
	Error     string `json:"error"`
}

// UnsurePhoto is a photo that somebody should look at.
type UnsurePhoto struct {
	Source     string  `json:"source"`
	ProductID  string  `json:"product_id"`
	PhotoID    string  `json:"photo_id"`
	Dress      bool    `json:"dress"`
	Confidence float64 `json:"confidence"` // that there is a dress, if one was seen
}

// Brief returns the report with at most n bad photos and n things skipped.
func (r Report) Brief(n int) Report {
	if len(r.Bad) > n {
		r.BadLeftOut, r.Bad = len(r.Bad)-n, r.Bad[:n]
	}
	if len(r.Skipped) > n {
		r.SkippedLeftOut, r.Skipped = len(r.Skipped)-n, r.Skipped[:n]
	}
	return r
}

// String is the report for people. Names are quoted: they may hold anything.
func (r Report) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%d photos of %d products in %s: %d with a dress, %d without, %d unreadable",
		r.Photos, r.Products, time.Duration(r.Seconds*float64(time.Second)).Round(100*time.Millisecond), r.OK, r.NoDress, r.Unreadable)
	line("%d embedded anew, %.1f photos a second", r.Embedded, r.ImagesPerSecond)
	if r.OtherModel {
		line("the embedding model is another one than that of the index before: searchers need it as well")
	}
	if r.FacetsRead > 0 {
		line("the facets of %d photos were read from kept features, as the facet model alone is new", r.FacetsRead)
	}
	if r.Judged > 0 {
		line("%d photos have labels that people gave", r.Judged)
	}
	switch {
	case r.Published:
		line("run %s is the current index in %s", r.Run, r.Index)
	case r.PreviousRun == "":
		line("not published: there is no index yet")
	default:
		line("not published: the index of run %s stays the current one", r.PreviousRun)
	}
	if r.TooManyBad {
		line("%s", r.TooMany())
	}
	if r.NotRead > 0 {
		line("stopped there: %d photos were not looked at", r.NotRead)
	}
	for _, reason := range r.Gate.Reasons {
		line("the gate: %s", reason.Detail)
	}
	if r.Gate.Forced {
		line("published in spite of the gate, by --force")
	}
	if r.Replay != nil {
		line("of %d recent queries, %d were compared: their answers have %.1f%% of the products in common", r.Replay.Queries, r.Replay.Compared, 100*r.Replay.Overlap)
	}
	if r.Repeated > 0 {
		line("%d rows repeat the product and photo of an earlier row: the store has the first of them that shows a dress", r.Repeated)
	}
	if r.Filtered > 0 {
		line("photos left out by the filter: %d", r.Filtered)
	}
	if r.CameLater > 0 {
		line("photos that came after the shards had listed the catalogue, and wait for the next run: %d", r.CameLater)
	}
	if r.OtherFiles > 0 {
		line("files in the catalogue that are no photos: %d", r.OtherFiles)
	}
	if len(r.Bad) > len(r.BadReasons) { // otherwise each is named below
		b.WriteString(r.BadReasons.String())
	}
	for _, bad := range r.Bad {
		of := ""
		if strings.Contains(bad.Source, "://") { // of which a part may be left out that tells photos apart
			of = fmt.Sprintf(" of product %q", bad.ProductID)
		}
		line("unreadable %q%s: %s", bad.Source, of, bad.Error)
	}
	if r.BadLeftOut > 0 {
		line("… and %d more unreadable photos", r.BadLeftOut)
	}
	for _, s := range r.Skipped {
		line("skipped %q: %s", s.Source, s.Reason)
	}
	if r.SkippedLeftOut > 0 {
		line("… and %d more skipped", r.SkippedLeftOut)
	}
	return b.String()
}

// TooMany says how many photos are unreadable, and how many may be, in the way that was given.
func (r Report) TooMany() string {
	if r.MaxBadCount != nil {
		return fmt.Sprintf("%d of %d photos are unreadable, more than the %d allowed", r.Unreadable, r.Photos, *r.MaxBadCount)
	}
	return fmt.Sprintf("%.1f%% of the photos are unreadable, more than the %.1f%% allowed", 100*float64(r.Unreadable)/float64(r.Photos), 100*r.MaxBad)
}

// write writes the report as JSON, as text and as a page that compares it with the run before, if that is known.
func (r Report) write(out string, yesterday *Report, gate Gate) error {
	if err := r.writeJSON(filepath.Join(out, reportFile)); err != nil {
		return err
	}
	var page bytes.Buffer
	if err := r.writePage(&page, yesterday, gate); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(out, "report.html"), page.Bytes()); err != nil {
		return err
	}
	return errors.Join(writeFile(filepath.Join(out, "report.txt"), []byte(r.String())), r.writeMetrics(out))
}

func (r Report) writeJSON(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(data, '\n'))
}

// ReadReport returns the report of a run that is current or kept in the folder of an index.
func ReadReport(out, run string) (Report, error) {
	var r Report
	data, err := os.ReadFile(layout{out}.report(run))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("the report of run %s: %w", run, err)
	}
	return r, nil
}
