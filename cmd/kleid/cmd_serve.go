package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/searcher"
)

// shutdownTimeout is how long requests under way may take when the service is told to stop.
const shutdownTimeout = 10 * time.Second

// serveCommand is the service.
func serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "serve the search page, the widget and the HTTP API",
		Description: `A newly published index is taken over within seconds, without a restart. Interrupted, or told to terminate,
the service finishes the requests under way and ends with exit code 0.

With a Milvus store, --index names the folder of ` + "`kleid index --out`" + `, where the thumbnails are.

Examples:
  kleid serve --index index/ --listen 127.0.0.1:8080
  kleid serve --index index/ --allowed-origin https://shop.example
  kleid serve --store milvus://127.0.0.1:19530/dresses --index index/

Exit codes: 0 stopped, 1 failed, 2 wrong usage`,
		Flags: append([]cli.Flag{
			indexFlag(), storeFlag("embedded:INDEX"), listenFlag(),
			&cli.StringSliceFlag{Name: "allowed-origin", EnvVars: env("allowed-origin"), Usage: "`ORIGIN` of a shop's pages that may use the API and the widget, such as https://shop.example; * is all; may be repeated, and in the variable parted by ;"},
		}, embedderFlags()...),
		Action: serveAction,
	}
}

func listenFlag() cli.Flag {
	return &cli.StringFlag{Name: "listen", Value: "127.0.0.1:8080", EnvVars: env("listen"), Usage: "`ADDRESS` to serve on, host:port"}
}

func serveAction(c *cli.Context) error {
	url, err := storeURL(c)
	if err != nil {
		return err
	}
	origins := repeated(c, "allowed-origin")
	if err := searcher.CheckOrigins(origins); err != nil {
		return wrongUsage(c, "--allowed-origin: %v", err)
	}
	listener, err := listen(c)
	if err != nil {
		return err
	}
	defer listener.Close()
	embedder, err := newEmbedder(c)
	if err != nil {
		return err
	}
	p := newProgress(c)
	return serve(c.Context, p, listener, url, indexFolder(c, url), searcher.Options{
		Embedder: embedder, AllowedOrigins: origins,
	})
}

// listen takes the address of --listen, so that a wrong one is known before anything else is done.
func listen(c *cli.Context) (net.Listener, error) {
	address := c.String("listen")
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, wrongUsage(c, "--listen is %q, but must be of the form host:port, such as 127.0.0.1:8080", address)
	}
	listener, err := new(net.ListenConfig).Listen(c.Context, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another address with --listen", err)
	}
	return listener, nil
}

// serve serves until the context is done, which is no error. folder is where the thumbnails are, "" for
// nowhere.
func serve(ctx context.Context, p *progress, listener net.Listener, storeURL, folder string, options searcher.Options) error {
	store, err := openStore(ctx, storeURL)
	if err != nil {
		return err
	}
	defer store.Close()
	options.Store, options.Logger, options.Version = store, p.logger(), version
	if folder != "" {
		options.Thumbnails = thumbnailsIn(indexer.ThumbnailsFolder(folder))
	}
	server, err := searcher.New(ctx, options)
	if err != nil {
		return explainStore(err, storeURL)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	warnWithoutIndex(ctx, options.Logger, store, storeURL)
	p.say("Kleid serves http://%s/ (stop it with Ctrl-C)", listener.Addr())
	select {
	case err := <-served:
		return errors.Join(err, server.Shutdown(context.WithoutCancel(ctx)))
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		return err
	}
	return <-served
}

// thumbnailsIn finds thumbnails in a folder. The searcher has checked the id.
func thumbnailsIn(folder string) searcher.Thumbnails {
	return func(_ context.Context, photoID string) ([]byte, error) {
		if len(photoID) != 64 || strings.Trim(photoID, "0123456789abcdef") != "" {
			return nil, fs.ErrNotExist
		}
		return os.ReadFile(filepath.Join(folder, indexer.ThumbnailPath(photoID)))
	}
}
