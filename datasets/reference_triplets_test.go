package datasets

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJudgedTriplets(t *testing.T) {
	triplets, err := folder(t, nil).Triplets()
	require.NoError(t, err)
	require.Len(t, triplets, 3, "no undecided one")
	require.Equal(t, "clothing/images/secret.jpg", triplets[2].Near.Name, "a photo that is held back may stand in a triplet")
	require.Equal(t, []string{"ccp/photos/1.jpg", "x.jpg", "y.jpg"}, []string{triplets[0].Query.Name, triplets[0].Near.Name, triplets[0].Far.Name})
	require.Equal(t, []string{"y.jpg", "x.jpg"}, []string{triplets[1].Near.Name, triplets[1].Far.Name})
	require.NotNil(t, triplets[0].Query.Box)
	require.Equal(t, 1.5, triplets[0].Confidence)
	require.Equal(t, 1, triplets[1].Fold)
	require.Equal(t, -1, triplets[1].Near.Fold, "nobody judged its facets")
}

// TestTripletsWithoutBadPhotos leaves out those with a photo that HoldBack leaves out, such as one that cannot be read.
func TestTripletsWithoutBadPhotos(t *testing.T) {
	r := folder(t, nil)
	r.HoldBack([]string{"clothing/images/secret.jpg"})
	triplets, err := r.Triplets()
	require.NoError(t, err)
	require.Len(t, triplets, 2)
	require.Equal(t, "y.jpg", triplets[1].Near.Name)
}

// TestMoreTriplets are learned from beside the folder's own, but for those with photos that are held back.
func TestMoreTriplets(t *testing.T) {
	r := folder(t, nil)
	before, err := r.Fingerprint()
	require.NoError(t, err)
	clicks := filepath.Join(t.TempDir(), "clicks.csv")
	r.MoreTriplets = []string{clicks}
	_, err = r.Fingerprint()
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = r.AllTriplets()
	require.ErrorContains(t, err, "clicks.csv")
	r.MoreTriplets = []string{clicks, filepath.Join(r.Dir, "triplets", "triplets.csv")}
	_, err = r.AllTriplets()
	require.ErrorContains(t, err, "clicks.csv", "one that can be read makes up for none that cannot")
	r.MoreTriplets = []string{clicks}
	require.NoError(t, os.WriteFile(clicks, []byte("\ufeffquery,a,b,closer,confidence,fold\n"+
		"x.jpg,ccp/photos/1.jpg,y.jpg,b,2,\nx.jpg,./clothing/images/secret.jpg,y.jpg,a,2,0\n./ccp/photos/1.jpg,x.jpg,z.jpg,a,1,\n"), 0o600))
	own, err := r.Triplets()
	require.NoError(t, err)
	all, err := r.AllTriplets()
	require.NoError(t, err)
	require.Equal(t, own, all[:len(own)])
	require.Len(t, all, len(own)+2)
	more := all[len(own)]
	require.Equal(t, []string{"x.jpg", "y.jpg", "ccp/photos/1.jpg"}, []string{more.Query.Name, more.Near.Name, more.Far.Name})
	require.NotNil(t, more.Far.Box)
	require.Equal(t, -1, more.Fold)
	more = all[len(own)+1]
	require.Equal(t, "ccp/photos/1.jpg", more.Query.Name)
	require.NotNil(t, more.Query.Box, "however it is spelt")
	require.Equal(t, 0, more.Fold, "that of its query elsewhere")
	after, err := r.Fingerprint()
	require.NoError(t, err)
	require.NotEqual(t, before, after)
}

// TestAllWrongTriplets are told at once, as far as anybody reads on.
func TestAllWrongTriplets(t *testing.T) {
	clicks := filepath.Join(t.TempDir(), "clicks.csv")
	text := "query,a,b,closer,confidence,fold\nq.jpg,a.jpg,b.jpg,a.jpg,2,\nq.jpg,a.jpg,b.jpg,a,2,\nq.jpg,,b.jpg,a,2,\nq.jpg,a.jpg,b.jpg,b,9,\n"
	require.NoError(t, os.WriteFile(clicks, []byte(text), 0o600))
	_, err := ReadTriplets(clicks)
	require.EqualError(t, err, clicks+`: line 2: closer is "a.jpg", but it is a or b, or empty`+"\n"+
		clicks+": line 4: a is empty, but names a photo\n"+clicks+`: line 5: confidence is "9", but must be 1 to 3`)

	require.NoError(t, os.WriteFile(clicks, []byte(text+strings.Repeat("q.jpg,a.jpg,b.jpg,c,2,\n", 10)), 0o600))
	_, err = ReadTriplets(clicks)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 11)
	require.Equal(t, clicks+": 3 more lines are wrong", lines[10])

	r := folder(t, map[string]string{"triplets/triplets.csv": text + "q.jpg,a.jpg,q.jpg,a,2,\n"})
	_, err = r.Triplets()
	require.ErrorContains(t, err, "line 4: a is empty")
	require.ErrorContains(t, err, "line 6: query, a and b are three photos")
}
