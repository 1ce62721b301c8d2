package models

import (
	"fmt"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// BenchmarkKleidS measures inference of the default trunk with random weights, on crops and at each of the
// locator's scales, in batches of eight.
func BenchmarkKleidS(b *testing.B) {
	config := DefaultConfig()
	for _, size := range append([][2]int{{config.CropHeight, config.CropWidth}}, config.Scales...) {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			const batch = 8
			exec := MustNewExec(testBackend(b), func(x *Node) *Node {
				return GlobalAveragePool(kleidS.Build(NewRandomNet(1), x))
			})
			x := randomPixels(1, batch, size[0], size[1], 3)
			for b.Loop() {
				exec.MustExec1(x).MustFinalizeAll()
			}
			b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

// BenchmarkKleidSTrainStep measures a step as the trunk's training takes it: 64 crops with the
// contrastive and the facets' losses, 12 whole photos with those of location.
func BenchmarkKleidSTrainStep(b *testing.B) {
	for _, sizes := range [][2][2]int{{{96, 64}, {160, 112}}, {{192, 128}, {160, 112}}} {
		crop, scene := sizes[0], sizes[1]
		b.Run(fmt.Sprintf("crops%dx%d/scenes%dx%d", crop[0], crop[1], scene[0], scene[1]), func(b *testing.B) {
			const crops, scenes = 64, 12
			labels := []int{11, 15, 5, 5, 4, 7}
			all := 0
			for _, n := range labels {
				all += n
			}
			config := DefaultConfig()
			trainer, err := NewTrainer(testBackend(b), func(net *Net, in []*Node) []*Node {
				cells := config.Cells(kleidS.Build(net.In("trunk"), in[0]))
				loss := SupervisedContrastive(Normalised(net.Linear("contrast", cells, 256)), in[2], 0.1)
				at := 0
				for i, n := range labels {
					loss = Add(loss, CrossEntropy(FacetHead(net, fmt.Sprint(i), cells, n), Slice(in[1], AxisRange(), AxisRange(at, at+n))))
					at += n
				}
				features := kleidS.Build(net.In("trunk"), in[3])
				loss = Add(loss, BinaryCrossEntropy(BackgroundHead(net, features), in[4], in[5]))
				return []*Node{Add(loss, BoxLoss(LocationHead(net, features), in[6], in[7], in[8]))}
			}, TrainerOptions{Seed: 1, WeightDecay: 0.02})
			require.NoError(b, err)
			rows, columns := scene[0]/kleidS.Stride, scene[1]/kleidS.Stride
			batch := []*tensors.Tensor{
				randomPixels(1, crops, crop[0], crop[1], 3), shares(crops, all), shares(crops, crops),
				randomPixels(2, scenes, scene[0], scene[1], 3), shares(scenes, rows, columns, 1), shares(scenes, rows, columns, 1),
				shares(scenes, rows, columns, 4), shares(scenes, rows, columns, 4), shares(scenes, rows, columns, 1),
			}
			for b.Loop() {
				_, err := trainer.Step(1e-5, batch...)
				require.NoError(b, err)
			}
		})
	}
}

// shares are numbers from 0 to 1.
func shares(dims ...int) *tensors.Tensor {
	n := 1
	for _, d := range dims {
		n *= d
	}
	rng := rand.New(rand.NewPCG(3, 0))
	data := make([]float32, n)
	for i := range data {
		data[i] = rng.Float32()
	}
	return tensors.FromFlatDataAndDimensions(data, dims...)
}
