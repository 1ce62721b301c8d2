package onnx

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	onnxgomlx "github.com/gomlx/onnx-gomlx/onnx"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// inline puts weights that lie in other files (https://github.com/onnx/onnx/blob/main/docs/ExternalData.md), as torch leaves
// those of large networks (model.onnx.data), into an ONNX file. beside gives such a file by its name, which is relative to the
// network's and leads to no folder above it. What has all its weights, or is no ONNX file, comes back as it is.
func inline(data []byte, beside func(file string) ([]byte, error)) ([]byte, error) {
	var network onnxgomlx.Model
	if proto.Unmarshal(data, &network.Proto) != nil {
		return data, nil // which Read says better
	}
	files, taken := map[string][]byte{}, map[string]int{}
	err := eachTensor(network.Proto.ProtoReflect(), func(t protoreflect.Message) (err error) {
		list := get(t, "external_data").List()
		if list.Len() == 0 {
			return nil
		}
		place := map[string]string{}
		for i := range list.Len() {
			entry := list.Get(i).Message()
			place[get(entry, "key").String()] = get(entry, "value").String()
		}
		name, file := get(t, "name").String(), place["location"]
		if !fs.ValidPath(file) || file == "." || strings.ContainsAny(file, `\:?#%`) {
			return fmt.Errorf("onnx: the weights %q are in the file %q, but a network's lie in its own folder or below it", name, file)
		}
		content, ok := files[file]
		if !ok {
			if content, err = beside(file); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("onnx: its weights are in a file %s, which is missing: put it beside the network, or export that with its weights inside, in torch.onnx.export by external_data=False", file)
			} else if err != nil {
				return fmt.Errorf("onnx: its weights are in a file %s: %w", file, err)
			}
			files[file] = content
		}
		if content, err = part(content, place["offset"], place["length"]); err != nil {
			return fmt.Errorf("onnx: the weights %q in the file %s: %w", name, file, err)
		}
		if taken[file] += len(content); taken[file] > len(files[file]) { // each would be a copy
			return fmt.Errorf("onnx: the weights in the file %s claim more than its %d bytes: they overlap", file, len(files[file]))
		}
		t.Clear(field(t, "external_data"))
		t.Clear(field(t, "data_location"))
		t.Set(field(t, "raw_data"), protoreflect.ValueOfBytes(content))
		return nil
	})
	if err != nil || len(files) == 0 {
		return data, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(&network.Proto)
}

// part of a file from an offset on, "" for its beginning, of a length in bytes, "" for all that is left.
func part(content []byte, offset, length string) ([]byte, error) {
	begin, end := uint64(0), uint64(len(content))
	var err error
	if offset != "" {
		begin, err = strconv.ParseUint(offset, 10, 63)
	}
	if length != "" && err == nil {
		end, err = strconv.ParseUint(length, 10, 63)
		end += begin
	}
	if err != nil {
		return nil, fmt.Errorf("%s bytes from %s on are no place: export the network again", length, offset)
	}
	if begin > end || end > uint64(len(content)) {
		return nil, fmt.Errorf("it ends at byte %d, before byte %d: it is cut off, or another network's", len(content), end)
	}
	return content[begin:end], nil
}
