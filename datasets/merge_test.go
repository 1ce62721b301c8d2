package datasets

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

// TestFolderThatContradictsItself says so, and does not learn the facet from that photo.
func TestFolderThatContradictsItself(t *testing.T) {
	dir := place(t, map[string]string{
		"neckline/halter/a.jpg": "a", "neckline/round/b.jpg": "a", "neckline/v-neck/c.jpg": "a", "sleeve/cap/d.jpg": "a", "sleeve/long/e.jpg": "e",
	})
	d, err := Open(t.Context(), dir, OpenOptions{})
	require.NoError(t, err)
	require.Len(t, d.Bad, 2)
	require.Contains(t, d.Bad[0].Reason, `the same photo is neckline "halter" in neckline/halter/a.jpg`)
	require.Equal(t, map[string]string{"sleeve": "cap"}, d.Examples[0].Labels)
	require.Equal(t, []string{"sleeve"}, facetNames(d))
}

// TestManifestThatContradictsItself says so as a folder does, and is measured once by a photo that has several rows.
func TestManifestThatContradictsItself(t *testing.T) {
	d, err := Open(t.Context(), withManifest(t, "shop.csv", "photo,facet_cut,facet_hem,fold,is_dress\n"+
		"b.jpg,a,,,\n"+ // 2
		"b.jpg,,long,3,\n"+
		"./b.jpg,b,long,,\n"+ // 4
		"b.jpg,a,,,\n"+
		"e.jpg,a,,,\n"+
		"e.jpg,,,,no\n"+ // 7
		"e.jpg,b,,,yes\n"+
		"images/c.jpg,,,,no\nc.jpg,,,,no\n"), OpenOptions{})
	require.NoError(t, err)
	require.Equal(t, []Bad{
		{"shop.csv:4", `the same photo is cut "a" in shop.csv:2`},
		{"shop.csv:5", "the same photo has another cut in shop.csv:2"},
		{"shop.csv:7", "the photo's rows do not agree on whether it shows a dress: see shop.csv:6"},
		{"shop.csv:8", "the photo's rows do not agree on whether it shows a dress: see shop.csv:6"},
	}, d.Bad)
	require.Equal(t, []string{"b.jpg", "e.jpg", "images/c.jpg"}, names(d.Examples))
	require.Equal(t, map[string]string{"hem": "long"}, d.Examples[0].Labels)
	require.Equal(t, 3, d.Examples[0].Fold)
	require.Empty(t, d.Examples[1].Labels)
	require.False(t, d.Examples[1].NoDress)
	require.True(t, d.Examples[2].NoDress)
}

// TestTwoDressesOfAPhoto have two boxes. A row without a box is of the dress that has one, if that is the only one.
func TestTwoDressesOfAPhoto(t *testing.T) {
	const left, right, none = ",1,2,30,40", ",31,2,60,40", ",,,,"
	for name, c := range map[string]struct {
		rows []string
		want []Example
	}{
		"two":             {[]string{"a" + left, "b" + right}, []Example{labelled("a", 1), labelled("b", 31)}},
		"each twice":      {[]string{"a" + left, "b" + right, "b" + right, "a" + left}, []Example{labelled("a", 1), labelled("b", 31)}},
		"one, box first":  {[]string{"a" + left, "a" + none}, []Example{labelled("a", 1)}},
		"one, box last":   {[]string{"a" + none, "a" + left}, []Example{labelled("a", 1)}},
		"two, and one":    {[]string{"a" + left, "b" + right, "c" + none}, []Example{labelled("a", 1), labelled("b", 31), labelled("c", -1)}},
		"two, and a none": {[]string{"a" + left, "b" + right, "c" + none, "c" + none}, []Example{labelled("a", 1), labelled("b", 31), labelled("c", -1)}},
	} {
		text := "photo,facet_cut,x_min,y_min,x_max,y_max\n"
		for _, row := range c.rows {
			text += "b.jpg," + row + "\n"
		}
		d, err := Open(t.Context(), withManifest(t, "shop.csv", text), OpenOptions{})
		require.NoError(t, err)
		require.Empty(t, d.Bad, name)
		var got []Example
		for _, e := range d.Examples {
			got = append(got, Example{Box: e.Box, Labels: e.Labels})
		}
		require.Equal(t, c.want, got, name)
	}
	d, err := Open(t.Context(), withManifest(t, "shop.csv", "photo,facet_cut,is_dress,x_min,y_min,x_max,y_max\nb.jpg,,no,1,2,30,40\nb.jpg,a,yes,,,,\n"), OpenOptions{})
	require.NoError(t, err)
	require.Empty(t, d.Bad)
	require.Len(t, d.Examples, 2, "a skirt with a box, and a dress that is somewhere else")
}

// TestProductsOfAPhoto are all kept, each once.
func TestProductsOfAPhoto(t *testing.T) {
	d, err := Open(t.Context(), withManifest(t, "shop.csv", "photo,product_id,facet_cut\nb.jpg,,a\nb.jpg,p3,a\nb.jpg,p2,a\nb.jpg,p1,a\nb.jpg,p3,a\nb.jpg,p2,a\n"), OpenOptions{})
	require.NoError(t, err)
	require.Len(t, d.Examples, 1)
	require.Equal(t, []string{"p3", "p1", "p2"}, d.Examples[0].GivenProducts())
}

func labelled(label string, x int) Example {
	e := Example{Labels: map[string]string{"cut": label}}
	if x >= 0 {
		e.Box = &photo.Box{XMin: x, YMin: 2, XMax: x + 29, YMax: 40}
	}
	return e
}

// TestMergedProductsAreSplitAsOne: products that share a photo are, in a folder as in a manifest, and whatever is listed
// first.
func TestMergedProductsAreSplitAsOne(t *testing.T) {
	train, test := productOfSplit(Train), productOfSplit(Test)
	for _, products := range [][2]string{{"b" + train, "a" + test}, {"a" + train, "b" + test}, {train, test}, {test, train}} {
		first, second := products[0], products[1]
		folder := place(t, map[string]string{
			"cut/slim/" + first + "/x.jpg": "X", "cut/slim/" + second + "/x.jpg": "X", "cut/slim/" + first + "/z.jpg": "Z", "cut/slim/" + second + "/y.jpg": "Y",
			"shop.csv": fmt.Sprintf("photo,product_id,facet_cut\ncut/slim/%[1]s/x.jpg,%[1]s,slim\ncut/slim/%[2]s/x.jpg,%[2]s,slim\ncut/slim/%[1]s/z.jpg,%[1]s,slim\ncut/slim/%[2]s/y.jpg,%[2]s,slim\n", first, second),
		})
		for _, place := range []string{folder, filepath.Join(folder, "shop.csv")} {
			d, err := Open(t.Context(), place, OpenOptions{})
			require.NoError(t, err)
			require.Len(t, d.Examples, 3)
			given := []string{}
			for _, e := range d.Examples {
				require.Equal(t, SplitOf(min(first, second)), e.Split, "%s of %s", e.Name, place)
				given = append(given, e.GivenProducts()...)
			}
			slices.Sort(given)
			require.Equal(t, slices.Sorted(slices.Values([]string{first, first, second, second})), given, "neither is lost")
		}
	}
}

// TestGivenProductCountsBeforeAName: a photo that lies in one facet's folder by itself and in another one's below its
// product is of that product.
func TestGivenProductCountsBeforeAName(t *testing.T) {
	splits := map[Split]int{}
	for i := range 50 {
		product := fmt.Sprintf("dress-%d", i)
		d, err := Open(t.Context(), place(t, map[string]string{
			"neckline/round/" + product + "-front.jpg": "F", "sleeve/long/" + product + "/front.jpg": "F", "sleeve/long/" + product + "/back.jpg": "B",
		}), OpenOptions{})
		require.NoError(t, err)
		require.Len(t, d.Examples, 2)
		front, back := d.Examples[0], d.Examples[1]
		require.Equal(t, map[string]string{"neckline": "round", "sleeve": "long"}, front.Labels)
		require.Equal(t, []any{product, true}, []any{front.Product, front.ProductGiven})
		require.Empty(t, front.Aliases)
		require.Equal(t, front.Split, back.Split)
		splits[front.Split]++
	}
	require.Len(t, slices.Collect(maps.Keys(splits)), 2)
}

// TestGivenSplitOfARepeatedPhoto is found, whichever of its rows says it.
func TestGivenSplitOfARepeatedPhoto(t *testing.T) {
	train, test := productOfSplit(Train), productOfSplit(Test)
	for _, c := range []struct {
		product string
		splits  [2]string
		want    Split
	}{
		{test, [2]string{"", "train"}, Train}, {test, [2]string{"train", ""}, Train}, {train, [2]string{"", "test"}, Test},
		{train, [2]string{"test", "train"}, Test}, {train, [2]string{"train", "test"}, Test},
	} {
		d, err := Open(t.Context(), withManifest(t, "shop.csv", fmt.Sprintf("photo,product_id,split,facet_cut\nb.jpg,%s,%s,a\nb.jpg,%s,%s,a\n", c.product, c.splits[0], c.product, c.splits[1])), OpenOptions{})
		require.NoError(t, err)
		require.Len(t, d.Examples, 1)
		require.Equal(t, c.want, d.Examples[0].Split, c.splits)
	}
}

// TestOnlyBoxes reads where the dress is from a manifest with no column for a facet, or with one of text; where rows do not
// agree on whether there is a dress, neither is believed.
func TestOnlyBoxes(t *testing.T) {
	d, err := Open(t.Context(), withManifest(t, "shop.csv", "photo,x_min,y_min,x_max,y_max,is_dress,facet_cut\n"+
		"b.jpg,1,2,30,40,,a\n"+
		"b.jpg,1,2,30,40,,b\n"+
		"e.jpg,1,2,30,40,,\n"+
		"e.jpg,,,,,no,\n"), OpenOptions{NoLabels: true})
	require.NoError(t, err)
	require.Equal(t, []Bad{{"shop.csv:5", "the photo's rows do not agree on whether it shows a dress: see shop.csv:4"}}, d.Bad)
	require.Empty(t, d.Facets)
	require.Equal(t, &photo.Box{XMin: 1, YMin: 2, XMax: 30, YMax: 40}, d.Examples[0].Box)
	require.False(t, d.Examples[1].Located())
}
