package index

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/push"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
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
			// It is not repeated: whoever forgets the scheme has a secret there all the same.
			return exit.WrongUsage(c, "--%s must be an address such as https://hooks.example/kleid", name)
		}
	}
	return nil
}

// address is where a hook is, without what may be its secret: all but scheme and host.
func address(hook string) string {
	u, err := url.Parse(hook)
	if err != nil {
		return "…"
	}
	return u.Scheme + "://" + u.Host
}

// reached is what went wrong with an address, without the address.
func reached(err error) error {
	var asked *url.Error
	if errors.As(err, &asked) {
		return asked.Err
	}
	return err
}

// How often, and how far apart, an address is asked that does not answer.
const notifyTries, notifyPause = 3, 2 * time.Second

// pushTimeout bounds what a Pushgateway takes: nobody waits for the night's numbers longer.
const pushTimeout = 30 * time.Second

// told is a report as --notify has it. Chats show its text.
type told struct {
	Text string `json:"text"`
	indexer.Report
}

// tell sends the report, and what is wrong with the run, to where --notify and --push-metrics say. The index is what it is
// also where nobody hears of it, so failures are logged.
func tell(c *cli.Context, report indexer.Report, wrong error) {
	ctx := context.WithoutCancel(c.Context)
	text := fmt.Sprintf("%s: run %s is the current index: %d photos of %d products, %d unreadable", c.App.Name, report.Run, report.Photos, report.Products, report.Unreadable)
	switch {
	case report.Gate.Forced:
		text += ", in spite of the gate: " + report.Gate.String()
	case wrong != nil:
		text = fmt.Sprintf("%s: %v", c.App.Name, wrong)
	}
	tellHook(c, told{text, report})
	if to := c.String("push-metrics"); to != "" {
		if err := pushMetrics(ctx, to, report); err != nil {
			terminal.Logger(c).Warn("the metrics were not pushed", "at", address(to), "error", err)
		}
	}
}

// failure is what --notify is told of a job that has no report.
type failure struct {
	Text     string `json:"text"`
	Error    string `json:"error"`
	ExitCode int    `json:"exit_code"`
}

// tellFailure tells --notify why there is no report, unless somebody interrupted the job, who knows.
func tellFailure(c *cli.Context, err error) {
	if code := exit.Code(c.Context, err); code != exit.Interrupted {
		tellHook(c, failure{fmt.Sprintf("%s: %v", c.App.Name, err), err.Error(), code})
	}
}

// tellHook posts what to --notify, if there is such.
func tellHook(c *cli.Context, what any) {
	to := c.String("notify")
	if to == "" {
		return
	}
	if err := notify(context.WithoutCancel(c.Context), to, what); err != nil {
		terminal.Logger(c).Warn("nobody was notified", "at", address(to), "error", err)
	}
}

// pushMetrics gives the report's numbers to a Pushgateway, whose URL may have a user and a password.
func pushMetrics(ctx context.Context, to string, report indexer.Report) error {
	u, err := url.Parse(to)
	if err != nil {
		return reached(err)
	}
	user := u.User
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	pusher := push.New(u.String(), "kleid_index").Client(&http.Client{Timeout: pushTimeout}).Gatherer(report.Metrics())
	if user != nil {
		password, _ := user.Password()
		pusher = pusher.BasicAuth(user.Username(), password)
	}
	if err := reached(pusher.PushContext(ctx)); err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), u.String(), address(to)))
	}
	return nil
}

func notify(ctx context.Context, to string, what any) error {
	body, err := json.Marshal(what)
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
		return reached(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "kleid")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reached(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return fmt.Errorf("it answers %s", response.Status)
	}
	return nil
}
