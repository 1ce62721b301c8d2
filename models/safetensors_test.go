package models

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func sample() Weights {
	w := Weights{"a.weight": NewTensor(2, 3), "b": NewTensor(), "c.bias": NewTensor(0), "d.weight": {Shape: []int{3}, Int8: []int8{-127, 0, 127}}}
	for i := range w["a.weight"].Data {
		w["a.weight"].Data[i] = float32(i) / 4
	}
	w["b"].Data[0] = -1.5
	return w
}

func TestSafetensorsRoundTrip(t *testing.T) {
	for _, precision := range []Precision{Float32, Float16} {
		var b bytes.Buffer
		require.NoError(t, EncodeSafetensors(&b, sample(), map[string]string{"k": "v"}, precision))
		got, metadata, err := DecodeSafetensors(b.Bytes())
		require.NoError(t, err)
		require.Equal(t, "v", metadata["k"])
		require.Equal(t, sample().Names(), got.Names())
		for name, want := range sample() {
			require.Equal(t, want.Data, got[name].Data, name)
			require.Equal(t, want.Int8, got[name].Int8, name)
			require.Equal(t, len(want.Shape), len(got[name].Shape), name)
		}
	}
}

// TestSafetensorsBeyondFloat16 stay float32 where float16 would make them infinite, and their neighbours do not.
func TestSafetensorsBeyondFloat16(t *testing.T) {
	of := func(values ...float32) *Tensor { return &Tensor{Shape: []int{len(values)}, Data: values} }
	weights := Weights{"bytes": of(70000, 1.0/3), "least": of(-65520), "most": of(65519, 1.0/3)}
	var b bytes.Buffer
	require.NoError(t, EncodeSafetensors(&b, weights, nil, Float16))
	got, _, err := DecodeSafetensors(b.Bytes())
	require.NoError(t, err)
	require.NoError(t, got.CheckFinite())
	require.Equal(t, weights["bytes"].Data, got["bytes"].Data)
	require.Equal(t, weights["least"].Data, got["least"].Data)
	require.Equal(t, float32(65504), got["most"].Data[0])
	require.NotEqual(t, float32(1.0/3), got["most"].Data[1])
}

// TestSafetensorsHeadersThatAreTooLong are not written, since nobody could read them.
func TestSafetensorsHeadersThatAreTooLong(t *testing.T) {
	require.ErrorContains(t, EncodeSafetensors(io.Discard, Weights{}, map[string]string{"graph": strings.Repeat("a", maxHeader)}, Float32), "more than the 104857600 that are read again")
	long := append(binary.LittleEndian.AppendUint64(nil, maxHeader+8), make([]byte, maxHeader+8)...)
	_, _, err := DecodeSafetensors(long)
	require.ErrorContains(t, err, "the header has 104857608 bytes, more than the 104857600 that are read")
}

func TestSafetensorsRefuses(t *testing.T) {
	file := func(header string, body int) []byte {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		return append(append(b, header...), make([]byte, body)...)
	}
	for _, c := range []struct {
		name, wants string
		data        []byte
	}{
		{"empty", "too few", nil},
		{"cut off", "cut off", file(`{}`, 0)[:9]},
		{"huge header", "claims", binary.LittleEndian.AppendUint64(nil, math.MaxUint64)},
		{"torch.save", "write its state_dict with safetensors.torch.save_file", append([]byte("PK\x03\x04"), make([]byte, 16)...)},
		{"an index", "this is JSON, such as the index of a model in several files", []byte(`{"metadata": {"total_size": 1}}`)},
		{"too many values", "the header has 262145 values", file(`[0`+strings.Repeat(",0", maxValues)+`]`, 0)},
		{"not JSON", "header", file(`{`, 0)},
		{"longer than the file", "cut off", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4)},
		{"outside", "outside", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 4)},
		{"overlap", "overlap", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)},
		{"wrong size", "needs", file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8)},
		{"negative", "not a shape", file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}`, 8)},
		{"overflow", "not a shape", file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0)},
		{"dtype", "not supported", file(`{"a":{"dtype":"F7","shape":[1],"data_offsets":[0,1]}}`, 1)},
	} {
		_, _, err := DecodeSafetensors(c.data)
		require.Error(t, err, c.name)
		require.True(t, strings.Contains(err.Error(), c.wants), "%s: %v", c.name, err)
	}
}

// TestSafetensorsIsReadAgain: nothing is written that would be refused.
func TestSafetensorsIsReadAgain(t *testing.T) {
	many := Weights{}
	for i := range maxValues / 2 {
		many[strconv.Itoa(i)] = &Tensor{}
	}
	require.ErrorContains(t, EncodeSafetensors(io.Discard, many, nil, Float32), "more than the 262144 that are read again")
}

func FuzzDecodeSafetensors(f *testing.F) {
	var b bytes.Buffer
	if err := EncodeSafetensors(&b, sample(), map[string]string{"k": "v"}, Float32); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		weights, _, err := DecodeSafetensors(data)
		if err == nil {
			for name, tensor := range weights {
				size := 1
				for _, d := range tensor.Shape {
					size *= d
				}
				if size != len(tensor.Data)+len(tensor.Int8) {
					t.Fatalf("%s: shape %v, %d numbers", name, tensor.Shape, len(tensor.Data)+len(tensor.Int8))
				}
			}
		}
	})
}
