package indexer

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

//go:embed report.gohtml
var reportText string

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"percent":  func(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) },
	"width":    func(share float64) string { return fmt.Sprintf("%.2f", 100*min(max(share, 0), 1)) },
	"seconds":  spell,
	"signed":   func(n int) string { return fmt.Sprintf("%+d", n) },
	"decimals": func(v float64) string { return fmt.Sprintf("%.3f", v) },
}).Parse(reportText))

// spell writes seconds for people.
func spell(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Minute).String()
}

// page is what the template is given.
type page struct {
	Report    Report
	Yesterday *Report // nil without a run before that has a report
	Stages    []bar
	Facets    []facetBars
	Checks    []checkLine
	Unsure    []shownPhoto
}

// bar is a stage's share of the time.
type bar struct {
	Name    string
	Seconds float64
	Share   float64
}

// facetBars are the shares of a facet's labels, today and before.
type facetBars struct {
	Name   string
	Drift  float64
	Labels []labelBar
}

type labelBar struct {
	Name        string
	Count       int
	Share       float64 // of the dresses
	Length      float64 // of the bar, in shares of the longest
	Before      float64 // of yesterday's mark, likewise; negative without one
	ShareBefore float64 // of yesterday's dresses
}

// checkLine is a check of the gate.
type checkLine struct{ Name, Found, Bar, Refused string }

// shownPhoto is a photo with its thumbnail as a data URL, "" if there is none.
type shownPhoto struct {
	UnsurePhoto
	URL template.URL
}

// writePage writes the report as one HTML file, without a script and without anything from elsewhere.
func (r Report) writePage(w io.Writer, yesterday *Report, gate Gate) error {
	p := page{Report: r.Brief(listedOnPage), Yesterday: yesterday, Checks: r.checks(yesterday, gate)}
	total := 0.0
	for _, s := range r.Stages {
		total += s
	}
	for _, name := range []string{StageScan, StageFacets, StageEmbed, StageWrite, StagePublish} {
		if s, ok := r.Stages[name]; ok {
			p.Stages = append(p.Stages, bar{name, s, s / max(total, 1e-9)})
		}
	}
	for i := range r.Facets {
		p.Facets = append(p.Facets, r.Facets[i].bars(yesterday))
	}
	for _, u := range r.Unsure {
		path := filepath.Join(ThumbnailsFolder(r.Index), ThumbnailPath(u.PhotoID))
		shown := shownPhoto{UnsurePhoto: u}
		if data, err := os.ReadFile(path); err == nil { // a picture less is no reason for no report
			shown.URL = template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(data))
		}
		p.Unsure = append(p.Unsure, shown)
	}
	return reportPage.Execute(w, p)
}

// listedOnPage is how many unreadable photos the page names; report.json names all.
const listedOnPage = 200

func (f *FacetCounts) bars(yesterday *Report) facetBars {
	var old *FacetCounts
	if yesterday != nil {
		old = yesterday.facet(f.Name)
	}
	b := facetBars{Name: f.Name}
	longest := 0.0
	labels := f.Labels
	if old != nil {
		b.Drift, _ = f.drift(old)
		labels = f.union(old)
	}
	for _, l := range labels {
		line := labelBar{Name: l, Share: f.share(l), Before: -1}
		if i := slices.Index(f.Labels, l); i >= 0 {
			line.Count = f.Counts[i]
		}
		if line.Share == 0 && (old == nil || old.share(l) == 0) {
			continue // a label that no dress has
		}
		longest = max(longest, line.Share)
		if old != nil {
			line.Before, line.ShareBefore = old.share(l), old.share(l)
			longest = max(longest, line.Before)
		}
		b.Labels = append(b.Labels, line)
	}
	for i := range b.Labels {
		b.Labels[i].Length, b.Labels[i].Before = b.Labels[i].Share/max(longest, 1e-9), b.Labels[i].Before/max(longest, 1e-9)
	}
	return b
}

// checks are the lines about the gate, with what each found and its bar.
func (r *Report) checks(yesterday *Report, gate Gate) []checkLine {
	refused := map[string]string{}
	for _, reason := range r.Gate.Reasons {
		if refused[reason.Check] != "" {
			refused[reason.Check] += "; "
		}
		refused[reason.Check] += reason.Detail
	}
	percent := func(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }
	lines := []checkLine{
		{"What was written is there", "", "", refused[CheckContent]},
		{"Of the truly nearest ten, found", percent(r.Gate.Recall), "at least " + percent(gate.MinRecall), refused[CheckRecall]},
	}
	if r.Gate.Probed == 0 {
		lines[1].Found = "nothing to search for"
	}
	if yesterday == nil {
		return lines
	}
	worst := 0.0
	for _, d := range r.Gate.Drift {
		worst = math.Max(worst, d)
	}
	lost := fmt.Sprintf("%d of %d", r.Gate.Lost, r.Gate.Sought)
	if r.OtherModel {
		lost = "not sought: the embedding model is another one"
	}
	share := func(r *Report) float64 { return float64(r.Unreadable) / float64(max(r.Photos, 1)) }
	return append(lines,
		checkLine{"Unreadable photos more than before", fmt.Sprintf("%+.1f%%", 100*(share(r)-share(yesterday))), fmt.Sprintf("at most %s, or %d photos", percent(gate.MaxMoreUnreadable), fewPhotos-1), refused[CheckUnreadable]},
		checkLine{"Dresses, in shares of those before", percent(float64(r.OK) / float64(max(yesterday.OK, 1))), fmt.Sprintf("at least %s, or %d fewer", percent(gate.MinRows), fewPhotos-1), refused[CheckRows]},
		checkLine{"Products of before that are still there", fmt.Sprintf("%d of %d", r.Gate.ProductsKept, r.Gate.ProductsBefore), fmt.Sprintf("at least %s, also of the dresses with a title, URL, price or currency", percent(gate.MinKept)), refused[CheckCatalogue]},
		checkLine{"Labels that have moved, of the facet that moved most", percent(worst), fmt.Sprintf("at most %s, and what chance does, of %d dresses or more", percent(gate.MaxDrift), fewDresses), refused[CheckDrift]},
		checkLine{"Photos of before that no longer find their product", lost, "at most " + percent(gate.MaxLost), refused[CheckProbes]},
	)
}
