package indexer

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/x448/float16"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors"
)

// sighting is what a model saw in a photo: all that a row takes from it.
type sighting struct {
	key           photoKey
	status        catalog.Status // StatusOK or StatusNoDress
	told          bool           // the dress was looked for since people say that there is one, and is one as long as they do
	width, height int32
	box           catalog.Box
	confidence    float32
	facets        []facetSighting // one for each facet of the model, in its order
	colours       []catalog.Colour
	unsupervised  []float32
	deepRank      []float32
	cells         embedding.Cells // from which another facet_model can read facets
}

// facetSighting is the label of a facet, by its place among the labels; or noLabel.
type facetSighting struct {
	label       int32
	probability float32
}

const (
	noLabel      = -1
	unknownLabel = -2
)

// newSighting keeps of an embedder's answer what goes into a row.
func newSighting(key photoKey, m *photo.Image, seen embedding.Photo, facets []catalog.Facet) sighting {
	frame := m.Frame()
	s := sighting{key: key, status: seen.Status, width: int32(frame.Width()), height: int32(frame.Height())}
	if s.status != catalog.StatusOK {
		return s
	}
	s.box = embedding.RowBox(seen.Box)
	s.told, s.colours = seen.Told, seen.Colours
	s.confidence, s.unsupervised, s.deepRank = seen.BoxConfidence, seen.Unsupervised, seen.DeepRank
	s.cells = seen.Cells
	for _, f := range facets {
		value, _ := newFacetSighting(f, seen.Facets)
		s.facets = append(s.facets, value)
	}
	return s
}

// newFacetSighting is what predictions say of a facet; false where they say nothing.
func newFacetSighting(facet catalog.Facet, seen []embedding.Prediction) (facetSighting, bool) {
	for _, p := range seen {
		if p.Name != facet.Name {
			continue
		}
		if p.Label == "" {
			return facetSighting{label: noLabel}, true
		}
		value := facetSighting{int32(slices.Index(facet.Labels, p.Label)), p.Probability}
		if value.label < 0 {
			value.label = unknownLabel
		}
		return value, true
	}
	return facetSighting{label: noLabel}, false
}

// fill puts the sighting into a row.
func (s *sighting) fill(row *catalog.Row, facets []catalog.Facet) {
	row.Status, row.Width, row.Height = s.status, s.width, s.height
	if s.status != catalog.StatusOK {
		return
	}
	box := s.box
	row.Box, row.BoxConfidence = &box, s.confidence
	row.Colours = s.colours
	row.EmbeddingUnsupervised, row.EmbeddingDeepRank = s.unsupervised, s.deepRank
	for i, f := range s.facets {
		if f.label < 0 {
			continue
		}
		if row.Facets == nil {
			row.Facets = make(map[string]catalog.FacetValue, len(facets))
		}
		row.Facets[facets[i].Name] = catalog.FacetValue{
			Label: facets[i].Labels[f.label], Probability: f.probability, Source: catalog.Predicted,
		}
	}
}

// sightingCodec writes sightings as bytes. All numbers are little endian; floats are their bits, so that
// a row made of the journal equals the row made at first.
type sightingCodec struct {
	labels       []int // how many each facet has
	unsupervised int
	deepRank     int
}

func newSightingCodec(meta catalog.Metadata) sightingCodec {
	c := sightingCodec{unsupervised: meta.UnsupervisedSize, deepRank: meta.DeepRankSize}
	for _, f := range meta.Facets {
		c.labels = append(c.labels, len(f.Labels))
	}
	return c
}

// The first byte of a payload.
const (
	kindOK      = 1
	kindNoDress = 2
	kindTold    = 3 // as kindOK
)

var errSighting = errors.New("a record does not fit the model")

func (c sightingCodec) append(b []byte, s sighting) []byte {
	le := binary.LittleEndian
	kind := byte(kindOK)
	switch {
	case s.status != catalog.StatusOK:
		kind = kindNoDress
	case s.told:
		kind = kindTold
	}
	b = append(b, kind)
	b = append(b, s.key[:]...)
	b = le.AppendUint32(b, uint32(s.width))
	b = le.AppendUint32(b, uint32(s.height))
	if kind == kindNoDress {
		return b
	}
	for _, v := range []int32{s.box.XMin, s.box.YMin, s.box.XMax, s.box.YMax} {
		b = le.AppendUint32(b, uint32(v))
	}
	b = le.AppendUint32(b, math.Float32bits(s.confidence))
	for _, f := range s.facets {
		b = le.AppendUint32(b, uint32(f.label))
		b = le.AppendUint32(b, math.Float32bits(f.probability))
	}
	for _, v := range s.unsupervised {
		b = le.AppendUint32(b, math.Float32bits(v))
	}
	for _, v := range s.deepRank {
		b = le.AppendUint32(b, math.Float32bits(v))
	}
	b = le.AppendUint32(b, uint32(len(s.cells)))
	for _, v := range s.cells {
		b = le.AppendUint16(b, v.Bits())
	}
	for _, colour := range s.colours { // up to the end, since there are more or fewer of them
		for _, v := range []float32{colour.L, colour.A, colour.B, colour.Share} {
			b = le.AppendUint32(b, math.Float32bits(v))
		}
		b = append(le.AppendUint32(b, uint32(len(colour.Name))), colour.Name...)
	}
	return b
}

// size is the length of a payload of a kind, without cells and colours.
func (c sightingCodec) size(kind byte) int {
	size := 1 + len(photoKey{}) + 2*4
	if kind != kindNoDress {
		size += 5*4 + 8*len(c.labels) + 4*(c.unsupervised+c.deepRank) + 4
	}
	return size
}

func (c sightingCodec) decode(payload []byte) (sighting, error) {
	var s sighting
	if len(payload) == 0 || payload[0] < kindOK || payload[0] > kindTold || len(payload) < c.size(payload[0]) {
		return s, errSighting
	}
	s.status, s.told = catalog.StatusOK, payload[0] == kindTold
	if payload[0] == kindNoDress {
		s.status = catalog.StatusNoDress
	}
	copy(s.key[:], payload[1:])
	payload = payload[1+len(s.key):]
	next := func() uint32 {
		v := binary.LittleEndian.Uint32(payload)
		payload = payload[4:]
		return v
	}
	floats := func(n int) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = math.Float32frombits(next())
		}
		return out
	}
	s.width, s.height = int32(next()), int32(next())
	if s.status != catalog.StatusOK {
		if len(payload) > 0 {
			return s, errSighting
		}
		return s, nil
	}
	s.box = catalog.Box{XMin: int32(next()), YMin: int32(next()), XMax: int32(next()), YMax: int32(next())}
	s.confidence = math.Float32frombits(next())
	s.facets = make([]facetSighting, len(c.labels))
	for i := range s.facets {
		f := facetSighting{int32(next()), math.Float32frombits(next())}
		if f.label < noLabel || int(f.label) >= c.labels[i] {
			return s, errSighting
		}
		s.facets[i] = f
	}
	s.unsupervised, s.deepRank = floats(c.unsupervised), floats(c.deepRank)
	if n := next(); n > 0 {
		if 2*uint64(n) > uint64(len(payload)) {
			return s, errSighting
		}
		s.cells = make(embedding.Cells, n)
		for i := range s.cells {
			s.cells[i] = float16.Frombits(binary.LittleEndian.Uint16(payload[2*i:]))
		}
		payload = payload[2*n:]
	}
	const numbers = 5 * 4 // of a colour, the length of its name among them
	for len(payload) > 0 {
		if len(payload) < numbers {
			return s, errSighting
		}
		v := floats(4)
		length := next()
		if uint64(length) > uint64(len(payload)) {
			return s, errSighting
		}
		s.colours = append(s.colours, catalog.Colour{Name: string(payload[:length]), L: v[0], A: v[1], B: v[2], Share: v[3]})
		payload = payload[length:]
	}
	return s, nil
}

var errForm = errors.New("the embedder's answer does not have the form that its metadata announces")

// check refuses an answer of the embedder that the journal could not give back.
func (c sightingCodec) check(s sighting) error {
	if s.status == catalog.StatusNoDress {
		return nil
	}
	if s.status != catalog.StatusOK || len(s.unsupervised) != c.unsupervised || len(s.deepRank) != c.deepRank || len(s.facets) != len(c.labels) {
		return errForm
	}
	for _, f := range s.facets {
		if f.label < noLabel {
			return errForm
		}
	}
	return nil
}

// usable refuses what no store takes: numbers that are not finite, vectors that are not of unit length.
func (s *sighting) usable(meta catalog.Metadata) error {
	row := catalog.Row{RowID: s.key.String(), ProductID: s.key.String()}
	if s.fill(&row, meta.Facets); row.Status != catalog.StatusOK {
		return nil
	}
	return errors.Unwrap(vectors.CheckRow(meta, &row)) // without the name of a row
}

const journalPrefix = "photos-"

// journalName is the folder of a model's journal: it tells apart all that decides what a record means.
func journalName(meta catalog.Metadata) string {
	description, err := json.Marshal([]any{segmentMagic, meta.EmbeddingModel, meta.FacetModel, meta.Facets, meta.UnsupervisedSize, meta.DeepRankSize})
	if err != nil {
		panic(err) // strings and numbers always have a JSON form
	}
	sum := sha256.Sum256(description)
	return journalPrefix + hex.EncodeToString(sum[:8])
}

// bufferedReader reads in whole pieces and remembers that it came to the end.
type bufferedReader struct {
	*bufio.Reader
	ended bool
}

func newBufferedReader(r io.Reader) *bufferedReader {
	return &bufferedReader{Reader: bufio.NewReaderSize(r, 1<<18)}
}

// full fills p, or sets ended when there is not enough left for it.
func (b *bufferedReader) full(p []byte) error {
	_, err := io.ReadFull(b, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		b.ended = true
		return nil
	}
	return err
}
