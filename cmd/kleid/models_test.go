package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/evaluate"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/photos"
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
		require.Equal(t, exit.Done, r.code, r.stderr)
		var m struct {
			Version string
			Metrics map[string]float64
		}
		require.NoError(t, json.Unmarshal([]byte(r.stdout), &m))
		require.Contains(t, m.Metrics, "facets.f1")
		return m.Version
	}
	missing := kleid(t, "models", "list", "--models", place)
	require.Equal(t, exit.Failed, missing.code)
	require.Contains(t, missing.stderr, "there is no folder "+place)
	require.Contains(t, kleid(t, "models", "list", "--models", t.TempDir()).stdout, "no models yet")
	require.NoError(t, os.WriteFile(figures, []byte(`[{"facet": "neckline", "macro_f1": 0.5, "macro_f1_interval": [0.4, 0.6],
		"labels": [{"label": "v-neck", "f1": 0.7}], "confusion": {"labels": ["v-neck"], "counts": [[1, 2]]}}]`), 0o644))
	metrics, _, err := registry.ReadMetrics(t.Context(), figures)
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"neckline.macro_f1": 0.5, "neckline.labels.v-neck.f1": 0.7}, metrics)
	first := push(1, `{"facets": {"f1": 0.5}, "name": "autumn"}`)
	second := push(2, `{"facets": {"f1": 0.3}}`)
	require.Contains(t, kleid(t, "models", "diff", first, first, "--models", place, "--json").stdout, `"differences":[]`)

	photo := write(t, filepath.Join(dir, "wall.jpg"), greyPhoto(t))
	embed := func(models string) string {
		r := kleid(t, "embed", photo, "--models", models, "--json")
		require.Equal(t, exit.Done, r.code, r.stderr)
		return decodeLine[photos.EmbedReport](t, r).EmbeddingModel
	}
	r := kleid(t, "embed", photo, "--models", place)
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "no version is promoted yet")

	require.Equal(t, exit.Done, kleid(t, "models", "promote", first[:6], "--models", place).code)
	of := embed(place)
	other := embed(place + "@" + second[:6])
	require.NotEmpty(t, of)
	require.NotEqual(t, of, other)

	r = kleid(t, "models", "promote", second, "--models", place)
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "facets.f1 0.3 instead of 0.5")
	require.Equal(t, exit.Done, kleid(t, "models", "promote", second, "--models", place, "--force").code)
	of = embed(place)
	require.Equal(t, other, of)
	require.Contains(t, kleid(t, "models", "list", "--models", place).stdout, "promoted")

	r = kleid(t, "models", "diff", first, "--models", place)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "facets.f1: 0.3 → 0.5")
	out := filepath.Join(dir, "pulled.safetensors")
	require.Equal(t, exit.Done, kleid(t, "models", "pull", first, "--models", place, "--out", out).code)
	require.NotEqual(t, of, embed(out))

	for i, folder := range []string{filepath.Join(dir, "pulled") + "/", filepath.Join(dir, "pulled")} {
		r = kleid(t, "models", "pull", []string{first, second}[i][:6], "--models", place, "--out", folder)
		require.Equal(t, exit.Done, r.code, r.stderr)
		require.Equal(t, filepath.Join(folder, []string{first, second}[i]+".safetensors")+"\n", r.stdout)
		require.FileExists(t, strings.TrimSpace(r.stdout))
	}

	t.Chdir(dir) // where a folder called "s3:" would come to lie
	r = kleid(t, "models", "pull", first, "--models", place, "--out", "s3://shop/pulled.safetensors")
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, `--out is "s3://shop/pulled.safetensors", but must be a file on this machine`)
	require.NoDirExists(t, "s3:")

	require.Equal(t, exit.Usage, kleid(t, "models", "promote", "--models", place).code)
	for _, tolerance := range []string{"-0.1", "NaN"} {
		r = kleid(t, "models", "promote", second, "--models", place, "--tolerance="+tolerance)
		require.Equal(t, exit.Usage, r.code, tolerance)
		require.Contains(t, r.stderr, "must be 0 or more")
	}
	write(t, filepath.Join(place, "versions", first, "manifest.json"), []byte("{"))
	r = kleid(t, "models", "list", "--models", place)
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stdout, second)
	require.Contains(t, r.stderr, "the manifest of "+first+": damaged")
	write(t, filepath.Join(place, "versions", second, "manifest.json"), []byte("{")) // and no good one is left
	r = kleid(t, "models", "list", "--models", place, "--json")
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stdout, `"versions":[]`)
	r = kleid(t, "models", "list", "--models", place)
	require.NotContains(t, r.stdout, "no models yet")
	r = kleid(t, "models", "list", "--models", out)
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, "must be a registry")
	require.Equal(t, exit.Failed, kleid(t, "models", "pull", "ffff", "--models", place).code)
}

// TestMetricsOfPaintedDresses have names of their own: real photos are much harder.
func TestMetricsOfPaintedDresses(t *testing.T) {
	var f evaluate.PaintedFigures
	f.Painted.Facets = []evaluation.FacetReport{{Facet: "neckline", MacroF1: 0.9}}
	text, err := json.Marshal(f)
	require.NoError(t, err)
	metrics, _, err := registry.ReadMetrics(t.Context(), write(t, filepath.Join(t.TempDir(), "painted.json"), text))
	require.NoError(t, err)
	require.Equal(t, 0.9, metrics["painted.facets.neckline.macro_f1"])
}

// TestModelsOfOtherPhotos are refused, unless by force; where nobody says on which photos, that is told.
func TestModelsOfOtherPhotos(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	place, file := filepath.Join(dir, "registry"), filepath.Join(dir, "model.safetensors")
	push := func(seed uint64, metrics string) string {
		require.NoError(t, writeTinyModel(file, seed))
		r := kleid(t, "models", "push", file, "--models", place, "--metrics", write(t, filepath.Join(dir, "figures.json"), []byte(metrics)), "--json")
		require.Equal(t, exit.Done, r.code, r.stderr)
		return decodeLine[registry.Manifest](t, r).Version
	}
	first := push(1, `{"facets": [{"facet": "neckline", "macro_f1": 0.5, "measured_on": "autumn"}], "mean": {"macro_f1": 0.5}, "measured_on": "all"}`)
	second := push(2, `{"facets": [{"facet": "neckline", "macro_f1": 0.9, "measured_on": "winter"}], "mean": {"macro_f1": 0.5}, "measured_on": "all"}`)
	require.Equal(t, exit.Done, kleid(t, "models", "promote", first, "--models", place).code)
	r := kleid(t, "models", "promote", second, "--models", place)
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "not measured on the same photos as the promoted one, "+first)
	require.Contains(t, r.stderr, "cannot be compared: facets.neckline;")
	require.Contains(t, kleid(t, "models", "diff", second, "--models", place).stdout, "measured on other photos")
	require.Equal(t, exit.Done, kleid(t, "models", "promote", second, "--models", place, "--force").code)

	r = kleid(t, "models", "promote", push(3, `{"facets": {"neckline": {"macro_f1": 0.9}}, "mean": {"macro_f1": 0.5}}`), "--models", place)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stderr, "it is not known whether these figures were measured on the same photos as those of the promoted one")
}

// TestManifestsOfStrangers: what somebody wrote into a registry does nothing to the terminal of who looks at it.
func TestManifestsOfStrangers(t *testing.T) {
	place := t.TempDir()
	file := filepath.Join(t.TempDir(), "model.safetensors")
	push := func(seed uint64) string {
		require.NoError(t, writeTinyModel(file, seed))
		r := kleid(t, "models", "push", file, "--models", place, "--json")
		require.Equal(t, exit.Done, r.code, r.stderr)
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
		require.Equal(t, exit.Done, r.code, r.stderr)
		require.NotContains(t, r.stdout+r.stderr, "\x1b", args)
		require.NotContains(t, r.stdout, "\nx", args)
	}
}
