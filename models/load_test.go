package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/storage/storagetest"
)

// weightsPlaces put a file where weights are loaded from, and return its URL.
var weightsPlaces = map[string]func(t *testing.T, data []byte) string{
	"path": func(t *testing.T, data []byte) string {
		path := filepath.Join(t.TempDir(), "w.safetensors")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	},
	"file": func(t *testing.T, data []byte) string {
		path := filepath.Join(t.TempDir(), "w.safetensors")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return "file://" + path
	},
	"https": func(t *testing.T, data []byte) string { return trustedServer.serve(t, data) },
	"https, cut off once": func(t *testing.T, data []byte) string {
		url := trustedServer.serve(t, data)
		trustedServer.cut = true
		t.Cleanup(func() { trustedServer.cut = false })
		return url
	},
	"s3": func(t *testing.T, data []byte) string {
		storagetest.S3(t, "models")
		bucket, err := storage.Open(t.Context(), "s3://models")
		require.NoError(t, err)
		require.NoError(t, bucket.Put(t.Context(), "shop/w.safetensors", bytes.NewReader(data)))
		return "s3://models/shop/w.safetensors"
	},
}

// trustedServer is a server with TLS whose certificate this process trusts. There is one, since a process
// reads its trusted certificates once.
var trustedServer tlsServer

type tlsServer struct {
	server *httptest.Server
	data   []byte
	cut    bool // the next answer ends before it is whole
}

func (s *tlsServer) serve(t *testing.T, data []byte) string {
	s.data = data
	if s.server == nil {
		s.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/w.safetensors" {
				http.NotFound(w, r)
				return
			}
			if s.cut {
				s.cut = false
				w.Header().Set("Content-Length", strconv.Itoa(len(s.data)))
				w.Write(s.data[:len(s.data)/2])
				return
			}
			w.Write(s.data)
		}))
		certificate := filepath.Join(os.TempDir(), "kleid-models-test.pem")
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw})
		require.NoError(t, os.WriteFile(certificate, block, 0o600))
		defer os.Remove(certificate)
		t.Setenv("SSL_CERT_FILE", certificate)
		_, err := storage.Fetch(t.Context(), s.server.URL+"/w.safetensors", fetching)
		require.NoError(t, err)
	}
	return s.server.URL + "/w.safetensors"
}

func eachPlace(t *testing.T, data []byte, f func(t *testing.T, url string)) {
	for name, place := range weightsPlaces {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "https") && runtime.GOOS != "linux" {
				t.Skip("the test's own certificate can be trusted through SSL_CERT_FILE on Linux only")
			}
			f(t, place(t, data))
		})
	}
}

func encodeWeights(t *testing.T, weights Weights) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, EncodeSafetensors(&b, weights, nil, Float32))
	return b.Bytes()
}

// TestLoadWeights reads a file as torchvision's or timm's exporters leave it: with a prefix, with the
// classifiers.
func TestLoadWeights(t *testing.T) {
	want := madeUpWeights(t, "resnet18")
	for _, prefix := range []string{"", "module.", "backbone.", "model."} {
		exported := Weights{}
		exported.Merge(prefix, want)
		exported[prefix+"fc.weight"], exported[prefix+"fc.bias"] = NewTensor(1000, 512), NewTensor(1000)
		exported[prefix+"AuxLogits.fc.bias"] = NewTensor(1000)
		data := encodeWeights(t, exported)
		check := func(t *testing.T, url string) {
			got, err := LoadWeights(t.Context(), url)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		if prefix == "" {
			eachPlace(t, data, check)
		} else {
			check(t, weightsPlaces["path"](t, data))
		}
	}
	// A model's file has its trunk.
	model := untrained()
	model.Weights = Weights{"facets.b": NewTensor(3)}
	model.Weights.Merge("trunk.", want)
	var b bytes.Buffer
	require.NoError(t, model.Encode(&b, Float32))
	trunk, err := LoadWeights(t.Context(), weightsPlaces["path"](t, b.Bytes()))
	require.NoError(t, err)
	require.Equal(t, want, trunk)

	_, err = LoadWeights(t.Context(), filepath.Join(t.TempDir(), "none.safetensors"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "none.safetensors")
	_, err = LoadWeights(t.Context(), weightsPlaces["path"](t, []byte("no weights at all")))
	require.ErrorContains(t, err, "not a safetensors file")
}

func TestLoadModel(t *testing.T) {
	model := untrained()
	model.Config.Notes = map[string]string{"stage": "none"}
	model.Weights = Weights{"trunk.a": &Tensor{Shape: []int{2}, Data: []float32{1.5, -2}}, "facets.b": NewTensor(3)}
	var b bytes.Buffer
	require.NoError(t, model.Encode(&b, Float32))
	model.SHA256 = fmt.Sprintf("%x", sha256.Sum256(b.Bytes()))
	eachPlace(t, b.Bytes(), func(t *testing.T, url string) {
		got, err := Load(t.Context(), url)
		require.NoError(t, err)
		require.Equal(t, model, got)
		require.Equal(t, model.Metadata(), got.Metadata())
	})
	_, err := Load(t.Context(), weightsPlaces["path"](t, encodeWeights(t, model.Weights)))
	require.ErrorContains(t, err, "bare network")

	bucket, err := storage.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	require.NoError(t, model.Save(t.Context(), bucket, "m.safetensors", Float16))
	data, err := storage.ReadAll(t.Context(), bucket, "m.safetensors", 1<<20)
	require.NoError(t, err)
	back, err := Decode(data)
	require.NoError(t, err)
	model.SHA256 = fmt.Sprintf("%x", sha256.Sum256(data))
	require.Equal(t, model, back, "these numbers are exact in float16")
}

// TestFingerprints checks what changes which fingerprint.
func TestFingerprints(t *testing.T) {
	changedBy := func(change func(m *Model)) *Model {
		m := untrained()
		m.Weights = Weights{"trunk.a": NewTensor(2), "location.a": NewTensor(2), "deeprank.weight": NewTensor(2), "facets.a": NewTensor(2)}
		change(m)
		return m
	}
	plain := changedBy(func(*Model) {})
	require.Len(t, plain.EmbeddingModel(), 32)
	for name, c := range map[string]struct {
		change            func(m *Model)
		embedding, facets bool
	}{
		"nothing":        {func(*Model) {}, false, false},
		"notes":          {func(m *Model) { m.Config.Notes = map[string]string{"a": "b"} }, false, false},
		"learned photos": {func(m *Model) { m.Config.Learned = map[string]PhotoSample{"a": "b"} }, false, false},
		"trunk":          {func(m *Model) { m.Weights["trunk.a"].Data[1] = 1 }, true, false},
		"location":       {func(m *Model) { m.Weights["location.a"].Data[0] = 1 }, true, false},
		"deeprank":       {func(m *Model) { m.Weights["deeprank.weight"].Data[0] = 1 }, true, false},
		"crop":           {func(m *Model) { m.Config.CropMargin = 0.1 }, true, false},
		"dress weight":   {func(m *Model) { m.Config.DressWeight++ }, true, false},
		"texture":        {func(m *Model) { m.Config.Texture = !m.Config.Texture }, true, false},
		"its weights":    {func(m *Model) { m.Weights["texture.weight"] = NewTensor(2) }, true, false},
		"scales":         {func(m *Model) { m.Config.Scales = m.Config.Scales[1:] }, true, false},
		"merging":        {func(m *Model) { m.Config.Merge.MinConfidence = 0.9 }, true, false},
		"a facet's head": {func(m *Model) { m.Weights["facets.a"].Data[0] = 1 }, false, true},
		"a temperature":  {func(m *Model) { m.Config.Facets[0].Temperature = 2 }, false, true},
		"a label":        {func(m *Model) { m.Config.Facets[0].Labels[0] = "halter" }, false, true},
	} {
		changed := changedBy(c.change)
		require.Equal(t, c.embedding, plain.EmbeddingModel() != changed.EmbeddingModel(), name)
		require.Equal(t, c.facets, plain.FacetModel() != changed.FacetModel(), name)
	}
}

// TestDefaultModel looks at the shipped weights: small enough, whole, and of the shape that is compiled in.
func TestDefaultModel(t *testing.T) {
	info, err := os.Stat("weights/kleid-s.safetensors")
	if os.IsNotExist(err) {
		t.Skip("the default weights are not made yet: `make weights` makes them")
	}
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(20<<20))
	model, err := Default()
	require.NoError(t, err)
	require.NoError(t, model.Weights.CheckFinite())
	require.Equal(t, DefaultConfig().Backbone, model.Config.Backbone)
	require.NotEmpty(t, model.Config.Facets)
	for _, facet := range model.Config.Facets {
		require.Positive(t, facet.Temperature, facet.Name)
		require.Equal(t, len(facet.Labels), model.Weights["facets."+facet.Name+".bias"].Shape[0], facet.Name)
	}
}

// TestLoadWeightsAreFinite: numbers that nothing can be computed with are found where they are read, and named.
func TestLoadWeightsAreFinite(t *testing.T) {
	for _, value := range []float64{math.NaN(), math.Inf(-1)} {
		broken := NewTensor(2, 3)
		broken.Data[4] = float32(value)
		path := weightsPlaces["path"](t, encodeWeights(t, Weights{"module.conv1.weight": broken, "bn1.weight": NewTensor(3)}))
		_, err := LoadWeights(t.Context(), path)
		require.ErrorContains(t, err, fmt.Sprintf(`weights %s: "conv1.weight" is not finite: number 4 of it is %v; the file is damaged`, path, value))
	}
}
