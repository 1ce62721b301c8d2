package datasets

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

func photoID(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }

func judgement(judge, content, facet, label string) Judgement {
	return Judgement{Time: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Judge: judge, PhotoID: photoID(content), Facet: facet, Label: label}
}

// judged is the JudgementsFile of a dataset.
func judged(t *testing.T, location string) string {
	t.Helper()
	path, err := JudgementsPath(location)
	require.NoError(t, err)
	return path
}

// judge adds judgements to a dataset.
func judge(t *testing.T, location string, all ...Judgement) {
	t.Helper()
	log, _, err := OpenJudgements(judged(t, location))
	require.NoError(t, err)
	for _, j := range all {
		require.NoError(t, log.Append(j))
	}
	require.NoError(t, log.Close())
}

// TestJudgedDatasets: what people say counts more than what was imported, wherever the file is moved to, and what they do
// not agree on is not known.
func TestJudgedDatasets(t *testing.T) {
	dir := place(t, map[string]string{
		"shop.csv": "photo,neckline,sleeve\na.jpg,round,long\nb.jpg,round,cap\nc.jpg,v-neck,\nd.jpg,v-neck,long\n",
		"a.jpg":    "a", "b.jpg": "b", "c.jpg": "c", "d.jpg": "d",
	})
	shop := filepath.Join(dir, "shop.csv")
	facets := OpenOptions{Facets: []string{"neckline", "sleeve"}}
	before, err := Open(t.Context(), shop, facets)
	require.NoError(t, err)
	judge(t, shop, judgement("ann", "a", "neckline", "halter"), // against the import, alone
		judgement("ann", "b", "neckline", "boat"), judgement("bob", "b", "neckline", "scoop"), // at odds
		judgement("ann", "c", "sleeve", "cap"), judgement("bob", "c", "sleeve", "cap"), judgement("cid", "c", "sleeve", "short"),
		judgement("ann", "d", "neckline", "halter"), judgement("ann", "d", "neckline", ""), // taken back
		judgement("ann", "d", "sleeve", Unseen), judgement("ann", "d", "occasion", "work"), judgement("ann", "of elsewhere", "sleeve", "cap"))
	require.NoError(t, os.Rename(filepath.Join(dir, "c.jpg"), filepath.Join(dir, "moved.jpg")))
	require.NoError(t, os.WriteFile(shop, []byte("photo,neckline,sleeve\na.jpg,round,long\nb.jpg,round,cap\nmoved.jpg,v-neck,\nd.jpg,v-neck,long\n"), 0o644))
	d, err := Open(t.Context(), shop, facets)
	require.NoError(t, err)
	got := byName(t, d)
	require.Equal(t, map[string]string{"neckline": "halter", "sleeve": "long"}, got["a.jpg"].Labels)
	require.Equal(t, map[string]string{"sleeve": "cap"}, got["b.jpg"].Labels)
	require.Equal(t, map[string]string{"neckline": "v-neck", "sleeve": "cap"}, got["moved.jpg"].Labels)
	require.Equal(t, map[string]string{"neckline": "v-neck"}, got["d.jpg"].Labels, "what cannot be seen is not known; facets that are not wanted stay out")
	require.NotEqual(t, before.Fingerprint, d.Fingerprint)
	one, err := Open(t.Context(), shop, OpenOptions{Facets: []string{"neckline"}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"neckline": "v-neck"}, byName(t, one)["moved.jpg"].Labels)
	facets.Imported = true
	imported, err := Open(t.Context(), shop, facets)
	require.NoError(t, err)
	require.Equal(t, "round", byName(t, imported)["a.jpg"].Labels["neckline"])

	judge(t, shop, judgement("ann", "a", DressFacet, NoDress))
	d, err = Open(t.Context(), shop, OpenOptions{Facets: facets.Facets})
	require.NoError(t, err)
	require.True(t, byName(t, d)["a.jpg"].NoDress)
	require.Empty(t, byName(t, d)["a.jpg"].Labels)
}

// TestJudgementsOfOneDressOfSeveral are of its box; where the photo has one dress, all are of that one, and the last counts,
// however the judge's name is spelled.
func TestJudgementsOfOneDressOfSeveral(t *testing.T) {
	left, right := &photo.Box{XMin: 1, YMin: 1, XMax: 5, YMax: 9}, &photo.Box{XMin: 6, YMin: 1, XMax: 9, YMax: 9}
	examples := []Example{{PhotoID: photoID("a"), Box: left}, {PhotoID: photoID("a"), Box: right}, {PhotoID: photoID("b"), Box: left}, {PhotoID: photoID("c")}}
	var js Judgements
	say := func(judge, content string, box *photo.Box, label string) {
		j := judgement(judge, content, "sleeve", label)
		j.Box = box
		js.Add(j)
	}
	say("ann", "a", nil, "cap")
	say("ann", "a", right, "long")
	say("ann", "b", right, "cap") // before its box was corrected
	say("Ann", "b", nil, "short")
	say("ann", "c", left, "cap")
	say("ANN", "c", nil, "")
	say("ann", "gone", nil, "cap")
	js.Apply(examples, nil)
	require.Empty(t, examples[0].Labels, "of which dress it was nobody knows")
	require.Equal(t, "long", examples[1].Labels["sleeve"])
	require.Equal(t, "short", examples[2].Labels["sleeve"])
	require.Equal(t, map[string]string{"Ann": "short"}, js.Votes(&examples[2], "sleeve", true))
	require.Empty(t, examples[3].Labels, "taken back")
	require.Equal(t, 2, js.Strays(examples), "a photo that is gone, and a dress of which nobody knows which it was")
}

// TestLabelsThatWereImported can all be said, and new ones be read.
func TestLabelsThatWereImported(t *testing.T) {
	for text, label := range map[string]string{
		" off\u00a0shoulder ": "off shoulder", "off\t\nshoulder": "off shoulder", "off\x00shoulder": "off shoulder",
		strings.Repeat("long ", 13): strings.TrimSpace(strings.Repeat("long ", 13)), "zip\u200cped": "zip\u200cped",
	} {
		require.Equal(t, label, labelOf(text))
		require.NoError(t, judgement("ann", "a", "neckline", label).Check(), label)
	}
	require.ErrorContains(t, CheckNewLabel("bo\u202eat"), "60 plain characters at most")
	require.ErrorContains(t, CheckNewLabel(strings.Repeat("a", 61)), "60 plain characters at most")
	for _, label := range []string{"smocked", strings.Repeat("\U0001f457", 60)} {
		require.NoError(t, CheckNewLabel(label))
		require.NoError(t, judgement("ann", "a", "neckline", label).Check())
	}
}

// TestStanding leaves out what judges have said otherwise since.
func TestStanding(t *testing.T) {
	all := []Judgement{
		judgement("ann", "a", "neckline", "boat"), judgement("bob", "a", "neckline", "high"), judgement("Ann", "a", "neckline", ""),
		judgement("ann", "a", "sleeve", "cap"), judgement("ann", "b", "neckline", "cowl"),
	}
	require.Equal(t, all[1:], Standing(all))
}

// TestMajority counts labels, however they are spelled.
func TestMajority(t *testing.T) {
	for want, votes := range map[string][]string{
		"v-neck": {"v-neck", "V Neck", "round", "v-neck"}, "V Neck": {"V Neck", "v-neck", "round"},
		"a\u0308rmellos": {"a\u0308rmellos", "\u00e4rmellos", "round"},
		"-":              {"-"}, Unseen: {Unseen, Unseen, "Unknown"}, "UN-KNOWN": {Unseen, "Unknown", "UN-KNOWN"},
	} {
		by := map[string]string{}
		for i, label := range votes {
			by[fmt.Sprint("judge ", i)] = label
		}
		got, ok := Majority(by)
		require.True(t, ok, votes)
		require.Equal(t, want, got, votes)
	}
	for _, votes := range []map[string]string{nil, {"ann": "round", "bob": "boat"}, {"ann": Unseen, "bob": "Unknown"}, {"ann": "-", "bob": "_"}} {
		_, ok := Majority(votes)
		require.False(t, ok, votes)
	}
}

// TestSameJudge: spaces, case and the encoding of accents make nobody somebody else.
func TestSameJudge(t *testing.T) {
	require.True(t, SameJudge("Ann  Lee ", "ann lee"))
	require.True(t, SameJudge("Zo\u00eb", "ZOE\u0308"))
	require.False(t, SameJudge("Zo\u00eb", "Zoe"))
}

// TestJudgedInTheDatasetsSpelling, whatever the judges' is.
func TestJudgedInTheDatasetsSpelling(t *testing.T) {
	examples := []Example{{PhotoID: photoID("a"), Labels: map[string]string{"neckline": "V Neck"}}}
	var js Judgements
	js.Add(judgement("ann", "a", "neckline", "v-neck"))
	js.Add(judgement("bob", "a", "neckline", "round"))
	js.Add(judgement("cid", "a", "neckline", "v_neck"))
	js.Apply(examples, nil)
	require.Equal(t, "V Neck", examples[0].Labels["neckline"])
}

// TestJudgementsOfBoxesThatChanged are of the box that is nearest; without one, they are counted.
func TestJudgementsOfBoxesThatChanged(t *testing.T) {
	examples := []Example{
		{PhotoID: photoID("a"), Box: &photo.Box{XMin: 0, YMin: 0, XMax: 11, YMax: 10}}, {PhotoID: photoID("a"), Box: &photo.Box{XMin: 8, YMin: 0, XMax: 20, YMax: 10}},
		{PhotoID: photoID("b"), Box: &photo.Box{XMin: 8, YMin: 0, XMax: 20, YMax: 10}},
	}
	var js Judgements
	say := func(content string, box photo.Box, label string) {
		j := judgement("ann", content, "sleeve", label)
		j.Box = &box
		js.Add(j)
	}
	say("a", photo.Box{XMin: 0, YMin: 0, XMax: 10, YMax: 10}, "cap")
	say("a", photo.Box{XMin: 9, YMin: 0, XMax: 20, YMax: 10}, "long")
	say("b", photo.Box{XMin: 0, YMin: 0, XMax: 2, YMax: 2}, "short") // the photo has one dress
	js.Apply(examples, nil)
	for i, label := range []string{"cap", "long", "short"} {
		require.Equal(t, label, examples[i].Labels["sleeve"])
	}
	require.Zero(t, js.Strays(examples))
	say("a", photo.Box{XMin: 0, YMin: 20, XMax: 10, YMax: 30}, "long")
	js.Apply(examples, nil)
	require.Equal(t, "cap", examples[0].Labels["sleeve"])
	require.Equal(t, 1, js.Strays(examples))
}

// TestJudgedFromNothing: a manifest of photos alone, whose facets people judged.
func TestJudgedFromNothing(t *testing.T) {
	dir := place(t, map[string]string{"shop.csv": "photo\na.jpg\nb.jpg\n", "a.jpg": "a", "b.jpg": "b"})
	shop := filepath.Join(dir, "shop.csv")
	_, err := Open(t.Context(), shop, OpenOptions{Facets: []string{"sleeve"}})
	require.ErrorContains(t, err, "no column is a facet's")
	bare, err := Open(t.Context(), shop, OpenOptions{Unlabelled: true})
	require.NoError(t, err)
	require.Len(t, bare.Examples, 2)
	judge(t, shop, judgement("ann", "a", "sleeve", "cap"))
	for _, facets := range [][]string{{"sleeve"}, nil} {
		d, err := Open(t.Context(), shop, OpenOptions{Facets: facets})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"sleeve": "cap"}, byName(t, d)["a.jpg"].Labels)
	}
	_, err = Open(t.Context(), shop, OpenOptions{Facets: []string{"neckline"}})
	require.ErrorContains(t, err, "no column is a facet's")
}

// TestJudgementsThatAreGone: nothing is written into a file that nobody will find.
func TestJudgementsThatAreGone(t *testing.T) {
	dir := place(t, map[string]string{"neckline/round/a.jpg": "a"})
	log, _, err := OpenJudgements(judged(t, dir))
	require.NoError(t, err)
	require.NoError(t, log.Append(judgement("ann", "a", "neckline", "boat")))
	require.NoError(t, os.Rename(log.Path(), log.Path()+".old"))
	require.ErrorContains(t, log.Append(judgement("ann", "a", "neckline", "round")), "was moved, replaced or deleted: start again")
	require.NoError(t, os.WriteFile(log.Path(), nil, 0o644))
	require.ErrorContains(t, log.Append(judgement("ann", "a", "neckline", "round")), "was moved, replaced or deleted")
	require.NoError(t, log.Close())
	all, err := ReadJudgements(judged(t, dir))
	require.NoError(t, err)
	require.Empty(t, all)
}

// TestJudgementsThatWereCutOff: a machine lost its power within a line.
func TestJudgementsThatWereCutOff(t *testing.T) {
	dir := place(t, map[string]string{"neckline/round/a.jpg": "a"})
	judge(t, dir, judgement("ann", "a", "neckline", "boat"))
	path := filepath.Join(dir, JudgementsFile)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, cut := range []string{string(whole) + `{"time":"2026-`, string(whole) + strings.TrimSpace(string(whole))} {
		require.NoError(t, os.WriteFile(path, []byte(cut), 0o644))
		_, err = Open(t.Context(), dir, OpenOptions{})
		require.NoError(t, err)
		judge(t, dir, judgement("bob", "a", "neckline", "boat"))
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		all, err := ParseJudgements(text)
		require.NoError(t, err)
		require.Equal(t, "bob", all[len(all)-1].Judge)
	}
	withMark := "\xef\xbb\xbf" + strings.ReplaceAll(string(whole), "\n", "\r\n")
	for _, marked := range []string{withMark, strings.TrimSpace(withMark)} {
		require.NoError(t, os.WriteFile(path, []byte(marked), 0o644))
		judge(t, dir, judgement("bob", "a", "neckline", "boat"))
		all, err := ReadJudgements(judged(t, dir))
		require.NoError(t, err)
		require.Len(t, all, 2, "an editor has put a mark before it")
	}
	require.NoError(t, os.WriteFile(path, []byte("{\n"+string(whole)), 0o644))
	_, err = Open(t.Context(), dir, OpenOptions{})
	require.ErrorContains(t, err, JudgementsFile+": line 1: ")
}

// TestJudgementsBehindALineWithoutAnEnd, as another program may leave one, begin a line.
func TestJudgementsBehindALineWithoutAnEnd(t *testing.T) {
	dir := place(t, map[string]string{"neckline/round/a.jpg": "a"})
	log, _, err := OpenJudgements(judged(t, dir))
	require.NoError(t, err)
	require.NoError(t, log.Append(judgement("ann", "a", "neckline", "boat")))
	whole, err := os.ReadFile(log.Path())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(log.Path(), []byte(strings.TrimSpace(string(whole))), 0o644))
	require.NoError(t, log.Append(judgement("bob", "a", "neckline", "boat")))
	require.NoError(t, log.Close())
	all, err := ReadJudgements(judged(t, dir))
	require.NoError(t, err)
	require.Len(t, all, 2)
}

// TestJudgementsThatNobodyMade leave no file.
func TestJudgementsThatNobodyMade(t *testing.T) {
	dir := place(t, map[string]string{"neckline/round/a.jpg": "a"})
	log, _, err := OpenJudgements(judged(t, dir))
	require.NoError(t, err)
	require.NoError(t, log.Close())
	require.NoFileExists(t, log.Path())
}

// TestJudgementsHaveOneWriter, and it is told what it may not write.
func TestJudgementsHaveOneWriter(t *testing.T) {
	dir := place(t, map[string]string{"neckline/round/a.jpg": "a"})
	log, _, err := OpenJudgements(judged(t, dir))
	require.NoError(t, err)
	_, _, err = OpenJudgements(judged(t, dir))
	require.ErrorContains(t, err, "another program adds to")
	for want, change := range map[string]func(j *Judgement){
		"the judge's name": func(j *Judgement) { j.Judge = " " }, "photo_id": func(j *Judgement) { j.PhotoID = "a" },
		"cannot be the name of a facet": func(j *Judgement) { j.Facet = "../a" }, "must be written \"neck-line\"": func(j *Judgement) { j.Facet = "Neck Line" },
		"no space around it": func(j *Judgement) { j.Label = " boat" }, "must be yes or no": func(j *Judgement) { j.Facet = DressFacet },
		"a label has 200 bytes at most": func(j *Judgement) { j.Label = "bo\nat" }, "the judge's name, of 60": func(j *Judgement) { j.Judge = "ann\nbob" },
	} {
		j := judgement("ann", "a", "neckline", "boat")
		change(&j)
		require.ErrorContains(t, log.Append(j), want)
	}
	require.NoError(t, log.Close())
	_, all, err := OpenJudgements(judged(t, dir))
	require.NoError(t, err)
	require.Empty(t, all)
	_, err = JudgementsPath("s3://shop/photos")
	require.ErrorContains(t, err, "bring the dataset to a folder of this machine first")
}

func FuzzParseJudgements(f *testing.F) {
	f.Add([]byte(`{"time":"2026-11-29T12:00:00Z","judge":"ann","photo_id":"` + photoID("a") + `","facet":"sleeve","label":"cap"}` + "\n"))
	f.Add([]byte("\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := ParseJudgements(text)
		if err != nil {
			return
		}
		var js Judgements
		for _, j := range all {
			require.NoError(t, j.Check())
			js.Add(j)
		}
		examples := []Example{{PhotoID: photoID("a")}}
		js.Apply(examples, nil)
		require.NotContains(t, examples[0].Labels, DressFacet)
	})
}
