package onnx

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestReadsNoOtherFiles: a network's file names weights in its own folder, whoever wrote it, and a model's none.
func TestReadsNoOtherFiles(t *testing.T) {
	elsewhere := func(location, offset, length string) []byte {
		return changed(t, "opset9", func(g *graph) {
			for _, tensor := range g.tensors {
				tensor.Clear(field(tensor, "raw_data"))
				for key, value := range map[string]string{"location": location, "offset": offset, "length": length} {
					entry := appended(tensor, "external_data")
					setText(entry, "key", key)
					setText(entry, "value", value)
				}
				tensor.Set(field(tensor, "data_location"), protoreflect.ValueOfEnum(1))
			}
		})
	}
	never := func(string) ([]byte, error) { return nil, fs.ErrInvalid }
	for _, location := range []string{"", ".", "..", "../w", "/etc/passwd", `..\w`, `C:\w`, "w?x", "a/../../w"} {
		_, err := inline(elsewhere(location, "", ""), never)
		require.ErrorContains(t, err, "but a network's lie in its own folder or below it", location)
	}
	for _, offset := range []string{"-1", "one", "9223372036854775807"} {
		_, err := inline(elsewhere("w", offset, "9223372036854775807"), func(string) ([]byte, error) { return []byte{1}, nil })
		require.ErrorContains(t, err, "in the file w: ", offset)
	}
	_, err := inline(elsewhere("w", "", ""), func(string) ([]byte, error) { return make([]byte, 1<<20), nil })
	require.ErrorContains(t, err, "the weights in the file w claim more than its 1048576 bytes: they overlap")
	_, _, err = Read(testBackend(t), elsewhere("w", "", ""), nil, plain)
	require.ErrorContains(t, err, "has 0 bytes and 0 numbers")
}
