package models

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/pkg/core/dtypes/bfloat16"
	"github.com/x448/float16"
)

// Precision is how a tensor's numbers are kept in a file.
type Precision string

// The precisions that are written. Read are float32, float16, bfloat16, float64 and int8.
const (
	Float32 Precision = "F32"
	Float16 Precision = "F16"
	Int8    Precision = "I8" // of tensors that are quantised, and no others
)

// kept is the precision of a tensor in a file of floats in the given precision. Where layers are
// quantised, vectors stay float32: they are their scales, and few. So does a tensor with numbers that float16 has not, such
// as variances of a network that reads bytes; and the texture's head, which takes off a mean that is much larger than what
// windows differ by.
func (t *Tensor) kept(name string, floats Precision, quantised bool) (_ Precision, width int64) {
	switch {
	case t.Int8 != nil:
		return Int8, 1
	case floats == Float16 && (!quantised || len(t.Shape) != 1) && !strings.HasPrefix(name, "texture.") && !t.exceedsFloat16():
		return Float16, 2
	}
	return Float32, 4
}

// exceedsFloat16 is whether a finite number would become infinite.
func (t *Tensor) exceedsFloat16() bool {
	const least = 65520 // rounds to the power of 2 behind the largest float16
	return slices.ContainsFunc(t.Data, func(v float32) bool { return (v >= least || v <= -least) && !math.IsInf(float64(v), 0) })
}

// maxHeader bounds the JSON header of a safetensors file, as the format's reference reader does.
const maxHeader = 100 << 20

// maxValues bounds how many values the header lists, of which some take a hundred times as much memory as their text: a
// tensor has six or so, large networks have thousands of those.
const maxValues = 1 << 18

// values is how many a text in JSON lists at most.
func values(text []byte) int { return 1 + bytes.Count(text, []byte(",")) }

type safetensorsEntry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// DecodeSafetensors reads weights and the string metadata of a file in the safetensors format
// (https://github.com/huggingface/safetensors#format): an 8-byte little-endian header length, a JSON
// header, then the tensors. Integer tensors other than int8, such as torch's `num_batches_tracked`, are
// left out.
func DecodeSafetensors(data []byte) (Weights, map[string]string, error) {
	if len(data) < 8 {
		return nil, nil, fmt.Errorf("safetensors: %d bytes are too few for a header", len(data))
	}
	size := binary.LittleEndian.Uint64(data)
	if size > maxHeader && size <= uint64(len(data)-8) {
		return nil, nil, fmt.Errorf("safetensors: the header has %d bytes, more than the %d that are read", size, maxHeader)
	}
	if size > uint64(len(data)-8) {
		if is := otherFormat(data); is != "" {
			return nil, nil, fmt.Errorf("safetensors: this is %s", is)
		}
		return nil, nil, fmt.Errorf("safetensors: the header claims %d bytes, the file has %d: not a safetensors file, or cut off", size, len(data)-8)
	}
	if n := values(data[8 : 8+size]); n > maxValues {
		return nil, nil, fmt.Errorf("safetensors: the header has %d values, more than the %d that are read: it is damaged, or has far too many tensors", n, maxValues)
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(data[8:8+size], &header); err != nil {
		return nil, nil, fmt.Errorf("safetensors: header: %w", err)
	}
	body := data[8+size:]
	var metadata map[string]string
	weights := Weights{}
	var decoded int64
	for name, raw := range header {
		if name == "__metadata__" {
			if err := json.Unmarshal(raw, &metadata); err != nil {
				return nil, nil, fmt.Errorf("safetensors: metadata: %w", err)
			}
			continue
		}
		var entry safetensorsEntry
		if err := json.Unmarshal(raw, &entry); err != nil {
			return nil, nil, fmt.Errorf("safetensors: tensor %q: %w", name, err)
		}
		if decoded += max(entry.Offsets[1]-entry.Offsets[0], 0); decoded > int64(len(body)) {
			return nil, nil, fmt.Errorf("safetensors: the tensors claim more than the file's %d bytes: cut off, or they overlap", len(body))
		}
		tensor, err := entry.decode(body)
		if err != nil {
			return nil, nil, fmt.Errorf("safetensors: tensor %q: %w", name, err)
		}
		if tensor != nil {
			weights[name] = tensor
		}
	}
	return weights, metadata, nil
}

// otherFormat says what files are that people have beside safetensors, by how they begin; "" of any other.
func otherFormat(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return "a file of torch.save: write its state_dict with safetensors.torch.save_file"
	case bytes.HasPrefix(data, []byte("{")):
		return "JSON, such as the index of a model in several files: join those into one"
	}
	return ""
}

// decode returns nil for a tensor of integers other than int8.
func (e safetensorsEntry) decode(body []byte) (*Tensor, error) {
	var width int64
	switch e.DType {
	case "F64":
		width = 8
	case "F32":
		width = 4
	case "F16", "BF16":
		width = 2
	case "I8":
		width = 1
	case "BOOL", "U8", "U16", "I16", "U32", "I32", "U64", "I64":
		return nil, nil
	default:
		return nil, fmt.Errorf("dtype %q is not supported", e.DType)
	}
	begin, end := e.Offsets[0], e.Offsets[1]
	if begin < 0 || end < begin || end > int64(len(body)) {
		return nil, fmt.Errorf("offsets %v lie outside the file's %d bytes: cut off?", e.Offsets, len(body))
	}
	count := int64(1)
	for _, d := range e.Shape {
		if d < 0 || (d > 0 && count > math.MaxInt64/8/int64(d)) {
			return nil, fmt.Errorf("shape %v is not a shape", e.Shape)
		}
		count *= int64(d)
	}
	if count*width != end-begin {
		return nil, fmt.Errorf("shape %v of %s needs %d bytes, the offsets span %d", e.Shape, e.DType, count*width, end-begin)
	}
	src := body[begin:end]
	if e.DType == "I8" {
		t := &Tensor{Shape: slices.Clone(e.Shape), Int8: make([]int8, count)}
		for i, v := range src {
			t.Int8[i] = int8(v)
		}
		return t, nil
	}
	t := &Tensor{Shape: slices.Clone(e.Shape), Data: make([]float32, count)}
	for i := range t.Data {
		switch e.DType {
		case "F64":
			t.Data[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		case "F32":
			t.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		case "F16":
			t.Data[i] = float16.Frombits(binary.LittleEndian.Uint16(src[2*i:])).Float32()
		case "BF16":
			t.Data[i] = bfloat16.FromBits(binary.LittleEndian.Uint16(src[2*i:])).Float32()
		}
	}
	return t, nil
}

// EncodeSafetensors writes weights in alphabetical order, so that equal weights give equal bytes.
func EncodeSafetensors(w io.Writer, weights Weights, metadata map[string]string, precision Precision) error {
	quantised := weights.Quantised()
	header := map[string]any{}
	if len(metadata) > 0 {
		header["__metadata__"] = metadata
	}
	offset := int64(0)
	for _, name := range weights.Names() {
		t := weights[name]
		kept, width := t.kept(name, precision, quantised)
		end := offset + width*int64(len(t.Data)+len(t.Int8))
		header[name] = safetensorsEntry{DType: string(kept), Shape: append([]int{}, t.Shape...), Offsets: [2]int64{offset, end}}
		offset = end
	}
	text, err := json.Marshal(header)
	if err != nil {
		return fmt.Errorf("safetensors: header: %w", err)
	}
	for len(text)%8 != 0 { // the format aligns the tensors to 8 bytes
		text = append(text, ' ')
	}
	if n := values(text); n > maxValues {
		return fmt.Errorf("safetensors: the header would have %d values, more than the %d that are read again: the network has far too many tensors", n, maxValues)
	}
	if len(text) > maxHeader {
		return fmt.Errorf("safetensors: the header would have %d bytes, more than the %d that are read again: a trunk from ONNX has weights in its graph that are no float32; export it in float32", len(text), maxHeader)
	}
	if err := binary.Write(w, binary.LittleEndian, uint64(len(text))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	for _, name := range weights.Names() {
		t := weights[name]
		kept, width := t.kept(name, precision, quantised)
		buffer := make([]byte, 0, width*int64(len(t.Data)+len(t.Int8)))
		for _, v := range t.Int8 {
			buffer = append(buffer, byte(v))
		}
		for _, v := range t.Data {
			if kept == Float16 {
				buffer = binary.LittleEndian.AppendUint16(buffer, float16.Fromfloat32(v).Bits())
			} else {
				buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
			}
		}
		if _, err := w.Write(buffer); err != nil {
			return err
		}
	}
	return nil
}
