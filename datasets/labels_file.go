package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// labelsFile, beside the photos or the manifest, puts labels in order: {"neckline": ["round", "v-neck"]}.
const labelsFile = "labels.json"

// parseOrder reads a labelsFile.
func parseOrder(text []byte) (map[string][]string, error) {
	var named map[string][]string
	in := json.NewDecoder(bytes.NewReader(text))
	err := in.Decode(&named)
	if err == nil {
		if _, more := in.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something after it")
		}
	}
	if err != nil {
		return nil, fmt.Errorf(`it takes one object like {"neckline": ["round", "v-neck"]}: %w`, err)
	}
	order := map[string][]string{}
	for name, labels := range named {
		facet, err := FacetName(name)
		if err != nil {
			return nil, err
		}
		if _, twice := order[facet]; twice {
			return nil, fmt.Errorf("facet %s is there twice", facet)
		}
		order[facet] = nil
		seen := map[string]bool{}
		for _, label := range labels {
			label = labelOf(label)
			if label == "" || seen[label] {
				return nil, fmt.Errorf("facet %s: label %q is empty or there twice", facet, label)
			}
			seen[label] = true
			order[facet] = append(order[facet], label)
		}
	}
	return order, nil
}
