package training

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kleid-search/kleid/datasets"
)

// mostDresses is how many products with different photos may have a photo in common that is to say anything of them.
const mostDresses = 2

// join makes one group of products that are one dress with several ids: they must neither be pushed away from each
// other nor be learned from and measured with. Photos are compared by their bytes.
//
//   - A photo of three products or more, none of which has all photos of another, is common: it is a size chart, a
//     banner or "no photo yet", and shows none of them. Ids of sizes, which have the same photos or some of them, count
//     as one.
//   - Of what is left, a product is another one, which has as many photos or more, if the other has half of its photos
//     at least. Less is a photo with two dresses on it, as shops have to complete the look.
//   - Nobody joins a product that has joined another one, but those that have no photo that it has not, so that products
//     in a row, each with a photo of the next, do not become one.
//   - A photo that is still of several dresses is common, too.
func join(files []*shopFile) (groups datasets.Groups, common map[*shopFile]bool) {
	groups, common = datasets.Groups{}, map[*shopFile]bool{}
	_, having := photoSets(files, common)
	for i, f := range files {
		dresses := 0
		for _, s := range having[i] {
			if s.within == nil {
				dresses++
			}
		}
		common[f] = dresses > mostDresses
	}
	sets, having := photoSets(files, common)
	joined := map[*photoSet]bool{}
	for _, s := range sets {
		for _, product := range s.products {
			groups.Join(s.products[0], product)
		}
		into := s.within
		if into == nil {
			var shared int
			if into, shared = s.nearest(having, joined); 2*shared < len(s.files) {
				into = nil
			}
			joined[s] = into != nil
		}
		if into != nil {
			groups.Join(into.products[0], s.products[0])
		}
	}
	for _, f := range files {
		for _, product := range f.products {
			common[f] = common[f] || groups.First(product) != groups.First(f.products[0])
		}
	}
	maps.DeleteFunc(common, func(_ *shopFile, is bool) bool { return !is })
	return groups, common
}

// photoSet is products that have the same photos.
type photoSet struct {
	products []string
	files    []int     // by number, ascending
	within   *photoSet // the largest set that has all of these photos and more; nil if there is none
}

// photoSets returns the sets of a shop without its common photos, the largest first, and those that have each photo.
func photoSets(files []*shopFile, common map[*shopFile]bool) (sets []*photoSet, having [][]*photoSet) {
	own := map[string][]int{}
	for i, f := range files {
		if common[f] {
			continue
		}
		for _, product := range f.products {
			own[product] = append(own[product], i)
		}
	}
	same := map[string]*photoSet{}
	for _, product := range slices.Sorted(maps.Keys(own)) {
		key := fmt.Sprint(own[product])
		if same[key] == nil {
			same[key] = &photoSet{files: own[product]}
			sets = append(sets, same[key])
		}
		same[key].products = append(same[key].products, product)
	}
	slices.SortStableFunc(sets, func(a, b *photoSet) int { return len(b.files) - len(a.files) })
	having = make([][]*photoSet, len(files))
	for _, s := range sets {
		for _, i := range s.files {
			having[i] = append(having[i], s)
		}
	}
	for _, s := range sets {
		rarest := slices.MinFunc(s.files, func(a, b int) int { return len(having[a]) - len(having[b]) })
		for _, other := range having[rarest] {
			if len(other.files) == len(s.files) {
				break
			}
			if other.has(s.files) {
				s.within = other
				break
			}
		}
	}
	return sets, having
}

func (s *photoSet) has(files []int) bool {
	for _, i := range files {
		if _, ok := slices.BinarySearch(s.files, i); !ok {
			return false
		}
	}
	return true
}

// nearest returns the set before this one that shares the most photos with it, of those that are within no other and
// have joined none, and how many it shares.
func (s *photoSet) nearest(having [][]*photoSet, joined map[*photoSet]bool) (most *photoSet, shared int) {
	count := map[*photoSet]int{}
	for _, i := range s.files {
		for _, other := range having[i] {
			if other == s {
				break
			}
			if other.within != nil || joined[other] {
				continue
			}
			count[other]++
			if n := count[other]; n > shared || n == shared && other.products[0] < most.products[0] {
				most, shared = other, n
			}
		}
	}
	return most, shared
}
