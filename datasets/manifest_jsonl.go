package datasets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// parseJSONL reads a manifest of one JSON object a line. Values that are no text are kept as their JSON.
func parseJSONL(name string, data []byte) (*table, []Bad, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	t := &table{path: name, columns: map[string]int{}, lines: []int{}}
	var bad []Bad
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(line, &object); err != nil {
			bad = append(bad, Bad{fmt.Sprintf("%s:%d", name, number), fmt.Sprintf("it is no JSON object: %v", err)})
			continue
		}
		// Small letters come last in the order of names: of "Photo" and "photo", the exact one counts.
		row := make([]string, len(t.columns))
		for _, key := range slices.Sorted(maps.Keys(object)) {
			column := columnName(key)
			if column == "" {
				continue
			}
			i, ok := t.columns[column]
			if !ok {
				i = len(t.columns)
				t.columns[column] = i
				row = append(row, "")
			}
			row[i] = jsonText(object[key])
		}
		t.rows, t.lines = append(t.rows, row), append(t.lines, number)
	}
	return t, bad, nil
}

// jsonText is a value as text: a string's own, nothing for null, JSON for all else.
func jsonText(value json.RawMessage) string {
	var text string
	if err := json.Unmarshal(value, &text); err == nil {
		return text // "" for null
	}
	return string(value)
}
