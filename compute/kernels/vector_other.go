//go:build !amd64

package kernels

func notNegativeFast(_, _ []float32) bool                    { return false }
func sqrtFast(_, _ []float32) bool                           { return false }
func columnSumsFast(_, _ []float32, _ int) bool              { return false }
func columnSquaresFast(_, _, _ []float32, _ int) bool        { return false }
func columnProductsFast(_, _, _, _, _ []float32, _ int) bool { return false }
func scaleColumnsFast(_, _, _, _ []float32, _ int) bool      { return false }
func combineColumnsFast(_, _, _, _, _, _ []float32, _ int) bool {
	return false
}
