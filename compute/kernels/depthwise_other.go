//go:build !amd64

package kernels

func (s *depthwiseSpan) run(Level) { s.portable() }

func (t *depthwiseTaps) run(Level) { t.portable() }
