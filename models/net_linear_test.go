package models

import (
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/stretchr/testify/require"
)

// TestLinearInTraining holds what a linear layer computes in training, and its gradients, against a product written out
// as a sum over [batch, in, out].
func TestLinearInTraining(t *testing.T) {
	const batch, in, out = 5, 70, 9
	x, w, pull := randomPixels(1, batch, in), randomPixels(2, in, out), randomPixels(3, batch, out)
	gradients := func(product func(x, w *Node) *Node) [][]float32 {
		exec := MustNewExec(testBackend(t), func(x, w, pull *Node) []*Node {
			y := product(x, w)
			return append([]*Node{y}, Gradient(ReduceAllSum(Mul(y, pull)), x, w)...)
		})
		var all [][]float32
		for _, result := range exec.MustExec(x, w, pull) {
			all = append(all, tensors.MustCopyFlatData[float32](result))
		}
		return all
	}
	trained := NewTrainingNet(context.New(), Weights{}, 1, true)
	for i, got := range gradients(trained.product) {
		want := gradients(func(x, w *Node) *Node { return ReduceSum(Mul(InsertAxes(x, -1), InsertAxes(w, 0)), 1) })[i]
		require.InDeltaSlice(t, want, got, 1e-4, "the product and its gradients by x and by w: %d", i)
	}
}
