package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/indexer"
)

// analystsGuide is docs/analysts.md.
func analystsGuide(t *testing.T) string {
	t.Helper()
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "analysts.md"))
	require.NoError(t, err)
	return string(guide)
}

// analystsNight is a run of the shop that the guide's queries ask of.
func analystsNight(run, facetModel string, at time.Time) catalog.Metadata {
	return catalog.Metadata{
		Run: run, EmbeddingModel: "e", FacetModel: facetModel, Facets: []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "round"}}},
		UnsupervisedSize: 512, DeepRankSize: 512, CreatedAt: at,
	}
}

// analystsRow is a photo of it; label "" is one that cannot be read.
func analystsRow(meta catalog.Metadata, product, photo, label string, probability float32) catalog.Row {
	row := catalog.Row{
		RowID: catalog.NewRowID(product, photo+".jpg"), PhotoID: photo, ProductID: product, Source: photo + ".jpg", Price: new(99.5), Currency: "EUR",
		Attributes: map[string]string{"category": "midi"}, Status: catalog.StatusUnreadable, Error: "the file is empty",
		EmbeddingModel: meta.EmbeddingModel, FacetModel: meta.FacetModel, IndexedAt: meta.CreatedAt,
	}
	if label != "" {
		row.Status, row.Error, row.Box = catalog.StatusOK, "", &catalog.Box{XMax: 3, YMax: 4}
		row.Facets = map[string]catalog.FacetValue{"neckline": {Label: label, Probability: probability, Source: catalog.Predicted}}
		vector := make([]float32, 512)
		vector[0] = 1
		row.Colours, row.EmbeddingUnsupervised, row.EmbeddingDeepRank = []catalog.Colour{{Name: "red", Share: 1}}, vector, vector
	}
	return row
}

func writeRows(t *testing.T, meta catalog.Metadata, rows ...catalog.Row) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := catalog.NewWriter(&file, meta)
	require.NoError(t, err)
	require.NoError(t, w.Write(rows))
	require.NoError(t, w.Close())
	return file.Bytes()
}

// sqlType is a column's type as DuckDB calls it.
func sqlType(field parquet.Field) string {
	if field.Leaf() {
		name := map[string]string{
			"STRING": "VARCHAR", "INT(32,true)": "INTEGER", "FLOAT": "FLOAT", "DOUBLE": "DOUBLE", "TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS)": "TIMESTAMP WITH TIME ZONE",
		}[field.Type().String()]
		if name == "" {
			return field.Type().String()
		}
		return name
	}
	inner := field.Fields()[0].Fields() // of list.element or key_value
	if len(inner) == 2 {
		return "MAP(" + sqlType(inner[0]) + ", " + sqlType(inner[1]) + ")"
	}
	if inner[0].Leaf() {
		return sqlType(inner[0]) + "[]"
	}
	var members []string
	for _, member := range inner[0].Fields() {
		members = append(members, member.Name()+" "+sqlType(member))
	}
	return "STRUCT(" + strings.Join(members, ", ") + ")[]"
}

// TestColumnsForAnalysts are all that a file has, and of the types that the guide says.
func TestColumnsForAnalysts(t *testing.T) {
	told, names := map[string]string{}, regexp.MustCompile("`([^`]+)`")
	_, table, _ := strings.Cut(analystsGuide(t), "\n## Columns\n")
	table, _, _ = strings.Cut(table, "\n## ")
	for _, line := range strings.Split(table, "\n") {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			for _, name := range names.FindAllStringSubmatch(cells[1], -1) {
				told[name[1]] = strings.TrimSpace(cells[2])
			}
		}
	}
	data := writeRows(t, analystsNight("1", "f", time.Now()))
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	written := map[string]string{}
	for _, field := range file.Schema().Fields() {
		written[field.Name()] = sqlType(field)
	}
	require.Equal(t, written, told)
}

// TestQueriesOfAnalysts runs those of the guide, as they stand there.
func TestQueriesOfAnalysts(t *testing.T) {
	python, err := filepath.Abs(filepath.Join("..", "..", ".venv", "bin", "python"))
	require.NoError(t, err)
	if _, err := os.Stat(python); err != nil {
		t.Skip("needs duckdb: run scripts/venv")
	}
	script, err := filepath.Abs(filepath.Join("testdata", "queries.py"))
	require.NoError(t, err)

	dir := t.TempDir()
	put := func(path string, data []byte) {
		path = filepath.Join(dir, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o644))
	}
	const photo = "97eb4a5bb0b53469f92d98b523beb1937bad6e750f0b29c86505faf87b02c4c1"
	first, second := time.Date(2026, 11, 28, 2, 0, 0, 0, time.UTC), time.Date(2026, 11, 29, 2, 0, 0, 0, time.UTC)
	was, now := analystsNight("20261128T020000000Z-aaaaaa", "f", first), analystsNight("20261129T020000000Z-bbbbbb", "f2", second)
	rolledBack := analystsNight("20261130T020000000Z-cccccc", "f2", second.AddDate(0, 0, 1))
	for _, night := range []struct {
		meta catalog.Metadata
		rows []catalog.Row
	}{
		{was, []catalog.Row{analystsRow(was, "4711", photo, "round", 0.5), analystsRow(was, "4712", "two", "round", 0.75), analystsRow(was, "4713", "three", "", 0)}},
		{now, []catalog.Row{analystsRow(now, "4711", photo, "v-neck", 0.75), analystsRow(now, "4712", photo, "v-neck", 0.4), analystsRow(now, "4713", "three", "", 0), analystsRow(now, "4714", "four", "", 0)}},
		{rolledBack, []catalog.Row{analystsRow(rolledBack, "4711", photo, "round", 0.9)}},
	} {
		put(indexer.ParquetPath("index", night.meta.Run), writeRows(t, night.meta, night.rows...))
	}
	put("index/latest", []byte(now.Run+"\n"))

	var predictions bytes.Buffer
	require.NoError(t, evaluation.WritePredictionsParquet(&predictions, []evaluation.LabelProbability{
		{Source: "a.jpg", PhotoID: photo, Facet: "neckline", Label: "v-neck", Probability: 0.5, Predicted: true, Truth: "v-neck", Set: evaluation.Apart},
		{Source: "a.jpg", PhotoID: photo, Facet: "neckline", Label: "round", Probability: 0.375, Truth: "v-neck", Set: evaluation.Apart},
		{Source: "b.jpg", PhotoID: "two", Facet: "neckline", Label: "round", Probability: 1, Predicted: true, Set: evaluation.Apart},
	}))
	put("build/facets/predictions.parquet", predictions.Bytes())
	var judgements []byte
	for _, j := range []datasets.Judgement{{Judge: "Ana", Label: "round"}, {Judge: "Bo", Label: "round"}, {Judge: "ana", Label: ""}} {
		j.Time, j.PhotoID, j.Facet = second, photo, "neckline"
		line, err := json.Marshal(j)
		require.NoError(t, err)
		judgements = append(append(judgements, line...), '\n')
	}
	put("shop/judgements.jsonl", judgements)

	var sql []string
	for _, block := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(analystsGuide(t), -1) {
		sql = append(sql, block[1])
	}
	command := exec.Command(python, script)
	command.Dir, command.Stdin = dir, strings.NewReader(strings.Join(sql, ""))
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")[2:] // behind those of the views
	want := []string{
		`[{"week": "2026-11-23", "currency": "EUR", "price_from": 50.0, "products": 2, "v_necks": 0.5},
			{"week": "2026-11-30", "currency": "EUR", "price_from": 50.0, "products": 1, "v_necks": 0.0}]`,
		`[{"product_id": "4711", "source": "` + photo + `.jpg", "label_was": "round", "label_now": "v-neck", "surer_by": 0.25, "other_photo": false, "other_model": true}]`,
		`[{"product_id": "4713", "source": "three.jpg", "why": "the file is empty", "since": "2026-11-28 02:00:00+00:00"},
			{"product_id": "4714", "source": "four.jpg", "why": "the file is empty", "since": "2026-11-29 02:00:00+00:00"}]`,
		`[{"photo_id": "` + photo + `", "products": ["4711", "4712"]}]`,
		`[{"product_id": "4712", "cosine": 1.0}]`,
		`[{"category": "midi", "photos": 2, "to_be_right": 0.58, "unsure": 1}]`,
		`[{"run": "20261128T020000000Z-aaaaaa", "indexed_at": "2026-11-28 02:00:00+00:00", "photos": 3, "products": 3, "dresses": 2, "no_dress": 0, "unreadable": 1},
			{"run": "20261129T020000000Z-bbbbbb", "indexed_at": "2026-11-29 02:00:00+00:00", "photos": 4, "products": 4, "dresses": 2, "no_dress": 0, "unreadable": 2},
			{"run": "20261130T020000000Z-cccccc", "indexed_at": "2026-11-30 02:00:00+00:00", "photos": 1, "products": 1, "dresses": 1, "no_dress": 0, "unreadable": 0}]`,
		`[{"facet": "neckline", "photos": 1, "accuracy": 1}]`,
		`[{"product_id": "4711", "facet": "neckline", "probabilities": [0.5, 0.375], "labels": ["v-neck", "round"]},
			{"product_id": "4712", "facet": "neckline", "probabilities": [0.5, 0.375], "labels": ["v-neck", "round"]}]`,
		`[{"product_id": "4711", "label": "round", "judges": 1, "facet_neckline": "v-neck"}, {"product_id": "4712", "label": "round", "judges": 1, "facet_neckline": "v-neck"}]`,
	}
	require.Len(t, answers, len(want))
	for i := range want {
		require.JSONEq(t, want[i], answers[i])
	}
}
