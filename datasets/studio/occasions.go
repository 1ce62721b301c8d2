package studio

// occasion says what is worn to it: how often each label, fabric and colour is drawn. The tables are
// apart enough that a careful person can tell the occasion from what can be seen.
type occasion struct {
	name                                            string
	silhouettes, necklines, sleeves, lengths        weights
	patterns, fabrics, colours                      weights
	price                                           [2]float64 // in euros
	belt, sparkle, buttons, ruffle, contrast, bowed float64    // how often a dress has it
}

var occasionShares = weights{{"casual", 3.4}, {"work", 2}, {"cocktail", 2.2}, {"evening", 1.6}, {"beach", 1.6}}

var occasions = map[string]occasion{
	"casual": {
		name:        "casual",
		silhouettes: weights{{"a-line", 3}, {"fit-and-flare", 3}, {"shift", 3}, {"shirt", 2.6}, {"wrap", 1.8}, {"blouson", 2}, {"empire", 1.5}, {"bodycon", 1.5}, {"sheath", 0.7}},
		necklines: weights{{"round", 3}, {"scoop", 3}, {"v-neck", 3}, {"boat", 1.2}, {"square", 1.2}, {"collared", 1.6}, {"high", 1.2}, {"keyhole", 1},
			{"off-shoulder", 0.7}, {"straight", 0.5}, {"halter", 0.4}, {"one-shoulder", 0.2}, {"cowl", 0.6}},
		sleeves:  weights{{"sleeveless", 2}, {"cap", 1.2}, {"short", 3}, {"three-quarters", 1.7}, {"long", 2}},
		lengths:  weights{{"mini", 3}, {"knee", 3}, {"midi", 2}, {"maxi", 1}},
		patterns: weights{{"plain", 3}, {"floral", 3}, {"stripes", 2}, {"dots", 1.5}, {"checks", 2}, {"animal", 1}},
		fabrics:  weights{{"cotton", 3}, {"jersey", 3}, {"denim", 1}, {"knit", 1.2}, {"linen", 1}, {"crepe", 0.6}},
		colours: weights{{"black", 1.5}, {"charcoal", 1}, {"grey", 1.4}, {"white", 1.2}, {"beige", 1}, {"camel", 0.7}, {"brown", 0.8}, {"navy", 2}, {"blue", 1.5}, {"sky", 1},
			{"teal", 0.8}, {"mint", 0.6}, {"green", 0.9}, {"olive", 1}, {"lime", 0.3}, {"yellow", 0.8}, {"mustard", 1}, {"orange", 0.7}, {"coral", 0.7}, {"red", 1.2}, {"burgundy", 0.9},
			{"pink", 1}, {"blush", 0.7}, {"fuchsia", 0.5}, {"lilac", 0.7}, {"purple", 0.6}},
		price: [2]float64{19, 79}, belt: 0.2, buttons: 0.2, ruffle: 0.2, contrast: 0.22, bowed: 0.08,
	},
	"work": {
		name:        "work",
		silhouettes: weights{{"sheath", 5}, {"shirt", 2}, {"a-line", 1.5}, {"wrap", 2}, {"shift", 1}, {"fit-and-flare", 1}, {"blouson", 0.5}},
		necklines:   weights{{"round", 3}, {"v-neck", 2}, {"boat", 2}, {"collared", 2.4}, {"square", 1.2}, {"high", 2}, {"keyhole", 1}, {"scoop", 0.5}},
		sleeves:     weights{{"sleeveless", 1.2}, {"cap", 1.5}, {"short", 1.5}, {"three-quarters", 3}, {"long", 2.6}},
		lengths:     weights{{"knee", 5}, {"midi", 3}},
		patterns:    weights{{"plain", 5}, {"checks", 2}, {"stripes", 1.6}, {"dots", 0.7}},
		fabrics:     weights{{"wool", 4}, {"crepe", 3}, {"cotton", 1.2}},
		colours: weights{{"black", 3}, {"charcoal", 3}, {"grey", 2}, {"navy", 3.5}, {"burgundy", 1.6}, {"camel", 1.4}, {"beige", 1}, {"ivory", 0.7}, {"brown", 0.7}, {"teal", 0.8},
			{"olive", 0.5}, {"red", 0.4}},
		price: [2]float64{59, 189}, belt: 0.5, buttons: 0.1, contrast: 0.2, bowed: 0.04,
	},
	"cocktail": {
		name:        "cocktail",
		silhouettes: weights{{"fit-and-flare", 3}, {"bodycon", 3}, {"sheath", 2}, {"a-line", 2}, {"wrap", 0.8}, {"empire", 0.9}, {"mermaid", 0.8}, {"ball-gown", 1.1}, {"blouson", 0.5}, {"shift", 0.8}},
		necklines: weights{{"sweetheart", 3}, {"strapless", 2.2}, {"one-shoulder", 2.2}, {"halter", 2.2}, {"off-shoulder", 1.7}, {"v-neck", 1.8}, {"cowl", 1.8}, {"straight", 1.8}, {"keyhole", 1.4},
			{"square", 1}, {"boat", 1}, {"high", 0.7}, {"round", 0.7}, {"scoop", 0.7}},
		sleeves:  weights{{"sleeveless", 5}, {"cap", 1.2}, {"short", 0.8}, {"three-quarters", 1}, {"long", 1.8}},
		lengths:  weights{{"mini", 3}, {"knee", 4}, {"midi", 1.3}},
		patterns: weights{{"plain", 4.5}, {"lace", 3.2}, {"floral", 1.3}, {"dots", 0.6}, {"animal", 0.8}, {"stripes", 0.2}},
		fabrics:  weights{{"satin", 3.4}, {"sequins", 1.8}, {"velvet", 1.6}, {"crepe", 1.2}, {"chiffon", 1.5}},
		colours: weights{{"black", 4}, {"red", 2}, {"emerald", 1.4}, {"burgundy", 1.4}, {"fuchsia", 1.2}, {"blue", 1.4}, {"navy", 1}, {"blush", 1.2}, {"gold", 1.2}, {"silver", 1.2},
			{"ivory", 0.7}, {"purple", 1}, {"teal", 0.8}, {"pink", 0.6}},
		price: [2]float64{69, 249}, belt: 0.15, sparkle: 0.3, ruffle: 0.15, bowed: 0.15,
	},
	"evening": {
		name:        "evening",
		silhouettes: weights{{"mermaid", 4}, {"ball-gown", 4}, {"sheath", 1.5}, {"a-line", 2}, {"empire", 2.2}, {"bodycon", 0.8}, {"wrap", 0.4}, {"fit-and-flare", 0.4}},
		necklines: weights{{"sweetheart", 3}, {"strapless", 2.2}, {"one-shoulder", 2.2}, {"halter", 2}, {"off-shoulder", 2}, {"v-neck", 2}, {"cowl", 1.6}, {"straight", 1.4}, {"keyhole", 0.8},
			{"square", 0.8}, {"boat", 0.9}, {"high", 0.8}, {"round", 0.5}, {"scoop", 0.6}},
		sleeves:  weights{{"sleeveless", 5}, {"cap", 1.1}, {"short", 0.6}, {"three-quarters", 0.9}, {"long", 1.8}},
		lengths:  weights{{"maxi", 1}},
		patterns: weights{{"plain", 5}, {"lace", 2.6}, {"floral", 0.5}},
		fabrics:  weights{{"satin", 4}, {"sequins", 2.2}, {"velvet", 1.8}, {"chiffon", 2}},
		colours: weights{{"black", 3}, {"red", 2}, {"emerald", 2}, {"burgundy", 2}, {"navy", 2.2}, {"blue", 1.4}, {"purple", 1.5}, {"gold", 1.2}, {"silver", 1.2}, {"teal", 1},
			{"blush", 0.9}, {"ivory", 0.6}, {"fuchsia", 0.6}},
		price: [2]float64{149, 599}, belt: 0.12, sparkle: 0.4, bowed: 0.08,
	},
	"beach": {
		name:        "beach",
		silhouettes: weights{{"a-line", 3}, {"empire", 3}, {"shift", 2}, {"wrap", 1.6}, {"blouson", 2}, {"fit-and-flare", 1}, {"shirt", 0.8}},
		necklines: weights{{"straight", 3}, {"halter", 2.5}, {"off-shoulder", 2.6}, {"v-neck", 2}, {"scoop", 2}, {"square", 1}, {"strapless", 2}, {"one-shoulder", 0.8},
			{"collared", 0.3}},
		sleeves:  weights{{"sleeveless", 5}, {"cap", 0.6}, {"short", 1.1}, {"three-quarters", 0.8}, {"long", 0.5}},
		lengths:  weights{{"mini", 2}, {"knee", 1}, {"midi", 1.4}, {"maxi", 3}},
		patterns: weights{{"floral", 4}, {"stripes", 2}, {"plain", 2.5}, {"dots", 1}, {"checks", 0.8}, {"lace", 1.2}, {"animal", 0.4}},
		fabrics:  weights{{"gauze", 3}, {"linen", 1.6}, {"chiffon", 1.6}},
		colours: weights{{"white", 3}, {"turquoise", 2}, {"coral", 2}, {"yellow", 1.8}, {"sky", 1.6}, {"mint", 1.3}, {"orange", 1.3}, {"pink", 1.3}, {"lime", 0.8}, {"lilac", 0.7},
			{"ivory", 0.8}, {"blue", 0.8}},
		price: [2]float64{25, 89}, belt: 0.15, ruffle: 0.4, contrast: 0.15, bowed: 0.1,
	},
}

// plausible says whether a dress of these labels can be sewn and would be called so.
func plausible(silhouette, neckline, sleeve, length string) bool {
	switch silhouette {
	case "shirt":
		if neckline != "collared" && neckline != "v-neck" {
			return false
		}
	case "wrap":
		if neckline != "v-neck" {
			return false
		}
	case "mermaid":
		if length != "midi" && length != "maxi" {
			return false
		}
		if neckline == "collared" {
			return false
		}
	case "ball-gown":
		if length == "mini" || neckline == "collared" || neckline == "high" {
			return false
		}
	case "bodycon", "empire":
		if neckline == "collared" {
			return false
		}
	}
	switch neckline {
	case "strapless", "straight", "halter":
		return sleeve == "sleeveless"
	case "one-shoulder":
		return sleeve == "sleeveless" || sleeve == "long" || sleeve == "short"
	case "off-shoulder":
		return sleeve == "short" || sleeve == "three-quarters" || sleeve == "long"
	case "cowl":
		return sleeve != "cap"
	}
	return true
}
