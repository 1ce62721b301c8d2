//go:build !amd64

package kernels

func tilerBF16Of(Level) *narrowTiler { return &portableTilerBF16 }

func roundBF16Vector([]uint16, []float32) int { return 0 }
func widenBF16Vector([]float32, []uint16) int { return 0 }
func maxBF16Vector(_, _ []uint16) int         { return 0 }
