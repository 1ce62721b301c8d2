package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	// program is the real program, built once.
	program string
	// tiny is the file of the tests' model, see writeTinyModel.
	tiny string
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kleid-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		scratch = dir
		// No flag is set from outside, but for the model.
		for _, variable := range os.Environ() {
			if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "KLEID_") {
				os.Unsetenv(name)
			}
		}
		tiny = filepath.Join(dir, "tiny.safetensors")
		os.Setenv("KLEID_MODELS", tiny)
		err = writeTinyModel(tiny, 1)
	}
	if err == nil {
		program = filepath.Join(dir, "kleid.exe")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// result is what a run of the program left.
type result struct {
	code           int
	stdout, stderr string
}

// kleid runs the program in this process.
func kleid(t *testing.T, args ...string) result {
	t.Helper()
	return kleidReading(t, strings.NewReader(""), args...)
}

func kleidReading(t *testing.T, stdin io.Reader, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append([]string{"kleid"}, args...), stdin, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}
