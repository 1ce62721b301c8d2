// Package milvustest starts a Milvus Lite server for tests: a real Milvus API in one process.
package milvustest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
)

// startTimeout is long: on a busy machine Python alone takes seconds to read the server's modules.
const startTimeout = 2 * time.Minute

// program runs the server as `python -m milvus_lite` does, and ends it when the tests' process is gone,
// however that ended: the read of standard input, a pipe from there, then returns.
const program = `
import os, runpy, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
runpy.run_module("milvus_lite", run_name="__main__", alter_sys=True)
`

// Start starts a server with an empty folder and returns its address, host:port, when it answers. It
// ends with the test. Without the tests' Python environment the test is skipped.
func Start(tb testing.TB) (address string) {
	tb.Helper()
	return StartIn(tb, tb.TempDir()).Address
}

// Server is a running server.
type Server struct {
	Address string // host:port
	tb      testing.TB
	python  string
	dataDir string
	command *exec.Cmd
	stop    context.CancelFunc
	ended   chan struct{}
	err     error // why it ended
}

// StartIn starts a server whose data is in a folder, which may have been another server's before.
func StartIn(tb testing.TB, dataDir string) *Server {
	tb.Helper()
	python, err := interpreter()
	if err != nil {
		tb.Skipf("Milvus Lite is missing (%v): run scripts/venv", err)
	}
	s := &Server{tb: tb, python: python, dataDir: dataDir}
	// A free port may be taken by another before the server has it.
	for attempt := 1; ; attempt++ {
		if err = s.start(); err == nil {
			break
		}
		if attempt == 3 {
			tb.Fatalf("Milvus Lite does not start: %v", err)
		}
	}
	tb.Cleanup(s.Kill)
	return s
}

// Restart kills the server and starts it on the same port with the same data.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	if err := s.startAt(s.Address); err != nil {
		s.tb.Fatalf("Milvus Lite does not start again: %v", err)
	}
}

// Kill ends the server without warning. Killing it twice does no harm.
func (s *Server) Kill() {
	s.stop()
	<-s.ended
}

func (s *Server) start() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return err
	}
	return s.startAt(address)
}

func (s *Server) startAt(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.tb.TempDir(), "milvus-lite.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	ctx, stop := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, s.python, "-c", program, "server",
		"--data-dir", s.dataDir, "--host", "127.0.0.1", "--port", port, "--max-workers", "1")
	command.Stdout, command.Stderr = log, log
	ownGroup(command)
	input, err := command.StdinPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		stop()
		return err
	}
	s.Address, s.command, s.stop, s.ended = address, command, stop, make(chan struct{})
	answering, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	go func() {
		s.err = command.Wait()
		input.Close()
		cancel()
		close(s.ended)
	}()
	if err := answers(answering, address); err != nil {
		s.Kill()
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w (%v): %s", err, s.err, text)
	}
	return nil
}

// answers waits until the server answers: the client dials until it does.
func answers(ctx context.Context, address string) error {
	c, err := client.NewClient(ctx, client.Config{Address: address})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.GetVersion(ctx)
	return err
}

// interpreter finds the Python environment that scripts/venv makes.
func interpreter() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for !isFile(filepath.Join(root, "go.mod")) {
		parent := filepath.Dir(root)
		if parent == root {
			return "", errors.New("the test does not run inside the repository")
		}
		root = parent
	}
	python := filepath.Join(root, ".venv", "bin", "python")
	if runtime.GOOS == "windows" {
		python = filepath.Join(root, ".venv", "Scripts", "python.exe")
	}
	// scripts/venv writes this file last.
	if stamp := filepath.Join(root, ".venv", "requirements.txt"); !isFile(stamp) {
		return "", &fs.PathError{Op: "stat", Path: ".venv", Err: fs.ErrNotExist}
	}
	return python, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// URL is the store's URL for an alias on a server.
func URL(address, alias string) string { return "milvus://" + address + "/" + alias }
