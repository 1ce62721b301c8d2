package main

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// lineInterval is how often a line tells of the progress where there is no terminal.
const lineInterval = 5 * time.Second

// progress tells on standard error how far a job is: a bar on a terminal, a line every few seconds
// elsewhere. It is safe for concurrent use. Logs written to it do not run into the bar.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	bar      *progressbar.ProgressBar // nil while there is none
	stage    string
	begun    time.Time // of the stage
	told     time.Time
	done     int // the highest that was shown of the stage
}

func newProgress(c *cli.Context) *progress {
	p := &progress{w: c.App.ErrWriter}
	if f, ok := p.w.(interface{ Fd() uintptr }); ok {
		p.terminal = term.IsTerminal(int(f.Fd()))
	}
	return p
}

// show says that done of total are through in a stage; note is added, if there is one. Calls may come
// out of order.
func (p *progress) show(stage string, done, total int, note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stage != p.stage {
		p.clear()
		p.stage, p.begun, p.told, p.done = stage, time.Now(), time.Now(), 0
	}
	if total <= 0 || done < p.done {
		return
	}
	p.done = done
	description := stage
	if note != "" {
		description += " (" + note + ")"
	}
	if p.terminal {
		if p.bar == nil {
			p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.w), progressbar.OptionShowCount(),
				progressbar.OptionShowIts(), progressbar.OptionSetWidth(24), progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
		}
		p.bar.Describe(description)
		_ = p.bar.Set(done) // it fails only beyond the total
		return
	}
	if time.Since(p.told) >= lineInterval {
		p.told = time.Now()
		fmt.Fprintf(p.w, "%s: %d of %d, %.1f/s\n", description, done, total, float64(done)/time.Since(p.begun).Seconds())
	}
}

// clear takes the bar away.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear() // nothing can be done about a terminal that is gone
		p.bar = nil
	}
}

// end takes the bar away for good.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.stage = ""
}

// Write implements io.Writer for logs: the bar makes room for a line and comes back.
func (p *progress) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return p.w.Write(line)
}

// say writes a line for people.
func (p *progress) say(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// logger writes to the progress.
func (p *progress) logger() *slog.Logger { return slog.New(slog.NewTextHandler(p, nil)) }

// logger writes to standard error.
func logger(c *cli.Context) *slog.Logger { return slog.New(slog.NewTextHandler(c.App.ErrWriter, nil)) }
