package colour

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlainColours are the colours of CSS (CSS Color 4, section 6.1) that are a shade of one word: those whose name
// says so, and those that no word of ours is nearer to.
func TestPlainColours(t *testing.T) {
	for label, colours := range map[string]map[string]uint32{
		"black":      {"black": 0x000000},
		"grey":       {"grey": 0x808080, "dimgrey": 0x696969, "darkgrey": 0xa9a9a9},
		"silver":     {"silver": 0xc0c0c0},
		"white":      {"white": 0xffffff, "whitesmoke": 0xf5f5f5, "snow": 0xfffafa, "ivory": 0xfffff0, "floralwhite": 0xfffaf0, "ghostwhite": 0xf8f8ff},
		"beige":      {"tan": 0xd2b48c, "burlywood": 0xdeb887, "wheat": 0xf5deb3},
		"brown":      {"saddlebrown": 0x8b4513, "peru": 0xcd853f},
		"yellow":     {"yellow": 0xffff00, "gold": 0xffd700, "khaki": 0xf0e68c},
		"orange":     {"orange": 0xffa500, "darkorange": 0xff8c00, "orangered": 0xff4500},
		"coral":      {"coral": 0xff7f50, "lightcoral": 0xf08080, "salmon": 0xfa8072},
		"red":        {"red": 0xff0000, "darkred": 0x8b0000, "firebrick": 0xb22222, "crimson": 0xdc143c},
		"pink":       {"pink": 0xffc0cb, "hotpink": 0xff69b4, "deeppink": 0xff1493, "lightpink": 0xffb6c1, "fuchsia": 0xff00ff},
		"lilac":      {"plum": 0xdda0dd, "violet": 0xee82ee, "thistle": 0xd8bfd8, "mediumpurple": 0x9370db},
		"purple":     {"purple": 0x800080, "rebeccapurple": 0x663399, "indigo": 0x4b0082, "darkmagenta": 0x8b008b, "darkviolet": 0x9400d3, "blueviolet": 0x8a2be2},
		"navy":       {"navy": 0x000080, "midnightblue": 0x191970, "darkblue": 0x00008b},
		"blue":       {"blue": 0x0000ff, "mediumblue": 0x0000cd, "royalblue": 0x4169e1, "steelblue": 0x4682b4, "slateblue": 0x6a5acd, "darkslateblue": 0x483d8b},
		"light-blue": {"lightblue": 0xadd8e6, "skyblue": 0x87ceeb, "lightskyblue": 0x87cefa, "lightsteelblue": 0xb0c4de},
		"turquoise":  {"turquoise": 0x40e0d0, "teal": 0x008080, "aqua": 0x00ffff, "darkturquoise": 0x00ced1},
		"green":      {"green": 0x008000, "darkgreen": 0x006400, "lime": 0x00ff00, "forestgreen": 0x228b22, "seagreen": 0x2e8b57},
		"olive":      {"olive": 0x808000, "darkolivegreen": 0x556b2f},
	} {
		for name, v := range colours {
			require.Equal(t, label, nameOf(fromSRGB(uint8(v>>16), uint8(v>>8), uint8(v))), name)
		}
	}
}

// TestVividBlues: without green, blue turns to purple by its red, however dark it is.
func TestVividBlues(t *testing.T) {
	for _, c := range []struct {
		red, blue uint8
		label     string
	}{
		{0, 60, "navy"}, {0, 100, "navy"}, {20, 100, "navy"}, {50, 100, "purple"},
		{10, 128, "navy"}, {64, 128, "purple"}, {0, 180, "blue"}, {20, 200, "blue"}, {100, 200, "purple"}, {127, 255, "purple"},
	} {
		require.Equal(t, c.label, nameOf(fromSRGB(c.red, 0, c.blue)), c)
	}
}

// nameOf is the most likely name of a colour.
func nameOf(c Lab) string {
	best := 0
	all, sum := likelihoods(c), 0.0
	for i, p := range all {
		sum += p
		if p > all[best] {
			best = i
		}
	}
	if math.Abs(sum-1) > 1e-9 {
		return fmt.Sprintf("likelihoods of %v", sum)
	}
	return names[best].label
}
