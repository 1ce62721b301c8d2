package indexer

import (
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the report's numbers, as Prometheus reads them.
func (r *Report) Metrics() prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, value float64, labels prometheus.Labels) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "kleid_index_run_" + name, Help: help, ConstLabels: labels})
		g.Set(value)
		registry.MustRegister(g)
	}
	number := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	gauge("end_timestamp_seconds", "When the last run of kleid index ended.", float64(time.Now().UnixMilli())/1000, nil)
	gauge("seconds", "How long it took.", r.Seconds, nil)
	gauge("published", "Whether its index is now the current one.", number(r.Published), nil)
	gauge("forced", "Whether it was published in spite of the gate.", number(r.Gate.Forced), nil)
	for status, n := range map[string]int{"ok": r.OK, "no_dress": r.NoDress, "unreadable": r.Unreadable} {
		gauge("photos", "Photos by what became of them.", float64(n), prometheus.Labels{"status": status})
	}
	gauge("products", "Products of the catalogue.", float64(r.Products), nil)
	for what, n := range r.Described {
		gauge("described", "Dresses that the catalogue gives a title, url, price or currency.", float64(n), prometheus.Labels{"column": what})
	}
	gauge("embedded", "Photos that were embedded anew.", float64(r.Embedded), nil)
	gauge("facets_read", "Photos whose facets were read from kept features, since the facet model alone is new.", float64(r.FacetsRead), nil)
	gauge("images_per_second", "Photos a second, of the whole job.", r.ImagesPerSecond, nil)
	gauge("recall", "Share of the truly nearest ten that the new index finds.", r.Gate.Recall, nil)
	refused := map[string]bool{}
	for _, reason := range r.Gate.Reasons {
		refused[reason.Check] = true
	}
	for _, check := range []string{CheckUnreadable, CheckRows, CheckCatalogue, CheckDrift, CheckProbes, CheckRecall, CheckContent} {
		gauge("refused", "Whether a check of the gate refused the new index.", number(refused[check]), prometheus.Labels{"check": check})
	}
	for stage, seconds := range r.Stages {
		gauge("stage_seconds", "How long its stages took.", seconds, prometheus.Labels{"stage": stage})
	}
	for _, f := range r.Facets {
		for i, label := range f.Labels {
			if i < len(f.Counts) {
				gauge("dresses", "Dresses by facet and label.", float64(f.Counts[i]), prometheus.Labels{"facet": f.Name, "label": label})
			}
		}
	}
	return registry
}

// writeMetrics writes them for the node exporter's textfile collector.
func (r *Report) writeMetrics(out string) error {
	return prometheus.WriteToTextfile(filepath.Join(out, "metrics.prom"), r.Metrics())
}
