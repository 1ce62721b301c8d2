package training

import (
	"cmp"
	"slices"

	"github.com/kleid-search/kleid/photo"
)

// anchorCount is how many boxes are looked at in every photo: dresses at home fill it, those in the street do not.
const anchorCount = 2

// anchors are where the dresses of the real scenes are in their photos, by k-means; painted ones stand in for real ones
// that there are not. A fold of the real ones is left out, unless it is negative.
func (p *Pool) anchors(excluded int) [][4]float64 {
	byKind := map[sceneKind][][4]float64{}
	for i := range p.Scenes {
		s := &p.Scenes[i]
		if s.Box.Empty() || s.fold() == excluded && excluded >= 0 {
			continue
		}
		byKind[s.kind()] = append(byKind[s.kind()], shareOf(s.Box, s.Image.Frame()))
	}
	if boxes := append(byKind[homeDress], byKind[streetDress]...); len(boxes) > 0 {
		return kMeans(boxes, anchorCount)
	}
	return kMeans(byKind[paintedDress], anchorCount)
}

// shareOf is a box in shares of a photo's width and height.
func shareOf(b, frame photo.Box) [4]float64 {
	w, h := float64(frame.Width()), float64(frame.Height())
	return [4]float64{float64(b.XMin) / w, float64(b.YMin) / h, float64(b.XMax) / w, float64(b.YMax) / h}
}

// kMeans returns the means of at most k clusters of boxes. It begins with boxes spread evenly over those in the order of
// their areas.
func kMeans(boxes [][4]float64, k int) [][4]float64 {
	area := func(b [4]float64) float64 { return (b[2] - b[0]) * (b[3] - b[1]) }
	boxes = slices.Clone(boxes)
	slices.SortStableFunc(boxes, func(a, b [4]float64) int { return cmp.Compare(area(b), area(a)) })
	k = min(k, len(boxes))
	means := make([][4]float64, k)
	for i := range means {
		means[i] = boxes[i*(len(boxes)-1)/max(k-1, 1)]
	}
	const rounds = 20
	for range rounds {
		sums, counts := make([][4]float64, k), make([]float64, k)
		for _, b := range boxes {
			at := nearest(means, b)
			counts[at]++
			for side, v := range b {
				sums[at][side] += v
			}
		}
		for i, n := range counts {
			for side := range sums[i] {
				if n > 0 {
					means[i][side] = sums[i][side] / n
				}
			}
		}
	}
	return means
}

func nearest(means [][4]float64, b [4]float64) int {
	best, least := 0, 0.0
	for i, m := range means {
		var far float64
		for side, v := range b {
			far += float64((v - m[side]) * (v - m[side]))
		}
		if i == 0 || far < least {
			best, least = i, far
		}
	}
	return best
}
