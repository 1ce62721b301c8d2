package models

import (
	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// CrossEntropy is the mean over the rows of -Σ target·log softmax(logits). logits and targets are
// [batch, labels]; a row of zeros in targets is an unknown label and counts for nothing, and targets
// may carry weights and smoothing.
func CrossEntropy(logits, targets *Node) *Node {
	sum := Neg(ReduceAllSum(Mul(targets, LogSoftmax(logits))))
	known := Max(ReduceAllSum(targets), Const(logits.Graph(), float32(1)))
	return Div(sum, known)
}

// FocalCrossEntropy is CrossEntropy in which what is known well already counts for little: each term is
// multiplied by (1-p)^gamma, p being the probability (https://arxiv.org/abs/1708.02002). With gamma 0 it is
// CrossEntropy.
func FocalCrossEntropy(logits, targets *Node, gamma float64) *Node {
	if gamma == 0 {
		return CrossEntropy(logits, targets)
	}
	log := LogSoftmax(logits)
	// 1-p is kept off 0, where a power below 1 has no gradient.
	rest := MaxScalar(OneMinus(Exp(log)), 1e-6)
	sum := Neg(ReduceAllSum(Mul(Mul(targets, PowScalar(rest, gamma)), log)))
	return Div(sum, Max(ReduceAllSum(targets), Const(logits.Graph(), float32(1))))
}

// SupervisedContrastive is the loss of Khosla et al. (https://arxiv.org/abs/2004.11362, L_out): rows
// of z [batch, size], unit vectors, are drawn to the rows that positives [batch, batch] names and
// pushed from all others. Rows of positives sum to one, or to zero where there is no positive.
func SupervisedContrastive(z, positives *Node, temperature float64) *Node {
	g := z.Graph()
	batch := z.Shape().Dimensions[0]
	similarity := MulScalar(DotGeneral(z, []int{1}, nil, z, []int{1}, nil), 1/temperature) // [batch, batch]
	self := MulScalar(ConvertDType(Diagonal(g, batch), z.DType()), 1e4)
	return CrossEntropy(Sub(similarity, self), positives)
}

// BinaryCrossEntropy is the weighted mean of the loss of logits against targets in 0..1, of the same
// shape as weights.
func BinaryCrossEntropy(logits, targets, weights *Node) *Node {
	// max(x,0) - x·t + log(1+exp(-|x|)), which does not overflow.
	loss := Add(Sub(ReLU(logits), Mul(logits, targets)), Log1p(Exp(Neg(Abs(logits)))))
	total := Max(ReduceAllSum(weights), Const(logits.Graph(), float32(1e-6)))
	return Div(ReduceAllSum(Mul(loss, weights)), total)
}

// BoxLoss is the weighted mean distance between predicted and true box sides, relative to the box's
// width and height: predicted, truth and scale are [batch, rows, columns, 4] (left, top, right,
// bottom), weights is [batch, rows, columns, 1], and scale holds 1/width and 1/height of the box.
func BoxLoss(predicted, truth, scale, weights *Node) *Node {
	d := Mul(Abs(Sub(predicted, truth)), scale)
	perCell := ReduceSum(d, -1)
	w := Squeeze(weights, -1)
	total := Max(ReduceAllSum(w), Const(predicted.Graph(), float32(1e-6)))
	return Div(ReduceAllSum(Mul(perCell, w)), total)
}

// TripletHinge is the mean over triplets of max(0, margin - s(anchor, near) + s(anchor, far)) for unit
// vectors [batch, size]: DeepRank's loss (https://arxiv.org/abs/1404.4661). weights is [batch].
func TripletHinge(anchor, near, far, weights *Node, margin float64) *Node {
	gap := Sub(ReduceSum(Mul(anchor, far), -1), ReduceSum(Mul(anchor, near), -1))
	loss := Mul(ReLU(AddScalar(gap, margin)), weights)
	return Div(ReduceAllSum(loss), Max(ReduceAllSum(weights), Const(anchor.Graph(), float32(1e-6))))
}
