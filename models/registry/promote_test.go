package registry

import (
	"bytes"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// TestPromotionsAreCompared with the parent, even where it is not the promoted one, and refused where figures of
// either are missing.
func TestPromotionsAreCompared(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	push := func(seed float32, about About) string {
		m, err := r.Push(ctx, aModel(t, seed, "v-neck"), about)
		require.NoError(t, err)
		return m.Version
	}
	parent := push(1, About{Metrics: map[string]float64{"f1": 0.8}})
	child := push(2, About{Parent: parent, Metrics: map[string]float64{"f1": 0.7}})
	_, err := r.Promote(ctx, child, 0.01)
	require.ErrorIs(t, err, ErrWorse)
	require.ErrorContains(t, err, "its parent")
	_, err = r.Promote(ctx, parent, 0.01)
	require.NoError(t, err)
	for _, about := range []About{{}, {Metrics: map[string]float64{"recall": 0.9}}} {
		unmeasured := push(3, about)
		_, err = r.Promote(ctx, unmeasured, 0.01)
		require.ErrorIs(t, err, ErrNotMeasured)
		promoted, err := r.Promoted(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{parent}, promoted)
	}
	better := push(4, About{Parent: parent, Metrics: map[string]float64{"f1": 0.81, "home.missed": 0.1, "home.dresses": 20}})
	_, err = r.Promote(ctx, better, 0.01)
	require.NoError(t, err)

	// What the promoted one was measured on and this one was not.
	half := push(5, About{Parent: parent, Metrics: map[string]float64{"f1": 0.9}})
	_, err = r.Promote(ctx, half, 0.01)
	require.ErrorIs(t, err, ErrNotMeasured)
	require.ErrorContains(t, err, "the promoted one, "+better+": push it again with the figures home.missed")
	push(5, About{Metrics: map[string]float64{"home.missed": 0.1}})
	_, err = r.Promote(ctx, half, math.NaN())
	require.ErrorContains(t, err, "not a number")
	_, err = r.Promote(ctx, half, 0.01)
	require.NoError(t, err)

	// A parent that has figures of its own.
	measured := push(6, About{Metrics: map[string]float64{"shop.recall": 0.9}})
	other := push(7, About{Parent: measured, Metrics: map[string]float64{"f1": 0.9, "home.missed": 0.1}})
	_, err = r.Promote(ctx, other, 0.01)
	require.ErrorIs(t, err, ErrNotMeasured)
	require.ErrorContains(t, err, "its parent, "+measured)
	_, err = r.Promote(ctx, other, -1)
	require.NoError(t, err)
}

// TestPromotionsKeepFacets of the promoted one, or say which is gone: figures of it cannot be asked for.
func TestPromotionsKeepFacets(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	m, err := models.Decode(aModel(t, 1, "v-neck"))
	require.NoError(t, err)
	m.Config.Facets = append(m.Config.Facets, models.FacetConfig{Facet: catalog.Facet{Name: "fit", Labels: []string{"wide"}}, Temperature: 1})
	var file bytes.Buffer
	require.NoError(t, m.Encode(&file, models.Float32))
	two, err := r.Push(ctx, file.Bytes(), About{Metrics: map[string]float64{"facets.fit.macro_f1": 0.5}})
	require.NoError(t, err)
	_, err = r.Promote(ctx, two.Version, 0.01)
	require.NoError(t, err)
	one, err := r.Push(ctx, aModel(t, 2, "v-neck"), About{})
	require.NoError(t, err)
	_, err = r.Promote(ctx, one.Version, 0.01)
	require.ErrorIs(t, err, ErrWorse)
	require.ErrorContains(t, err, "lacks facets that shops filter by: fit; train it from that one")
	_, err = r.Promote(ctx, one.Version, -1)
	require.NoError(t, err)
}

// TestPromotedIsNotThere: who is meant, and what to do, is said where the promoted version is gone or cannot be read; and
// one that cannot be read, alone, is an empty list beside its error.
func TestPromotedIsNotThere(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	m, err := r.Push(ctx, aModel(t, 1), About{})
	require.NoError(t, err)
	require.NoError(t, r.bucket.Put(ctx, promotedKey, strings.NewReader("feedbeef\n")))
	_, err = r.Promote(ctx, m.Version, 0.01)
	require.ErrorIs(t, err, ErrNoVersion)
	require.ErrorContains(t, err, "cannot be compared with the promoted one: ")
	require.ErrorContains(t, err, "--force")
	_, err = r.Pull(ctx, "")
	require.ErrorContains(t, err, "the promoted version cannot be read: ")
	require.ErrorContains(t, err, "--force")
	_, err = r.Promote(ctx, m.Version, -1)
	require.NoError(t, err)
	_, err = r.Pull(ctx, "")
	require.NoError(t, err)

	require.NoError(t, r.bucket.Put(ctx, key(m.Version, manifestName), strings.NewReader("{")))
	list, err := r.List(ctx)
	require.ErrorIs(t, err, ErrDamaged)
	require.NotNil(t, list)
	require.Empty(t, list)
}

// TestPromotionsReadTheRegistry, not what was pulled from it while it was whole.
func TestPromotionsReadTheRegistry(t *testing.T) {
	location := t.TempDir()
	r := open(t, location)
	m, err := r.Push(t.Context(), aModel(t, 1, "v-neck"), About{})
	require.NoError(t, err)
	_, err = r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	file := filepath.Join(location, "versions", m.Version, weightsName)
	require.NoError(t, os.WriteFile(file, []byte("cut"), 0o600))
	_, err = r.Promote(t.Context(), m.Version, -1)
	require.ErrorIs(t, err, ErrDamaged)
	require.NoError(t, os.Remove(file))
	_, err = r.Promote(t.Context(), m.Version, -1)
	require.ErrorIs(t, err, storage.ErrNotExist)
	promoted, err := r.Promoted(t.Context())
	require.NoError(t, err)
	require.Empty(t, promoted)
}

// TestOneThatMakesNoIndexIsNotPromoted in place of one that does, unless by force.
func TestOneThatMakesNoIndexIsNotPromoted(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	shipped, err := models.Default()
	require.NoError(t, err)
	pushed := func(weights models.Weights) string {
		var file bytes.Buffer
		require.NoError(t, (&models.Model{Config: shipped.Config, Weights: weights}).Encode(&file, models.Float16))
		m, err := r.Push(ctx, file.Bytes(), About{})
		require.NoError(t, err)
		return m.Version
	}
	trunk := models.Weights{}
	trunk.Merge("trunk.", shipped.Weights.Sub("trunk."))
	_, err = r.Promote(ctx, pushed(trunk), 0)
	require.NoError(t, err, "a trunk is something to train from")
	whole := pushed(shipped.Weights)
	_, err = r.Promote(ctx, whole, 0)
	require.NoError(t, err)
	for _, head := range []string{"unsupervised.weight", "location.out.weight"} {
		less := maps.Clone(shipped.Weights)
		delete(less, head)
		version := pushed(less)
		_, err = r.Promote(ctx, version, 0)
		require.ErrorIs(t, err, ErrWorse, head)
		_, err = r.Promote(ctx, version, -1)
		require.NoError(t, err)
		_, err = r.Promote(ctx, whole, 0)
		require.NoError(t, err)
	}
}

// TestPromotedAgainIsLookedAt: a file that was damaged since is not vouched for.
func TestPromotedAgainIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	r, ctx := open(t, dir), t.Context()
	m, err := r.Push(ctx, aModel(t, 1), About{})
	require.NoError(t, err)
	_, err = r.Promote(ctx, m.Version, 0)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(filepath.Join(dir, key(m.Version, weightsName)), 40))
	_, err = r.Promote(ctx, m.Version, 0)
	require.ErrorIs(t, err, ErrDamaged)
}
