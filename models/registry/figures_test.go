package registry

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
)

func TestWorseFigures(t *testing.T) {
	a := Manifest{About: About{Metrics: map[string]float64{
		"home.mean_iou": 0.7, "home.missed": 0.3, "home.false": 0.2, "home.dresses": 310, "f1": 0.5, "shop.queries": 20, "triplets.gain": 0.1,
		"facets.neckline.labels.halter.f1": 0.5,
	}}}
	better := Manifest{About: About{Metrics: map[string]float64{
		"home.mean_iou": 0.9, "home.missed": 0.05, "home.false": 0.05, "home.dresses": 200, "shop.queries": 10, "triplets.gain": 0.01,
		"facets.neckline.labels.halter.f1": 0.1, // a label of few photos
	}}}
	c := better.compare(a, 0.01)
	require.Empty(t, c.worse)
	require.Equal(t, []string{"f1"}, c.missing)
	c = a.compare(better, 0.01)
	require.Empty(t, c.missing)
	require.Equal(t, []string{"home.false 0.2 instead of 0.05", "home.mean_iou 0.7 instead of 0.9", "home.missed 0.3 instead of 0.05"}, c.worse)
	c = a.compare(better, 0.3)
	require.Empty(t, c.worse)
}

// TestFiguresOfLocation are of where the dress is, whatever is measured with.
func TestFiguresOfLocation(t *testing.T) {
	m := Manifest{Facets: []catalog.Facet{{Name: "location", Labels: []string{"left", "right"}}}}
	for _, figure := range []string{"location.mean_iou", "location, from 0.5.missed", "street.iou_50"} {
		require.Equal(t, models.LocationPart, m.partOf(figure), figure)
	}
	require.Equal(t, models.FacetPart("location"), m.partOf("facets.location.macro_f1"))
}

// heads is a file whose facets have a head of one weight each, on one trunk.
func heads(t *testing.T, trunk float32, of map[string]float32) []byte {
	config := models.DefaultConfig()
	weights := models.Weights{}
	weight := func(name string, value float32) {
		weights[name] = models.NewTensor(1)
		weights[name].Data[0] = value
	}
	weight("trunk.weight", trunk)
	for _, name := range []string{"neckline", "sleeve", "fit"} {
		if value, ok := of[name]; ok {
			config.Facets = append(config.Facets, models.FacetConfig{Facet: catalog.Facet{Name: name, Labels: []string{"a", "b"}}, Temperature: 1})
			weight("facets."+name+".weight", value)
		}
	}
	var file bytes.Buffer
	require.NoError(t, (&models.Model{Config: config, Weights: weights}).Encode(&file, models.Float32))
	return file.Bytes()
}

// TestFiguresAreInherited by a version for what it has of its parent, to the bit, and not for what changed.
func TestFiguresAreInherited(t *testing.T) {
	everywhere(t, func(t *testing.T, r *Registry) {
		ctx := t.Context()
		push := func(file []byte, about About) Manifest {
			m, err := r.Push(ctx, file, about)
			require.NoError(t, err)
			again, err := r.Manifest(ctx, m.Version)
			require.NoError(t, err)
			require.Equal(t, m, again)
			return m
		}
		parent := push(heads(t, 1, map[string]float32{"neckline": 1, "sleeve": 1}), About{
			Metrics: map[string]float64{
				"facets.neckline.macro_f1": 0.5, "facets.sleeve.macro_f1": 0.6, "facets.sleeve.labels.a.f1": 0.7,
				"shop.deeprank.recall_at_1": 0.8, "home.mean_iou": 0.9, "mean.found boxes.macro_f1": 0.55,
			},
			MeasuredOn: map[string]string{"facets.sleeve.macro_f1": "autumn"},
		})
		_, err := r.Promote(ctx, parent.Version, 0)
		require.NoError(t, err)

		one := push(heads(t, 1, map[string]float32{"neckline": 1, "sleeve": 1, "fit": 1}), About{
			Parent: parent.Version, Metrics: map[string]float64{"facets.fit.macro_f1": 0.3},
		})
		require.Equal(t, union(parent.Metrics, map[string]float64{"facets.fit.macro_f1": 0.3}), one.Metrics)
		require.Equal(t, parent.MeasuredOn, one.MeasuredOn)
		require.Len(t, one.Inherited, len(parent.Metrics))
		require.Equal(t, parent.Version, one.Inherited["facets.sleeve.macro_f1"])
		require.Contains(t, Diff(Manifest{}, one), "facets.sleeve.macro_f1: none → 0.6, inherited from "+parent.Version)
		_, err = r.Promote(ctx, one.Version, 0)
		require.NoError(t, err)

		// One that is trained from it, and changes a head that the first had: it must be measured, and no worse.
		changed := heads(t, 1, map[string]float32{"neckline": 1, "sleeve": 2, "fit": 1})
		two := push(changed, About{Parent: one.Version})
		require.NotContains(t, two.Metrics, "facets.sleeve.macro_f1")
		require.NotContains(t, two.Metrics, "mean.found boxes.macro_f1", "it is of all facets")
		require.Equal(t, parent.Version, two.Inherited["facets.neckline.macro_f1"], "that measured it")
		require.Equal(t, one.Version, two.Inherited["facets.fit.macro_f1"])
		_, err = r.Promote(ctx, two.Version, 0)
		require.ErrorIs(t, err, ErrNotMeasured)
		require.ErrorContains(t, err, "facets.sleeve.macro_f1, mean.found boxes.macro_f1")
		two = push(changed, About{Metrics: map[string]float64{"facets.sleeve.macro_f1": 0.1, "mean.found boxes.macro_f1": 0.55, "facets.fit.macro_f1": 0.29}})
		require.NotContains(t, two.Inherited, "facets.fit.macro_f1", "it was measured itself")
		require.Equal(t, 0.29, two.Metrics["facets.fit.macro_f1"])
		require.NotContains(t, two.MeasuredOn, "facets.sleeve.macro_f1")
		_, err = r.Promote(ctx, two.Version, 0)
		require.ErrorIs(t, err, ErrWorse)
		require.NotContains(t, err.Error(), "facets.fit", "the same head is no worse")

		// Another trunk changes all.
		three := push(heads(t, 2, map[string]float32{"neckline": 1, "sleeve": 1, "fit": 1}), About{Parent: one.Version})
		require.Empty(t, three.Inherited)
		require.Empty(t, three.Metrics)

		// What was pushed by an earlier Kleid is read from its file; one without a parent inherits when it is promoted.
		parent.Parts = nil
		text, err := parent.text()
		require.NoError(t, err)
		require.NoError(t, r.bucket.Put(ctx, key(parent.Version, manifestName), bytes.NewReader(text)))
		_, err = r.Promote(ctx, parent.Version, 0)
		require.NoError(t, err)
		four := push(heads(t, 1, map[string]float32{"neckline": 1, "sleeve": 1, "fit": 2}), About{})
		require.Empty(t, four.Inherited)
		_, err = r.Promote(ctx, four.Version, 0)
		require.NoError(t, err)
		four, err = r.Manifest(ctx, four.Version)
		require.NoError(t, err)
		require.Equal(t, parent.Metrics, four.Metrics, "for the next one to be compared with")
	})
}

// TestFiguresOfOtherPhotos are not compared: such a version is refused, and shown to be of other photos.
func TestFiguresOfOtherPhotos(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	push := func(seed float32, f1 float64, on string) Manifest {
		about := About{Metrics: map[string]float64{"facets.neckline.macro_f1": f1, "facets.neckline.photos": 20}}
		if on != "" {
			about.MeasuredOn = map[string]string{"facets.neckline.macro_f1": on, "facets.neckline.photos": on}
		}
		m, err := r.Push(ctx, aModel(t, seed), about)
		require.NoError(t, err)
		return m
	}
	promote := func(m Manifest) (Promotion, error) { return r.Promote(ctx, m.Version, 0.01) }
	autumn, winter, unknown := push(1, 0.5, "autumn"), push(2, 0.9, "winter"), push(3, 0.9, "")
	_, err := promote(autumn)
	require.NoError(t, err)
	_, err = promote(winter)
	require.ErrorIs(t, err, ErrOtherPhotos)
	require.ErrorContains(t, err, "the promoted one, "+autumn.Version)
	require.ErrorContains(t, err, "cannot be compared: facets.neckline;")
	require.Contains(t, strings.Join(Diff(autumn, winter), "\n"), "facets.neckline.macro_f1: 0.5 → 0.9, measured on other photos")

	p, err := promote(unknown)
	require.NoError(t, err)
	require.Len(t, p.Warnings, 1)
	require.Contains(t, p.Warnings[0], "not known whether these figures were measured on the same photos")

	_, err = promote(push(4, 0.3, ""))
	require.ErrorIs(t, err, ErrWorse, "what is not known is compared as before")
	_, err = r.Promote(ctx, winter.Version, -1)
	require.NoError(t, err, "by force")
	p, err = promote(push(5, 0.9, "winter"))
	require.NoError(t, err)
	require.Empty(t, p.Warnings)
	again := push(2, 0.9, "") // measured anew, nobody says on what
	require.Empty(t, again.MeasuredOn)
}

// TestFiguresOfTheParent on the photos of a version are what it is compared with, and not those of other photos.
func TestFiguresOfTheParent(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	const figure = "facets.neckline.macro_f1"
	parent, err := r.Push(ctx, aModel(t, 1), About{Metrics: map[string]float64{figure: 0.6, "street.mean_iou": 0.7}, MeasuredOn: map[string]string{figure: "autumn", "street.mean_iou": "street"}})
	require.NoError(t, err)
	_, err = r.Promote(ctx, parent.Version, 0)
	require.NoError(t, err)
	push := func(seed float32, from Manifest, f1, before float64, on, beforeOn string) Manifest {
		m, err := r.Push(ctx, aModel(t, seed), About{
			Parent:     from.Version,
			Metrics:    map[string]float64{figure: f1, OfParent + figure: before, "street.mean_iou": 0.7},
			MeasuredOn: map[string]string{figure: on, OfParent + figure: beforeOn, "street.mean_iou": "street"},
		})
		require.NoError(t, err)
		return m
	}
	_, err = r.Promote(ctx, push(2, parent, 0.5, 0.55, "winter", "winter").Version, 0)
	require.ErrorIs(t, err, ErrWorse)
	require.ErrorContains(t, err, figure+" 0.5 instead of 0.55")
	_, err = r.Promote(ctx, push(3, parent, 0.9, 0.55, "winter", "spring").Version, 0)
	require.ErrorIs(t, err, ErrOtherPhotos, "of yet others")
	better := push(4, parent, 0.56, 0.55, "winter", "winter")
	require.Contains(t, strings.Join(Diff(parent, better), "\n"), figure+": 0.55 → 0.56 (+0.01)")
	p, err := r.Promote(ctx, better.Version, 0)
	require.NoError(t, err)
	require.Empty(t, p.Warnings)
	_, err = r.Promote(ctx, push(5, parent, 0.9, 0.1, "spring", "spring").Version, 0)
	require.ErrorIs(t, err, ErrOtherPhotos, "it was not trained from the promoted one")
	_, err = r.Promote(ctx, push(6, better, 0.56, 0.56, "winter", "winter").Version, 0)
	require.NoError(t, err, "what is said of the grandparent is none of its figures")
}

func TestPartOf(t *testing.T) {
	m := Manifest{Facets: []catalog.Facet{{Name: "neckline"}, {Name: "length"}}}
	for figure, want := range map[string]string{
		"facets.neckline.macro_f1":              "facets.neckline",
		"neckline.macro_f1":                     "facets.neckline",
		"found boxes.length.labels.neckline.f1": "facets.length",
		"neckline.deeprank.true.plain.first":    "",
		"length.neckline.f1":                    "",
		"mean.true boxes.macro_f1":              "",
		"f1":                                    "",
		"home, from 0.5.mean_iou":               models.LocationPart,
		"homes.mean_iou":                        "",
		"painted.location.mean_iou":             models.LocationPart,
		"painted.facets.length.accuracy":        "facets.length",
		"shop.triplets.deeprank":                models.EmbeddingsPart,
		"triplets.deeprank":                     models.EmbeddingsPart,
		"patterns.deeprank.p_at_1":              models.EmbeddingsPart,
		"again.deeprank_r_at_1":                 models.EmbeddingsPart,
	} {
		require.Equal(t, want, m.partOf(figure), figure)
	}
}
