package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kleid-search/kleid/storage"
)

// itemNames are what tells items of a list of figures apart.
var itemNames = []string{"facet", "label", "embedding", "gallery", "method"}

// The files of figures that trainings leave in their folder. MetricsFile has what ReadMetrics reads: of photos that were not
// learned from alone. StoryFile tells the whole story of a training of facets.
const (
	MetricsFile = "metrics.json"
	StoryFile   = "facets.json"
)

// LearnedFromKey is where evaluations have the shares of their photos that the model has learned from.
const LearnedFromKey = "learned_from"

// measuredOnKey is what says, in an object of figures, on which photos it was measured, and what is below it.
const measuredOnKey = "measured_on"

// ReadMetrics reads the numbers of a JSON file, by their paths: {"facets": {"f1": 0.5}} is facets.f1. Items of a
// list go by their itemNames; numbers of a list, such as a confusion's, are left out. measuredOn has, of numbers for which
// the file tells it, on which photos they were measured. The whole story of a training is refused: photos that were learned
// from, bad ones and temperatures are no figures of a model's quality.
func ReadMetrics(ctx context.Context, place string) (metrics map[string]float64, measuredOn map[string]string, err error) {
	const limit = 16 << 20
	file := storage.WithoutSecrets(place)
	text, err := storage.Fetch(ctx, place, storage.FetchOptions{Limit: limit, AllowPrivate: true, Timeout: time.Minute})
	if err != nil {
		return nil, nil, err
	}
	var story struct {
		Train *json.RawMessage `json:"train"`
		Test  *json.RawMessage `json:"test"`
	}
	if json.Unmarshal(text, &story) == nil && story.Train != nil && story.Test != nil {
		return nil, nil, fmt.Errorf("%s tells of a training (%s): give the %s beside it", file, StoryFile, MetricsFile)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, nil, fmt.Errorf("%s: it takes JSON with numbers: %w", file, err)
	}
	metrics, measuredOn = map[string]float64{}, map[string]string{}
	twice := ""
	var walk func(path string, v any, photos string)
	walk = func(path string, v any, photos string) {
		switch v := v.(type) {
		case float64:
			if _, ok := metrics[path]; ok {
				twice = path
			}
			if metrics[path] = v; photos != "" {
				measuredOn[path] = photos
			}
		case map[string]any:
			if own, ok := v[measuredOnKey].(string); ok {
				photos = own
			}
			for name, sub := range v {
				if name == LearnedFromKey { // which says nothing of how good the model is
					continue
				}
				walk(strings.TrimPrefix(path+"."+name, "."), sub, photos)
			}
		case []any:
			for _, item := range v {
				object, _ := item.(map[string]any)
				below := path
				for _, key := range itemNames {
					if name, ok := object[key].(string); ok {
						below += "." + name
					}
				}
				if below != path {
					walk(strings.TrimPrefix(below, "."), item, photos)
				}
			}
		}
	}
	walk("", tree, "")
	if twice != "" {
		return nil, nil, fmt.Errorf("%s: two figures are called %s: name them apart", file, twice)
	}
	if len(metrics) == 0 {
		return nil, nil, fmt.Errorf("%s: there is no number in it", file)
	}
	return metrics, measuredOn, nil
}
