package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/catalog"
)

// readJSONL reads a manifest of one JSON object a line. Every line that is not blank becomes an entry.
// Values that are no text are kept as their JSON; the members of an object called "attributes" become
// attributes as well.
func readJSONL(ctx context.Context, r io.Reader, path string) (Listing, error) {
	m := &manifest{path: path}
	l := catalog.NewLines(r)
	for {
		if err := ctx.Err(); err != nil {
			return Listing{}, err
		}
		line, err := l.Next()
		switch {
		case errors.Is(err, io.EOF):
			return m.read(), nil
		case errors.Is(err, catalog.ErrLongLine):
			m.bad(l.Number(), "%v", err)
			continue
		case err != nil:
			return Listing{}, err
		case strings.TrimSpace(line) == "":
			continue
		}
		fields, attributes, err := jsonFields([]byte(line))
		if err != nil {
			m.bad(l.Number(), "is no JSON object: %v", err)
			continue
		}
		m.text(l.Number(), line) // in fields, JSON has put U+FFFD there
		m.add(l.Number(), fields, attributes)
	}
}

// jsonFields returns the members of an object by column name, and those of its member "attributes".
func jsonFields(line []byte) (fields, attributes map[string]string, err error) {
	var object, inner map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		return nil, nil, err
	}
	if object == nil {
		return nil, nil, errors.New("it is null")
	}
	if raw := object["attributes"]; len(raw) > 0 && raw[0] == '{' {
		if err := json.Unmarshal(raw, &inner); err != nil {
			return nil, nil, err
		}
		delete(object, "attributes")
	}
	fields, attributes = make(map[string]string, len(object)), make(map[string]string, len(inner))
	// Small letters come last in the order of names: of "Photo" and "photo", the exact one counts.
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(object))) {
		setField(fields, columnName(name), jsonText(object[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(inner)) {
		setField(attributes, strings.TrimSpace(name), jsonText(inner[name]))
	}
	return fields, attributes, nil
}

// jsonText is a value as text: a string's own, nothing for null, JSON for all else.
func jsonText(value json.RawMessage) string {
	var text string
	if err := json.Unmarshal(value, &text); err == nil {
		return text // "" for null
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil {
		return ""
	}
	return compact.String()
}
