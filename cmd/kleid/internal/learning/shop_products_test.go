package learning

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/indexer"
)

// TestCheckProducts refuses folders of dresses whose files are called alike, and takes all else.
func TestCheckProducts(t *testing.T) {
	for name, test := range map[string]struct {
		catalogue string // rows of product and photo
		named     bool
		want      string
	}{
		"a folder for each dress":  {" a/front.jpg b/front.jpg c/back.jpg", false, `"front" is in 2 folders: write a manifest`},
		"a folder for each view":   {" front/a.jpg front/b.jpg front/c.jpg back/a.jpg back/b.jpg", false, ""},
		"products have their ids":  {"a:a/front.jpg b:b/front.jpg", true, ""},
		"ids as the files' names":  {"a:2024/a.jpg a:2025/a.jpg b:2025/b.jpg", true, ""},
		"one has an id":            {" a/front.jpg b/front.jpg c/back.jpg d:d/front.jpg", true, `does not give each photo a product id, so that a file's name stands for its product, and "front" is in 2 folders`},
		"all photos in one folder": {" a.jpg b.jpg a.png", false, ""},
		"nothing":                  {"", false, ""},
	} {
		var rows strings.Builder
		fmt.Fprintln(&rows, "product_id,photo")
		for _, row := range strings.Fields(test.catalogue) {
			product, file, ok := strings.Cut(row, ":")
			if !ok {
				product, file = "", row
			}
			fmt.Fprintf(&rows, "%s,%s\n", product, file)
		}
		catalogue := filepath.Join(t.TempDir(), "shop.csv")
		require.NoError(t, os.WriteFile(catalogue, []byte(rows.String()), 0o600))
		listing, err := indexer.Scan(t.Context(), catalogue, "")
		require.NoError(t, err)
		named, err := checkProducts("shop.csv", listing.Entries)
		require.Equal(t, test.named, named, name)
		if test.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, test.want, name)
	}
}
