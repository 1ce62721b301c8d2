//go:build unix

package main

import (
	"bytes"
	"net/http"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what takes a moment. A busy machine may need long; only a broken
// program needs all of it.
const (
	patience = time.Minute
	glance   = 5 * time.Millisecond // between two looks
)

// process is a real program that runs beside the test, and ends with it.
type process struct {
	command *exec.Cmd
	stdout  bytes.Buffer
	stderr  text
	ended   chan struct{} // closed when it has ended; then stdout is complete
}

// text can be read while a process writes it.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *text) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *text) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{command: exec.Command(program, args...), ended: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = &p.stdout, &p.stderr
	require.NoError(t, p.command.Start())
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // the exit code says more
	}()
	t.Cleanup(func() { p.signal(syscall.SIGKILL); <-p.ended })
	return p
}

// signal sends a signal; a process that has ended does not mind.
func (p *process) signal(s syscall.Signal) { _ = p.command.Process.Signal(s) }

// end waits for the exit code; -1 after a signal that killed it.
func (p *process) end(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.Fail(t, "the program does not end", p.stderr.String())
	}
	return p.command.ProcessState.ExitCode()
}

var served = regexp.MustCompile(`serves (http://\S+/)`)

// url waits until the program serves, and returns the address.
func (p *process) url(t *testing.T) string {
	t.Helper()
	var url string
	require.Eventually(t, func() bool {
		select {
		case <-p.ended:
			return true
		default:
		}
		match := served.FindStringSubmatch(p.stderr.String())
		if match == nil {
			return false
		}
		response, err := http.Get(match[1] + "readyz")
		if err != nil {
			return false
		}
		response.Body.Close()
		url = match[1]
		return response.StatusCode == http.StatusOK
	}, patience, glance)
	require.NotEmpty(t, url, p.stderr.String())
	return url
}
