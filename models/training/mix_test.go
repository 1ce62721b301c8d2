package training

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The photos of a batch to mix: each of one label, each the positive of its neighbour.
const (
	mixPhotos           = 6
	mixHeight, mixWidth = 12, 8
)

func batchToMix() cropBatch {
	const size = mixHeight * mixWidth * 3
	b := cropBatch{n: mixPhotos, pixels: make([]float32, mixPhotos*size), targets: make([]float32, mixPhotos*mixPhotos), positives: make([]float32, mixPhotos*mixPhotos)}
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range b.pixels {
		b.pixels[i] = float32(rng.NormFloat64())
	}
	for i := range mixPhotos {
		b.targets[i*mixPhotos+i] = 1
		b.positives[i*mixPhotos+(i^1)] = 1
	}
	return b
}

// partner is whose label a photo has besides its own, and its share of itself.
func partner(b cropBatch, i int) (other int, kept float32) {
	other = i
	for j, v := range b.targets[i*mixPhotos : (i+1)*mixPhotos] {
		if j != i && v > 0 {
			other = j
		}
	}
	return other, b.targets[i*mixPhotos+i]
}

// TestMix finds in the pixels the share that the targets tell.
func TestMix(t *testing.T) {
	const size = mixHeight * mixWidth * 3
	mixed := 0
	for seed := range uint64(50) {
		for _, o := range []MixOptions{{Mixup: 0.4}, {CutMix: 1}, {Mixup: 1, CutMix: 1, Share: 0.5}} {
			before, b := batchToMix(), batchToMix()
			o.mix(rand.New(rand.NewPCG(seed, 0)), &b, mixHeight, mixWidth)
			again := batchToMix()
			o.mix(rand.New(rand.NewPCG(seed, 0)), &again, mixHeight, mixWidth)
			require.Equal(t, b, again, "chance is the generator's")
			for i := range mixPhotos {
				other, kept := partner(b, i)
				own, a, c := b.pixels[i*size:(i+1)*size], before.pixels[i*size:(i+1)*size], before.pixels[other*size:(other+1)*size]
				if other == i {
					require.Equal(t, a, own)
					require.Equal(t, before.positives[i*mixPhotos:(i+1)*mixPhotos], b.positives[i*mixPhotos:(i+1)*mixPhotos])
					continue
				}
				mixed++
				require.GreaterOrEqual(t, kept, float32(0.5)-1.0/mixWidth, "half of it, but for rounding to pixels")
				require.InDelta(t, 1, kept+b.targets[i*mixPhotos+other], 1e-6)
				if pasted, share := pieceOf(t, own, a, c); pasted {
					require.InDelta(t, share, kept, 1e-6)
				} else {
					for p := range own {
						require.InDelta(t, kept*a[p]+(1-kept)*c[p], own[p], 1e-5)
					}
				}
				checkPositives(t, b, i, other, kept)
			}
		}
	}
	require.Greater(t, mixed, 300)
	b := batchToMix()
	MixOptions{}.mix(nil, &b, mixHeight, mixWidth)
	require.Equal(t, batchToMix(), b)
}

// pieceOf says whether a photo is another with a rectangle of a third one, and the share that is not of that.
func pieceOf(t *testing.T, own, a, c []float32) (pasted bool, share float64) {
	x0, y0, x1, y1, count := mixWidth, mixHeight, -1, -1, 0
	for p := 0; p < len(own); p += 3 {
		switch own[p] {
		case a[p]:
		case c[p]:
			x, y := p/3%mixWidth, p/3/mixWidth
			x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
			count++
		default:
			return false, 0
		}
	}
	require.Equal(t, (x1-x0+1)*(y1-y0+1), count, "a rectangle")
	return true, 1 - float64(count)/(mixWidth*mixHeight)
}

func checkPositives(t *testing.T, b cropBatch, i, other int, kept float32) {
	row := b.positives[i*mixPhotos : (i+1)*mixPhotos]
	var sum float32
	for _, v := range row {
		sum += v
	}
	require.InDelta(t, 1, sum, 1e-6)
	require.Zero(t, row[i])
	if other != i^1 {
		require.InDelta(t, kept, row[i^1], 1e-6)
		require.InDelta(t, 1-kept, row[other^1], 1e-6)
	} else {
		require.InDelta(t, 1, row[i^1], 1e-6, "its positive's positive is itself")
	}
}

// TestKeptShare draws from Beta(α, α), folded to its upper half: for α = 1 that is uniform on [½, 1].
func TestKeptShare(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 20000
	var sum, square float64
	for range n {
		share := keptShare(rng, 1)
		sum += share
		square += share * share
	}
	mean := sum / n
	require.InDelta(t, 0.75, mean, 0.005)
	require.InDelta(t, 1.0/48, square/n-mean*mean, 0.001)
}

func TestMixOptionsCheck(t *testing.T) {
	for _, o := range []MixOptions{{Mixup: -1}, {CutMix: -1}, {Share: 1.1}, {Share: -0.1}, {Mixup: math.NaN()}, {Share: math.NaN()}} {
		require.Error(t, o.Check())
	}
	require.NoError(t, MixOptions{Mixup: 0.2, CutMix: 1, Share: 0.5}.Check())
}
