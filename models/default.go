package models

import (
	"embed"
	"errors"
	"io/fs"
	"sync"
)

//go:embed weights
var weightsFiles embed.FS

// Default returns the model that is shipped in the binary. It is decoded once and shared; callers do
// not change it.
var Default = sync.OnceValues(func() (*Model, error) {
	data, err := weightsFiles.ReadFile("weights/kleid-s.safetensors")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("this binary was built without default weights: make them with `make weights`, or name a model with --models")
	}
	if err != nil {
		return nil, err
	}
	return Decode(data)
})
