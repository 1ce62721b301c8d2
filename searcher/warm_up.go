package searcher

import (
	"context"
	"runtime/debug"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// WarmUp looks at black photos in batches of all sizes, so that the networks are compiled before a photo comes; the service
// may answer meanwhile. What fails is logged, since all photos will fail alike. What compiling took is given back to the
// system, which is more than the networks keep: an idle service would hold it.
func (s *Server) WarmUp(ctx context.Context) {
	if err := s.engine.warmUp(ctx); err != nil && ctx.Err() == nil {
		s.engine.options.Logger.Error("the model cannot look at photos", "error", err)
	}
	debug.FreeOSMemory()
}

// warmUp looks at photos as the networks find the dress, and as they are told where it is. Graph builders may panic.
func (e *Engine) warmUp(ctx context.Context) (err error) {
	defer recovered(&err)
	image := photo.New(64, 96)
	frame := image.Frame()
	for size := 1; size <= together; size *= 2 {
		for _, box := range []*photo.Box{nil, &frame} {
			inputs := make([]embedding.Input, size)
			for i := range inputs {
				inputs[i] = embedding.Input{Image: image, Box: box}
			}
			if _, err := e.options.Embedder.Embed(ctx, inputs); err != nil {
				return err
			}
		}
	}
	return nil
}
