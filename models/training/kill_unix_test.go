//go:build unix

package training

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/models/training/report"
	"github.com/kleid-search/kleid/storage"
)

// workVariable names the folder in which this test's other process trains.
const workVariable = "KLEID_TEST_TRAINING_WORK"

// TestTrainingProcess is the other process of TestKilledTrainingGoesOn, and nothing on its own: it trains a tiny
// model, writes a line for each step, and waits for a line before it goes on.
func TestTrainingProcess(t *testing.T) {
	dir := os.Getenv(workVariable)
	if dir == "" {
		t.Skip("only TestKilledTrainingGoesOn starts it")
	}
	options := tiny(t)
	var err error
	options.Work, err = storage.Open(t.Context(), dir)
	require.NoError(t, err)
	options.Heads = []string{"facets"}
	options.Steps = 12
	options.Trunk.HalfSteps, options.Trunk.FullSteps = 4, 2
	update := models.Update{ClipNorm: 1, EMA: 0.9}
	options.Trunk.Loop.Update, options.Loop.Update = update, update
	options.Trunk.Loop.Accumulate, options.Loop.Accumulate = 2, 2
	// Not after every step, so that some are lost.
	options.Trunk.CheckpointEvery, options.Loop.CheckpointEvery = 300*time.Millisecond, 500*time.Microsecond
	answers := bufio.NewReader(os.Stdin)
	options.Watch = func(stage string, p loop.Progress) {
		if p.History != nil {
			fmt.Printf("step %s %d\n", stage, p.Step)
			_, _ = answers.ReadString('\n') // without an answer the parent is gone, and so is this process soon
		}
	}
	_, err = Make(t.Context(), options)
	require.NoError(t, err)
}

// trainUntil runs the other process in a folder, to its end, or, as a power cut would, kills it at some moment after
// a step.
func trainUntil(t *testing.T, dir, last string) (steps []string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTrainingProcess$", "-test.v")
	command.Env = append(os.Environ(), workVariable+"="+dir, "TMPDIR="+t.TempDir()) // the killed leaves its own behind
	answers, err := command.StdinPipe()
	require.NoError(t, err)
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	var rest strings.Builder
	killed := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		step, ok := strings.CutPrefix(lines.Text(), "step ")
		if !ok {
			fmt.Fprintln(&rest, lines.Text())
			continue
		}
		steps = append(steps, step)
		if killed { // it waits for an answer to its next step, or is dead
			continue
		}
		_, err := fmt.Fprintln(answers)
		require.NoError(t, err)
		if step == last {
			require.NoError(t, command.Process.Kill())
			killed = true
		}
	}
	if err := command.Wait(); !killed {
		require.NoError(t, err, rest.String())
	}
	return steps
}

func curvesOf(t *testing.T, dir string) map[string][]report.Curve {
	t.Helper()
	work, err := storage.Open(t.Context(), dir)
	require.NoError(t, err)
	data, err := storage.ReadAll(t.Context(), work, report.Key, 1<<24)
	require.NoError(t, err)
	var r report.Report
	require.NoError(t, json.Unmarshal(data, &r))
	curves := map[string][]report.Curve{}
	for _, s := range r.Stages {
		require.Equal(t, report.Done, s.State)
		for _, c := range s.Curves {
			if c.Name != report.CurveSpeed {
				curves[s.Name] = append(curves[s.Name], c)
			}
		}
	}
	return curves
}

// TestKilledTrainingGoesOn kills a process that trains, in the trunk and in a head, and lets it go on: the losses
// of all steps, and the model, are those of an undisturbed training, bit for bit.
func TestKilledTrainingGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("-short starts no other processes that train")
	}
	undisturbed, killed := t.TempDir(), t.TempDir()
	trainUntil(t, undisturbed, "")
	for _, last := range []string{"trunk 4", "facets 8"} {
		steps := trainUntil(t, killed, last)
		require.Contains(t, steps, last)
		require.NotContains(t, steps, "facets 12", "it ended before it was killed")
	}
	steps := trainUntil(t, killed, "")
	require.NotContains(t, steps, "trunk 1", "the trunk is not trained again")
	require.Less(t, len(steps), 12, "nor are all steps of the head")

	want, got := curvesOf(t, undisturbed), curvesOf(t, killed)
	require.Equal(t, want, got)
	require.Len(t, want["trunk"][0].Values, 6)
	require.Len(t, want["facets"][0].Values, 12)
	for _, dir := range []string{undisturbed, killed} {
		files, err := fs.Glob(os.DirFS(dir), "stages/*.checkpoint.safetensors")
		require.NoError(t, err)
		require.Empty(t, files, "what is done needs no checkpoint")
	}
	model := func(dir string) []byte {
		data, err := os.ReadFile(path.Join(dir, modelKey))
		require.NoError(t, err)
		return data
	}
	require.Equal(t, model(undisturbed), model(killed))
}
