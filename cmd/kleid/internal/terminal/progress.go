// Package terminal is how commands talk to people, or to what reads logs: progress, lines, questions, and texts that do nothing
// to a terminal.
package terminal

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/models/training/loop"
)

// lineInterval is how often a line tells of the progress where there is no terminal.
const lineInterval = 5 * time.Second

// Progress tells on standard error how far a job is: a bar on a terminal, a line every few seconds
// elsewhere. It is safe for concurrent use. Logs written to it do not run into the bar.
type Progress struct {
	mu         sync.Mutex
	w          io.Writer
	terminal   bool
	Structured bool                     // logs are JSON, and so is what would be a line
	interval   time.Duration            // between two pictures of the bar
	bar        *progressbar.ProgressBar // nil while there is none
	stage      string
	begun      time.Time // of the stage
	told       time.Time // when the last line was
	done       int       // the highest that was shown of the stage

	description string // of the bar
}

// NewProgress is the progress of a command.
func NewProgress(c *cli.Context) *Progress {
	p := &Progress{w: c.App.ErrWriter, interval: 100 * time.Millisecond, Structured: c.String(LogFormat) == "json"}
	p.terminal = !p.Structured && isTerminal(p.w)
	return p
}

// Show says that done of total are through in a stage; note is added, if there is one. Calls may come
// out of order.
func (p *Progress) Show(stage string, done, total int, note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.enter(stage, done, total) {
		return
	}
	description := stage
	if note != "" {
		description += " (" + note + ")"
	}
	if p.terminal {
		p.draw(description, done, total, progressbar.OptionShowIts(), progressbar.OptionSetItsString("photos"), progressbar.OptionSetPredictTime(true))
		return
	}
	if time.Since(p.told) >= lineInterval {
		p.told = time.Now()
		perSecond := float64(done) / time.Since(p.begun).Seconds()
		if p.Structured {
			left := "unknown"
			if done > 0 {
				left = time.Duration(float64(total-done) / perSecond * float64(time.Second)).Round(time.Second).String()
			}
			NewLogger(p.w, true).Info("progress", "stage", stage, "done", done, "of", total, "per_second", perSecond, "left", left, "note", note)
			return
		}
		fmt.Fprintf(p.w, "%s: %d of %d, %.1f/s\n", description, done, total, perSecond)
	}
}

// enter begins a stage, if it is another one, and says whether there is something to show.
func (p *Progress) enter(stage string, done, total int) bool {
	if stage != p.stage {
		p.clear()
		p.stage, p.begun, p.told, p.done = stage, time.Now(), time.Now(), 0
	}
	if total <= 0 || done < p.done {
		return false
	}
	p.done = done
	return true
}

// WatchTraining is what is told of a training's steps: nil without a terminal, where it logs.
func (p *Progress) WatchTraining() func(stage string, t loop.Progress) {
	if !p.terminal {
		return nil
	}
	return func(stage string, t loop.Progress) {
		p.mu.Lock()
		defer p.mu.Unlock()
		first := stage != p.stage
		if !p.enter(stage, t.Step, t.Steps) || (!first && time.Since(p.told) < p.interval && t.Step != t.Steps) {
			return
		}
		p.told = time.Now()
		p.draw(describeTraining(stage, t), t.Step, t.Steps, progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
	}
}

// describeTraining names the stage, its speed, the time left, its loss, and what was last validated.
func describeTraining(stage string, t loop.Progress) string {
	d := stage
	if t.PerSecond > 0 {
		d += fmt.Sprintf(": %.1f images/s, %v left", t.PerSecond, t.Left.Round(time.Second))
	}
	if len(t.Losses) > 0 {
		d += fmt.Sprintf(", loss %.4f", t.Losses[0])
	}
	if t.History != nil && len(t.History.Validations) > 0 {
		d += fmt.Sprintf(", %s %.4f", t.History.Metric, t.History.Validations[len(t.History.Validations)-1].Value)
	}
	return d
}

// draw moves the bar, or makes one with options. Errors are of a terminal that is gone.
func (p *Progress) draw(description string, done, total int, options ...progressbar.Option) {
	switch {
	case p.bar == nil:
		p.bar = progressbar.NewOptions(total, append(options, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(description),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(24), progressbar.OptionThrottle(p.interval), progressbar.OptionClearOnFinish())...)
	case description != p.description:
		p.bar.Describe(description)
	}
	p.description = description
	_ = p.bar.Set(done)
}

// End takes the bar away.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.stage = ""
}

func (p *Progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// Write implements io.Writer for logs: the bar makes room for a line and comes back.
func (p *Progress) Write(line []byte) (int, error) {
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

// Say writes a line for people.
func (p *Progress) Say(format string, args ...any) {
	if p.Structured {
		p.Logger().Info(fmt.Sprintf(format, args...))
		return
	}
	fmt.Fprintln(p, WithoutEscapes(fmt.Sprintf(format, args...)))
}

// Say writes a line for people where nothing is in progress.
func Say(c *cli.Context, format string, args ...any) { NewProgress(c).Say(format, args...) }

// Logger writes to the progress.
func (p *Progress) Logger() *slog.Logger { return NewLogger(p, p.Structured) }

// Logger writes to standard error.
func Logger(c *cli.Context) *slog.Logger {
	return NewLogger(c.App.ErrWriter, c.String(LogFormat) == "json")
}

// NewLogger logs JSON, or text for people, who want four digits of a number.
func NewLogger(w io.Writer, structured bool) *slog.Logger {
	if structured {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindFloat64 {
			a.Value = slog.StringValue(strconv.FormatFloat(a.Value.Float64(), 'g', 4, 64))
		}
		return a
	}}))
}

// LogFormat is a flag of every command.
const LogFormat = "log-format"

// LogFormatFlag is LogFormat.
func LogFormatFlag() cli.Flag {
	return &cli.StringFlag{Name: LogFormat, Value: "text", EnvVars: flags.Env(LogFormat), Usage: "`FORMAT` of logs and progress on standard error: text, or json with a line for each"}
}
