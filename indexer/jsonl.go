package indexer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
)

func scanJSONL(ctx context.Context, f *os.File) (Listing, error) { return readJSONL(ctx, f, f.Name()) }

// readJSONL reads a manifest of one JSON object a line. Every line that is not blank becomes an entry.
// Values that are no text are kept as their JSON; the members of an object called "attributes" become
// attributes as well.
func readJSONL(ctx context.Context, r io.Reader, path string) (Listing, error) {
	m := &manifest{path: path}
	l := newLines(r)
	for {
		if err := ctx.Err(); err != nil {
			return Listing{}, err
		}
		line, err := l.next()
		switch {
		case errors.Is(err, io.EOF):
			return m.listing, nil
		case errors.Is(err, errLongLine):
			m.bad(l.number, "%v", err)
			continue
		case err != nil:
			return Listing{}, err
		case strings.TrimSpace(line) == "":
			continue
		}
		fields, attributes, err := jsonFields([]byte(line))
		if err != nil {
			m.bad(l.number, "is no JSON object: %v", err)
			continue
		}
		m.add(l.number, fields, attributes)
	}
}

// jsonFields returns the members of an object, and those of its member "attributes".
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
	return jsonTexts(object), jsonTexts(inner), nil
}

func jsonTexts(object map[string]json.RawMessage) map[string]string {
	texts := make(map[string]string, len(object))
	for name, value := range object {
		texts[name] = jsonText(value)
	}
	return texts
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
