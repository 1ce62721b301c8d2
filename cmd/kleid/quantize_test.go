package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/photos"
	"github.com/kleid-search/kleid/cmd/kleid/internal/quantize"
	"github.com/kleid-search/kleid/models"
)

// TestQuantize makes an int8 model of the tiny one from painted photos and from a folder, and uses it.
func TestQuantize(t *testing.T) {
	dir := t.TempDir()
	float, int8 := os.Getenv("KLEID_MODELS"), filepath.Join(dir, "int8.safetensors")
	require.NotEmpty(t, float)
	somebodys := write(t, int8+".tmp", []byte("somebody's"))
	r := kleid(t, "quantize", "--model", float, "--photos", "10", "--check", "4", "--out", int8, "--layers", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	f := decodeLine[quantize.Figures](t, r)
	require.Equal(t, int8, f.Out)
	require.Equal(t, [3]int{10, 0, 4}, [3]int{f.Calibrated, f.Unreadable, f.Checked})
	for _, of := range [][2]float64{{f.Unsupervised.Min, f.Unsupervised.Mean}, {f.DeepRank.Min, f.DeepRank.Mean}} {
		require.Greater(t, of[1], 0.99)
		require.Less(t, of[1], 0.9999999, "something is rounded")
		require.LessOrEqual(t, of[0], of[1])
	}
	require.Len(t, f.Layers, 16)
	for _, l := range f.Layers {
		require.GreaterOrEqual(t, l.Unsupervised.Mean, f.Unsupervised.Mean, l.Layer)
	}

	require.FileExists(t, somebodys)
	data, err := os.ReadFile(int8)
	require.NoError(t, err)
	require.Len(t, data, f.Bytes)
	model, err := models.Decode(data)
	require.NoError(t, err)
	require.Equal(t, "int8", model.Precision())
	require.Equal(t, f.EmbeddingModel, model.EmbeddingModel())

	files := newShop(t).photos(t)
	seen := decodeLine[photos.EmbedReport](t, kleid(t, "embed", files[0], "--models", int8, "--json"))
	require.Equal(t, f.EmbeddingModel, seen.EmbeddingModel)
	require.Len(t, seen.Photos, 1)

	again, folder := filepath.Join(dir, "again.safetensors"), filepath.Join(dir, "photos")
	require.NoError(t, os.Mkdir(folder, 0o755))
	write(t, filepath.Join(folder, "torn.jpg"), []byte("\xff\xd8\xff"))
	for _, path := range files[:7] {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		write(t, filepath.Join(folder, filepath.Base(path)), data)
	}
	r = kleid(t, "quantize", "--calibrate", folder, "--photos", "100", "--float", "trunk.stem.conv", "--clip", "mse", "--out", again)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "again.safetensors: ")
	require.Contains(t, r.stdout, "cosine of the DeepRank embedding")
	require.Contains(t, r.stderr, "left out: torn.jpg")
	data, err = os.ReadFile(again)
	require.NoError(t, err)
	model, err = models.Decode(data)
	require.NoError(t, err)
	require.Nil(t, model.Weights["trunk.stem.conv.weight"].Int8)
	require.NotNil(t, model.Weights["trunk.stage1.down.conv.weight"].Int8)
}

func TestQuantizeRefuses(t *testing.T) {
	out := filepath.Join(t.TempDir(), "int8.safetensors")
	float, linked := os.Getenv("KLEID_MODELS"), filepath.Join(t.TempDir(), "linked.safetensors")
	require.NoError(t, os.Link(float, linked))
	defer os.Remove(linked)
	t.Chdir(filepath.Dir(float))
	one := filepath.Dir(write(t, filepath.Join(t.TempDir(), "photos", "wall.jpg"), greyPhoto(t)))
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no file to write", nil, exit.Usage, "--out"},
		{"unknown clipping", []string{"--out", out, "--clip", "hair"}, exit.Usage, `--clip is "hair", but must be one of`},
		{"unknown layer", []string{"--out", out, "--float", "trunk.sleeve", "--photos", "1", "--check", "1"}, exit.Usage, `no layer "trunk.sleeve"`},
		{"onto the model", []string{"--out", float}, exit.Usage, "--out is the float32 model itself"},
		{"onto the model of a URL", []string{"--models", "file://" + filepath.ToSlash(float), "--out", filepath.Base(float)}, exit.Usage, "--out is the float32 model itself"},
		{"onto the model by another name", []string{"--out", linked}, exit.Usage, "--out is the float32 model itself"},
		{"onto the catalogue", []string{"--calibrate", linked, "--out", linked, "--models", one}, exit.Usage, "which is read"},
		{"to another machine", []string{"--out", "s3://shop/int8.safetensors"}, exit.Usage, "must be a file on this machine"},
		{"below a file", []string{"--out", filepath.Join(float, "int8.safetensors"), "--models", one}, exit.Failed, "--out cannot be written: "},
		{"a single photo", []string{"--out", out, "--calibrate", one}, exit.Failed, "has 1 photo, but it takes two at least"},
		{"no photos", []string{"--out", out, "--photos", "0"}, exit.Usage, "--photos is 0"},
		{"no catalogue", []string{"--out", out, "--calibrate", filepath.Join(t.TempDir(), "none")}, exit.Failed, "cannot be opened"},
		{"an empty catalogue", []string{"--out", out, "--calibrate", t.TempDir()}, exit.Failed, "has no photos to calibrate on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := kleid(t, append([]string{"quantize"}, c.args...)...)
			require.Equal(t, c.code, r.code, r.stderr)
			require.Contains(t, r.stderr, c.says)
			require.NoFileExists(t, out)
		})
	}
}
