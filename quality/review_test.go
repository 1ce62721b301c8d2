package quality

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
)

// picture is a PNG of one colour, another one for each n.
func picture(t *testing.T, n int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 40, 60))
	for i := range m.Pix {
		m.Pix[i] = uint8(255 - 8*n)
	}
	m.Set(0, 0, color.RGBA{uint8(n), 0, 0, 255})
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

// shop is a dataset of eight photos, of which a model is sure that the first is a v-neck, and its predictions.
func shop(t *testing.T) Options {
	t.Helper()
	dir := t.TempDir()
	labels := []string{"round", "round", "round", "v-neck", "v-neck", "v-neck", "", "round"}
	rows := "photo,neckline,sleeve\n"
	var predictions []evaluation.LabelProbability
	for i, label := range labels {
		name, data := fmt.Sprintf("%d.png", i), picture(t, i)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
		rows += fmt.Sprintf("%s,%s,long\n", name, label)
		v := float32(0.1)
		if label == "v-neck" || i == 0 {
			v = 0.9
		}
		if i == 7 {
			v = 0.6
		}
		set := evaluation.Apart
		if i >= 4 {
			set = evaluation.Learned
		}
		id := fmt.Sprintf("%x", sha256.Sum256(data))
		predictions = append(predictions,
			evaluation.LabelProbability{Source: name, PhotoID: id, Facet: "neckline", Label: "v-neck", Probability: v, Predicted: v > 0.5, Set: set},
			evaluation.LabelProbability{Source: name, PhotoID: id, Facet: "neckline", Label: "round", Probability: 1 - v, Predicted: v < 0.5, Set: set})
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "labels.csv"), []byte(rows), 0o644))
	options := Options{Dataset: filepath.Join(dir, "labels.csv"), Predictions: filepath.Join(dir, "predictions.parquet")}
	predict(t, options, predictions...)
	return options
}

func review(t *testing.T, options Options) *Review {
	t.Helper()
	r, err := Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// idOf is the id of the photo of a number.
func idOf(r *Review, n int) string { return r.collection.dresses[n].id() }

func find(t *testing.T, r *Review, q Query) []string {
	t.Helper()
	q.Facet, q.Limit = "neckline", 100
	page, err := r.Find(q)
	require.NoError(t, err)
	names := []string{}
	for _, i := range page.Items {
		names = append(names, i.Name)
	}
	require.Equal(t, page.Total, len(names))
	return names
}

// say judges the photo of a number.
func say(r *Review, judge string, n int, facet, label string) error {
	return r.Judge(Said{Judge: judge, ID: idOf(r, n), Facet: facet, Label: label})
}

// itemOf is the photo of a number.
func itemOf(t *testing.T, r *Review, n int, facet string) Item {
	t.Helper()
	item, err := r.Item(idOf(r, n), facet)
	require.NoError(t, err)
	return item
}

// TestFiguresFollowPeople: a label that is corrected changes what the model is measured by, and is there after a restart
// and for training.
func TestFiguresFollowPeople(t *testing.T) {
	options := shop(t)
	r := review(t, options)
	neckline := func() FacetOverview {
		o := r.Overview()
		require.True(t, o.Apart)
		require.Equal(t, 8, o.Photos)
		require.Equal(t, "neckline", o.Facets[0].Facet)
		return o.Facets[0]
	}
	before := neckline()
	require.Equal(t, 4, before.Measured, "those that the model has not learned from")
	require.InDelta(t, 0.75, before.Accuracy, 1e-9)
	require.Equal(t, map[Show]int{ShowAll: 8, ShowDisagree: 2, ShowUnlabelled: 1, ShowLabelled: 7}, before.Show)
	require.Equal(t, []string{"0.png", "7.png"}, find(t, r, Query{Show: ShowDisagree}), "what the model is surest of first")
	require.Equal(t, []string{"0.png"}, find(t, r, Query{Show: ShowDisagree, Set: evaluation.Apart}))
	require.Equal(t, []string{"0.png", "7.png"}, find(t, r, Query{Label: "round", Predicted: "v-neck"}))
	require.Equal(t, []string{"6.png"}, find(t, r, Query{Show: ShowUnlabelled}))

	require.NoError(t, say(r, " ann ", 0, "neckline", "v-neck"))
	require.ErrorContains(t, say(r, "ann", 6, "neckline", "smocked"), `neckline has no label "smocked"`)
	require.NoError(t, r.Judge(Said{"ann", idOf(r, 6), "neckline", "smocked", true}))
	require.NoError(t, say(r, "ann", 7, "neckline", "round"))
	require.NoError(t, say(r, "bob", 7, "neckline", "v-neck"))
	after := neckline()
	require.Equal(t, 1.0, after.Accuracy)
	require.Equal(t, 2, after.Judges)
	require.Equal(t, []string{"v-neck", "round", "smocked"}, slices.DeleteFunc(after.Labels, func(l string) bool { return !slices.Contains([]string{"v-neck", "round", "smocked"}, l) }))
	require.Equal(t, map[Show]int{ShowAll: 8, ShowDisagree: 1, ShowAtOdds: 1, ShowLabelled: 7}, after.Show)
	require.Equal(t, []string{"6.png", "0.png"}, find(t, r, Query{Show: ShowSecond, Judge: "bob"}))
	require.Equal(t, []string{"7.png"}, find(t, r, Query{Show: ShowMine, Judge: "bob"}))
	require.NoError(t, say(r, "ann", 1, datasets.DressFacet, "no"))
	item := itemOf(t, r, 1, "neckline")
	require.True(t, item.NoDress)
	require.Empty(t, item.Label)

	require.NoError(t, r.Close())
	again := review(t, options)
	item = itemOf(t, again, 0, "neckline")
	require.Equal(t, "v-neck", item.Label)
	require.Equal(t, "round", item.Imported)
	require.Equal(t, map[string]string{"ann": "v-neck"}, item.Votes)
	learned, err := datasets.Open(t.Context(), options.Dataset, datasets.OpenOptions{Facets: []string{"neckline"}})
	require.NoError(t, err)
	require.Equal(t, "v-neck", learned.Examples[0].Labels["neckline"])
	require.True(t, learned.Examples[1].NoDress)
	require.Empty(t, learned.Examples[7].Labels, "judges are at odds")
	require.NoError(t, say(again, "ann", 0, "neckline", ""))
	item = itemOf(t, again, 0, "neckline")
	require.Equal(t, "round", item.Label, "taken back")
}

func TestWhatCannotBeReviewed(t *testing.T) {
	options := shop(t)
	for want, o := range map[string]Options{
		"there is no such folder or file": {Dataset: filepath.Join(t.TempDir(), "none.csv")},
		"this is no table of predictions": {Dataset: options.Dataset, Predictions: options.Dataset},
		"it has no column":                {Dataset: options.Dataset, Predictions: options.Dataset},
	} {
		_, err := Open(t.Context(), o)
		require.ErrorContains(t, err, want)
	}
	r := review(t, options)
	_, err := Open(t.Context(), options)
	require.ErrorContains(t, err, "another program adds to")
	for want, judge := range map[string]func() error{
		"there is no facet":              func() error { return say(r, "ann", 0, "colour", "red") },
		"the judge's name":               func() error { return say(r, " ", 0, "neckline", "round") },
		"must be yes or no":              func() error { return say(r, "ann", 0, datasets.DressFacet, "perhaps") },
		"of 60 plain characters at most": func() error { return say(r, strings.Repeat("a", 61), 0, "neckline", "round") },
		"a new label has 60 plain characters": func() error {
			return r.Judge(Said{"ann", idOf(r, 0), "neckline", strings.Repeat("a", 61), true})
		},
	} {
		err := judge()
		require.ErrorIs(t, err, ErrInvalid)
		require.ErrorContains(t, err, want)
	}
}

// TestJudgesAtOnce lose nothing.
func TestJudgesAtOnce(t *testing.T) {
	options := shop(t)
	r := review(t, options)
	var judges sync.WaitGroup
	for j := range 8 {
		judges.Go(func() {
			for id := range 8 {
				if err := say(r, fmt.Sprint("judge ", j), id, "neckline", "round"); err != nil {
					t.Error(err)
				}
				r.Overview()
			}
		})
	}
	judges.Wait()
	require.NoError(t, r.Close())
	text, err := os.ReadFile(filepath.Join(filepath.Dir(options.Dataset), datasets.JudgementsFile))
	require.NoError(t, err)
	all, err := datasets.ParseJudgements(text)
	require.NoError(t, err)
	require.Len(t, all, 64)
}

// TestNamesOfThePage: a name of elsewhere that points here neither reads nor judges; those that were given do.
func TestNamesOfThePage(t *testing.T) {
	s := NewServer(nil, ServerOptions{Hosts: []string{"quality.shop.example", "ported.example:8443"}})
	local := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 8090}
	for host, known := range map[string]bool{
		"localhost:8090": true, "127.0.0.1:8090": true, "127.9.9.9": true, "[::1]:8090": true, "LOCALHOST": true, "10.0.0.7:8090": true,
		"quality.shop.example": true, "Quality.Shop.example:443": true, "ported.example:8443": true, "ported.example": true,
		"evil.example:8090": false, "localhost.evil.example": false, "": false, "10.0.0.1:8090": false, "shop.example": false,
	} {
		require.Equal(t, known, s.known(host, local), host)
	}
}

// TestFromNothing: photos without a label get those of the default facets, and several spellings are one label.
func TestFromNothing(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "0.png"), picture(t, 0), 0o644))
	dataset := filepath.Join(dir, "shop.csv")
	require.NoError(t, os.WriteFile(dataset, []byte("photo\n0.png\ngone.png\n"), 0o644))
	r := review(t, Options{Dataset: dataset})
	require.Len(t, r.Bad(), 1)
	o := r.Overview()
	require.Equal(t, 1, o.Bad)
	require.Len(t, o.Facets, len(datasets.Facets()))
	require.NoError(t, say(r, "ann", 0, "neckline", "V Neck"))
	require.NoError(t, say(r, "Ann ", 0, "length", "midi"))
	require.Equal(t, map[string]int{"v-neck": 1}, r.Overview().Facets[1].Counts)
	require.NoError(t, r.Close())
	d, err := datasets.Open(t.Context(), dataset, datasets.OpenOptions{Facets: []string{"neckline", "length"}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"neckline": "v-neck", "length": "midi"}, d.Examples[0].Labels)
}

// TestLabelsSpelledOtherwise are one, in what was imported, in predictions and in judgements.
func TestLabelsSpelledOtherwise(t *testing.T) {
	options := shop(t)
	relabel(t, options, "v-neck", "V Neck")
	r := review(t, options)
	require.Equal(t, []string{"v-neck", "round"}, r.Overview().Facets[0].Labels[:2])
	require.Equal(t, []string{"0.png", "7.png"}, find(t, r, Query{Show: ShowDisagree}))
	require.NoError(t, say(r, "ann", 0, "neckline", "V NECK"))
	require.Equal(t, "v-neck", itemOf(t, r, 0, "neckline").Label)
}

// relabel writes other texts into a dataset's manifest.
func relabel(t *testing.T, options Options, oldNew ...string) {
	t.Helper()
	text, err := os.ReadFile(options.Dataset)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(options.Dataset, []byte(strings.NewReplacer(oldNew...).Replace(string(text))), 0o644))
}

// again opens a review again, as after a restart.
func again(t *testing.T, r *Review, options Options) *Review {
	t.Helper()
	require.NoError(t, r.Close())
	return review(t, options)
}

// TestWhatIsNoLabelStaysSo after a restart, though the dataset has labels that look like it.
func TestWhatIsNoLabelStaysSo(t *testing.T) {
	options := shop(t)
	relabel(t, options, "6.png,,", "6.png,-,", "5.png,v-neck,", "5.png,Unknown,")
	r := review(t, options)
	require.NoError(t, say(r, "ann", 0, "neckline", "v-neck"))
	require.NoError(t, say(r, "ann", 0, "neckline", ""))
	require.NoError(t, say(r, "ann", 1, "neckline", datasets.Unseen))
	r = again(t, r, options)
	require.Empty(t, itemOf(t, r, 0, "neckline").Votes)
	require.True(t, itemOf(t, r, 1, "neckline").Unseen)
}

// TestPageAndTrainingHaveOneMajority, however judges spelled a label before a model's predictions had another spelling.
func TestPageAndTrainingHaveOneMajority(t *testing.T) {
	options := shop(t)
	relabel(t, options, "v-neck", "V Neck", "7.png,round", "7.png,bateau")
	r := review(t, Options{Dataset: options.Dataset})
	require.NoError(t, say(r, "ann", 0, "neckline", "V Neck"))
	require.NoError(t, say(r, "cid", 0, "neckline", "round"))
	r = again(t, r, options)
	require.NoError(t, say(r, "bob", 0, "neckline", "v-neck"))
	require.Equal(t, "v-neck", itemOf(t, r, 0, "neckline").Label)
	d, err := datasets.Open(t.Context(), options.Dataset, datasets.OpenOptions{Facets: []string{"neckline"}})
	require.NoError(t, err)
	require.Equal(t, datasets.LooseLabel("v-neck"), datasets.LooseLabel(d.Examples[0].Labels["neckline"]))
}

// TestLabelsThatWereImported can be said, however they were written.
func TestLabelsThatWereImported(t *testing.T) {
	for _, label := range []string{"off\u00a0shoulder", strings.Repeat("long ", 13) + "x"} {
		options := shop(t)
		relabel(t, options, "v-neck", label)
		r := review(t, options)
		require.NoError(t, say(r, "ann", 0, "neckline", label))
		require.Equal(t, itemOf(t, r, 3, "neckline").Imported, itemOf(t, r, 0, "neckline").Label)
	}
}

// TestALabelThatWasTakenBack is no label after a restart.
func TestALabelThatWasTakenBack(t *testing.T) {
	options := shop(t)
	r := review(t, options)
	require.NoError(t, r.Judge(Said{"ann", idOf(r, 0), "neckline", "v-nekc", true}))
	require.NoError(t, say(r, "ann", 0, "neckline", "v-neck"))
	require.NoError(t, r.Judge(Said{"ann", idOf(r, 1), "neckline", "smocked", true}))
	labels := again(t, r, options).Overview().Facets[0].Labels
	require.NotContains(t, labels, "v-nekc")
	require.Contains(t, labels, "smocked")
}

// TestABoxThatChanged keeps what was said of its dress.
func TestABoxThatChanged(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "0.png"), picture(t, 0), 0o644))
	options := Options{Dataset: filepath.Join(dir, "shop.csv")}
	require.NoError(t, os.WriteFile(options.Dataset, []byte("photo,neckline,x_min,y_min,x_max,y_max\n0.png,round,0,0,10,10\n0.png,v-neck,10,10,20,20\n"), 0o644))
	r := review(t, options)
	require.NoError(t, say(r, "ann", 0, "neckline", "boat"))
	require.NoError(t, say(r, "ann", 1, "neckline", "high"))
	relabel(t, options, "0,0,10,10", "0,0,11,10", "10,10,20,20", "15,15,30,30")
	r = again(t, r, options)
	require.Equal(t, "boat", itemOf(t, r, 0, "neckline").Label)
	require.Equal(t, "v-neck", itemOf(t, r, 1, "neckline").Label)
	require.Equal(t, 1, r.Overview().Strays)
}

// TestPhotosOfSeveralDresses have no prediction where nobody knows which dress it is of, and can be judged; of a table that
// tells it has that of its own.
func TestPhotosOfSeveralDresses(t *testing.T) {
	options := shop(t)
	require.NoError(t, os.WriteFile(options.Dataset, []byte("photo,neckline,x_min,y_min,x_max,y_max\n0.png,round,0,0,10,10\n0.png,v-neck,10,10,20,20\n1.png,round,0,0,10,10\n"), 0o644))
	r := review(t, options)
	require.Empty(t, itemOf(t, r, 0, "neckline").Predicted)
	require.Equal(t, "round", itemOf(t, r, 2, "neckline").Predicted)

	id := func(n int) string { return r.collection.dresses[n].photoID }
	left, right := &catalog.Box{XMax: 10, YMax: 9}, &catalog.Box{XMin: 11, YMin: 10, XMax: 20, YMax: 20}
	row := func(id, label string, box *catalog.Box, model string) evaluation.LabelProbability {
		return evaluation.LabelProbability{PhotoID: id, Facet: "neckline", Label: label, Probability: 1, Predicted: true, FacetModel: model, Box: box}
	}
	predict(t, options, row(id(0), "boat", right, "f"), row(id(0), "halter", left, "f"), row(id(0), "cowl", &catalog.Box{XMin: 30, XMax: 40, YMax: 10}, "f"), row(id(2), "cowl", right, "f"))
	r = again(t, r, options)
	require.Equal(t, []string{"halter", "boat"}, []string{itemOf(t, r, 0, "neckline").Predicted, itemOf(t, r, 1, "neckline").Predicted})
	require.Empty(t, itemOf(t, r, 2, "neckline").Predicted, "of another dress than the one that people labelled")
	require.Equal(t, "f", r.Overview().Model)

	require.NoError(t, r.Close())
	predict(t, options, row(id(0), "boat", right, "one"), row(id(0), "boat", left, "another"))
	_, err := Open(t.Context(), options)
	require.ErrorContains(t, err, "of two models, one and another: name those of one")
}

// predict makes rows the table of predictions.
func predict(t *testing.T, options Options, rows ...evaluation.LabelProbability) {
	t.Helper()
	file, err := os.Create(options.Predictions)
	require.NoError(t, err)
	require.NoError(t, evaluation.WritePredictionsParquet(file, rows))
	require.NoError(t, file.Close())
}

// TestNamesOfJudges: nobody is two judges by the spelling of a name.
func TestNamesOfJudges(t *testing.T) {
	r := review(t, shop(t))
	for n, name := range []string{"Zo\u00eb  Lee", "ZOE\u0308 LEE"} {
		require.NoError(t, say(r, name, n, "neckline", "v-neck"))
		require.NoError(t, say(r, name, 2, "neckline", "v-neck"))
	}
	require.Equal(t, 1, r.Overview().Facets[0].Judges)
	require.Equal(t, []string{"1.png", "2.png", "0.png"}, find(t, r, Query{Show: ShowMine, Judge: "zo\u00eb lee"}))
	require.Len(t, itemOf(t, r, 2, "neckline").Votes, 1)
}

// TestLabelsOfOnesOwn are not mixed with the default ones.
func TestLabelsOfOnesOwn(t *testing.T) {
	options := shop(t)
	relabel(t, options, "long", "down to the wrist")
	for _, f := range review(t, options).Overview().Facets {
		if f.Facet == "sleeve" {
			require.Equal(t, []string{"down to the wrist"}, f.Labels)
		} else {
			require.Contains(t, f.Labels, "boat", "a default one that nobody has used yet")
		}
	}
}

// TestNoDress is said by each judge for himself, and found again.
func TestNoDress(t *testing.T) {
	r := review(t, shop(t))
	require.NoError(t, say(r, "ann", 0, datasets.DressFacet, datasets.NoDress))
	require.Equal(t, []string{"0.png"}, find(t, r, Query{Show: ShowNoDress}))
	require.Equal(t, []string{"0.png"}, find(t, r, Query{Show: ShowMine, Judge: "Ann"}))
	require.Equal(t, []string{"0.png"}, find(t, r, Query{Show: ShowSecond, Judge: "bob"}))
	require.Equal(t, map[string]string{"ann": "no"}, itemOf(t, r, 0, "neckline").DressVotes)
	require.NoError(t, say(r, "bob", 0, datasets.DressFacet, datasets.IsDress))
	require.Equal(t, []string{"0.png"}, find(t, r, Query{Show: ShowAtOdds}))
	require.NoError(t, say(r, "ann", 0, datasets.DressFacet, ""))
	require.Equal(t, "round", itemOf(t, r, 0, "neckline").Label)
	require.NoError(t, say(r, "ann", 0, "neckline", datasets.Unseen))
	require.True(t, itemOf(t, r, 0, "neckline").Unseen)
}

// TestWhoLabelsSaysThatItIsADress: no dress does not outweigh those who named its neckline, nor oneself since.
func TestWhoLabelsSaysThatItIsADress(t *testing.T) {
	options := shop(t)
	r := review(t, options)
	noDress := func(n int) bool {
		t.Helper()
		item := itemOf(t, r, n, "sleeve")
		d, err := datasets.Open(t.Context(), options.Dataset, datasets.OpenOptions{Facets: []string{"sleeve"}})
		require.NoError(t, err)
		require.Equal(t, item.NoDress, d.Examples[n].NoDress, "training has it as the page")
		return item.NoDress
	}
	for j := range 3 {
		require.NoError(t, say(r, fmt.Sprint("judge ", j), 0, "neckline", "v-neck"))
	}
	require.NoError(t, say(r, "ann", 0, datasets.DressFacet, datasets.NoDress))
	require.False(t, noDress(0))

	require.NoError(t, say(r, "ann", 1, datasets.DressFacet, datasets.NoDress))
	require.True(t, noDress(1))
	require.Equal(t, 1, r.Overview().Facets[1].Show[ShowNoDress])
	require.NoError(t, say(r, "Ann", 1, "neckline", "v-neck"))
	require.False(t, noDress(1))
	require.Equal(t, 0, r.Overview().Facets[1].Show[ShowNoDress])
	require.Empty(t, itemOf(t, r, 1, "neckline").DressVotes)
	require.NoError(t, say(r, "ann", 1, "neckline", ""))
	require.True(t, noDress(1), "the label is taken back")
	require.NoError(t, say(r, "ann", 1, "neckline", datasets.Unseen))
	require.True(t, noDress(1), "of no dress nothing is seen")
}

// without leaves photos out of a table of predictions, as one in which the model finds no dress is.
func without(t *testing.T, options Options, names ...string) {
	t.Helper()
	var rows []evaluation.LabelProbability
	for row, err := range evaluation.ReadPredictions(options.Predictions) {
		require.NoError(t, err)
		if !slices.Contains(names, row.Source) {
			rows = append(rows, row)
		}
	}
	predict(t, options, rows...)
}

// TestPhotosWithoutAPrediction are in no figure, but told of.
func TestPhotosWithoutAPrediction(t *testing.T) {
	options := shop(t)
	without(t, options, "1.png", "2.png", "6.png")
	r := review(t, options)
	require.Equal(t, 2, r.Overview().Facets[0].Measured)
	require.Equal(t, 2, r.Overview().Facets[0].Show[ShowMissed])
	require.Equal(t, []string{"1.png", "2.png"}, find(t, r, Query{Show: ShowMissed}))
}

// TestConfirmedLabels do not stand before those that nobody has looked at.
func TestConfirmedLabels(t *testing.T) {
	r := review(t, shop(t))
	require.Equal(t, []string{"0.png", "7.png"}, find(t, r, Query{Show: ShowDisagree}))
	require.NoError(t, say(r, "ann", 0, "neckline", "round"))
	require.Equal(t, []string{"7.png", "0.png"}, find(t, r, Query{Show: ShowDisagree}))
	require.Equal(t, []string{"7.png", "0.png"}, find(t, r, Query{Show: ShowAll})[:2])
}

// TestAtOdds is not what has been settled: of no dress there is no label.
func TestAtOdds(t *testing.T) {
	r := review(t, shop(t))
	require.NoError(t, say(r, "ann", 0, "neckline", "v-neck"))
	require.NoError(t, say(r, "bob", 0, "neckline", "round"))
	require.Equal(t, []string{"0.png"}, find(t, r, Query{Show: ShowAtOdds}))
	for _, judge := range []string{"ann", "bob", "cid"} {
		require.NoError(t, say(r, judge, 0, datasets.DressFacet, datasets.NoDress))
	}
	require.Empty(t, find(t, r, Query{Show: ShowAtOdds}))
}

// TestADressIsNoLabel: what is a dress still lacks its label, and somebody to give it.
func TestADressIsNoLabel(t *testing.T) {
	r := review(t, shop(t))
	require.NoError(t, say(r, "ann", 6, datasets.DressFacet, datasets.IsDress))
	require.Equal(t, []string{"6.png"}, find(t, r, Query{Show: ShowUnlabelled}))
	require.Empty(t, find(t, r, Query{Show: ShowSecond, Judge: "bob"}))
	require.NoError(t, say(r, "bob", 6, "neckline", "round"))
	require.Equal(t, []string{"6.png"}, find(t, r, Query{Show: ShowSecond, Judge: "ann"}))
	require.NoError(t, say(r, "ann", 6, datasets.DressFacet, datasets.NoDress))
	require.Empty(t, find(t, r, Query{Show: ShowSecond, Judge: "ann"}))
}

// TestWhatCannotBeKept is said at once, and can be looked at.
func TestWhatCannotBeKept(t *testing.T) {
	r := review(t, shop(t))
	require.NoError(t, r.Close())
	r.log, r.readOnly = nil, syscall.EROFS // as of a folder that nobody may write to
	require.ErrorIs(t, say(r, "ann", 0, "neckline", "v-neck"), ErrReadOnly)
	require.Equal(t, "round", itemOf(t, r, 0, "neckline").Label)
	require.Equal(t, syscall.EROFS.Error(), r.Overview().ReadOnly)
	_, err := r.File()
	require.ErrorIs(t, err, syscall.EROFS)
}

// TestTheLeastSureFirst: of photos that nobody has labelled, those come first of which a label teaches most.
func TestTheLeastSureFirst(t *testing.T) {
	options := shop(t)
	rows := "photo,neckline\n"
	for i := range 8 {
		rows += fmt.Sprintf("%d.png,\n", i)
	}
	require.NoError(t, os.WriteFile(options.Dataset, []byte(rows), 0o644))
	without(t, options, "2.png")
	r := review(t, options)
	unlabelled := find(t, r, Query{Show: ShowUnlabelled})
	require.Len(t, unlabelled, 8)
	require.Equal(t, []string{"7.png", "2.png"}, []string{unlabelled[0], unlabelled[7]})
	require.NoError(t, say(r, "ann", 7, "neckline", "round"))
	require.NotContains(t, find(t, r, Query{Show: ShowUnlabelled}), "7.png")
}
