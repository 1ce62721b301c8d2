package open

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/embedded"
	"github.com/kleid-search/kleid/vectors/milvus"
)

// StoreForms are the URLs of stores, for people.
const StoreForms = "embedded:DIR or milvus://host:port/alias"

// StoreFlag names the store of the vectors.
func StoreFlag(whenNone string) cli.Flag {
	return &cli.StringFlag{
		Name: "store", EnvVars: flags.Env("store"), DefaultText: whenNone,
		Usage: "where the vectors are: `URL` is " + StoreForms,
	}
}

// IndexFlag names the folder of an index.
func IndexFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "index", EnvVars: flags.Env("index"),
		Usage: "folder `DIR` that kleid index --out made: short for --store embedded:DIR",
	}
}

// Store opens the store of a URL.
func Store(ctx context.Context, url string) (vectors.Store, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "embedded":
		return embedded.Open(rest)
	case "milvus", "milvuss":
		return milvus.Open(ctx, url)
	}
	return nil, fmt.Errorf("there is no store %q: use %s", StoreName(url), StoreForms)
}

// CheckStore refuses what Store cannot mean, before anything is done.
func CheckStore(c *cli.Context, url string) error {
	scheme, rest, ok := strings.Cut(url, ":")
	if !ok || rest == "" || scheme != "embedded" && scheme != "milvus" && scheme != "milvuss" {
		return exit.WrongUsage(c, "there is no store %q: use %s", StoreName(url), StoreForms)
	}
	if scheme != "embedded" {
		if err := milvus.CheckURL(url); err != nil {
			return exit.WrongUsage(c, "%v", err)
		}
	}
	return nil
}

// StoreURL is where --store or --index say that the vectors are.
func StoreURL(c *cli.Context) (string, error) {
	url, dir := c.String("store"), c.String("index")
	stored, isFolder := strings.CutPrefix(url, "embedded:")
	// A Milvus with an index is one with its thumbnails, which nothing but kleid serve has a use for.
	if flags.OnlyOther(c, "store", "index") && (isFolder || c.Command.Name == "search") && !strings.Contains(dir, "://") {
		url = ""
	}
	if isFolder && flags.OnlyOther(c, "index", "store") {
		dir = ""
	}
	if url == "" {
		if dir == "" {
			return "", exit.WrongUsage(c, "%s needs --index DIR or --store URL", c.Command.HelpName)
		}
		if strings.Contains(dir, "://") {
			return "", exit.WrongUsage(c, "--index is %s, which has pictures but no vectors: name these with --store", dir)
		}
		url, isFolder, stored = "embedded:"+dir, true, dir
	}
	if dir != "" && isFolder && !strings.Contains(dir, "://") && filepath.Clean(dir) != filepath.Clean(stored) {
		return "", exit.WrongUsage(c, "--index is %s and --store is %s, another folder: leave one out", dir, url)
	}
	if isFolder {
		if elsewhere := indexer.StoreElsewhere(stored); elsewhere != "" {
			return "", exit.WrongUsage(c, "the vectors of the index in %s are in the store %s: name it with --store", stored, elsewhere)
		}
	}
	return url, CheckStore(c, url)
}

// IndexFolder is where the thumbnails are: --index, or the embedded store's folder, or "" for a Milvus
// alone.
func IndexFolder(c *cli.Context, url string) string {
	if dir, ok := strings.CutPrefix(url, "embedded:"); ok && !strings.Contains(c.String("index"), "://") {
		return dir
	}
	return c.String("index")
}

// ExplainStore says where there is no index.
func ExplainStore(err error, storeURL string) error {
	if errors.Is(err, vectors.ErrNoIndex) {
		return fmt.Errorf("%s: %w", StoreName(storeURL), err)
	}
	return err
}

// StoreName is a store's URL without password and token.
func StoreName(text string) string {
	scheme, rest, _ := strings.Cut(text, ":")
	if scheme != "embedded" && !strings.HasPrefix(rest, "//") && strings.Contains(rest, "@") { // no URL, but a password may be there
		return scheme + ":…"
	}
	return storage.WithoutSecrets(text)
}
