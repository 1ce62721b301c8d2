package colour

import (
	"math"
	"sync"
)

// Version names the way from pixels to names and to likelihoods. It changes whenever the same pixels get other answers, and
// so do the fingerprints facet_model and, where boxes or the weights of places follow from likelihoods, embedding_model.
const Version = "colour-3"

// Facet is the name of the facet.
const Facet = "colour"

// multicolour is the label of a dress in which no colour has a clear share.
const multicolour = "multicolour"

// named is a colour that shops and their customers have a word for: what it looks like in sRGB, in as many
// shades as the word covers.
type named struct {
	label  string
	shades []uint32
	// rare is by how much nearer a colour must be, since few dresses are called so: silver is seldom meant
	// where white lies in the shade.
	rare float64
}

// names are in the order in which reports and pages show them. Of a colour's shades the first is its swatch.
var names = []named{
	{"black", []uint32{0x111114, 0x030303, 0x232326, 0x1c1a1e, 0x29282b}, 0},
	{"grey", []uint32{0x808285, 0x55575b, 0x6b6a6c, 0x97989b, 0x3e4044}, 0},
	{"silver", []uint32{0xb9bdc4, 0xa8adb6}, 1.5},
	{"white", []uint32{0xf8f7f4, 0xffffff, 0xe6e4e2, 0xf2ead8, 0xd6d6d8, 0xc9cdd6}, 0},
	{"beige", []uint32{0xd8c3a0, 0xc8ad8d, 0xb8a285, 0xe3d2b9, 0xcdb9a6, 0xb89a80}, 0},
	{"brown", []uint32{0x6b452b, 0x4a2f20, 0x35231a, 0x8c6239, 0xa47848, 0x8d6650, 0xba8648, 0xc4935a}, 0},
	{"gold", []uint32{0xbd9540, 0xa88a4a, 0x96702e, 0xc9a04a}, 0},
	{"yellow", []uint32{0xf0d030, 0xe0b422, 0xf6e580, 0xc99a1e, 0xb5871c}, 0},
	{"orange", []uint32{0xee7a22, 0xd9601a, 0xf59a4e, 0xc9562a}, 0},
	{"coral", []uint32{0xee7d68, 0xe8907c, 0xd9685a}, 0},
	{"red", []uint32{0xc41e24, 0xa51419, 0xdd2c30, 0xb82832, 0x980f20}, 0},
	{"burgundy", []uint32{0x5e1224, 0x74182c, 0x431019, 0x6b2833}, 0},
	{"pink", []uint32{0xe86fa4, 0xf2b8c6, 0xd83c84, 0xeac9c9, 0xd98fa5, 0xc42d78, 0xc98b92, 0x9a777c, 0xc08a82, 0xe6bdb4}, 0},
	{"lilac", []uint32{0xc0a4dc, 0xa98ac2, 0xd6c6e6, 0xb39bc8}, 0},
	{"purple", []uint32{0x5f2f7f, 0x45225c, 0x7d3f96, 0x5c3566, 0x7a1458, 0x4b0082, 0x5000b4, 0x6414dc, 0x32145a}, 0},
	{"navy", []uint32{0x17203f, 0x101830, 0x222c52, 0x262b3c, 0x000080, 0x0a0a64}, 0},
	{"blue", []uint32{0x2255b8, 0x1a3c86, 0x3f72c8, 0x3c567e, 0x53719c, 0x2a3f78, 0x0000a0, 0x0000d2, 0x0000ff}, 0},
	{"light-blue", []uint32{0x9cc4e8, 0x7fb0dc, 0xbcd6ec, 0x8fabc8}, 0},
	{"turquoise", []uint32{0x2fb5ad, 0x107a80, 0x1b5a5f, 0xa6dcc6, 0x6fc8c0, 0xc4ecde}, 0},
	{"green", []uint32{0x2f7d46, 0x0f5a38, 0x1e4b2c, 0x58a05a, 0x9cc83c, 0x7fb089}, 0},
	{"olive", []uint32{0x66693a, 0x50522c, 0x7e7d4e}, 0},
}

// Labels are the names that Read gives, in order.
func Labels() []string {
	labels := make([]string, 0, len(names)+1)
	for _, n := range names {
		labels = append(labels, n.label)
	}
	return append(labels, multicolour)
}

// Swatch is what a label looks like, as a hexadecimal sRGB colour such as "#5e1224"; "" for multicolour.
func Swatch(label string) string {
	for _, n := range names {
		if n.label == label {
			return hexText(n.shades[0])
		}
	}
	return ""
}

func hexText(v uint32) string {
	const digits = "0123456789abcdef"
	text := []byte("#000000")
	for i := range 6 {
		text[6-i] = digits[v>>(4*i)&15]
	}
	return string(text)
}

// shades are all shades of all names in CIELAB.
var shades = sync.OnceValue(func() (all []struct {
	Lab
	name int
}) {
	for i, n := range names {
		for _, v := range n.shades {
			all = append(all, struct {
				Lab
				name int
			}{fromSRGB(uint8(v>>16), uint8(v>>8), uint8(v)), i})
		}
	}
	return all
})

// doubt is by how much farther a name's nearest shade must be to be e times less likely. Names have soft
// borders: people differ on colours that lie near one.
const doubt = 1.2

// likelihoods are how likely each of names is meant for a colour; they sum to 1.
func likelihoods(c Lab) []float64 {
	far := make([]float64, len(names))
	for i := range far {
		far[i] = math.Inf(1)
	}
	nearest := math.Inf(1)
	for _, s := range shades() {
		d := ciede2000(c, s.Lab) + names[s.name].rare
		far[s.name] = min(far[s.name], d)
		nearest = min(nearest, d)
	}
	var sum float64
	for i, d := range far {
		far[i] = math.Exp((nearest - d) / doubt)
		sum += far[i]
	}
	for i := range far {
		far[i] /= sum
	}
	return far
}

// Temperature is what the logarithms of Reading.Evidence are divided by, so that the probability of a name is
// how often it is right: fitted on painted photos, whose colours are known.
const Temperature = 1.4

// Threshold is the probability from which a name is good enough to filter by.
const Threshold = 0.5
