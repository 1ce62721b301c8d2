package milvus

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// The fields of a collection. Each facet has one more, named by facetField.
const (
	fieldRowID        = "row_id" // primary key
	fieldProductID    = "product_id"
	fieldPhotoID      = "photo_id"
	fieldPriced       = "priced" // whether there is a price
	fieldPrice        = "price"  // 0 where there is none
	fieldCurrency     = "currency"
	fieldRow          = "row" // JSON of catalog.Row without embeddings
	fieldUnsupervised = "embedding_unsupervised"
	fieldDeepRank     = "embedding_deeprank"
)

// maxText is the longest text that Milvus keeps in a field, in bytes.
const maxText = 65535

// facetField is the field of a facet's label; "" for a row without one.
func facetField(facet string) string { return "facet_" + legalName(facet) }

// collectionOf is the name of a run's collection. The hash keeps run b_c of the alias a apart from run c
// of the alias a_b.
func collectionOf(alias, run string) string {
	return alias + "_" + legal(run) + "_" + hashOf(alias+"/"+run)
}

// legalName makes a part of a name of letters, digits and _ only. Different texts keep different names:
// one that had to be changed ends with a part of its hash.
func legalName(text string) string {
	name := legal(text)
	if name == text {
		return name
	}
	return name + "_" + hashOf(text)
}

func legal(text string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, text)
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}
