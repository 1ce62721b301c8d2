//go:build !amd64 && !arm64

package kernels

func dotsVector([]int32, []uint8, []int16) int             { return 0 }
func dotsVectorAt([]int32, []uint8, []uint32, []int16) int { return 0 }
