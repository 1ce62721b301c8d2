// Package models holds the networks: backbones, heads, their training and their files.
package models

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models/onnx"
	"github.com/kleid-search/kleid/photo/colour"
	"github.com/kleid-search/kleid/storage"
)

// FacetConfig is a facet as the model knows it.
type FacetConfig struct {
	catalog.Facet
	// Temperature divides the logits before the softmax, so that probabilities are calibrated
	// (https://arxiv.org/abs/1706.04599).
	Temperature float64 `json:"temperature"`
	// Threshold is the probability from which a prediction is good enough to filter by.
	Threshold float64 `json:"threshold"`
	// Trunk names the trunk that the facet has to itself, or shares with facets that were trained together; "" is the
	// model's.
	Trunk string `json:"trunk,omitempty"`
	// Roots says that the head reads the square roots of its cells, with their signs: a feature that is strong in a few
	// places then counts for less than one that is there in many, as between histograms
	// (https://www.robots.ox.ac.uk/~vgg/publications/2012/Arandjelovic12/arandjelovic12.pdf). A trunk that learns with its
	// head, whose gradient a root would not let through where a cell is 0, does without.
	Roots bool `json:"roots,omitempty"`
	// Surroundings says that the head reads Config.Surroundings behind its cells.
	Surroundings bool `json:"surroundings,omitempty"`
}

// Config is everything about a model that is not a weight.
type Config struct {
	Backbone string `json:"backbone"`
	// CropHeight and CropWidth are the size in pixels of what the embedding reads, CropMargin the share
	// of the box's size that is added on each side.
	CropHeight int     `json:"crop_height"`
	CropWidth  int     `json:"crop_width"`
	CropMargin float64 `json:"crop_margin"`
	// PatchHeight and PatchWidth are the size in pixels of what location's second look reads (RefineConfig); 0 for the
	// crop's. Dresses are taller than what surrounds them.
	PatchHeight int `json:"patch_height,omitempty"`
	PatchWidth  int `json:"patch_width,omitempty"`
	// Scales are the sizes, height and width in pixels, in which the whole photo is looked at to locate
	// the dress, the largest first.
	Scales [][2]int `json:"scales"`
	// CellRows and CellColumns are the grid of the embedding.
	CellRows    int `json:"cell_rows"`
	CellColumns int `json:"cell_columns"`
	// CellFocus is how far from a crop's middle line its columns count in the embeddings, within their cells, as the
	// deviation of a normal curve in halves of the crop's width: beside a dress there are arms and a room. 0 lets all
	// count alike, as for facets, which need the sleeves.
	CellFocus float64 `json:"cell_focus,omitempty"`
	// DressWeight is how much more a place whose pixels have the dress's colours counts in the embeddings' cells, see
	// PlaceWeights; 0 lets all count alike, as for facets.
	DressWeight float64 `json:"dress_weight,omitempty"`
	// Surroundings are what facets read of what is around a dress; nil where none of them does.
	Surroundings *SurroundingsConfig `json:"surroundings,omitempty"`
	// EmbeddingSize is the length of both embeddings.
	EmbeddingSize int `json:"embedding_size"`
	// Texture says that the last eighth of the unsupervised embedding's numbers are of the texture (TextureGraph), where the
	// trunk has places for it (ReadsTexture).
	Texture bool          `json:"texture,omitempty"`
	Merge   MergeConfig   `json:"merge"`
	Facets  []FacetConfig `json:"facets"`
	// Precision is that of the convolutions: "" for float32, or int8 (ModelCalibration).
	Precision string `json:"precision,omitempty"`
	// SpatialTransformer is attached to the trunk where crops pass it; nil for none.
	SpatialTransformer *SpatialTransformerConfig `json:"spatial_transformer,omitempty"`
	// ONNX is the trunk where Backbone is "onnx"; else nil.
	ONNX *onnx.Network `json:"onnx,omitempty"`
	// Refine is how location looks a second time; nil for a model that does not.
	Refine *RefineConfig `json:"refine,omitempty"`
	// Notes say how the model came to be, see NoteParent and the others.
	Notes map[string]string `json:"notes,omitempty"`
	// Learned has, by facet, a sample of the labelled photos that it has learned from, where a dataset of people's own was
	// among them; of where the dress is, by LearnedLocation.
	Learned map[string]PhotoSample `json:"learned,omitempty"`
}

// LearnedLocation is the name in Config.Learned of what location has learned from: no facet has a point in its own.
const LearnedLocation = "part.location"

// Names of Config.Notes.
const (
	NoteParent  = "parent"  // SHA-256, in hex, of the file of the model that this one was trained from
	NoteDataset = "dataset" // fingerprints of the data that it has learned from, parted by "+"
	NoteCode    = "code"    // version of the program that trained it
	NoteTrunk   = "trunk"   // name of the file that an ONNX trunk came from
)

// TrunkName is what people call the trunk: its network, or onnx:FILE as it was given to a training.
func (c Config) TrunkName() string {
	if file := c.Notes[NoteTrunk]; file != "" {
		return c.Backbone + ":" + file
	}
	return c.Backbone
}

// preprocessing names the way from a photo's bytes to a network's input. It changes whenever package
// photo gives other pixels, or embedding looks at other parts of a photo, and so do the fingerprints.
const preprocessing = "letterbox-3"

// DefaultConfig is the shape of the shipped model, before training.
func DefaultConfig() Config {
	return Config{
		Backbone:   "kleid-s",
		CropHeight: 240, CropWidth: 128, CropMargin: 0.04,
		PatchHeight: 192, PatchWidth: 128,
		Scales:   [][2]int{{208, 144}, {160, 112}, {112, 80}, {80, 64}},
		CellRows: 6, CellColumns: 2, CellFocus: 0.35, DressWeight: 3,
		EmbeddingSize: 512, Texture: true,
		Merge: defaultMergeConfig(),
	}
}

// ConfigFor is DefaultConfig with another trunk. Sizes in which photos are looked at become multiples of
// its stride.
func ConfigFor(backbone string) (Config, error) {
	b, err := BackboneByName(backbone)
	if err != nil {
		return Config{}, err
	}
	c := DefaultConfig()
	c.Backbone = b.Name
	c.CropHeight, c.CropWidth = RoundUp(c.CropHeight, b.Stride), RoundUp(c.CropWidth, b.Stride)
	for i, size := range c.Scales {
		for axis, v := range size {
			c.Scales[i][axis] = RoundUp(v, b.Stride)
		}
	}
	return c, nil
}

// PatchSize is the height and width in pixels of PatchHeight and PatchWidth.
func (c Config) PatchSize() (height, width int) {
	return cmp.Or(c.PatchHeight, c.CropHeight), cmp.Or(c.PatchWidth, c.CropWidth)
}

// Model is a configuration and its weights. Weights below "trunk." are the backbone's, and those
// below "trunks." and a name of trunks that facets have to themselves; the heads'
// stand at the root.
type Model struct {
	Config  Config
	Weights Weights
	SHA256  string // in hex, of the file that it was read from; "" for one that was made
}

// Trunk returns the configuration's backbone.
func (c Config) Trunk() (Backbone, error) {
	if c.Backbone != onnxBackbone {
		return BackboneByName(c.Backbone)
	}
	if c.ONNX == nil || c.ONNX.Stride < 1 {
		return Backbone{}, fmt.Errorf("the configuration's backbone is %q, but it has no ONNX network", c.Backbone)
	}
	return backboneForONNX(c.ONNX), nil
}

// Trunk returns the model's backbone.
func (m *Model) Trunk() (Backbone, error) { return m.Config.Trunk() }

// Precision is "f32", or "int8" where the convolutions compute in it.
func (m *Model) Precision() string { return cmp.Or(m.Config.Precision, "f32") }

// EmbeddingModel is the fingerprint of all that an embedding depends on: trunk, location, embedding
// weights, preprocessing and precision.
func (m *Model) EmbeddingModel() string {
	c := m.Config
	config := []any{preprocessing, m.Precision(), c.Backbone, c.CropHeight, c.CropWidth, c.CropMargin, c.Scales, c.CellRows, c.CellColumns, c.EmbeddingSize, c.Merge}
	if s := c.SpatialTransformer; s != nil { // those without one keep their fingerprints
		config = append(config, s.Stage, s.Padding)
	}
	if c.ONNX != nil {
		config = append(config, c.ONNX)
	}
	if c.Refine != nil {
		config = append(config, *c.Refine)
	}
	config = append(config, c.Refine.versions()...)
	if c.CellFocus > 0 {
		config = append(config, c.CellFocus)
	}
	if c.WeighsPlaces() {
		config = append(config, c.DressWeight, colour.Version)
	}
	if c.PatchHeight > 0 {
		config = append(config, c.PatchHeight, c.PatchWidth)
	}
	if c.ReadsTexture() {
		config = append(config, textureVersion)
	}
	return m.fingerprint(config, "trunk.", "background.", "location.", "refine.", "unsupervised.", "texture.", "deeprank.")
}

func (m *Model) fingerprint(config []any, prefixes ...string) string {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(config); err != nil {
		panic(err) // numbers and strings encode
	}
	for _, name := range m.Weights.Names() {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return len(name) > len(p) && name[:len(p)] == p }) {
			continue
		}
		t := m.Weights[name]
		fmt.Fprintf(h, "%s%v", name, t.Shape)
		for _, v := range t.Int8 {
			h.Write([]byte{byte(v)})
		}
		var b [4]byte
		for _, v := range t.Data {
			bits := math.Float32bits(v)
			b[0], b[1], b[2], b[3] = byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24)
			h.Write(b[:])
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// Metadata is what an index made with this model carries.
func (m *Model) Metadata() catalog.Metadata {
	return catalog.Metadata{
		EmbeddingModel: m.EmbeddingModel(), FacetModel: m.FacetModel(), Facets: m.RowFacets(),
		UnsupervisedSize: m.Config.EmbeddingSize, DeepRankSize: m.Config.EmbeddingSize,
	}
}

// Encode writes the model as a safetensors file whose metadata holds the configuration.
func (m *Model) Encode(w io.Writer, precision Precision) error {
	config, err := json.Marshal(m.Config)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return EncodeSafetensors(w, m.Weights, map[string]string{"kleid": string(config)}, precision)
}

// Decode reads what Encode wrote.
func Decode(data []byte) (*Model, error) {
	weights, metadata, err := DecodeSafetensors(data)
	if err != nil {
		return nil, err
	}
	if metadata["kleid"] == "" {
		return nil, fmt.Errorf("model: the file's metadata has no entry \"kleid\": these are weights of a bare network, not a model of Kleid; make one with `kleid train`")
	}
	m := &Model{Weights: weights, SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
	if err := json.Unmarshal([]byte(metadata["kleid"]), &m.Config); err != nil {
		return nil, fmt.Errorf("model: configuration: %w", err)
	}
	if err := m.Weights.CheckFinite(); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if err := m.Config.fromOlder([]byte(metadata["kleid"])); err != nil {
		return nil, fmt.Errorf("model: configuration: %w", err)
	}
	if err := m.Config.check(); err != nil {
		return nil, fmt.Errorf("model: configuration: %w", err)
	}
	if quantised := m.Precision() == precisionInt8; quantised != m.Weights.Quantised() || !quantised && m.Precision() != "f32" {
		return nil, fmt.Errorf("model: the configuration says precision %q, which the weights do not have", m.Precision())
	}
	return m, nil
}

// fromOlder reads confidences of the second look as they were written before evidence had weights of its own there: a
// bias, a weight for the first look's log-odds and one for what the patch says.
func (c *Config) fromOlder(config []byte) error {
	if c.Refine == nil || c.Refine.Calibration != [5]float64{} {
		return nil
	}
	var older struct {
		Refine struct {
			Calibration [3]float64 `json:"calibration"`
		} `json:"refine"`
	}
	if err := json.Unmarshal(config, &older); err != nil {
		return err
	}
	w, first := older.Refine.Calibration, c.Merge.Calibration
	c.Refine.Calibration = [5]float64{w[0] + float64(w[1]*first[0]), w[1] * first[1], w[1] * first[2], w[1] * first[3], w[2]}
	return nil
}

// fetching weights: the operator names them, so they may lie on the shop's own network, and they are
// large.
var fetching = storage.FetchOptions{Limit: 4 << 30, AllowPrivate: true, Timeout: 30 * time.Minute, Attempts: 3}

// Fetch reads a model's file from a path, `https://` or `s3://` URL.
func Fetch(ctx context.Context, url string) ([]byte, error) {
	data, err := storage.Fetch(ctx, url, fetching)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", storage.WithoutSecrets(url), err)
	}
	return data, nil
}

// Load reads a model from where Fetch does.
func Load(ctx context.Context, url string) (*Model, error) {
	data, err := Fetch(ctx, url)
	if err != nil {
		return nil, err
	}
	m, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", storage.WithoutSecrets(url), err)
	}
	return m, nil
}

// LoadWeights reads the weights of a bare network, in safetensors, from a path, `https://` or `s3://`
// URL. The last layers of classifiers and prefixes that some exporters add ("module.", "backbone.") are
// dropped, so that torchvision's and timm's files load as they are; Inception v3 as TensorFlow named its
// layers in 2015 gets torchvision's names. Of a model of Kleid's it is the trunk.
func LoadWeights(ctx context.Context, url string) (Weights, error) {
	data, err := storage.Fetch(ctx, url, fetching)
	if err != nil {
		return nil, fmt.Errorf("weights %s: %w", storage.WithoutSecrets(url), err)
	}
	weights, err := bareWeights(data)
	if err == nil {
		err = weights.CheckFinite()
	}
	if err != nil {
		return nil, fmt.Errorf("weights %s: %w", storage.WithoutSecrets(url), err)
	}
	return weights, nil
}

// bareWeights are those of a trunk in a safetensors file, by torchvision's names.
func bareWeights(data []byte) (Weights, error) {
	weights, _, err := DecodeSafetensors(data)
	if err != nil {
		return nil, err
	}
	if trunk := weights.Sub("trunk."); len(trunk) > 0 {
		return trunk, nil
	}
	bare := Weights{}
	for name, t := range weights {
		for _, prefix := range []string{"module.", "backbone.", "model."} {
			if len(name) > len(prefix) && name[:len(prefix)] == prefix {
				name = name[len(prefix):]
			}
		}
		if name == "fc.weight" || name == "fc.bias" || strings.HasPrefix(name, auxiliaryPrefix+"fc.") {
			continue
		}
		bare[name] = t
	}
	if named2015(bare) {
		return fromNamesOf2015(bare)
	}
	return bare, nil
}

// Save writes a model to a blob of a bucket, whole or not at all.
func (m *Model) Save(ctx context.Context, bucket storage.Bucket, key string, precision Precision) error {
	var b bytes.Buffer
	if err := m.Encode(&b, precision); err != nil {
		return err
	}
	if err := bucket.Put(ctx, key, &b); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}
