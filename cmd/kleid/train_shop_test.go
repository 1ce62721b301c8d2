package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models/registry"
)

// TestTrainOnOwnProducts learns from a catalogue which photos are of one product, and measures on products that are
// kept apart.
func TestTrainOnOwnProducts(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	photos := s.photos(t)
	var apart, ofApart, ofLearned []string // so many of the products, and photos of both kinds
	var text strings.Builder
	fmt.Fprintln(&text, "product_id,photo")
	for i := 0; len(photos) > 0; i++ {
		id := fmt.Sprint("dress-", i)
		if datasets.SplitOf(id) == datasets.Test {
			if len(apart) == 3 {
				continue
			}
			apart, ofApart = append(apart, id), append(ofApart, photos[0])
		} else if len(photos) <= 2*(3-len(apart)) {
			continue // the rest is for those apart
		}
		if datasets.SplitOf(id) == datasets.Train {
			ofLearned = append(ofLearned, photos[0])
		}
		fmt.Fprintf(&text, "%[1]s,%[2]s\n%[1]s,%[3]s\n%[1]s,%[3]s\n", id, photos[0], photos[1]) // the last of two sizes
		photos = photos[2:]
	}
	torn := write(t, filepath.Join(t.TempDir(), "torn.jpg"), []byte("no photo"))
	fmt.Fprintf(&text, "torn,%s\n", torn)
	catalogue := write(t, filepath.Join(t.TempDir(), "shop.csv"), []byte(text.String()))

	work := t.TempDir()
	args := []string{"train", "deeprank", "--catalogue", catalogue, "--work", work, "--products", "12"}
	r := kleid(t, append(args, "--max-bad", "0")...)
	require.Equal(t, exit.TooManyBad, r.code, r.stderr)
	require.Contains(t, r.stderr, "1 of 28 photos are bad, more than the 0 that --max-bad allows")
	require.NoFileExists(t, filepath.Join(work, "model.safetensors"))
	require.FileExists(t, filepath.Join(work, "bad-photos.csv"))

	// Customers' clicks: one of photos that are learned from, one of a photo that is not, one of a bad photo.
	clicks := func(rows ...string) string {
		return write(t, filepath.Join(t.TempDir(), "clicks.csv"), []byte("query,a,b,closer,confidence,fold\n"+strings.Join(rows, "\n")))
	}
	click := func(query string) string { return fmt.Sprintf("%s,%s,%s,a,3,", query, ofLearned[1], ofLearned[2]) }
	r = kleid(t, append(args, "--max-bad", "1", "--mining", "semi-hard", "--triplets", clicks(click(ofLearned[0]), click(ofApart[0]), click(torn), click("gone.jpg")))...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stderr, "6 products to learn from, 3 to measure with")
	require.Contains(t, r.stderr, "9 photos are the same as one before")
	require.Contains(t, r.stdout, "6 photos of products kept apart, each among 5 others")
	require.Regexp(t, `DeepRank +[01]\.\d+ +– +[01]\.\d+ +–`, r.stdout, "of four other photos, the nearest five are no question")
	require.Contains(t, r.stderr, "1 triplets to learn from, 1, of products that are kept apart, to measure with")
	require.Contains(t, r.stderr, "1 triplets are left out")
	require.Contains(t, r.stderr, "1 of 4 triplets are bad, all of them listed in bad-photos.csv")
	bad, err := os.ReadFile(filepath.Join(work, "bad-photos.csv"))
	require.NoError(t, err)
	require.Contains(t, string(bad), "torn.jpg,")
	require.Regexp(t, `gone\.jpg,.*clicks\.csv: line 5: the photo, or product, is not in the catalogue`, string(bad))
	require.Contains(t, r.stdout, "of 1 triplets with a photo of those")
	require.FileExists(t, filepath.Join(work, "model.safetensors"))
	metrics, measuredOn, err := registry.ReadMetrics(t.Context(), filepath.Join(work, "metrics.json"))
	require.NoError(t, err)
	require.NotEmpty(t, measuredOn["shop.deeprank.recall_at_1"])
	require.NotEmpty(t, measuredOn["shop.triplets.deeprank"])
	require.NotEqual(t, measuredOn["shop.deeprank.recall_at_1"], measuredOn["shop.triplets.deeprank"])
	require.Contains(t, metrics, registry.OfParent+"shop.deeprank.recall_at_1")
	require.Equal(t, measuredOn["shop.deeprank.recall_at_1"], measuredOn[registry.OfParent+"shop.deeprank.recall_at_1"])

	report := readText(t, filepath.Join(work, "report.html"))
	require.Contains(t, report, "6 photos of products kept apart, each among 5 others")
	require.Regexp(t, `<th scope="row">DeepRank</th><td class="n">[01]\.\d+</td><td class="n">–</td><td class="n">[01]\.\d+</td><td class="n">–</td>`, report)
	require.Regexp(t, `(?s)1 triplets with a photo of products kept apart.*<th scope="row">unsupervised</th><td class="n">[01]\.000</td><td class="n">[01]\.000</td>`, report)

	// Of a model that is there, the same is said.
	of := []string{"evaluate", "similarity", "--catalogue", catalogue, "--models", filepath.Join(work, "model.safetensors"), "--triplets", clicks(click(ofApart[0]))}
	r = kleid(t, append(of, "--json")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	again, on, err := registry.ReadMetrics(t.Context(), write(t, filepath.Join(t.TempDir(), "figures.json"), []byte(r.stdout)))
	require.NoError(t, err)
	for figure, value := range again {
		require.Equal(t, metrics[figure], value, figure)
		require.Equal(t, measuredOn[figure], on[figure], figure)
	}
	require.Contains(t, again, "shop.triplets.deeprank")
	require.Regexp(t, `DeepRank +[01]\.\d+ +–\n`, kleid(t, of...).stdout)
	require.Equal(t, exit.TooManyBad, kleid(t, append(of, "--max-bad", "0")...).code)
	r = kleid(t, append(of, "--folds")...)
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, "--catalogue and --folds exclude each other")
	require.Contains(t, metrics, "shop.deeprank.recall_at_1")
	require.Contains(t, metrics, "shop.triplets.deeprank")

	r = kleid(t, append(args, "--max-bad", "1", "--triplets", clicks(click("elsewhere.jpg"), click("gone.jpg")))...)
	require.Equal(t, exit.TooManyBad, r.code)
	require.Contains(t, r.stderr, "2 of 2 triplets are bad, more than the 1 that --max-bad allows")
	r = kleid(t, "train", "deeprank", "--work", work, "--triplets", "clicks.csv")
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, "--reference or --catalogue")

	// What was measured of that model is not of the next one.
	r = kleid(t, "train", "override", "--work", work, "--products", "4")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.NoFileExists(t, filepath.Join(work, "metrics.json"))

	r = kleid(t, append(args, "--mining", "hardest")...)
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, "must be one of [batch-hard semi-hard]")
}

// TestTripletsOfReference whose photos are gone are listed with their lines, and fail the training if they are too many.
func TestTripletsOfReference(t *testing.T) {
	dir, work := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "facets", "labels.csv"), []byte("photo,is_dress,fold\n"))
	write(t, filepath.Join(dir, "triplets", "triplets.csv"), []byte("query,a,b,closer,confidence,fold\na.jpg,b.jpg,c.jpg,a,3,\n"))
	for _, table := range []string{"labels", "more"} {
		write(t, filepath.Join(dir, "clothing", table+".csv"), []byte("image,label\n"))
	}
	for _, part := range []string{"clothing", "ccp"} {
		write(t, filepath.Join(dir, part, "dress_boxes.csv"), []byte("photo,x_min,y_min,x_max,y_max,fold\n"))
	}
	for _, name := range []string{"a.jpg", "b.jpg", "c.jpg"} {
		write(t, filepath.Join(dir, name), greyPhoto(t))
	}
	clicks := write(t, filepath.Join(t.TempDir(), "clicks.csv"), []byte("query,a,b,closer,confidence,fold\na.jpg,c.jpg,b.jpg,a,3,\na.jpg,gone.jpg,b.jpg,b,3,\n"))
	r := kleid(t, "train", "deeprank", "--reference", dir, "--triplets", clicks, "--work", work, "--products", "12", "--max-bad", "0")
	require.Equal(t, exit.TooManyBad, r.code, r.stderr)
	require.Contains(t, r.stderr, "1 of 3 triplets are bad, more than the 0 that --max-bad allows")
	bad, err := os.ReadFile(filepath.Join(work, "bad-photos.csv"))
	require.NoError(t, err)
	require.Regexp(t, `gone\.jpg,.*clicks\.csv: line 3: .*no such file`, string(bad))
	require.NoFileExists(t, filepath.Join(work, "report.json"), "nothing has begun")
}

// TestTrainWithBadReference counts and lists photos of --reference that cannot be read, and learns from the others.
func TestTrainWithBadReference(t *testing.T) {
	reference, work := paintedReference(t), t.TempDir()
	require.NoError(t, os.Remove(filepath.Join(reference, "ccp", "photos", "3.jpg")))
	write(t, filepath.Join(reference, "clothing", "images", "hat.jpg"), []byte("no photo"))
	for _, part := range []string{"all", "trunk", "heads", "projection", "location", "facets", "deeprank"} {
		r := kleid(t, "train", part, "--reference", reference, "--work", work, "--products", "2000", "--max-bad", "1")
		require.Equal(t, exit.TooManyBad, r.code, "%s: %s", part, r.stderr)
		require.Contains(t, r.stderr, "2 of 6 photos of --reference are bad, more than the 1 that --max-bad allows", part)
		bad := readText(t, filepath.Join(work, "bad-photos.csv"))
		require.Contains(t, bad, "\nccp/photos/3.jpg,")
		require.Contains(t, bad, "\nclothing/images/hat.jpg,")
		require.NoFileExists(t, filepath.Join(work, "report.json"), "nothing has begun")
	}
	r := kleid(t, "train", "deeprank", "--reference", reference, "--work", work, "--products", "12", "--max-bad", "2")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stderr, "bad: ccp/photos/3.jpg: ")
	require.FileExists(t, filepath.Join(work, "model.safetensors"))
}
