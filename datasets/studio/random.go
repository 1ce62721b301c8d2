package studio

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// dice is a seeded source of choices. Each drawing takes a dice of its own, so that a new choice in one
// of them changes no other.
type dice struct{ *rand.Rand }

// roll returns a dice that depends on all of the keys.
func roll(keys ...uint64) dice {
	return dice{rand.New(rand.NewPCG(mix(keys...), 0x9e3779b97f4a7c15))}
}

// mix hashes keys to one, by the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(keys ...uint64) uint64 {
	h := uint64(0x243f6a8885a308d3)
	for _, k := range keys {
		h += k + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// key hashes a name for mix.
func key(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name)) // never fails
	return h.Sum64()
}

// between returns a number from low to high.
func (d dice) between(low, high float64) float64 { return low + (high-low)*d.Float64() }

// chance is true in the given share of cases.
func (d dice) chance(share float64) bool { return d.Float64() < share }

// about returns a number near middle: normal, cut at two deviations.
func (d dice) about(middle, deviation float64) float64 {
	return middle + deviation*min(max(d.NormFloat64(), -2), 2)
}

// sign is -1 or 1.
func (d dice) sign() float64 {
	if d.Uint64()&1 == 0 {
		return -1
	}
	return 1
}

// pick returns one of the items.
func pick[T any](d dice, items ...T) T { return items[d.IntN(len(items))] }

// weights is a list of names with how often each is drawn.
type weights []weight

type weight struct {
	name string
	w    float64
}

// draw returns one of the names for which allowed holds, "" where there is none.
func (d dice) draw(from weights, allowed func(string) bool) string {
	total := 0.0
	for _, e := range from {
		if allowed == nil || allowed(e.name) {
			total += e.w
		}
	}
	left := d.Float64() * total
	last := ""
	for _, e := range from {
		if allowed == nil || allowed(e.name) {
			last = e.name
			if left -= e.w; left < 0 {
				break
			}
		}
	}
	return last
}

func clamp(v, low, high float64) float64 { return math.Max(low, math.Min(high, v)) }

func lerp(a, b, t float64) float64 { return a + (b-a)*t }

// smoothstep rises from 0 at a to 1 at b.
func smoothstep(a, b, v float64) float64 {
	t := clamp((v-a)/(b-a), 0, 1)
	return t * t * (3 - 2*t)
}
