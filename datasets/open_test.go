package datasets

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
)

// place writes files into a folder. A photo here is whatever bytes: nobody looks into it.
func place(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func byName(t *testing.T, d *Dataset) map[string]Example {
	t.Helper()
	all := map[string]Example{}
	for _, e := range d.Examples {
		require.FileExists(t, e.Path)
		require.Len(t, e.PhotoID, 64)
		require.Contains(t, []Split{Train, Test}, e.Split)
		all[e.Name] = e
	}
	return all
}

func TestFolderOfSeveralFacets(t *testing.T) {
	dir := place(t, map[string]string{
		"neckline/round/a.jpg":         "a",
		"neckline/v-neck/b.JPEG":       "b",
		"neckline/v-neck/p7/front.jpg": "c",
		"neckline/v-neck/p7/back.jpg":  "d",
		"Sleeve/long/copy of a.jpg":    "a",
		"Sleeve/cap/e.png":             "e",
		"Sleeve/cap/notes.txt":         "no photo",
		"Sleeve/cap/.trash/f.jpg":      "hidden",
		"other/x/g.jpg":                "g",
		"loose.jpg":                    "h",
		"labels.json":                  `{"neckline": ["v-neck", "halter", "round"]}`,
	})
	d, err := Open(t.Context(), dir, OpenOptions{Facets: []string{"neckline", "sleeve"}})
	require.NoError(t, err)
	require.Equal(t, filepath.Base(dir), d.Name)
	require.Empty(t, d.Bad)
	require.Equal(t, []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "round"}}, {Name: "sleeve", Labels: []string{"cap", "long"}}}, d.Facets)
	require.Equal(t, []string{"v-neck", "halter", "round"}, d.Order["neckline"])
	examples := byName(t, d)
	require.Len(t, examples, 5)
	both := examples["Sleeve/long/copy of a.jpg"]
	require.Equal(t, map[string]string{"neckline": "round", "sleeve": "long"}, both.Labels, "the same photo is one example")
	require.Equal(t, "p7", examples["neckline/v-neck/p7/front.jpg"].Product)
	require.Equal(t, "p7", examples["neckline/v-neck/p7/back.jpg"].Product)
	require.Equal(t, "b", examples["neckline/v-neck/b.JPEG"].Product)
	require.Equal(t, -1, both.Fold)
	require.Nil(t, both.Box)

	all, err := Open(t.Context(), dir+"/", OpenOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"neckline", "other", "sleeve"}, facetNames(all))
}

func facetNames(d *Dataset) (names []string) {
	for _, f := range d.Facets {
		names = append(names, f.Name)
	}
	return names
}

func TestFolderOfOneFacet(t *testing.T) {
	dir := place(t, map[string]string{
		"train/round neck/a.jpg": "a", "train/v-neck/b.jpg": "b", "val/v-neck/c.jpg": "c", "val/v-neck/b again.jpg": "b",
		"contact sheet.jpg": "d",
	})
	d, err := Open(t.Context(), dir, OpenOptions{Facets: []string{"neckline"}})
	require.NoError(t, err)
	require.Equal(t, []catalog.Facet{{Name: "neckline", Labels: []string{"round neck", "v-neck"}}}, d.Facets)
	examples := byName(t, d)
	require.Len(t, examples, 3)
	require.Equal(t, Train, examples["train/round neck/a.jpg"].Split)
	require.Equal(t, Test, examples["train/v-neck/b.jpg"].Split, "it is for measuring somewhere")
	require.Equal(t, Test, examples["val/v-neck/c.jpg"].Split)

	again, err := Open(t.Context(), "file://localhost"+filepath.ToSlash(dir), OpenOptions{Facets: []string{"neckline"}})
	require.NoError(t, err)
	require.Equal(t, d.Fingerprint, again.Fingerprint)
}

func TestFolderErrors(t *testing.T) {
	photos := map[string]string{"round/a.jpg": "a", "v-neck/b.jpg": "b"}
	for says, c := range map[string]struct {
		files  map[string]string
		facets []string
	}{
		"no photos in the folder":                 {map[string]string{"readme.txt": "x"}, nil},
		"its photos have no labels":               {map[string]string{"a.jpg": "a", "b.jpg": "b"}, nil},
		"say which with --facets NAME":            {photos, nil},
		"no folders <facet>/<label>/*.jpg for":    {photos, []string{"neckline", "sleeve"}},
		"no folder for cut, length, but for hem":  {map[string]string{"hem/a/x.jpg": "x"}, []string{"cut", "length"}},
		`"Ärmel" cannot be the name of a facet`:   {map[string]string{"Ärmel/lang/x.jpg": "x"}, nil},
		`"train" is a split, but "dev" beside it`: {map[string]string{"train/round/a.jpg": "a", "test/round/b.jpg": "b", "dev/round/c.jpg": "c"}, []string{"neckline"}},
		"labels.json: it takes one object":        {map[string]string{"cut/a/x.jpg": "x", "labels.json": `[1]`}, nil},
		"there is something after it":             {map[string]string{"cut/a/x.jpg": "x", "labels.json": `{"cut": ["a"]} {}`}, nil},
	} {
		_, err := Open(t.Context(), place(t, c.files), OpenOptions{Facets: c.facets})
		require.ErrorContains(t, err, says)
	}
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "nowhere"), OpenOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Open(t.Context(), "ftp://host/shop.csv", OpenOptions{})
	require.ErrorContains(t, err, "on this machine or at s3://")
}

// manifestPhotos lie beside every manifest of these tests.
var manifestPhotos = map[string]string{"photos/a.jpg": "a", "b.jpg": "b", "images/c.jpg": "c", "photos/d.jpg": "d", "e.jpg": "e"}

func withManifest(t *testing.T, name, text string) string {
	t.Helper()
	files := map[string]string{name: text}
	for photo, bytes := range manifestPhotos {
		files[photo] = bytes
	}
	return filepath.Join(place(t, files), name)
}

// TestManifests reads the same table in every format.
func TestManifests(t *testing.T) {
	type row struct {
		Photo    string   `parquet:"photo" json:"photo"`
		Product  *string  `parquet:"product_id,optional" json:"product_id"`
		XMin     *float64 `parquet:"x_min,optional" json:"x_min"`
		YMin     *float64 `parquet:"y_min,optional" json:"y_min"`
		XMax     *float64 `parquet:"x_max,optional" json:"x_max"`
		YMax     *float64 `parquet:"y_max,optional" json:"y_max"`
		Split    string   `parquet:"split" json:"split"`
		Fold     *int64   `parquet:"fold,optional" json:"fold"`
		Dress    string   `parquet:"is_dress" json:"is_dress"`
		Neckline *string  `parquet:"facet_neckline,optional" json:"facet_neckline"`
		Sleeve   *string  `parquet:"sleeve,optional" json:"sleeve"`
		Vector   []int32  `parquet:"vector,list" json:"vector"`
	}
	text := func(s string) *string { return &s }
	number := func(v float64) *float64 { return &v }
	fold := int64(3)
	rows := []row{
		{"photos/a.jpg", text("p1"), number(1), number(2), number(30), number(40), "train", &fold, "yes", text("v-neck"), text("long"), []int32{1, 2}},
		{"b.jpg", nil, nil, nil, nil, nil, "test", nil, "yes", text("round"), nil, nil},
		{"c.jpg", nil, nil, nil, nil, nil, "", nil, "", nil, text("cap"), []int32{3}},
		{"d.jpg", text("p4"), nil, nil, nil, nil, "validation", nil, "no", text("round"), nil, nil},
		{"gone.jpg", nil, nil, nil, nil, nil, "", nil, "", text("round"), nil, nil},
		{"e.jpg", nil, number(5), number(6), number(5), number(9), "", nil, "", text("round"), nil, nil},
	}
	var asJSON, asParquet bytes.Buffer
	for _, r := range rows {
		require.NoError(t, json.NewEncoder(&asJSON).Encode(r))
	}
	require.NoError(t, parquet.Write(&asParquet, rows))
	const comma = "photo,product_id,x_min,y_min,x_max,y_max,split,fold,is_dress,facet_neckline,sleeve\n" +
		"photos/a.jpg,p1,1,2.0,30,40,train,3,yes,v-neck,long\n" +
		"b.jpg,,,,,,test,,yes,round,\n" +
		"c.jpg,,,,,,,,,,cap\n" +
		"d.jpg,p4,NaN,NaN,NaN,NaN,validation,NaN,no,round,\n" +
		"gone.jpg,,,,,,,,,round,\n" +
		"e.jpg,,5,6,5,9,,,,round,\n"
	var fingerprints []string
	for name, text := range map[string]string{
		"shop.csv":     comma,
		"excel.csv":    "\ufeff" + strings.ReplaceAll(strings.ReplaceAll(comma, ",", ";"), "\n", "\r\n"),
		"tabs.tsv":     strings.ReplaceAll(comma, ",", "\t"),
		"quoted.csv":   quoted(strings.ReplaceAll(comma, ",", ";")),
		"shop.jsonl":   asJSON.String(),
		"shop.parquet": asParquet.String(),
	} {
		d, err := Open(t.Context(), withManifest(t, name, text), OpenOptions{Known: []string{"sleeve"}})
		require.NoError(t, err, name)
		require.Equal(t, strings.TrimSuffix(name, filepath.Ext(name)), d.Name)
		require.Equal(t, []catalog.Facet{{Name: "neckline", Labels: []string{"round", "v-neck"}}, {Name: "sleeve", Labels: []string{"cap", "long"}}}, d.Facets, name)
		require.Len(t, d.Bad, 2, name)
		line := 7
		if name == "shop.jsonl" || name == "shop.parquet" {
			line = 6 // no line names the columns
		}
		require.Equal(t, Bad{fmt.Sprintf("%s:%d", name, line), "the box, x_min 5, y_min 6, x_max 5, y_max 9, is empty: x_max must be greater than x_min, and y_max than y_min, by a pixel or more"}, d.Bad[0])
		require.Equal(t, "gone.jpg", d.Bad[1].Photo)
		require.Contains(t, d.Bad[1].Reason, "cannot be read: no such file")
		require.Equal(t, 6, d.Size())
		examples := byName(t, d)
		a := examples["photos/a.jpg"]
		require.Equal(t, &photo.Box{XMin: 1, YMin: 2, XMax: 30, YMax: 40}, a.Box, name)
		require.Equal(t, map[string]string{"neckline": "v-neck", "sleeve": "long"}, a.Labels, name)
		require.Equal(t, []any{"p1", 3, Train, false}, []any{a.Product, a.Fold, a.Split, a.NoDress}, name)
		b := examples["b.jpg"]
		require.Equal(t, []any{"b", -1, Test, map[string]string{"neckline": "round"}}, []any{b.Product, b.Fold, b.Split, b.Labels}, name)
		require.Equal(t, "c.jpg", filepath.Base(examples["c.jpg"].Path))
		require.True(t, examples["d.jpg"].NoDress)
		require.Empty(t, examples["d.jpg"].Labels)
		d.Bad[0].Photo = "" // names the file
		fingerprints = append(fingerprints, d.fingerprint())
	}
	for _, f := range fingerprints {
		require.Equal(t, fingerprints[0], f, "what was read is the same")
	}
}

// quoted quotes all that is between semicolons, as R and LibreOffice do.
func quoted(text string) string {
	return `"` + strings.NewReplacer(";", `";"`, "\n", "\"\n\"").Replace(strings.TrimSuffix(text, "\n")) + "\"\n"
}

// TestFacetColumns holds the rule of which columns are facets.
func TestFacetColumns(t *testing.T) {
	columns := []string{"photo", "Neckline", "facet_sleeve", "facet_sleeve_probability", "facet_sleeve_source", "length", "price"}
	for _, c := range []struct {
		options OpenOptions
		want    map[string]string
	}{
		{OpenOptions{}, map[string]string{"sleeve": "facet_sleeve"}},
		{OpenOptions{Known: []string{"length", "pattern", "neckline"}}, map[string]string{"sleeve": "facet_sleeve", "length": "length", "neckline": "Neckline"}},
		{OpenOptions{Known: []string{"length"}, Facets: []string{"price", "sleeve"}}, map[string]string{"price": "price", "sleeve": "facet_sleeve"}},
	} {
		table := &table{}
		table.name(columns)
		got, err := table.facetColumns(c.options)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	both := &table{}
	both.name([]string{"photo", "facet_cut", "cut", "Sleeve", "facet_sleeve", "facet_photo", "facet_Hem"})
	// Without the prefix if there is such a column and it is asked for, whatever the facet's first letter: of an index, the
	// shop's own column "cut" may be the number of a pattern.
	prefixed := map[string]string{"cut": "facet_cut", "sleeve": "facet_sleeve", "photo": "facet_photo", "hem": "facet_Hem"}
	sleeve := map[string]string{"cut": "facet_cut", "sleeve": "Sleeve", "photo": "facet_photo", "hem": "facet_Hem"}
	all := map[string]string{"cut": "cut", "sleeve": "Sleeve", "photo": "facet_photo", "hem": "facet_Hem"}
	for range 20 { // columns have no order
		letters := &table{}
		letters.name([]string{"photo", "facet_CUT", "Sleeve", "SLEEVE", "facet_cut", "facet_Cut"})
		got, err := letters.facetColumns(OpenOptions{Known: []string{"sleeve"}})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"cut": "facet_cut", "sleeve": "Sleeve"}, got)
	}
	for _, c := range []struct {
		options OpenOptions
		want    map[string]string
	}{{OpenOptions{}, prefixed}, {OpenOptions{Known: []string{"sleeve"}}, sleeve}, {OpenOptions{Facets: []string{"hem", "photo", "sleeve", "cut"}}, all}} {
		got, err := both.facetColumns(c.options)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	table := &table{}
	table.name(columns)
	_, err := table.facetColumns(OpenOptions{Facets: []string{"hem"}})
	require.ErrorContains(t, err, "none is hem; there are Neckline, facet_sleeve,")
}

// TestIndexAsManifest learns from what people said, not from what a model did.
func TestIndexAsManifest(t *testing.T) {
	d, err := Open(t.Context(), withManifest(t, "part.csv",
		"source,box_x_min,box_y_min,box_x_max,box_y_max,facet_sleeve,facet_sleeve_probability,facet_sleeve_source\n"+
			"b.jpg,1,2,3,4,cap,1,human\ne.jpg,,,,,long,0.9,predicted\n"), OpenOptions{})
	require.NoError(t, err)
	examples := byName(t, d)
	require.Equal(t, map[string]string{"sleeve": "cap"}, examples["b.jpg"].Labels)
	require.Equal(t, &photo.Box{XMin: 1, YMin: 2, XMax: 3, YMax: 4}, examples["b.jpg"].Box)
	require.Empty(t, examples["e.jpg"].Labels)
}

// TestProductNumbers: a table has the same products, and so the same splits, whichever program wrote their numbers into
// whichever format.
func TestProductNumbers(t *testing.T) {
	type row struct {
		Photo   string   `parquet:"photo"`
		Product *float64 `parquet:"product_id,optional"`
		Cut     string   `parquet:"facet_cut"`
	}
	id := 1234567.0
	var floats bytes.Buffer
	require.NoError(t, parquet.Write(&floats, []row{{"b.jpg", &id, "a"}, {"e.jpg", nil, "b"}}))
	for name, text := range map[string]string{
		"whole.csv": "photo,product_id,facet_cut\nb.jpg,1234567,a\ne.jpg,,b\n", "pandas.csv": "photo,product_id,facet_cut\nb.jpg,1234567.0,a\ne.jpg,NaN,b\n",
		"printed.csv": "photo,product_id,facet_cut\nb.jpg,1.234567e+06,a\ne.jpg,nan,b\n", "floats.parquet": floats.String(),
		"floats.jsonl": "{\"photo\": \"b.jpg\", \"product_id\": 1234567.0, \"facet_cut\": \"a\"}\n{\"photo\": \"e.jpg\", \"product_id\": null, \"facet_cut\": \"b\"}\n",
	} {
		d, err := Open(t.Context(), withManifest(t, name, text), OpenOptions{})
		require.NoError(t, err)
		require.Equal(t, []any{"1234567", true, "e", false}, []any{d.Examples[0].Product, d.Examples[0].ProductGiven, d.Examples[1].Product, d.Examples[1].ProductGiven}, name)
	}
	type number struct {
		Photo   string  `parquet:"photo"`
		Product float64 `parquet:"product_id"`
		Cut     string  `parquet:"facet_cut"`
	}
	var spark bytes.Buffer
	require.NoError(t, parquet.Write(&spark, []number{{"b.jpg", 12345678, "a"}}))
	for name, text := range map[string]string{
		"spark.csv": "photo,product_id,facet_cut\nb.jpg,1.2345678E7,a\n", "spark.parquet": spark.String(),
		"spark.jsonl": "{\"photo\": \"b.jpg\", \"product_id\": 1.2345678E7, \"facet_cut\": \"a\"}\n",
	} {
		d, err := Open(t.Context(), withManifest(t, name, text), OpenOptions{})
		require.NoError(t, err)
		require.Equal(t, "12345678", d.Examples[0].Product, name)
	}
	for text, want := range map[string]string{
		"007": "007", "12E4": "12E4", "12e4": "12e4", "1.5": "1.5", "1.25e+01": "1.25e+01", "2.0.0": "2.0.0", "1e+999": "1e+999", "p 1.0": "p 1.0",
		"12345678901234567890": "12345678901234567890", "9007199254740993.0": "9007199254740993", "0.0": "0", "-1.0": "-1", "1e+16": "10000000000000000",
		"1.2345678E7": "12345678", "1.0E7": "10000000", "-1.0E7": "-10000000", "1.25E1": "1.25E1", "1.0E-3": "1.0E-3", "1.0E999": "1.0E999", "12.5E3": "12.5E3", "1E7": "1E7",
	} {
		require.Equal(t, want, productID(text))
	}
}

// TestNaNIsNoLabel: programs for statistics write it for what is missing.
func TestNaNIsNoLabel(t *testing.T) {
	d, err := Open(t.Context(), withManifest(t, "shop.csv", "photo,product_id,split,facet_cut\nb.jpg,NaN,NaN,NaN\ne.jpg,nan,nan,a\n"), OpenOptions{})
	require.NoError(t, err)
	require.Empty(t, d.Bad)
	require.Equal(t, []catalog.Facet{{Name: "cut", Labels: []string{"a"}}}, d.Facets)
}

// TestHalfABox is neither a box nor none.
func TestHalfABox(t *testing.T) {
	d, err := Open(t.Context(), withManifest(t, "shop.csv", "photo,facet_cut,x_min,y_min,x_max,y_max\nb.jpg,a,,20,30,40\ne.jpg,a,,,nan,\n"), OpenOptions{})
	require.NoError(t, err)
	require.Equal(t, []Bad{{"shop.csv:2", "the box lacks x_min"}}, d.Bad)
	require.Len(t, d.Examples, 1)
	require.Nil(t, d.Examples[0].Box)
}

// TestManifestsFromWindows have backslashes, columns in capitals and byte order marks.
func TestManifestsFromWindows(t *testing.T) {
	for name, text := range map[string]string{
		"shop.csv":   "\ufeffPhoto;Product_ID;Box_X_Min;Y_MIN;X_Max;y_max;SPLIT;Is_Dress;facet_cut\r\nphotos\\a.jpg;p1;1;2;30;40;Test;Yes;slim\r\nimages\\c.jpg;p2;;;;;;NO;\r\n",
		"shop.jsonl": "\ufeff{\"Photo\": \"photos\\\\a.jpg\", \"Product_ID\": \"p1\", \"Box_X_Min\": 1, \"Y_MIN\": 2, \"X_Max\": 30, \"y_max\": 40, \"SPLIT\": \"Test\", \"facet_cut\": \"slim\"}\r\n{\"IMAGE\": null, \"Photo\": \"images\\\\c.jpg\", \"Product_ID\": \"p2\", \"Is_Dress\": false}\r\n",
	} {
		d, err := Open(t.Context(), withManifest(t, name, text), OpenOptions{})
		require.NoError(t, err, name)
		require.Empty(t, d.Bad, name)
		require.Equal(t, []string{"photos/a.jpg", "images/c.jpg"}, names(d.Examples), name)
		a, c := d.Examples[0], d.Examples[1]
		require.Equal(t, []any{"p1", &photo.Box{XMin: 1, YMin: 2, XMax: 30, YMax: 40}, Test, map[string]string{"cut": "slim"}}, []any{a.Product, a.Box, a.Split, a.Labels}, name)
		require.Equal(t, []any{"p2", true}, []any{c.Product, c.NoDress}, name)
	}
	d, err := Open(t.Context(), withManifest(t, "shop.csv", "photo,facet_cut\nphotos\\a.jpg,slim\n"), OpenOptions{})
	require.NoError(t, err)
	require.Equal(t, "a", d.Examples[0].Product, "the file's name")
}

// TestIsDress is yes or no, however a program writes that: what is neither must not become a dress.
func TestIsDress(t *testing.T) {
	for says, spellings := range map[string][]string{
		"no":  {"no", "No", " NO ", "n", "N", "false", "FALSE", "f", "0", "0.0"},
		"yes": {"yes", "Yes", "y", "Y", "true", "TRUE", "t", "1", "1.0", "", "nan"},
		"bad": {"nein", "nope", "2", "-1", "0.5", "no dress", "unknown"},
	} {
		for _, text := range spellings {
			d, err := Open(t.Context(), withManifest(t, "shop.csv", "photo,facet_cut,is_dress\nb.jpg,a,"+text+"\n"), OpenOptions{})
			require.NoError(t, err)
			r := folder(t, map[string]string{"facets/labels.csv": "photo,is_dress,fold\n1.jpg," + text + ",0\n"})
			judged, err := r.Facets()
			if says == "bad" {
				require.Equal(t, []Bad{{"shop.csv:2", fmt.Sprintf("is_dress is %q, but must be yes or no, true or false, 1 or 0, or empty", text)}}, d.Bad)
				require.ErrorContains(t, err, fmt.Sprintf("labels.csv: line 2: is_dress is %q", text))
				continue
			}
			require.Empty(t, d.Bad, text)
			require.Equal(t, says == "no", d.Examples[0].NoDress, text)
			require.NoError(t, err)
			require.Equal(t, says == "no", judged[0].NoDress, text)
		}
	}
}

func TestManifestErrors(t *testing.T) {
	for says, c := range map[string][2]string{
		"is empty":                   {"a.csv", ""},
		"no column for the photos":   {"b.csv", "id,facet_cut\n1,a\n"},
		"no column is called photo,": {"b.jsonl", "{\"id\": 1, \"facet_cut\": \"a\"}\n"},
		"none begins with facet_":    {"c.csv", "photo,cut\nb.jpg,a\n"},
		"not a whole Parquet file":   {"e.parquet", "PAR1 nothing PAR1"},
		"no column is a facet's":     {"f.jsonl", "{\"photo\": \"b.jpg\"}\n"},
		"a manifest is a .csv":       {"g.txt", "photo,facet_cut\n"},
		"facet cut has 1001 labels":  {"h.csv", manyLabels()},
		"there are no photos in it":  {"i.csv", "photo,facet_cut\n"},
	} {
		_, err := Open(t.Context(), withManifest(t, c[0], c[1]), OpenOptions{})
		require.ErrorContains(t, err, says)
	}
}

func manyLabels() string {
	text := "photo,x_min,y_min,x_max,y_max,facet_cut\n"
	for i := range maxLabels + 1 {
		text += fmt.Sprintf("b.jpg,0,0,9,%d,%d\n", i+1, i) // each another dress
	}
	return text
}

// TestBadRows are counted, and cost nothing else.
func TestBadRows(t *testing.T) {
	d, err := Open(t.Context(), withManifest(t, "shop.csv", "photo,facet_cut,split,fold\n"+
		"b.jpg,a,dev,\n,a,,\nb.jpg\nb.jpg,a,,x\nb.jpg,"+strings.Repeat("long ", 50)+",,\n\"e.jpg\",a,,\n\n\"b.jpg,a,,\nb.jpg,a, b,test,1\n"), OpenOptions{})
	require.NoError(t, err)
	var reasons []string
	for _, b := range d.Bad {
		reasons = append(reasons, b.Photo+" "+b.Reason)
	}
	require.ElementsMatch(t, []string{
		`shop.csv:2 the split is "dev", but must be train or test`,
		"shop.csv:3 it names no photo",
		"shop.csv:4 it has 1 fields, but the first line names 4 columns",
		`shop.csv:5 fold is "x", but must be a whole number`,
		"shop.csv:6 column facet_cut has 249 bytes, more than the 200 of a label",
		"shop.csv:9 it has 1 fields, but the first line names 4 columns",
		"shop.csv:10 it has 5 fields, but the first line names 4 columns",
	}, reasons)
	require.Len(t, d.Examples, 1)
}

// TestPhotosElsewhere are brought to this machine where they may be.
func TestPhotosElsewhere(t *testing.T) {
	manifest := withManifest(t, "shop.csv", "photo,facet_cut\nhttps://127.0.0.1:1/x.jpg,a\nb.jpg,b\n")
	d, err := Open(t.Context(), manifest, OpenOptions{})
	require.NoError(t, err)
	require.Equal(t, []Bad{{"https://127.0.0.1:1/x.jpg", "the photo is not on this machine"}}, d.Bad)
	d, err = Open(t.Context(), manifest, OpenOptions{Fetched: t.TempDir()})
	require.NoError(t, err)
	require.Contains(t, d.Bad[0].Reason, "the photo cannot be read")
}

func TestOpenIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, withManifest(t, "shop.csv", "photo,facet_cut\nb.jpg,b\n"), OpenOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

// TestFingerprint changes with labels, order and photos, and not with the place.
func TestFingerprint(t *testing.T) {
	files := map[string]string{"neckline/round/a.jpg": "a", "neckline/v-neck/b.jpg": "b"}
	fingerprint := func(change func(files map[string]string)) string {
		copied := map[string]string{}
		for name, text := range files {
			copied[name] = text
		}
		change(copied)
		d, err := Open(t.Context(), place(t, copied), OpenOptions{})
		require.NoError(t, err)
		return d.Fingerprint
	}
	same := fingerprint(func(map[string]string) {})
	require.Equal(t, same, fingerprint(func(map[string]string) {}))
	require.Equal(t, same, fingerprint(func(f map[string]string) { f["readme.txt"] = "x" }))
	for _, change := range []func(map[string]string){
		func(f map[string]string) { f["neckline/round/a.jpg"] = "other bytes" },
		func(f map[string]string) { f["neckline/halter/c.jpg"] = "c" },
		func(f map[string]string) { f["labels.json"] = `{"neckline": ["v-neck"]}` },
	} {
		require.NotEqual(t, same, fingerprint(change))
	}
}
