package models

import (
	"fmt"
	"slices"
	"strings"
)

// PhotoSample is the smallest ids (lower-case hex SHA-256) of a set of photos, in order, the first eight digits of each:
// a bottom-k sketch, by which to tell how many of other photos are in the set. It is whole where the set is small.
type PhotoSample string

// A sample has so many ids at most, of so many digits: enough to be right within some hundredths, in two kilobytes.
const (
	sampledPhotos = 256
	sampledDigits = 8
)

// With is the sample of the set with more photos in it.
func (s PhotoSample) With(ids []string) PhotoSample {
	all := append(s.ids(), shortened(ids)...)
	slices.Sort(all)
	all = slices.Compact(all)
	return PhotoSample(strings.Join(all[:min(len(all), sampledPhotos)], ""))
}

// Share is the share of photos that are in the set, 0 to 1; ok is false where the sample does not tell.
func (s PhotoSample) Share(ids []string) (share float64, ok bool) {
	known := s.ids()
	asked := shortened(ids)
	if len(known) == sampledPhotos { // beyond the last, it knows nothing
		asked = slices.DeleteFunc(asked, func(id string) bool { return id > known[len(known)-1] })
	}
	if len(known) == 0 || len(asked) == 0 {
		return 0, false
	}
	in := 0
	for _, id := range asked {
		if _, found := slices.BinarySearch(known, id); found {
			in++
		}
	}
	return float64(in) / float64(len(asked)), true
}

// ids of the sample.
func (s PhotoSample) ids() []string {
	var ids []string
	for at := 0; at+sampledDigits <= len(s); at += sampledDigits {
		ids = append(ids, string(s[at:at+sampledDigits]))
	}
	return ids
}

func shortened(ids []string) []string {
	short := make([]string, len(ids))
	for i, id := range ids {
		short[i] = fmt.Sprintf("%.*s", sampledDigits, id)
	}
	return short
}
