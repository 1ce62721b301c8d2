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
	interval time.Duration            // between two pictures of the bar
	bar      *progressbar.ProgressBar // nil while there is none
	stage    string
	begun    time.Time // of the stage
	told     time.Time // when the last line was
	done     int       // the highest that was shown of the stage

	description string // of the bar
}

func newProgress(c *cli.Context) *progress {
	p := &progress{w: c.App.ErrWriter, interval: 100 * time.Millisecond}
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
		p.draw(description, done, total)
		return
	}
	if time.Since(p.told) >= lineInterval {
		p.told = time.Now()
		fmt.Fprintf(p.w, "%s: %d of %d, %.1f/s\n", description, done, total, float64(done)/time.Since(p.begun).Seconds())
	}
}

// draw moves the bar. Errors are of a terminal that is gone.
func (p *progress) draw(description string, done, total int) {
	switch {
	case p.bar == nil:
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(description),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("photos"),
			progressbar.OptionSetWidth(24), progressbar.OptionThrottle(p.interval),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
	case description != p.description:
		p.bar.Describe(description)
	}
	p.description = description
	_ = p.bar.Set(done)
}

// end takes the bar away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.stage = ""
}

func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// Write implements io.Writer for logs: the bar makes room for a line and comes back.
func (p *progress) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		return p.w.Write(line)
	}
	_ = p.bar.Clear()
	n, err := p.w.Write(line)
	_ = p.bar.RenderBlank()
	return n, err
}

// say writes a line for people.
func (p *progress) say(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// logger writes to the progress.
func (p *progress) logger() *slog.Logger { return slog.New(slog.NewTextHandler(p, nil)) }

// logger writes to standard error.
func logger(c *cli.Context) *slog.Logger { return slog.New(slog.NewTextHandler(c.App.ErrWriter, nil)) }
