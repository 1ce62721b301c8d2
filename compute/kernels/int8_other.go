//go:build !amd64 && !arm64

package kernels

func tilerInt8Of(Level, Conv) *narrowTiler { return &portableTilerInt8 }

func quantiseVector(_ []uint8, _ []float32, _, _, _ float32, _ int32) int { return 0 }
func dequantiseVector(_ []float32, _ []uint8, _ float32, _ int32) int     { return 0 }
func maxVector(_, _ []uint8) int                                          { return 0 }
