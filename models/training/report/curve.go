package report

import (
	"fmt"
	"slices"
)

// Curve is a number for each of some steps: of every one, or, where there are more than curvePoints, the mean
// of as many as there are to the next.
type Curve struct {
	Name   string    `json:"name"`
	Steps  []int     `json:"steps"` // counted from 1
	Values []float64 `json:"values"`
	Best   bool      `json:"best,omitempty"` // it is what was validated, of which more is better
}

// The names of the curves besides losses and what is validated.
const (
	CurveRate  = "learning rate"
	CurveNorm  = "gradients' norm"
	CurveSpeed = "photos a second"
)

// curvePoints is the most that a curve has.
const curvePoints = 1000

// NewCurve draws what value returns for each of so many steps, which it counts from 0.
func NewCurve(name string, steps int, value func(step int) float64) Curve {
	c := Curve{Name: name}
	stride := (steps + curvePoints - 1) / curvePoints
	for from := 0; from < steps; from += stride {
		to := min(from+stride, steps)
		var sum float64
		for step := from; step < to; step++ {
			sum += value(step)
		}
		c.Steps, c.Values = append(c.Steps, to), append(c.Values, sum/float64(to-from))
	}
	return c
}

// smooth is what the noise of a curve is around, nil where there is none: a mean of all values, of which those count most
// that are nearest, with about a fiftieth of the curve on each side. At its ends it is of one side alone.
func (c Curve) smooth() []float64 {
	if c.Name == CurveRate || c.Best {
		return nil
	}
	before, shares := decaying(c.Values)
	after, _ := decaying(reversed(c.Values))
	smooth := make([]float64, len(c.Values))
	for i, v := range c.Values {
		back := len(smooth) - 1 - i
		smooth[i] = (before[i] + after[back] - v) / (shares[i] + shares[back] - 1)
	}
	return smooth
}

// decaying sums each value and those before it, which count the less the longer ago they are, and how much all count.
func decaying(values []float64) (sums, shares []float64) {
	keep := 1 - 1/max(float64(len(values))/50, 1)
	var sum, share float64
	for _, v := range values {
		sum, share = keep*sum+v, keep*share+1
		sums, shares = append(sums, sum), append(shares, share)
	}
	return sums, shares
}

func reversed(values []float64) []float64 {
	r := slices.Clone(values)
	slices.Reverse(r)
	return r
}

// Steps writes how many steps there are: 1 step, 12,345 steps.
func Steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return Grouped(n) + " steps"
}

// Grouped writes 12345 as 12,345.
func Grouped(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
