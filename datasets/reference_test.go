package datasets

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

// folder writes a small folder of reference tables; the photos themselves are not read.
func folder(t *testing.T, files map[string]string) *Reference {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{
		"held_back.txt": "clothing/images/secret.jpg\n\n  clothing/images/hidden.jpg  \n",
		"clothing/labels.csv": "image,label,kids\n" +
			"dress.jpg,Dress,False\nplain.jpg,Dress,False\nsecret.jpg,Dress,False\nhat.jpg,Hat,False\n",
		"clothing/more.csv": "image,label,kids\nshoes.jpg,Shoes,True\n",
		"clothing/dress_boxes.csv": "photo,width,height,x_min,y_min,x_max,y_max,fold\n" +
			"dress.jpg,400,533,10,20,300,500,2\nsecret.jpg,400,533,1,1,2,2,0\n",
		"ccp/dress_boxes.csv": "photo,x_min,y_min,x_max,y_max,fold\n" +
			"1.jpg,1,2,30,40,0\n2.jpg,,,,,1\n3.jpg,5,6,70,80,4\n",
		"facets/labels.csv": "photo,x_min,y_min,x_max,y_max,is_dress,silhouette,neckline,sleeve,occasion,length,fold\n" +
			"ccp/photos/1.jpg,1,2,30,40,yes,a-line,round,,casual,mini,0\n" +
			"ccp/photos/3.jpg,5,6,70,80,no,,,,,,4\n" +
			"clothing/images/plain.jpg,,,,,no,,,,,,3\n" +
			"clothing/images/secret.jpg,,,,,yes,sheath,boat,long,work,knee,1\n",
		"facets/votes.csv": "photo,voter,is_dress,silhouette,neckline\n" +
			"ccp/photos/1.jpg,1,yes,a-line,round\nccp/photos/1.jpg,2,yes,a-line,unknown\n" +
			"clothing/images/secret.jpg,1,yes,sheath,boat\n",
		"triplets/triplets.csv": "query,a,b,closer,confidence,fold\n" +
			"ccp/photos/1.jpg,x.jpg,y.jpg,a,1.5,0\n" +
			"ccp/photos/1.jpg,x.jpg,y.jpg,b,3,1\n" +
			"ccp/photos/1.jpg,x.jpg,y.jpg,,2,1\n" +
			"ccp/photos/1.jpg,clothing/images/secret.jpg,y.jpg,a,2,1\n",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	r, err := OpenReference(dir)
	require.NoError(t, err)
	return r
}

func names(examples []Example) []string {
	var all []string
	for _, e := range examples {
		all = append(all, e.Name)
	}
	return all
}

func TestGarments(t *testing.T) {
	r := folder(t, nil)
	require.True(t, r.HeldBack("clothing/images/hidden.jpg"))
	examples, err := r.Garments()
	require.NoError(t, err)
	require.Equal(t, []Example{
		{Path: filepath.Join(r.Dir, "clothing", "images", "dress.jpg"), Name: "clothing/images/dress.jpg", Box: &photo.Box{XMin: 10, YMin: 20, XMax: 300, YMax: 500}, Fold: 2},
		{Path: filepath.Join(r.Dir, "clothing", "images", "plain.jpg"), Name: "clothing/images/plain.jpg", Fold: -1},
		{Path: filepath.Join(r.Dir, "clothing", "images", "hat.jpg"), Name: "clothing/images/hat.jpg", NoDress: true, Fold: -1},
		{Path: filepath.Join(r.Dir, "clothing", "more", "shoes.jpg"), Name: "clothing/more/shoes.jpg", NoDress: true, Fold: -1},
	}, unplaced(examples))
	require.True(t, strings.HasSuffix(examples[0].At(), "dress_boxes.csv:2"), examples[0].At())
}

// unplaced are examples without where they stand.
func unplaced(examples []Example) []Example {
	all := slices.Clone(examples)
	for i := range all {
		all[i].at = ""
	}
	return all
}

// TestHoldBack leaves out photos that cannot be read, and what is learned without them is known by another fingerprint.
func TestHoldBack(t *testing.T) {
	r := folder(t, nil)
	before, err := r.Fingerprint()
	require.NoError(t, err)
	r.HoldBack(nil)
	same, err := r.Fingerprint()
	require.NoError(t, err)
	require.Equal(t, before, same)
	r.HoldBack([]string{"clothing/images/dress.jpg"})
	examples, err := r.Garments()
	require.NoError(t, err)
	require.Equal(t, []string{"clothing/images/plain.jpg", "clothing/images/hat.jpg", "clothing/more/shoes.jpg"}, names(examples))
	other, err := r.Fingerprint()
	require.NoError(t, err)
	require.NotEqual(t, before, other)
}

func TestStreet(t *testing.T) {
	r := folder(t, nil)
	examples, err := r.Street()
	require.NoError(t, err)
	require.Equal(t, []string{"ccp/photos/1.jpg", "ccp/photos/2.jpg"}, names(examples), "the skirt is left out")
	require.Equal(t, &photo.Box{XMin: 1, YMin: 2, XMax: 30, YMax: 40}, examples[0].Box)
	require.False(t, examples[0].NoDress)
	require.True(t, examples[1].NoDress)
	require.Equal(t, []int{0, 1}, []int{examples[0].Fold, examples[1].Fold})
	examples, err = folder(t, map[string]string{"held_back.txt": "ccp/photos/2.jpg\n"}).Street()
	require.NoError(t, err)
	require.Equal(t, []string{"ccp/photos/1.jpg"}, names(examples), "what is held back is left out")
}

func TestPatterns(t *testing.T) {
	r := folder(t, map[string]string{"patterns/labels.csv": "image,pattern\n1.jpg,plain\nb/2.jpg,dots\n"})
	examples, err := r.Patterns()
	require.NoError(t, err)
	require.Equal(t, []string{"patterns/images/1.jpg", "patterns/images/b/2.jpg"}, names(examples))
	require.Equal(t, map[string]string{"pattern": "dots"}, examples[1].Labels)
	require.Equal(t, -1, examples[0].Fold)

	r.HoldBack([]string{"patterns/images/1.jpg"})
	examples, err = r.Patterns()
	require.NoError(t, err)
	require.Equal(t, []string{"patterns/images/b/2.jpg"}, names(examples))
}

// TestReferenceFingerprint changes with what is told of the photos, and not with their place.
func TestReferenceFingerprint(t *testing.T) {
	of := func(files map[string]string) string {
		f, err := folder(t, files).Fingerprint()
		require.NoError(t, err)
		return f
	}
	same := of(nil)
	require.Equal(t, same, of(nil))
	for _, name := range tables {
		require.NotEqual(t, same, of(map[string]string{name: "photo,image,label,x_min,fold,query\n"}), name)
	}
	require.Equal(t, same, of(map[string]string{"patterns/labels.csv": "image,pattern\n"}), "nothing learns from patterns")
	f, err := (&Reference{Dir: t.TempDir()}).Fingerprint()
	require.NoError(t, err)
	require.NotEqual(t, same, f)
}

func TestReferenceByAPart(t *testing.T) {
	whole := folder(t, nil)
	r, err := OpenReference(filepath.Join(whole.Dir, "facets") + string(filepath.Separator))
	require.NoError(t, err)
	require.Equal(t, whole, r)
	t.Chdir(whole.Dir)
	r, err = OpenReference("facets")
	require.NoError(t, err)
	examples, err := r.Facets()
	require.NoError(t, err)
	require.NotEmpty(t, examples)

	// A whole that is called like a part stays one.
	named := filepath.Join(t.TempDir(), "ccp")
	require.NoError(t, os.CopyFS(named, os.DirFS(whole.Dir)))
	r, err = OpenReference(named)
	require.NoError(t, err)
	require.Equal(t, named, r.Dir)
}

func TestReferenceErrors(t *testing.T) {
	_, err := OpenReference(filepath.Join(t.TempDir(), "nowhere"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "reference photos")
	for name, c := range map[string]struct{ file, text, says string }{
		"box":                 {"ccp/dress_boxes.csv", "photo,x_min,y_min,x_max,y_max,fold\n1.jpg,9,9,9,9,0\n", "is empty"},
		"box twice":           {"ccp/dress_boxes.csv", "photo,x_min,y_min,x_max,y_max,fold\n1.jpg,1,1,9,9,0\n2.jpg,,,,,0\n1.jpg,2,2,9,9,0\n", "dress_boxes.csv: line 4: 1.jpg has a row in line 2 already"},
		"box at home twice":   {"clothing/dress_boxes.csv", "photo,x_min,y_min,x_max,y_max,fold\n1.jpg,1,1,9,9,0\n./1.jpg,2,2,9,9,0\n", "dress_boxes.csv: line 3: 1.jpg has a row in line 2 already"},
		"fold":                {"clothing/dress_boxes.csv", "photo,x_min,y_min,x_max,y_max,fold\n1.jpg,1,1,9,9,zero\n", "line 2: fold"},
		"great fold":          {"facets/labels.csv", "photo,is_dress,fold\n1.jpg,yes,5\n", "line 2: fold is 5, but must be 0 to 4"},
		"column":              {"facets/labels.csv", "photo,fold\n", `no column "is_dress"`},
		"line":                {"facets/labels.csv", "\ufeffphoto,is_dress,fold\n\n1.jpg,yes,zero\n", "line 3: fold"},
		"closer":              {"triplets/triplets.csv", "query,a,b,closer,confidence,fold\nq.jpg,a.jpg,b.jpg,a.jpg,2,0\n", `line 2: closer is "a.jpg"`},
		"negative confidence": {"triplets/triplets.csv", "query,a,b,closer,confidence,fold\nq.jpg,a.jpg,b.jpg,a,-1,0\n", `line 2: confidence is "-1", but must be 1 to 3`},
		"clicks for it":       {"triplets/triplets.csv", "query,a,b,closer,confidence,fold\nq.jpg,a.jpg,b.jpg,a,250,0\n", "must be 1 to 3"},
		"no number":           {"triplets/triplets.csv", "query,a,b,closer,confidence,fold\nq.jpg,a.jpg,b.jpg,a,NaN,0\n", "must be 1 to 3"},
		"two photos":          {"triplets/triplets.csv", "query,a,b,closer,confidence,fold\nq.jpg,a.jpg,./q.jpg,a,2,0\n", "line 2: query, a and b are three photos"},
		"no query":            {"triplets/triplets.csv", "query,a,b,closer,confidence,fold\n,a.jpg,b.jpg,a,2,0\n", "line 2: query is empty"},
		"elsewhere":           {"triplets/triplets.csv", "query,a,b,closer,confidence,fold\nq.jpg,../a.jpg,b.jpg,a,2,0\n", `line 2: a is "../a.jpg", but photos are named by their paths below the folder`},
		"judged elsewhere":    {"facets/labels.csv", "photo,is_dress,fold\n/etc/1.jpg,yes,0\n", `line 2: photo is "/etc/1.jpg"`},
		"votes elsewhere":     {"facets/votes.csv", "photo,voter\n../1.jpg,1\n", `line 2: photo is "../1.jpg"`},
		"confidence":          {"triplets/triplets.csv", "query,a,b,closer,confidence,fold\nq.jpg,a.jpg,b.jpg,a,sure,0\n", "line 2: confidence"},
	} {
		r := folder(t, map[string]string{c.file: c.text})
		_, garments := r.Garments()
		_, street := r.Street()
		_, facets := r.Facets()
		_, triplets := r.Triplets()
		require.ErrorContains(t, errors.Join(garments, street, facets, triplets), c.says, name)
	}
}

// TestReferencePhotos reads the real tables where they lie.
func TestReferencePhotos(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data")
	r, err := OpenReference(dir)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the reference photos are not there: they are expected beside the repository, in ../shared/data")
	}
	require.NoError(t, err)
	garments, err := r.Garments()
	require.NoError(t, err)
	street, err := r.Street()
	require.NoError(t, err)
	facets, err := r.Facets()
	require.NoError(t, err)
	triplets, err := r.Triplets()
	require.NoError(t, err)
	require.Greater(t, len(garments), 2000)
	require.Greater(t, len(street), 150)
	require.Greater(t, len(facets), 200)
	require.Greater(t, len(triplets), 50)

	text, err := os.ReadFile(filepath.Join(dir, "held_back.txt"))
	require.NoError(t, err)
	heldBack := strings.Fields(string(text))
	require.NotEmpty(t, heldBack)
	all := slices.Concat(garments, street, facets)
	for _, tr := range triplets {
		require.True(t, tr.Confidence >= 1 && tr.Confidence <= 3)
	}
	vocabulary := map[string][]string{}
	for _, f := range Facets() {
		vocabulary[f.Name] = f.Labels
	}
	for _, e := range all {
		require.NotContains(t, heldBack, e.Name)
		require.FileExists(t, e.Path)
		require.True(t, e.Fold >= -1 && e.Fold <= 4, e.Name)
		for facet, label := range e.Labels {
			require.Contains(t, vocabulary[facet], label, e.Name)
		}
	}
}

func TestVocabulary(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Facets() {
		require.False(t, seen[f.Name], f.Name)
		seen[f.Name] = true
		require.NotEmpty(t, f.Labels)
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(f.Labels))), len(f.Labels), "the labels of %s differ", f.Name)
	}
	for _, name := range []string{"silhouette", "neckline", "sleeve", "occasion"} {
		require.True(t, seen[name], name)
	}
	Facets()[0].Labels[0] = "changed"
	require.Equal(t, "a-line", Facets()[0].Labels[0], "callers get copies")
}

func TestReferenceWithoutHeldBackPhotos(t *testing.T) {
	dir := folder(t, nil).Dir
	require.NoError(t, os.Remove(filepath.Join(dir, "held_back.txt")))
	r, err := OpenReference(dir)
	require.NoError(t, err)
	require.False(t, r.HeldBack("clothing/images/secret.jpg"))
	garments, err := r.Garments()
	require.NoError(t, err)
	require.Contains(t, names(garments), "clothing/images/secret.jpg")
}

// TestJudgedDresses: judged/dresses.csv is of photos that may be judged and that nothing is measured with.
func TestJudgedDresses(t *testing.T) {
	r, err := OpenReference(filepath.Join("..", "..", "shared", "data"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the reference photos are not there: they are expected beside the repository, in ../shared/data")
	}
	require.NoError(t, err)
	measured, err := r.Facets()
	require.NoError(t, err)
	boxes, err := r.homeBoxes()
	require.NoError(t, err)
	rows, err := (&Reference{Dir: r.Dir}).dresses(filepath.Join("judged", "dresses.csv")) // nothing is held back
	require.NoError(t, err)
	require.Greater(t, len(rows), 40)
	for _, e := range rows {
		require.False(t, r.HeldBack(e.Name), e.Name)
		require.NotContains(t, names(measured), e.Name)
		require.NotContains(t, boxes, e.Name)
		data, err := os.ReadFile(e.Path)
		require.NoError(t, err)
		image, err := photo.Open(data, photo.DefaultLimits())
		require.NoError(t, err)
		require.Equal(t, *e.Box, e.Box.Intersect(image.Frame()), e.Name)
		for _, facet := range Facets() {
			if label, ok := e.Labels[facet.Name]; ok {
				require.Contains(t, facet.Labels, label, e.Name)
			}
		}
	}
}

// TestJudgedFile: judged/triplets.csv is of photos that may be judged, and none tells what is measured with.
func TestJudgedFile(t *testing.T) {
	r, err := OpenReference(filepath.Join("..", "..", "shared", "data"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the reference photos are not there: they are expected beside the repository, in ../shared/data")
	}
	require.NoError(t, err)
	triplets, err := r.Triplets()
	require.NoError(t, err)
	judged := &Reference{Dir: r.Dir, MoreTriplets: []string{filepath.Join("judged", "triplets.csv")}} // nothing is held back
	all, err := judged.AllTriplets()
	require.NoError(t, err)
	require.Greater(t, len(all), len(triplets)+1000)
	measured := map[string]int{}
	compared := map[[3]string]bool{}
	for i, triplet := range all {
		three := []string{triplet.Query.Name, triplet.Near.Name, triplet.Far.Name}
		query := three[0]
		slices.Sort(three)
		if i < len(triplets) {
			measured[query], compared[[3]string(three)] = triplet.Fold, true
			continue
		}
		for _, e := range []Example{triplet.Query, triplet.Near, triplet.Far} {
			require.False(t, r.HeldBack(e.Name), e.Name)
			require.FileExists(t, e.Path)
		}
		require.False(t, compared[[3]string(three)], "%v is measured with", three)
		if fold, ok := measured[query]; ok {
			require.Equal(t, fold, triplet.Fold, "%s is measured with in fold %d", query, fold)
		}
	}
}
