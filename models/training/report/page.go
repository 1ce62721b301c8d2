package report

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"path"
	"time"

	"github.com/kleid-search/kleid/photo"
)

//go:embed page.gohtml
var pageText string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"grouped": Grouped, "mixed": Mixed,
	"picture": func(png []byte) template.URL { return dataURL("png", png) },
	"jpeg":    func(jpeg []byte) template.URL { return dataURL("jpeg", jpeg) },
	"outline": func(b *photo.Box, class string) outline {
		return outline{b.XMin, b.YMin, b.Width(), b.Height(), class}
	},
	"base":   path.Base,
	"number": number,
	"inc":    func(i int) int { return i + 1 },
	"frame": func() map[string]int {
		return map[string]int{
			"Width": chartWidth, "Height": chartHeight, "PlotX": plotX, "PlotY": plotY, "PlotWidth": plotWidth, "PlotHeight": plotHeight,
			"Right": plotX + plotWidth, "LabelX": plotX - 6, "LabelY": chartHeight - 10,
		}
	},
	"share":    func(v float64) string { return fmt.Sprintf("%.2f", v) },
	"duration": func(seconds float64) string { return spell(time.Duration(seconds * float64(time.Second))) },
}).Parse(pageText))

func dataURL(kind string, image []byte) template.URL {
	return template.URL("data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(image))
}

// outline is a box drawn on a photo, in a class of the page's style.
type outline struct {
	X, Y, Width, Height int
	Class               string
}

// stageSection is a stage as the page shows it.
type stageSection struct {
	*Stage
	Charts []chart
}

// Loss is what is minimised, as it ended.
func (s stageSection) Loss() string { return s.captionOf("loss") }

// Metric is what was validated.
func (s stageSection) Metric() string {
	for _, c := range s.Charts {
		if c.Kind == "metric" {
			return c.Name + " " + c.Caption
		}
	}
	return ""
}

func (s stageSection) captionOf(kind string) string {
	for _, c := range s.Charts {
		if c.Kind == kind {
			return c.Caption
		}
	}
	return ""
}

// page writes the report for people: one file, without a script and without anything from elsewhere.
func (r *Report) page(w io.Writer) error {
	var sections []stageSection
	for _, s := range r.Stages {
		section := stageSection{Stage: s}
		for _, c := range s.Curves {
			section.Charts = append(section.Charts, newChart(c, s.Steps))
		}
		sections = append(sections, section)
	}
	var measured []measuredSection
	for _, m := range r.Measured {
		measured = append(measured, newMeasuredSection(m))
	}
	err := pageTemplate.Execute(w, map[string]any{
		"Report": r, "Measured": measured, "Stages": sections, "Updated": r.Updated.Format("2 January 2006, 15:04 MST"),
	})
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// spell writes a duration as people say it.
func spell(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
