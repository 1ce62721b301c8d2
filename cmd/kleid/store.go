package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

const storeForms = "embedded:DIR or milvus://host:port/alias"

func storeFlag(whenNone string) cli.Flag {
	return &cli.StringFlag{
		Name: "store", EnvVars: flags.Env("store"), DefaultText: whenNone,
		Usage: "where the vectors are: `URL` is " + storeForms,
	}
}

func indexFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "index", EnvVars: flags.Env("index"),
		Usage: "folder `DIR` that kleid index --out made: short for --store embedded:DIR",
	}
}

// openStore opens the store of a URL.
func openStore(ctx context.Context, url string) (vectors.Store, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "embedded":
		return embedded.Open(rest)
	case "milvus", "milvuss":
		return milvus.Open(ctx, url)
	}
	return nil, fmt.Errorf("there is no store %q: use %s", storeName(url), storeForms)
}

// checkStore refuses what openStore cannot mean, before anything is done.
func checkStore(c *cli.Context, url string) error {
	scheme, rest, ok := strings.Cut(url, ":")
	if !ok || rest == "" || scheme != "embedded" && scheme != "milvus" && scheme != "milvuss" {
		return exit.WrongUsage(c, "there is no store %q: use %s", storeName(url), storeForms)
	}
	if scheme != "embedded" {
		if err := milvus.CheckURL(url); err != nil {
			return exit.WrongUsage(c, "%v", err)
		}
	}
	return nil
}

// storeURL is where --store or --index say that the vectors are.
func storeURL(c *cli.Context) (string, error) {
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
	return url, checkStore(c, url)
}

// indexFolder is where the thumbnails are: --index, or the embedded store's folder, or "" for a Milvus
// alone.
func indexFolder(c *cli.Context, url string) string {
	if dir, ok := strings.CutPrefix(url, "embedded:"); ok && !strings.Contains(c.String("index"), "://") {
		return dir
	}
	return c.String("index")
}

// warnWithoutIndex says that nothing can be found yet. An error is left to those who use the store.
func warnWithoutIndex(ctx context.Context, logger *slog.Logger, store vectors.Store, storeURL string) {
	if run, err := store.CurrentRun(ctx); err == nil && run == "" {
		logger.Warn("there is no index yet: searches fail until kleid index has published one", "store", storeName(storeURL))
	}
}

// explainStore says where there is no index.
func explainStore(err error, storeURL string) error {
	if errors.Is(err, vectors.ErrNoIndex) {
		return fmt.Errorf("%s: %w", storeName(storeURL), err)
	}
	return err
}

// storeName is a store's URL without password and token.
func storeName(text string) string {
	scheme, rest, _ := strings.Cut(text, ":")
	if scheme != "embedded" && !strings.HasPrefix(rest, "//") && strings.Contains(rest, "@") { // no URL, but a password may be there
		return scheme + ":…"
	}
	return storage.WithoutSecrets(text)
}
