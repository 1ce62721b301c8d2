package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/storage"
)

// ReadyCommand is for health checks in containers that have nothing but the program.
func ReadyCommand() *cli.Command {
	return &cli.Command{
		Name:      "ready",
		Usage:     "ask a service whether it has an index to search in",
		ArgsUsage: "URL",
		Description: `Ask at the address of kleid serve --metrics, if there is one: it answers however many connections are taken.

Examples:
  kleid ready http://127.0.0.1:8080
  kleid ready http://127.0.0.1:9464

Exit codes: 0 it is ready, 1 it is not, 2 wrong usage`,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return exit.WrongUsage(c, "kleid ready needs the address of one service, such as http://127.0.0.1:8080")
			}
			address := c.Args().First()
			if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return exit.WrongUsage(c, "%q is no address of a service: write http:// or https://, host and port, such as http://127.0.0.1:8080", storage.WithoutSecrets(address))
			}
			return ready(c.Context, address)
		},
	}
}

func ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "/")+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(response.Body, 4096)) // what cannot be read is not said
		return fmt.Errorf("the service is not ready (%s): %s", response.Status, why)
	}
	return nil
}
