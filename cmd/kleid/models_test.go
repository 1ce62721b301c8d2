package main

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models/registry"
)

func TestModels(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	dir := t.TempDir()
	place := filepath.Join(dir, "registry")
	figures := filepath.Join(dir, "figures.json")
	push := func(seed uint64, metrics string) string {
		file := filepath.Join(dir, "model.safetensors")
		require.NoError(t, writeTinyModel(file, seed))
		require.NoError(t, os.WriteFile(figures, []byte(metrics), 0o644))
		r := kleid(t, "models", "push", file, "--models", place, "--metrics", figures, "--json")
		require.Equal(t, exitDone, r.code, r.stderr)
		var m struct {
			Version string
			Metrics map[string]float64
		}
		require.NoError(t, json.Unmarshal([]byte(r.stdout), &m))
		require.Contains(t, m.Metrics, "facets.f1")
		return m.Version
	}
	missing := kleid(t, "models", "list", "--models", place)
	require.Equal(t, exitFailed, missing.code)
	require.Contains(t, missing.stderr, "there is no folder "+place)
	require.Contains(t, kleid(t, "models", "list", "--models", t.TempDir()).stdout, "no models yet")
	require.NoError(t, os.WriteFile(figures, []byte(`[{"facet": "neckline", "macro_f1": 0.5, "macro_f1_interval": [0.4, 0.6],
		"labels": [{"label": "v-neck", "f1": 0.7}], "confusion": {"labels": ["v-neck"], "counts": [[1, 2]]}}]`), 0o644))
	metrics, _, err := readMetrics(t.Context(), figures)
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"neckline.macro_f1": 0.5, "neckline.labels.v-neck.f1": 0.7}, metrics)
	first := push(1, `{"facets": {"f1": 0.5}, "name": "autumn"}`)
	second := push(2, `{"facets": {"f1": 0.3}}`)
	require.Contains(t, kleid(t, "models", "diff", first, first, "--models", place, "--json").stdout, `"differences":[]`)

	photo := write(t, filepath.Join(dir, "wall.jpg"), greyPhoto(t))
	embed := func(models string) string {
		r := kleid(t, "embed", photo, "--models", models, "--json")
		require.Equal(t, exitDone, r.code, r.stderr)
		return decodeLine[embedReport](t, r).EmbeddingModel
	}
	r := kleid(t, "embed", photo, "--models", place)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stderr, "no version is promoted yet")

	require.Equal(t, exitDone, kleid(t, "models", "promote", first[:6], "--models", place).code)
	of := embed(place)
	other := embed(place + "@" + second[:6])
	require.NotEmpty(t, of)
	require.NotEqual(t, of, other)

	r = kleid(t, "models", "promote", second, "--models", place)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stderr, "facets.f1 0.3 instead of 0.5")
	require.Equal(t, exitDone, kleid(t, "models", "promote", second, "--models", place, "--force").code)
	of = embed(place)
	require.Equal(t, other, of)
	require.Contains(t, kleid(t, "models", "list", "--models", place).stdout, "promoted")

	r = kleid(t, "models", "diff", first, "--models", place)
	require.Equal(t, exitDone, r.code, r.stderr)
	require.Contains(t, r.stdout, "facets.f1: 0.3 → 0.5")
	out := filepath.Join(dir, "pulled.safetensors")
	require.Equal(t, exitDone, kleid(t, "models", "pull", first, "--models", place, "--out", out).code)
	require.NotEqual(t, of, embed(out))

	for i, folder := range []string{filepath.Join(dir, "pulled") + "/", filepath.Join(dir, "pulled")} {
		r = kleid(t, "models", "pull", []string{first, second}[i][:6], "--models", place, "--out", folder)
		require.Equal(t, exitDone, r.code, r.stderr)
		require.Equal(t, filepath.Join(folder, []string{first, second}[i]+".safetensors")+"\n", r.stdout)
		require.FileExists(t, strings.TrimSpace(r.stdout))
	}

	t.Chdir(dir) // where a folder called "s3:" would come to lie
	r = kleid(t, "models", "pull", first, "--models", place, "--out", "s3://shop/pulled.safetensors")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, `--out is "s3://shop/pulled.safetensors", but must be a file on this machine`)
	require.NoDirExists(t, "s3:")

	require.Equal(t, exitUsage, kleid(t, "models", "promote", "--models", place).code)
	for _, tolerance := range []string{"-0.1", "NaN"} {
		r = kleid(t, "models", "promote", second, "--models", place, "--tolerance="+tolerance)
		require.Equal(t, exitUsage, r.code, tolerance)
		require.Contains(t, r.stderr, "must be 0 or more")
	}
	write(t, filepath.Join(place, "versions", first, "manifest.json"), []byte("{"))
	r = kleid(t, "models", "list", "--models", place)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stdout, second)
	require.Contains(t, r.stderr, "the manifest of "+first+": damaged")
	write(t, filepath.Join(place, "versions", second, "manifest.json"), []byte("{")) // and no good one is left
	r = kleid(t, "models", "list", "--models", place, "--json")
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stdout, `"versions":[]`)
	r = kleid(t, "models", "list", "--models", place)
	require.NotContains(t, r.stdout, "no models yet")
	r = kleid(t, "models", "list", "--models", out)
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "must be a registry")
	require.Equal(t, exitFailed, kleid(t, "models", "pull", "ffff", "--models", place).code)
}

// TestMetricsOfTrainings are those of photos that were not learned from, not all that facets.json tells.
func TestMetricsOfTrainings(t *testing.T) {
	text, err := json.Marshal(facetsFigures{Bad: 3, Train: []facetFigures{{Temperature: 1.5}}, Test: []facetFigures{}})
	require.NoError(t, err)
	_, _, err = readMetrics(t.Context(), write(t, filepath.Join(t.TempDir(), figuresFile), text))
	require.ErrorContains(t, err, "give the metrics.json beside it")
}

// TestMetricsOfPaintedDresses have names of their own: real photos are much harder.
func TestMetricsOfPaintedDresses(t *testing.T) {
	var f paintedFigures
	f.Painted.Facets = []evaluation.FacetReport{{Facet: "neckline", MacroF1: 0.9}}
	text, err := json.Marshal(f)
	require.NoError(t, err)
	metrics, _, err := readMetrics(t.Context(), write(t, filepath.Join(t.TempDir(), "painted.json"), text))
	require.NoError(t, err)
	require.Equal(t, 0.9, metrics["painted.facets.neckline.macro_f1"])
}

// TestRegistriesByTheirNames: a folder may have an @ or a space in its name.
func TestRegistriesByTheirNames(t *testing.T) {
	for _, name := range []string{"shop@home", "my models"} {
		folder := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.Mkdir(folder, 0o755))
		for place, wanted := range map[string][2]string{
			folder:           {folder, ""},
			folder + "@3f2a": {folder, "3f2a"},
			(&url.URL{Scheme: "file", Path: folder}).String() + "@3f2a": {(&url.URL{Scheme: "file", Path: folder}).String(), "3f2a"},
		} {
			location, version, ok := registryOf(place)
			require.True(t, ok, place)
			require.Equal(t, wanted, [2]string{location, version})
		}
		_, _, ok := registryOf(filepath.Join(folder, "model.safetensors"))
		require.False(t, ok)
	}
}

// TestMetricsOfLists tells items apart by all their names, as those of evaluate override, and refuses to guess.
func TestMetricsOfLists(t *testing.T) {
	report, err := json.Marshal([]evaluation.OverrideReport{
		{Embedding: "deeprank", Gallery: "true", Facet: "neckline", Method: evaluation.OverridePlain, Searches: 9, First: 0.25},
		{Embedding: "deeprank", Gallery: "true", Facet: "neckline", Method: evaluation.OverrideIgnore, Searches: 9, First: 0.5},
		{Embedding: "unsupervised", Gallery: "predicted", Facet: "neckline", Method: evaluation.OverrideIgnore, Searches: 9, First: 0.75},
	})
	require.NoError(t, err)
	figures := write(t, filepath.Join(t.TempDir(), "override.json"), report)
	metrics, _, err := readMetrics(t.Context(), figures)
	require.NoError(t, err)
	require.Len(t, metrics, 3*4)
	require.Equal(t, 0.25, metrics["neckline.deeprank.true."+evaluation.OverridePlain+".first"])
	require.Equal(t, 0.5, metrics["neckline.deeprank.true."+evaluation.OverrideIgnore+".first"])
	require.Equal(t, 0.75, metrics["neckline.unsupervised.predicted."+evaluation.OverrideIgnore+".first"])

	for _, twice := range []string{`[{"facet": "a", "f1": 0.5}, {"facet": "a", "f1": 0.6}]`, `{"a": {"f1": 0.5}, "a.f1": 0.6}`} {
		write(t, figures, []byte(twice))
		_, _, err = readMetrics(t.Context(), figures)
		require.ErrorContains(t, err, "two figures are called a.f1")
	}
}

// TestModelsOfOtherPhotos are refused, unless by force; where nobody says on which photos, that is told.
func TestModelsOfOtherPhotos(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	place, file := filepath.Join(dir, "registry"), filepath.Join(dir, "model.safetensors")
	push := func(seed uint64, metrics string) string {
		require.NoError(t, writeTinyModel(file, seed))
		r := kleid(t, "models", "push", file, "--models", place, "--metrics", write(t, filepath.Join(dir, "figures.json"), []byte(metrics)), "--json")
		require.Equal(t, exitDone, r.code, r.stderr)
		return decodeLine[registry.Manifest](t, r).Version
	}
	first := push(1, `{"facets": [{"facet": "neckline", "macro_f1": 0.5, "measured_on": "autumn"}], "mean": {"macro_f1": 0.5}, "measured_on": "all"}`)
	second := push(2, `{"facets": [{"facet": "neckline", "macro_f1": 0.9, "measured_on": "winter"}], "mean": {"macro_f1": 0.5}, "measured_on": "all"}`)
	require.Equal(t, exitDone, kleid(t, "models", "promote", first, "--models", place).code)
	r := kleid(t, "models", "promote", second, "--models", place)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stderr, "not measured on the same photos as the promoted one, "+first)
	require.Contains(t, r.stderr, "cannot be compared: facets.neckline;")
	require.Contains(t, kleid(t, "models", "diff", second, "--models", place).stdout, "measured on other photos")
	require.Equal(t, exitDone, kleid(t, "models", "promote", second, "--models", place, "--force").code)

	r = kleid(t, "models", "promote", push(3, `{"facets": {"neckline": {"macro_f1": 0.9}}, "mean": {"macro_f1": 0.5}}`), "--models", place)
	require.Equal(t, exitDone, r.code, r.stderr)
	require.Contains(t, r.stderr, "it is not known whether these figures were measured on the same photos as those of the promoted one")
}

// TestManifestsOfStrangers: what somebody wrote into a registry does nothing to the terminal of who looks at it.
func TestManifestsOfStrangers(t *testing.T) {
	place := t.TempDir()
	file := filepath.Join(t.TempDir(), "model.safetensors")
	push := func(seed uint64) string {
		require.NoError(t, writeTinyModel(file, seed))
		r := kleid(t, "models", "push", file, "--models", place, "--json")
		require.Equal(t, exitDone, r.code, r.stderr)
		return decodeLine[registry.Manifest](t, r).Version
	}
	first, second := push(1), push(2)
	const escape = "\x1b]0;gone\a\nx"
	for _, version := range []string{first, second} {
		manifest := filepath.Join(place, "versions", version, "manifest.json")
		text, err := os.ReadFile(manifest)
		require.NoError(t, err)
		var m registry.Manifest
		require.NoError(t, json.Unmarshal(text, &m))
		m.Precision, m.Backbone, m.Dataset, m.Code = escape+version, escape, escape, escape+version
		m.Metrics = map[string]float64{escape + ".f1": 1}
		text, err = json.Marshal(m)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(manifest, text, 0o600))
	}
	for _, args := range [][]string{{"promote", first}, {"promote", second}, {"list"}, {"diff", first, second}} {
		r := kleid(t, append(append([]string{"models"}, args...), "--models", place)...)
		require.Equal(t, exitDone, r.code, r.stderr)
		require.NotContains(t, r.stdout+r.stderr, "\x1b", args)
		require.NotContains(t, r.stdout, "\nx", args)
	}
}
