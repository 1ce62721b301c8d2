package datasets

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

func TestJudgedFacets(t *testing.T) {
	examples, err := folder(t, nil).Facets()
	require.NoError(t, err)
	require.Equal(t, []string{"ccp/photos/1.jpg", "ccp/photos/3.jpg", "clothing/images/plain.jpg"}, names(examples))
	require.Equal(t, []bool{true, true, false}, []bool{examples[0].Street, examples[1].Street, examples[2].Street})
	require.Equal(t, map[string]string{"silhouette": "a-line", "neckline": "round", "occasion": "casual", "length": "mini"}, examples[0].Labels)
	require.Equal(t, []map[string]string{{"silhouette": "a-line", "neckline": "round"}, {"silhouette": "a-line"}}, examples[0].Votes)
	require.True(t, examples[1].NoDress)
	require.Empty(t, examples[1].Labels)
	require.Empty(t, examples[1].Votes)
}

// TestFacetsAtHome: a row without a box is of the whole photo only where nobody judged the dress's box.
func TestFacetsAtHome(t *testing.T) {
	labels := "photo,x_min,y_min,x_max,y_max,is_dress,neckline,fold\n"
	dress, own := "clothing/images/dress.jpg,,,,,yes,round,3\n", "clothing/images/dress.jpg,1,2,3,4,yes,round,3\n"
	of := func(row string) *photo.Box {
		examples, err := folder(t, map[string]string{"facets/labels.csv": labels + row}).Facets()
		require.NoError(t, err)
		require.Len(t, examples, 1)
		require.Equal(t, 3, examples[0].Fold)
		return examples[0].Box
	}
	require.Equal(t, &photo.Box{XMin: 10, YMin: 20, XMax: 300, YMax: 500}, of(dress))
	require.Equal(t, &photo.Box{XMin: 1, YMin: 2, XMax: 3, YMax: 4}, of(own), "the row's own comes first")
	require.Nil(t, of("clothing/images/plain.jpg,,,,,yes,round,3\n"))
	require.Nil(t, of("clothing/images/dress.jpg,,,,,no,,3\n"))
	r := folder(t, nil)
	require.NoError(t, os.Remove(filepath.Join(r.Dir, "clothing", "dress_boxes.csv")))
	_, err := r.Facets()
	require.NoError(t, err, "a folder of street photos alone")
}

// TestMoreDresses are learned from beside the folder's own, but for those that are held back or measured with.
func TestMoreDresses(t *testing.T) {
	r := folder(t, nil)
	own, err := r.Facets()
	require.NoError(t, err)
	before, err := r.Fingerprint()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "labels.csv")
	r.MoreDresses = []string{file}
	_, err = r.Fingerprint()
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = r.AllFacets()
	require.ErrorContains(t, err, "labels.csv")
	r.MoreDresses = []string{file, filepath.Join(r.Dir, "facets", "labels.csv")}
	_, err = r.AllFacets()
	require.ErrorContains(t, err, "labels.csv", "one that can be read makes up for none that cannot")
	r.MoreDresses = []string{file}
	require.NoError(t, os.WriteFile(file, []byte("photo,x_min,y_min,x_max,y_max,is_dress,sleeve,fold\n"+
		"clothing/images/dress.jpg,5,6,70,80,yes,long,\nclothing/images/secret.jpg,5,6,70,80,yes,long,\n"+
		"./ccp/photos/1.jpg,5,6,70,80,yes,long,\nclothing/images/dress.jpg,1,1,2,2,yes,cap,\n"), 0o600))
	all, err := r.AllFacets()
	require.NoError(t, err)
	require.Equal(t, own, all[:len(own)])
	require.Equal(t, []Example{{
		Path: filepath.Join(r.Dir, "clothing", "images", "dress.jpg"), Name: "clothing/images/dress.jpg",
		Box: &photo.Box{XMin: 5, YMin: 6, XMax: 70, YMax: 80}, Labels: map[string]string{"sleeve": "long"}, Fold: -1,
	}}, unplaced(all[len(own):]), "a photo counts once")
	measured, err := r.Facets()
	require.NoError(t, err)
	require.Equal(t, own, measured)
	after, err := r.Fingerprint()
	require.NoError(t, err)
	require.NotEqual(t, before, after)

	require.NoError(t, os.Remove(filepath.Join(r.Dir, "facets", "labels.csv")))
	_, err = r.AllFacets()
	require.ErrorIs(t, err, fs.ErrNotExist)
}
