package training

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// MixOptions say how photos of a batch are mixed with each other. The zero value leaves them as they are.
type MixOptions struct {
	// Mixup overlays photos (https://arxiv.org/abs/1710.09412), CutMix pastes a piece of one into the other
	// (https://arxiv.org/abs/1905.04899): each is the α of the Beta(α, α) that the shares are drawn from, and 0 does
	// without. Where both are given, chance chooses for each photo.
	Mixup, CutMix float64
	// Share of the photos that are mixed; 0 is all.
	Share float64
}

// Check says what cannot be.
func (o MixOptions) Check() error {
	if !(o.Mixup >= 0 && o.CutMix >= 0) {
		return fmt.Errorf("mixup is %v and cutmix %v, but neither must be negative", o.Mixup, o.CutMix)
	}
	if !(o.Share >= 0 && o.Share <= 1) {
		return fmt.Errorf("the share of mixed photos is %v, but must be between 0 and 1", o.Share)
	}
	return nil
}

// mix gives photos a part of another one's pixels, and of its targets and positives as well. A photo has at least
// half of itself: what another photo's positives name is still what it shows most of.
func (o MixOptions) mix(rng *rand.Rand, b *cropBatch, height, width int) {
	if o.Mixup == 0 && o.CutMix == 0 {
		return
	}
	others := *b
	others.pixels, others.targets, others.positives = slices.Clone(b.pixels), slices.Clone(b.targets), slices.Clone(b.positives)
	for i, j := range rng.Perm(b.n) {
		if rng.Float64() >= cmp.Or(o.Share, 1) || i == j {
			continue
		}
		size := len(b.pixels) / b.n
		own, other := b.pixels[i*size:(i+1)*size], others.pixels[j*size:(j+1)*size]
		var kept float64
		if o.CutMix == 0 || (o.Mixup > 0 && rng.IntN(2) == 0) {
			kept = keptShare(rng, o.Mixup)
			blend(own, other, kept)
		} else {
			kept = paste(rng, own, other, keptShare(rng, o.CutMix), height, width)
		}
		labels := len(b.targets) / b.n
		blend(b.targets[i*labels:(i+1)*labels], others.targets[j*labels:(j+1)*labels], kept)
		mixPositives(b.positives[i*b.n:(i+1)*b.n], others.positives[j*b.n:(j+1)*b.n], i, kept)
	}
}

// keptShare draws a photo's share of itself, at least a half.
func keptShare(rng *rand.Rand, alpha float64) float64 {
	share := distuv.Beta{Alpha: alpha, Beta: alpha, Src: rng}.Rand()
	return max(share, 1-share)
}

// blend is kept of own, and the rest of other.
func blend(own, other []float32, kept float64) {
	a, b := float32(kept), float32(1-kept)
	for i, v := range other {
		own[i] = a*own[i] + b*v
	}
}

// paste covers about 1-kept of own [height, width, 3] by what is there in other, and returns the share that is kept:
// the piece has own's proportions and may reach over the border.
func paste(rng *rand.Rand, own, other []float32, kept float64, height, width int) float64 {
	side := math.Sqrt(1 - kept)
	from := func(size int) (int, int) {
		centre, half := rng.Float64()*float64(size), side*float64(size)/2
		return max(int(math.Round(centre-half)), 0), min(int(math.Round(centre+half)), size)
	}
	x0, x1 := from(width)
	y0, y1 := from(height)
	for y := y0; y < y1; y++ {
		copy(own[3*(y*width+x0):3*(y*width+x1)], other[3*(y*width+x0):3*(y*width+x1)])
	}
	return 1 - float64((x1-x0)*(y1-y0))/float64(width*height)
}

// mixPositives mixes rows of positives as the photos are mixed (https://arxiv.org/abs/2010.08887). No photo is its
// own positive, and the row's sum stays.
func mixPositives(own, other []float32, self int, kept float64) {
	var before, after float32
	for _, v := range own {
		before += v
	}
	blend(own, other, kept)
	own[self] = 0
	for _, v := range own {
		after += v
	}
	if after > 0 {
		for i := range own {
			own[i] *= before / after
		}
	}
}
