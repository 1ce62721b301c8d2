package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus/push"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/indexer"
)

// webAddresses refuses what is no http or https URL.
func webAddresses(c *cli.Context, names ...string) error {
	for _, name := range names {
		text := c.String(name)
		if text == "" {
			continue
		}
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return wrongUsage(c, "--%s is %q, but must be an address such as https://hooks.example/kleid", name, text)
		}
	}
	return nil
}

// How often, and how far apart, an address is asked that does not answer.
const notifyTries, notifyPause = 3, 2 * time.Second

// tell sends the report to where --notify and --push-metrics say. The index is what it is also where nobody hears of
// it, so failures are logged.
func tell(c *cli.Context, report indexer.Report) {
	ctx := context.WithoutCancel(c.Context)
	if to := c.String("notify"); to != "" {
		if err := notify(ctx, to, report); err != nil {
			logger(c).Warn("nobody was notified", "error", err)
		}
	}
	if to := c.String("push-metrics"); to != "" {
		if err := push.New(to, "kleid_index").Gatherer(report.Metrics()).PushContext(ctx); err != nil {
			logger(c).Warn("the metrics were not pushed", "error", err)
		}
	}
}

func notify(ctx context.Context, to string, report indexer.Report) error {
	body, err := json.Marshal(report)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		if err = post(ctx, to, body); err == nil || try == notifyTries {
			return err
		}
		select {
		case <-time.After(notifyPause):
		case <-ctx.Done():
			return err
		}
	}
}

func post(ctx context.Context, to string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "kleid")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s answers %s", request.URL.Redacted(), response.Status)
	}
	return nil
}
