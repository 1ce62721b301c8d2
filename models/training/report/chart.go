package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The chart's picture, in the units of its viewBox.
const (
	chartWidth, chartHeight = 340, 190
	// The plot's frame in it.
	plotX, plotY, plotWidth, plotHeight = 46, 10, 284, 152
)

// chart is a curve as a picture.
type chart struct {
	Name, Kind string // Kind is the class that colours it
	Caption    string
	Words      string // the picture, for whom it is read to
	Line       string // path of the smoothed curve, or of the only one
	Raw        string // path of the curve itself, where it is smoothed
	X, Y       []tick
	Dots       []dot // the best value, or all
}

type tick struct {
	At    float64
	Label string
}

type dot struct{ X, Y, Radius float64 }

// newChart draws a curve of a training of so many steps.
func newChart(c Curve, steps int) chart {
	main, smooth := c.Values, c.smooth()
	if smooth != nil {
		main = smooth
	}
	picture := chart{Name: c.Name, Kind: kindOf(c), Caption: caption(c, main)}
	low, high := bounds(main, c.Values)
	x := func(step int) float64 { return plotWidth * float64(step) / float64(max(steps, 1)) }
	y := func(v float64) float64 { return plotHeight * (1 - (v-low)/(high-low)) }
	path := func(values []float64) string {
		var b strings.Builder
		for i, v := range values {
			b.WriteByte("ML"[min(i, 1)])
			b.WriteString(strconv.FormatFloat(x(c.Steps[i]), 'f', 1, 64) + " " + strconv.FormatFloat(y(v), 'f', 1, 64))
		}
		return b.String()
	}
	picture.Line = path(main)
	if smooth != nil {
		picture.Raw = path(c.Values)
	}
	for _, at := range ticks(0, float64(steps), 4) {
		if at.value == math.Trunc(at.value) {
			picture.X = append(picture.X, tick{plotX + x(int(at.value)), Grouped(int(at.value))})
		}
	}
	for _, at := range ticks(low, high, 4) {
		picture.Y = append(picture.Y, tick{plotY + y(at.value), at.label})
	}
	picture.Words = words(c.Steps, main)
	if c.Best && len(c.Values) > 0 {
		best := bestOf(c)
		picture.Dots = []dot{{x(c.Steps[best]), y(c.Values[best]), 4}}
	}
	return picture
}

func kindOf(c Curve) string {
	switch {
	case c.Best:
		return "metric"
	case c.Name == CurveRate, c.Name == CurveNorm, c.Name == CurveSpeed:
		return "aside"
	}
	return "loss"
}

// caption says in numbers what the picture shows, whose line is main.
func caption(c Curve, main []float64) string {
	if len(main) == 0 {
		return ""
	}
	last := number(main[len(main)-1])
	if c.Best {
		best := bestOf(c)
		return last + ", best " + number(c.Values[best]) + " after " + Steps(c.Steps[best])
	}
	return last
}

// words say how a curve goes: its values at five of its steps, the first and the last among them.
func words(steps []int, values []float64) string {
	const places = 5
	var said []string
	for i := range min(places, len(values)) {
		at := i
		if len(values) > places {
			at = i * (len(values) - 1) / (places - 1)
		}
		said = append(said, fmt.Sprintf("%s after %s", number(values[at]), Grouped(steps[at])))
	}
	return strings.Join(said, ", ")
}

func bestOf(c Curve) int { return slices.Index(c.Values, slices.Max(c.Values)) }

// number writes four digits.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// bounds are those of the main curve and of all but the outliers of the raw one, with some room.
func bounds(main, raw []float64) (low, high float64) {
	if len(main) == 0 {
		return 0, 1
	}
	sorted := slices.Sorted(slices.Values(raw))
	cut := len(sorted) / 50
	low = min(slices.Min(main), sorted[cut])
	high = max(slices.Max(main), sorted[len(sorted)-1-cut])
	room := 0.05 * (high - low)
	if level := math.Abs(high); high-low < 1e-3*level || level == 0 { // as good as constant
		room = max(0.1*level, 1e-6)
	}
	return low - room, high + room
}

type roundNumber struct {
	value float64
	label string
}

// short is a number of at most three digits and its power of ten, such as 1.5e-4, which fits beside an axis.
func short(v float64) string {
	digits, power, _ := strings.Cut(strconv.FormatFloat(v, 'e', 2, 64), "e")
	digits = strings.TrimRight(strings.TrimRight(digits, "0"), ".")
	if n, _ := strconv.Atoi(power); n != 0 {
		digits += "e" + strconv.Itoa(n)
	}
	return digits
}

// ticks are round numbers between low and high, about n of them.
func ticks(low, high float64, n int) []roundNumber {
	if !(high > low) {
		return nil
	}
	power := math.Pow(10, math.Floor(math.Log10((high-low)/float64(n))))
	width := 10 * power
	for _, factor := range []float64{1, 2, 5} {
		if (high-low)/(factor*power) <= float64(n) {
			width = factor * power
			break
		}
	}
	decimals := max(0, -int(math.Floor(math.Log10(width)+1e-9)))
	var all []roundNumber
	for i := math.Ceil(low / width); i*width <= high; i++ {
		v := i*width + 0 // no -0
		label := strconv.FormatFloat(v, 'f', decimals, 64)
		if decimals > 4 || math.Abs(v) >= 1e6 {
			label = short(v)
		}
		all = append(all, roundNumber{v, label})
	}
	return all
}
