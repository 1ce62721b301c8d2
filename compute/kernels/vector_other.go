//go:build !amd64

package kernels

func addFast(_, _, _ []float32) bool                         { return false }
func subFast(_, _, _ []float32) bool                         { return false }
func mulFast(_, _, _ []float32) bool                         { return false }
func divFast(_, _, _ []float32) bool                         { return false }
func maxFast(_, _, _ []float32) bool                         { return false }
func minFast(_, _, _ []float32) bool                         { return false }
func notNegativeFast(_, _ []float32) bool                    { return false }
func sqrtFast(_, _ []float32) bool                           { return false }
func columnSumsFast(_, _ []float32, _ int) bool              { return false }
func columnSquaresFast(_, _, _ []float32, _ int) bool        { return false }
func columnProductsFast(_, _, _, _, _ []float32, _ int) bool { return false }
func scaleColumnsFast(_, _, _, _ []float32, _ int) bool      { return false }
func combineColumnsFast(_, _, _, _, _, _ []float32, _ int) bool {
	return false
}
