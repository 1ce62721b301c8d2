package training

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"github.com/kleid-search/kleid/datasets"
)

// photoNames hashes which real photos there are; nil where there are none.
func (m *maker) photoNames() ([]byte, error) {
	if !m.photographed() {
		return nil, nil
	}
	examples, err := m.examples()
	if err != nil {
		return nil, err
	}
	names := sha256.New()
	for _, e := range examples {
		fmt.Fprintln(names, e.Name)
	}
	if m.Location != nil {
		fmt.Fprintln(names, m.Location.fingerprint())
	}
	return names.Sum(nil), nil
}

// photographed says whether there are real photos of which it is known where the dress is, or what it is like.
func (m *maker) photographed() bool { return m.Reference != nil || m.Location != nil }

// examples are the labelled real photos: ReferenceExamples, and those of Options.Location.
func (m *maker) examples() ([]datasets.Example, error) {
	if m.known != nil {
		return m.known, nil
	}
	var examples []datasets.Example
	var err error
	if m.Reference != nil {
		if examples, err = ReferenceExamples(m.Reference); err != nil {
			return nil, err
		}
	}
	if m.Location != nil {
		if examples, err = m.Location.beside(examples); err != nil {
			return nil, err
		}
	}
	m.known = examples
	return examples, nil
}

// ReferenceExamples are the labelled photos of a reference that heads learn from; one may be among them twice, with what
// different tables say of it.
func ReferenceExamples(r *datasets.Reference) (examples []datasets.Example, err error) {
	for _, read := range []func() ([]datasets.Example, error){r.Garments, r.Street, r.AllFacets} {
		part, err := read()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("reference photos: %w; kleid train --help has the folder's layout", err)
		}
		if err != nil {
			return nil, err
		}
		examples = append(examples, part...)
	}
	return examples, nil
}
