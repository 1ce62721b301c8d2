package datasets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/storage"
)

// photoExtensions are those of files that somebody means as photos. The ones that Kleid cannot read are among
// them, so that a shop learns of them.
var photoExtensions = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".png": true, ".webp": true, ".gif": true, ".bmp": true,
	".tif": true, ".tiff": true, ".heic": true, ".heif": true, ".avif": true, ".jxl": true,
}

// listFolder finds the photos of a dataset that has a folder for each label.
func listFolder(ctx context.Context, bucket storage.Bucket, options OpenOptions) ([]rawExample, []Bad, error) {
	var keys []string
	var bad []Bad
	for info, err := range bucket.List(ctx, "") {
		switch {
		case !photoExtensions[strings.ToLower(path.Ext(info.Key))]:
			if err != nil && info.Key == "" {
				return nil, nil, err
			}
		case err != nil:
			bad = append(bad, Bad{info.Key, photoError(err).Error()})
		case !hidden(info.Key):
			keys = append(keys, info.Key)
		}
	}
	examples, err := labelledByFolder(keys, options.Facets)
	return examples, bad, err
}

// hidden files and folders are other programs' own.
func hidden(key string) bool {
	return slices.ContainsFunc(strings.Split(key, "/"), func(part string) bool { return strings.HasPrefix(part, ".") })
}

// labelledByFolder makes examples of the photos' paths, in their order.
func labelledByFolder(keys, facets []string) ([]rawExample, error) {
	splits, err := splitFolders(keys)
	if err != nil {
		return nil, err
	}
	type placed struct {
		raw   rawExample
		parts []string // folders and name, below the split's
	}
	var all []placed
	for _, key := range keys {
		p := placed{raw: rawExample{Example: Example{Name: key, at: key, Fold: -1}, source: key}, parts: strings.Split(key, "/")}
		if splits && len(p.parts) == 1 {
			continue // a photo beside the folders has no label
		}
		if splits {
			p.raw.Split, _ = parseSplit(p.parts[0]) // it was read above
			p.parts = p.parts[1:]
		}
		all = append(all, p)
	}
	wanted := map[string]bool{}
	for _, facet := range facets {
		wanted[facet] = true
	}
	// One facet is wanted, and no folder is called like it: the folders are its labels.
	one := len(facets) == 1
	seen := map[string]bool{}
	for _, p := range all {
		if name, err := FacetName(p.parts[0]); err == nil && len(p.parts) > 2 {
			seen[name] = true
			one = one && !wanted[name]
		}
	}
	depth := 2 // folders down to a label's
	if one {
		depth = 1
	}
	var examples []rawExample
	for _, p := range all {
		if len(p.parts) <= depth {
			continue
		}
		var facet string
		if one {
			facet = facets[0]
		} else {
			name, err := FacetName(p.parts[0])
			switch {
			case len(wanted) > 0 && !wanted[name]:
				continue
			case err != nil:
				return nil, err
			}
			facet = name
		}
		p.raw.Labels = map[string]string{facet: labelOf(p.parts[depth-1])}
		p.raw.Product = path.Join(p.parts[depth : len(p.parts)-1]...)
		if p.raw.ProductGiven = p.raw.Product != ""; !p.raw.ProductGiven {
			p.raw.Product = productOf(p.raw.Name)
		}
		examples = append(examples, p.raw)
	}
	if len(examples) > 0 {
		return examples, nil
	}
	switch {
	case len(keys) == 0:
		return nil, errors.New("there are no photos in the folder")
	case !slices.ContainsFunc(all, func(p placed) bool { return len(p.parts) > 1 }):
		return nil, errors.New("its photos have no labels, which would be folders, <facet>/<label>/*.jpg: name a .csv with the column photo to label them from nothing")
	case len(facets) == 0:
		return nil, errors.New("the folders in it are labels of one facet, it seems: say which with --facets NAME; for several facets it takes <facet>/<label>/*.jpg")
	case len(seen) > 0:
		return nil, fmt.Errorf("it has no folder for %s, but for %s", strings.Join(facets, ", "), strings.Join(slices.Sorted(maps.Keys(seen)), ", "))
	}
	return nil, fmt.Errorf("it has no folders <facet>/<label>/*.jpg for %s", strings.Join(facets, ", "))
}

// splitFolders says whether the first folders of all paths are those of the splits. Some that are, beside others that
// are not, would become labels.
func splitFolders(keys []string) (bool, error) {
	var split, other string // a folder of each kind
	for _, key := range keys {
		first, _, below := strings.Cut(key, "/")
		if !below {
			continue
		}
		if s, err := parseSplit(first); err == nil && s != "" {
			split = first
		} else {
			other = first
		}
	}
	if split != "" && other != "" {
		return false, fmt.Errorf("the folder %q is a split, but %q beside it is not: call it train, test or val, or move it away", split, other)
	}
	return split != "", nil
}

// productOf is the product's id where nobody gives one: the name of the file without extension.
func productOf(key string) string {
	name := path.Base(key)
	if stem := strings.TrimSuffix(name, path.Ext(name)); stem != "" {
		name = stem
	}
	return strings.ToValidUTF8(name, "?")
}
