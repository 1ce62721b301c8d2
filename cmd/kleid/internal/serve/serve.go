// Package serve is kleid serve, the service, and kleid ready, which asks one whether it is.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// shutdownTimeout is how long requests under way may take when the service is told to stop: as long to arrive as the
// work for one that has arrived may take, that work, and a little to send the answer.
const shutdownTimeout = 2*searcher.DefaultTimeout + 5*time.Second

// maxUpload is the greatest --max-upload, in MiB: no photo has as many.
const maxUpload = 4096

// Command is the service.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "serve the search page, the widget and the HTTP API",
		Description: `A newly published index is taken over within seconds, without a restart. Interrupted, or told to terminate,
the service finishes the requests that have arrived and ends with exit code 0. Uploads under way have half a minute
to arrive, and then half a minute to be answered: give it 70 seconds before it is killed. /readyz fails meanwhile.

All columns of the catalogue are public, as attributes, but those of --hide-attributes. A column of these that is in
no row of an index is logged as an error, at the start and with every new index: its name may be misspelt.

--metrics is an address of its own, on which Prometheus finds /metrics and the public finds nothing. Probes are for
/healthz and /readyz there: they are answered also while all of --max-connections are taken.
A connection on which nothing comes for 5 seconds is closed, so a proxy in front must let go of idle ones before that
(nginx: keepalive_timeout 4s in its upstream).
Uploads take up to (--max-connections + 2) x (--max-upload + 1 MiB) x 4 of memory, if all send the largest photo at
once. Half of it is garbage, which does not wait where nine tenths of the container's, or the machine's, memory are
taken; GOMEMLIMIT says another limit.
With a Milvus store, --index names the folder, or s3://bucket/prefix, of ` + "`kleid index --out`" + `, where the
thumbnails are.

Examples:
  kleid serve --index index/ --listen 127.0.0.1:8080
  kleid serve --index index/ --allowed-origin https://shop.example
  kleid serve --index index/ --hide-attributes purchase_price --hide-attributes supplier
  kleid serve --store milvus://127.0.0.1:19530/dresses --index index/

Exit codes: 0 stopped, 1 failed, 2 wrong usage`,
		Flags: append([]cli.Flag{
			open.IndexFlag(), open.StoreFlag("embedded:INDEX"), ListenFlag(),
			&cli.StringFlag{Name: "metrics", EnvVars: flags.Env("metrics"), Usage: "`ADDRESS` for Prometheus, host:port", DefaultText: "none"},
			&cli.StringSliceFlag{Name: "allowed-origin", EnvVars: flags.Env("allowed-origin"), Usage: "`ORIGIN` of a shop's pages that may use the API and the widget, such as https://shop.example or https://*.shop.example; * is all; may be repeated, and in the variable parted by ;"},
			&cli.StringSliceFlag{Name: "hide-attributes", EnvVars: flags.Env("hide-attributes"), Usage: "leave a `COLUMN` of the catalogue out of answers, such as purchase_price; * is all; may be repeated, and in the variable parted by ;"},
			&cli.IntFlag{Name: "max-connections", Value: searcher.DefaultConnections, EnvVars: flags.Env("max-connections"), Usage: "serve `NUMBER` connections at once, and refuse more"},
			&cli.DurationFlag{Name: "store-timeout", Value: searcher.DefaultStoreTimeout, EnvVars: flags.Env("store-timeout"), Usage: "`TIME` in which the store must answer; after that a search is answered with status 503"},
			&cli.IntFlag{Name: "embeds", EnvVars: flags.Env("embeds"), Usage: "look at `NUMBER` of batches of photos at once, of which each decodes a photo with 640 MiB at most", DefaultText: "half of the CPUs, 2 to 8"},
			&cli.IntFlag{Name: "max-upload", Value: searcher.DefaultUpload >> 20, EnvVars: flags.Env("max-upload"), Usage: "take photos of `MiB` at most"},
		}, open.EmbedderFlags()...),
		Action: action,
	}
}

// ListenFlag is the address of a service.
func ListenFlag() cli.Flag {
	return &cli.StringFlag{Name: "listen", Value: "127.0.0.1:8080", EnvVars: flags.Env("listen"), Usage: "`ADDRESS` to serve on, host:port"}
}

func action(c *cli.Context) error {
	url, err := open.StoreURL(c)
	if err != nil {
		return err
	}
	origins := flags.Repeated(c, "allowed-origin")
	if err := searcher.CheckOrigins(origins); err != nil {
		return exit.WrongUsage(c, "--allowed-origin: %v", err)
	}
	if err := flags.Positive(c, "max-connections", "max-upload"); err != nil {
		return err
	}
	if err := flags.NotNegative(c, "embeds"); err != nil {
		return err
	}
	if mib := c.Int("max-upload"); mib > maxUpload {
		return exit.WrongUsage(c, "--max-upload is %d, but must be at most %d", mib, maxUpload)
	}
	if wait := c.Duration("store-timeout"); wait <= 0 {
		return exit.WrongUsage(c, "--store-timeout is %v, but must be more than 0, such as 5s", wait)
	}
	limits := photo.DefaultLimits()
	limits.MaxBytes = int64(c.Int("max-upload")) << 20
	listener, err := Listen(c, "listen")
	if err != nil {
		return err
	}
	defer listener.Close()
	var metrics net.Listener
	if c.String("metrics") != "" {
		if metrics, err = Listen(c, "metrics"); err != nil {
			return err
		}
		defer metrics.Close()
	}
	embedder, err := open.Embedder(c)
	if err != nil {
		return err
	}
	p := terminal.NewProgress(c)
	return Serve(c.Context, p, listener, metrics, url, open.IndexFolder(c, url), searcher.Options{
		Embedder: embedder, AllowedOrigins: origins, HideAttributes: flags.Repeated(c, "hide-attributes"), Limits: limits, MaxConnections: c.Int("max-connections"),
		StoreTimeout: c.Duration("store-timeout"), Embeds: c.Int("embeds"), Version: c.App.Version,
	})
}

// Listen takes the address of a flag, so that a wrong one is known before anything else is done.
func Listen(c *cli.Context, flag string) (net.Listener, error) {
	address := c.String(flag)
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, exit.WrongUsage(c, "--%s is %q, but must be of the form host:port, such as 127.0.0.1:8080", flag, address)
	}
	listener, err := new(net.ListenConfig).Listen(c.Context, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another address with --%s", err, flag)
	}
	return listener, nil
}

// Serve serves until the context is done, which is no error. folder is where the thumbnails are, "" for
// nowhere; metrics may be nil.
func Serve(ctx context.Context, p *terminal.Progress, listener, metrics net.Listener, storeURL, folder string, options searcher.Options) error {
	store, err := open.Store(ctx, storeURL)
	if err != nil {
		return err
	}
	defer store.Close()
	options.Store, options.Logger = store, p.Logger()
	if strings.Contains(folder, "://") {
		bucket, err := storage.Open(ctx, folder)
		if err != nil {
			return err
		}
		options.Thumbnails = open.ThumbnailsOf(bucket)
	} else if folder != "" {
		options.Thumbnails = open.ThumbnailsIn(indexer.ThumbnailsFolder(folder))
	}
	server, err := searcher.New(ctx, options)
	if err != nil {
		return open.ExplainStore(err, storeURL)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if metrics != nil {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", server.Metrics())
		mux.Handle("/", server.Probes())
		prometheus := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
		go func() {
			if err := prometheus.Serve(metrics); !errors.Is(err, http.ErrServerClosed) {
				options.Logger.Error("the metrics are not served any more", "error", err)
			}
		}()
		defer prometheus.Close()
		p.Say("metrics are at http://%s/metrics", metrics.Addr())
	}
	warnWithoutIndex(ctx, options.Logger, store, storeURL)
	p.Say("Kleid serves http://%s/ (stop it with Ctrl-C)", listener.Addr())
	go server.WarmUp(ctx)
	select {
	case err := <-served:
		return errors.Join(err, server.Shutdown(context.WithoutCancel(ctx)))
	case <-ctx.Done():
	}
	p.Say("Kleid ends when the requests that have arrived are answered")
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(limited); err != nil && !errors.Is(err, context.DeadlineExceeded) { // which is logged
		return err
	}
	return <-served
}

// warnWithoutIndex says that nothing can be found yet. An error is left to those who use the store.
func warnWithoutIndex(ctx context.Context, logger *slog.Logger, store vectors.Store, storeURL string) {
	if run, err := store.CurrentRun(ctx); err == nil && run == "" {
		logger.Warn("there is no index yet: searches fail until kleid index has published one", "store", open.StoreName(storeURL))
	}
}
