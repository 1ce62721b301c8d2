package registry

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
)

// aModel is a file with one weight, which makes its version.
func aModel(t *testing.T, weight float32, labels ...string) []byte {
	if len(labels) == 0 {
		labels = []string{"round"}
	}
	config := models.DefaultConfig()
	config.Facets = []models.FacetConfig{{Facet: catalog.Facet{Name: "neckline", Labels: labels}, Temperature: 1}}
	tensor := models.NewTensor(1)
	tensor.Data[0] = weight
	var file bytes.Buffer
	require.NoError(t, (&models.Model{Config: config, Weights: models.Weights{"trunk.weight": tensor}}).Encode(&file, models.Float32))
	return file.Bytes()
}

// s3Server is a server in this process whose answers a test can change on the way.
type s3Server struct {
	intercept atomic.Pointer[func(w http.ResponseWriter, r *http.Request, next http.Handler)]
}

func (s *s3Server) with(f func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	s.intercept.Store(&f)
}

func startS3(t *testing.T) *s3Server {
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("shop"))
	next := gofakes3.New(backend).Server()
	s := &s3Server{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := s.intercept.Load(); f != nil {
			(*f)(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of the registry")
	return s
}

func open(t *testing.T, location string) *Registry {
	r, err := Open(t.Context(), location, t.TempDir())
	require.NoError(t, err)
	return r
}

func everywhere(t *testing.T, test func(t *testing.T, r *Registry)) {
	t.Run("folder", func(t *testing.T) { test(t, open(t, t.TempDir()+"/not there yet")) })
	t.Run("s3", func(t *testing.T) { startS3(t); test(t, open(t, "s3://shop/models")) })
}

// TestNewestFirst has versions that are pushed one right after the other.
func TestNewestFirst(t *testing.T) {
	r := open(t, t.TempDir())
	var pushed []string
	for weight := range 8 {
		m, err := r.Push(t.Context(), aModel(t, float32(weight)), About{})
		require.NoError(t, err)
		pushed = append([]string{m.Version}, pushed...)
	}
	list, err := r.List(t.Context())
	require.NoError(t, err)
	var listed []string
	for _, m := range list {
		listed = append(listed, m.Version)
	}
	require.Equal(t, pushed, listed)
}

func TestPushPullPromote(t *testing.T) {
	everywhere(t, func(t *testing.T, r *Registry) {
		ctx := t.Context()
		list, err := r.List(ctx)
		require.NoError(t, err)
		require.Empty(t, list)
		_, err = r.Pull(ctx, "")
		require.ErrorIs(t, err, ErrNoVersion)
		require.ErrorContains(t, err, "no version is promoted yet")

		first, err := r.Push(ctx, aModel(t, 1, "v-neck", "scoop"), About{Dataset: "autumn", Metrics: map[string]float64{"facets.f1": 0.5}})
		require.NoError(t, err)
		require.Equal(t, "kleid-s", first.Backbone)
		require.Equal(t, []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "scoop"}}}, first.Facets)
		second, err := r.Push(ctx, aModel(t, 2, "v-neck"), About{Parent: first.Version[:5], Metrics: map[string]float64{"facets.f1": 0.4}})
		require.NoError(t, err)
		require.Equal(t, first.Version, second.Parent)
		require.NotEqual(t, first.Version, second.Version)
		again, err := r.Push(ctx, aModel(t, 1, "v-neck", "scoop"), About{Dataset: "autumn", Metrics: map[string]float64{"facets.f1": 0.5}})
		require.NoError(t, err)
		require.Equal(t, first.Version, again.Version)
		again, err = r.Push(ctx, aModel(t, 1, "v-neck", "scoop"), About{Comment: "good"})
		require.NoError(t, err)
		require.Equal(t, "autumn", again.Dataset, "what was said before stays")
		require.Equal(t, first.Metrics, again.Metrics)
		list, err = r.List(ctx)
		require.NoError(t, err)
		require.Len(t, list, 2)

		_, err = r.Promote(ctx, first.Version, 0)
		require.NoError(t, err)
		path, err := r.Pull(ctx, "")
		require.NoError(t, err)
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, aModel(t, 1, "v-neck", "scoop"), file)

		_, err = r.Promote(ctx, second.Version, 0.01)
		require.ErrorIs(t, err, ErrWorse)
		require.ErrorContains(t, err, "facets.f1 0.4 instead of 0.5")
		promoted, err := r.Promoted(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{first.Version}, promoted, "what is worse changes nothing")
		_, err = r.Promote(ctx, second.Version, -1)
		require.NoError(t, err)
		promoted, err = r.Promoted(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{second.Version, first.Version}, promoted)
		_, err = r.Promote(ctx, first.Version, 0)
		require.NoError(t, err)
		_, err = r.Promote(ctx, second.Version, 0)
		require.NoError(t, err, "a promotion is taken back, though what was before is worse")
	})
}

// TestFiguresAddUp: a second push adds its figures to those of the first, and replaces those that both have.
func TestFiguresAddUp(t *testing.T) {
	r, file := open(t, t.TempDir()), aModel(t, 1, "v-neck")
	for _, metrics := range []map[string]float64{{"facets.f1": 0.5, "home.missed": 0.1}, {"shop.recall": 0.7, "facets.f1": 0.6}, nil} {
		_, err := r.Push(t.Context(), file, About{Metrics: metrics})
		require.NoError(t, err)
	}
	list, err := r.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, map[string]float64{"facets.f1": 0.6, "home.missed": 0.1, "shop.recall": 0.7}, list[0].Metrics)
}

func TestVersionsThatAreNone(t *testing.T) {
	r := open(t, t.TempDir())
	for _, version := range []string{"latest", "../../etc", "0123456789abcdef", "0123456789abcdef0", "ab"} {
		_, err := r.Pull(t.Context(), version)
		require.ErrorIs(t, err, ErrNoVersion, version)
	}
	_, err := r.Push(t.Context(), []byte("no model"), About{})
	require.Error(t, err)
	for _, parent := range []string{"abc", "0123456789abcdef"} {
		_, err = r.Push(t.Context(), aModel(t, 1), About{Parent: parent})
		require.ErrorContains(t, err, "parent")
		require.ErrorIs(t, err, ErrNoVersion)
	}
}

func TestDiff(t *testing.T) {
	r := open(t, t.TempDir())
	a, err := r.Push(t.Context(), aModel(t, 1, "v-neck", "scoop"), About{Metrics: map[string]float64{"f1": 0.5, "iou": 0.8, "facets.neckline.labels.v-neck.f1": 0.6, "facets.neckline.labels.scoop.f1": 0.4}})
	require.NoError(t, err)
	b, err := r.Push(t.Context(), aModel(t, 2, "boat", "v-neck"), About{Metrics: map[string]float64{"f1": 0.75, "recall": 0.9, "facets.neckline.labels.v-neck.f1": 0.5}})
	require.NoError(t, err)
	lines := strings.Join(Diff(a, b), "\n")
	for _, want := range []string{
		"embedding_model: " + a.EmbeddingModel + " → " + b.EmbeddingModel,
		`facet neckline: labels gone: ["scoop"]`, `facet neckline: labels new: ["boat"]`,
		"facets.neckline.labels.v-neck.f1: 0.6 → 0.5 (-0.1)", "f1: 0.5 → 0.75 (+0.25)", "iou: 0.8 → none", "recall: none → 0.9",
	} {
		require.Contains(t, lines, want)
	}
	require.NotContains(t, lines, "labels.scoop", "it is said that the label is gone")
	require.Empty(t, Diff(a, a))
	c, err := r.Push(t.Context(), aModel(t, 1, "scoop", "v-neck"), About{Metrics: a.Metrics})
	require.NoError(t, err)
	require.Contains(t, Diff(a, c), "facet neckline: the order of labels")
	none := a
	none.Facets = nil
	require.Equal(t, []string{"facet neckline: gone"}, Diff(a, none))
}

// TestFirstDigitsOfSeveral asks for more of them.
func TestFirstDigitsOfSeveral(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	for _, version := range []string{"6a00000000000000", "6b00000000000000"} {
		require.NoError(t, r.bucket.Put(ctx, key(version, manifestName), strings.NewReader("{}")))
	}
	_, err := r.Resolve(ctx, "6")
	require.ErrorIs(t, err, ErrSeveralVersions)
	require.ErrorContains(t, err, `several versions begin with "6", 6a00000000000000 and 6b00000000000000 among them: give more digits`)
	require.NotErrorIs(t, err, ErrNoVersion)

	require.NoError(t, r.bucket.Put(ctx, key("7a00000000000000", weightsName), strings.NewReader("x")))
	_, err = r.Resolve(ctx, "7")
	require.ErrorIs(t, err, ErrNoVersion, "one of which the manifest has not come yet")
}

// TestAFileSaysWhereItComesFrom: its notes stand in where nothing else is said.
func TestAFileSaysWhereItComesFrom(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	parent, err := r.Push(ctx, aModel(t, 1, "v-neck"), About{})
	require.NoError(t, err)
	file := func(parent string) []byte {
		m, err := models.Decode(aModel(t, 2, "v-neck"))
		require.NoError(t, err)
		m.Config.Notes = map[string]string{models.NoteParent: parent, models.NoteDataset: "autumn", models.NoteCode: "v1.2"}
		var b bytes.Buffer
		require.NoError(t, m.Encode(&b, models.Float32))
		return b.Bytes()
	}
	m, err := r.Push(ctx, file(parent.SHA256), About{})
	require.NoError(t, err)
	require.Equal(t, About{Parent: parent.Version, Dataset: "autumn", Code: "v1.2"}, m.About)
	m, err = r.Push(ctx, file(parent.SHA256), About{Dataset: "winter"})
	require.NoError(t, err)
	require.Equal(t, "winter", m.Dataset)
	m, err = r.Push(ctx, file(strings.Repeat("ab", 32)), About{})
	require.NoError(t, err, "a parent that is elsewhere is no error")
	require.Empty(t, m.Parent)
}
