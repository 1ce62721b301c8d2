// Package datasets reads labelled photos, and names the facets that Kleid describes dresses by.
package datasets

import (
	"github.com/kleid-search/kleid/photo"
)

// Example is a photo with what is known about it.
type Example struct {
	Path string // of the photo's file
	Name string // what the dataset calls it
	// Box is the dress; nil where it is not known. A photo of a single garment without a box is whole.
	Box *photo.Box
	// Street says that the photo was taken in the street, where a dress is a part of what it shows; others show a garment.
	Street bool
	// NoDress says that the photo is known to show no dress.
	NoDress bool
	// Labels by facet name; a facet that is missing is unknown.
	Labels map[string]string
	// Votes are the labels that each judge gave, where that is known; Labels are then what most of them gave.
	Votes []map[string]string
	// Fold, from 0, fixes the evaluation split; -1 where the dataset has none.
	Fold int

	// Of examples of a Dataset alone:

	Product string // the dress's id; photos of one dress share it
	// ProductGiven says that somebody gave it, and that it is not the file's name.
	ProductGiven bool `json:"-"`
	// Aliases are the other products that somebody gave the photo to.
	Aliases []string `json:",omitempty"`
	// Source is the path or URL that the photo was read from; Path may be a copy on this machine.
	Source  string `json:"-"`
	PhotoID string // lower-case hex SHA-256 of the photo's bytes
	Split   Split  // whether it is learned from
	// SplitGiven says that somebody gave the split, to the photo or to a product that it belongs with.
	SplitGiven bool `json:"-"`

	at string // the photo's path or its row in a manifest, for people
}

// At is where it stands, for people: a file and a line in it, or the photo's path.
func (e *Example) At() string { return e.at }

// Located says whether it is known where the dress is, or that there is none.
func (e *Example) Located() bool { return e.NoDress || e.Box != nil }

// GivenProducts are those that somebody gave the photo to; none where Product is the file's name.
func (e *Example) GivenProducts() []string {
	if !e.ProductGiven {
		return nil
	}
	return append([]string{e.Product}, e.Aliases...)
}

// Triplet says which of two photos shows a dress more like a third's.
type Triplet struct {
	Query, Near, Far Example
	Confidence       float64 // 1 (a guess) to 3 (sure)
	Fold             int
	// Source is where it stands, for people: a file and a line in it.
	Source string
}

// Photos are the three, the query first.
func (t Triplet) Photos() []Example { return []Example{t.Query, t.Near, t.Far} }
