package datasets

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
)

// Triplets are those on which the judges agreed, with both photos' boxes where they are known.
func (r *Reference) Triplets() ([]Triplet, error) {
	return r.triplets(filepath.Join(r.Dir, "triplets", "triplets.csv"))
}

// AllTriplets are Triplets and MoreTriplets. Those without a fold stand in that of their query's others, so that it is
// not learned from where it is measured with.
func (r *Reference) AllTriplets() ([]Triplet, error) {
	all, err := r.Triplets()
	for _, path := range r.MoreTriplets {
		if err != nil {
			break
		}
		var more []Triplet
		more, err = r.triplets(path)
		all = append(all, slices.DeleteFunc(more, func(t Triplet) bool {
			return r.HeldBack(t.Query.Name) || r.HeldBack(t.Near.Name) || r.HeldBack(t.Far.Name)
		})...)
	}
	folds := map[string]int{}
	for _, t := range all {
		if _, known := folds[t.Query.Name]; !known && t.Fold >= 0 {
			folds[t.Query.Name] = t.Fold
		}
	}
	for i, t := range all {
		if fold, known := folds[t.Query.Name]; known && t.Fold < 0 {
			all[i].Fold = fold
		}
	}
	return all, err
}

func (r *Reference) triplets(path string) ([]Triplet, error) {
	judged, err := r.AllFacets()
	if err != nil {
		return nil, err
	}
	known := map[string]Example{}
	for _, e := range judged {
		known[e.Name] = e
	}
	triplets, err := readTriplets(path, func(t *table, row int, column string) (Example, error) {
		name, err := nameBelow(t, row, column)
		if e, ok := known[name]; ok || err != nil {
			return e, err
		}
		return Example{Path: filepath.Join(r.Dir, filepath.FromSlash(name)), Name: name, Fold: -1}, nil
	}, func(t Triplet) error {
		if q, a, b := t.Query.Name, t.Near.Name, t.Far.Name; q == a || q == b || a == b {
			return fmt.Errorf("%s: query, a and b are three photos, but one of them stands there twice", t.Source)
		}
		return nil
	})
	return slices.DeleteFunc(triplets, func(t Triplet) bool {
		return slices.ContainsFunc(t.Photos(), func(e Example) bool { return slices.Contains(r.leftOut, e.Name) })
	}), err
}

// ReadTriplets reads a CSV file as triplets/triplets.csv of a Reference, of photos of which it is known how they are
// called, and no more. A photo may stand in a triplet twice, as in clicks on the photo that was searched with.
func ReadTriplets(path string) ([]Triplet, error) {
	return readTriplets(path, func(t *table, row int, column string) (Example, error) {
		return Example{Name: t.get(row, column), Fold: -1}, nil
	}, nil)
}

// Confidences of a triplet: one that is negative would be learned the other way round, and a number of clicks would
// outweigh all others.
const leastConfidence, mostConfidence = 1, 3

// toldLines is how many wrong lines of a file an error names.
const toldLines = 10

// readTriplets reads a file of triplets. Its error names all lines that are wrong, as far as they are not too many to read.
func readTriplets(path string, photoOf func(t *table, row int, column string) (Example, error), check func(Triplet) error) ([]Triplet, error) {
	t, err := readTable(path, "query", "a", "b", "closer", "confidence", "fold")
	if err != nil {
		return nil, err
	}
	var triplets []Triplet
	var wrong []error
	for row := range t.rows {
		if t.get(row, "closer") == "" {
			continue
		}
		triplet, err := t.triplet(row, photoOf)
		if err == nil && check != nil {
			err = check(triplet)
		}
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		triplets = append(triplets, triplet)
	}
	if more := len(wrong) - toldLines; more > 0 {
		wrong = append(wrong[:toldLines], fmt.Errorf("%s: %d more lines are wrong", t.path, more))
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return triplets, nil
}

// triplet reads a row whose closer is filled.
func (t *table) triplet(row int, photoOf func(t *table, row int, column string) (Example, error)) (Triplet, error) {
	wrong := func(format string, args ...any) (Triplet, error) {
		return Triplet{}, fmt.Errorf("%s: line %d: "+format, slices.Insert(args, 0, any(t.path), any(t.line(row)))...)
	}
	var ends [3]Example
	var err error
	for i, column := range []string{"query", "a", "b"} {
		if t.get(row, column) == "" {
			return wrong("%s is empty, but names a photo", column)
		}
		if ends[i], err = photoOf(t, row, column); err != nil {
			return Triplet{}, err
		}
	}
	switch closer := t.get(row, "closer"); closer {
	case "a":
	case "b":
		ends[1], ends[2] = ends[2], ends[1]
	default:
		return wrong("closer is %q, but it is a or b, or empty", closer)
	}
	fold, err := t.referenceFold(row)
	if err != nil {
		return Triplet{}, err
	}
	confidence, err := strconv.ParseFloat(t.get(row, "confidence"), 64)
	if err != nil || !(confidence >= leastConfidence && confidence <= mostConfidence) { // nor NaN
		return wrong("confidence is %q, but must be %d to %d", t.get(row, "confidence"), leastConfidence, mostConfidence)
	}
	return Triplet{Query: ends[0], Near: ends[1], Far: ends[2], Confidence: confidence, Fold: fold, Source: fmt.Sprintf("%s: line %d", t.path, t.line(row))}, nil
}
