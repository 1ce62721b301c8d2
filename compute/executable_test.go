package compute_test

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/gomlx/gomlx/pkg/ml/train"
	"github.com/gomlx/gomlx/pkg/ml/train/losses"
	"github.com/gomlx/gomlx/pkg/ml/train/optimizers"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/compute/kernels"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		config  string
		threads int
		message string
	}{
		{"", 0, ""}, {"threads=3", 3, ""}, {" threads = 2 ,", 2, ""},
		{"threads=1024", 1024, ""},
		{"threads=0", 0, "from 1 to 1024"}, {"threads=many", 0, `got "many"`}, {"threads", 0, "from 1 to 1024"}, {"threads=1025", 0, "from 1 to 1024"}, {"fast", 0, `unknown option "fast"`},
	} {
		options, err := compute.ParseOptions(c.config)
		if c.message != "" {
			require.ErrorContains(t, err, c.message)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.threads, options.Threads, c.config)
	}
	require.Contains(t, backends.List(), compute.Name)
}

// Executions of one executable at the same time do not see each other.
func TestConcurrentExecutions(t *testing.T) {
	backend := newBackend(t, "threads=2")
	exec, err := NewExec(backend, func(x *Node) *Node { return frozenResNet18(x, 3) })
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(51, 52))
	const photos = 4
	inputs := make([]*tensors.Tensor, photos)
	want := make([][]float64, photos)
	for i := range inputs {
		inputs[i] = random(rng, dtypes.Float32, 1, 32, 32, 3)
		out, err := exec.Exec(inputs[i])
		require.NoError(t, err)
		want[i] = values(t, out[0])
	}
	var done sync.WaitGroup
	for i := range photos * 2 {
		done.Go(func() {
			for range 5 {
				out, err := exec.Exec(inputs[i%photos])
				if err != nil {
					t.Error(err)
					return
				}
				for j, v := range values(t, out[0]) {
					if v != want[i%photos][j] {
						t.Errorf("photo %d, feature %d: alone %v, beside others %v", i%photos, j, want[i%photos][j], v)
						return
					}
				}
			}
		})
	}
	done.Wait()
}

// Executions that have begun when their executable or the backend is finalized end as they would, later
// ones fail: run it under the race detector (scripts/race).
func TestFinalizeBesideExecutions(t *testing.T) {
	const size, photos = 1 << 15, 4
	for name, finalize := range map[string]func(backend backends.Backend, exec backends.Executable){
		"executable": func(_ backends.Backend, exec backends.Executable) { exec.Finalize() },
		"backend":    func(backend backends.Backend, _ backends.Executable) { backend.Finalize() },
	} {
		t.Run(name, func(t *testing.T) {
			backend := newBackend(t, "threads=2")
			b := backend.Builder("exponents")
			x, err := b.Parameter("x", shapes.Make(dtypes.Float32, size), nil)
			require.NoError(t, err)
			y, err := b.Exp(x)
			require.NoError(t, err)
			sum, err := b.ReduceSum(y, 0)
			require.NoError(t, err)
			exec, err := b.Compile([]backends.Op{sum}, nil)
			require.NoError(t, err)
			in, err := backend.BufferFromFlatData(0, make([]float32, size), shapes.Make(dtypes.Float32, size))
			require.NoError(t, err)
			var done, begun sync.WaitGroup
			begun.Add(photos)
			for range photos {
				done.Go(func() {
					for i := 0; ; i++ {
						_, err := exec.Execute([]backends.Buffer{in}, nil, 0)
						if i == 0 {
							begun.Done()
						}
						if err == nil {
							continue
						}
						if !strings.Contains(err.Error(), "is finalized") {
							t.Error(err)
						}
						return
					}
				})
			}
			begun.Wait()
			finalize(backend, exec)
			done.Wait()
		})
	}
}

func liveMemory() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// Ten thousand executions, with inputs that are not finalized by hand, leave no memory behind.
func TestMemoryDoesNotGrow(t *testing.T) {
	backend := newBackend(t, "")
	exec, err := NewExec(backend, func(x *Node) *Node {
		y := MaxPool(Convolve(x, ConstTensor(x.Graph(), random(rand.New(rand.NewPCG(1, 1)), dtypes.Float32, 3, 3, 3, 16))).PadSame().Done()).Window(2).Done()
		return ReduceMean(Max(y, ZerosLike(y)), 1, 2)
	})
	require.NoError(t, err)
	x := random(rand.New(rand.NewPCG(1, 2)), dtypes.Float32, 1, 32, 32, 3)
	executions := func(n int) {
		for range n {
			out, err := exec.Exec(x)
			require.NoError(t, err)
			out[0].MustFinalizeAll()
		}
	}
	executions(100)
	before := liveMemory()
	executions(10_000)
	after := liveMemory()
	require.Less(t, float64(after), float64(before)+256<<10, "%d bytes before, %d after 10,000 executions", before, after)
}

// Nor do training steps, which donate the variables.
func TestMemoryDoesNotGrowInTraining(t *testing.T) {
	backend := newBackend(t, "")
	ctx := context.New()
	trainer := train.NewTrainer(backend, ctx, smallConvNet, losses.SparseCategoricalCrossEntropyLogits, optimizers.Adam().Done(), nil, nil)
	rng := rand.New(rand.NewPCG(1, 2))
	steps := func(n int) {
		for range n {
			photos, labels := brightSpots(rng, 4)
			metrics, err := trainer.TrainStep(nil, []*tensors.Tensor{photos}, []*tensors.Tensor{labels})
			require.NoError(t, err)
			for _, m := range metrics {
				m.MustFinalizeAll()
			}
			photos.MustFinalizeAll()
			labels.MustFinalizeAll()
		}
	}
	steps(30)
	before := liveMemory()
	steps(300)
	after := liveMemory()
	require.Less(t, float64(after), float64(before)+256<<10, "%d bytes before, %d after 300 steps", before, after)
}

// A network that is compiled for several batch sizes has its weights in memory once.
func TestConstantsAreShared(t *testing.T) {
	backend := newBackend(t, "")
	weights := random(rand.New(rand.NewPCG(1, 1)), dtypes.Float32, 3, 3, 256, 512) // 4.5 MiB
	x := func(batch int) *tensors.Tensor {
		return tensors.FromShape(shapes.Make(dtypes.Float32, batch, 4, 4, 256))
	}
	exec, err := NewExec(backend, func(x *Node) *Node { return Convolve(x, ConstTensor(x.Graph(), weights)).Done() })
	require.NoError(t, err)
	var used []uint64
	for _, batch := range []int{1, 2, 3, 4} {
		_, err := exec.Exec(x(batch))
		require.NoError(t, err)
		used = append(used, liveMemory())
	}
	runtime.KeepAlive(exec)
	require.Less(t, float64(used[3]), float64(used[0])+2<<20, "%v bytes", used)
}

// Every instruction set gives the values of the plain one.
func TestInstructionSets(t *testing.T) {
	x := random(rand.New(rand.NewPCG(61, 62)), dtypes.Float32, 2, 40, 40, 3)
	var want []float64
	for _, level := range kernels.VectorLevels() {
		restore := kernels.SetActive(level)
		backend := newBackend(t, "")
		got := values(t, run(t, backend, func(in []*Node) []*Node { return []*Node{frozenResNet18(in[0], 1)} }, x)[0])
		restore()
		if want == nil {
			want = got
		}
		requireClose(t, want, got, 1e-5, "%v", level)
	}
}

func TestMisuseIsAnError(t *testing.T) {
	backend := newBackend(t, "")
	builder := backend.Builder("misuse")
	x, err := builder.Parameter("x", shapes.Make(dtypes.Float32, 2, 3), nil)
	require.NoError(t, err)
	_, err = builder.Constant([]float32{1, 2, 3}, 2)
	require.ErrorContains(t, err, "3 values")
	_, err = builder.Parameter("z", shapes.Make(dtypes.Complex64, 2), nil)
	require.ErrorContains(t, err, "Complex64")
	_, err = builder.Pad(x, x)
	require.ErrorContains(t, err, "Pad")
	other, err := backend.Builder("other").Parameter("y", shapes.Make(dtypes.Float32, 2, 3), nil)
	require.NoError(t, err)
	_, err = builder.Add(x, other)
	require.ErrorContains(t, err, `belongs to graph "other"`)
	y, err := builder.Add(x, x)
	require.NoError(t, err)
	exec, err := builder.Compile([]backends.Op{y}, nil)
	require.NoError(t, err)
	_, err = builder.Add(x, x)
	require.ErrorContains(t, err, "compiled already")

	_, err = exec.Execute(nil, nil, 0)
	require.ErrorContains(t, err, "takes 1 inputs, got 0")
	wrong, err := backend.BufferFromFlatData(0, []float32{1, 2}, shapes.Make(dtypes.Float32, 2))
	require.NoError(t, err)
	_, err = exec.Execute([]backends.Buffer{wrong}, nil, 0)
	require.ErrorContains(t, err, "compiled for")
	right, err := backend.BufferFromFlatData(0, []float32{1, 2, 3, 4, 5, 6}, shapes.Make(dtypes.Float32, 2, 3))
	require.NoError(t, err)
	out, err := exec.Execute([]backends.Buffer{right}, []bool{true}, 0)
	require.NoError(t, err)
	flat, err := backend.BufferData(out[0])
	require.NoError(t, err)
	require.Equal(t, []float32{2, 4, 6, 8, 10, 12}, flat)
	_, err = exec.Execute([]backends.Buffer{right}, nil, 0)
	require.ErrorContains(t, err, "finalized or donated")
	require.NoError(t, backend.BufferFinalize(out[0]))
	require.Error(t, backend.BufferFinalize(out[0]))
	_, err = backend.BufferFromFlatData(1, []float32{1}, shapes.Make(dtypes.Float32))
	require.ErrorContains(t, err, "one device")
	exec.Finalize()
	_, err = exec.Execute([]backends.Buffer{wrong}, nil, 0)
	require.ErrorContains(t, err, "finalized")
}

// Zero-sized tensors go through.
func TestEmptyTensors(t *testing.T) {
	backend := newBackend(t, "")
	b := backend.Builder("empty")
	x, err := b.Parameter("x", shapes.Make(dtypes.Float32, 0, 3), nil)
	require.NoError(t, err)
	y, err := b.Add(x, x)
	require.NoError(t, err)
	sum, err := b.ReduceSum(y, 0)
	require.NoError(t, err)
	turned, err := b.Transpose(x, 1, 0)
	require.NoError(t, err)
	exec, err := b.Compile([]backends.Op{y, sum, turned}, nil)
	require.NoError(t, err)
	in, err := backend.BufferFromFlatData(0, []float32{}, shapes.Make(dtypes.Float32, 0, 3))
	require.NoError(t, err)
	out, err := exec.Execute([]backends.Buffer{in}, nil, 0)
	require.NoError(t, err)
	flat, err := backend.BufferData(out[1])
	require.NoError(t, err)
	require.Equal(t, []float32{0, 0, 0}, flat)
}

// What has no rows has none after it is combined with a row for each.
func TestEmptyBroadcasts(t *testing.T) {
	x := tensors.FromShape(shapes.Make(dtypes.Float32, 0, 3))
	for _, config := range []string{"", "unfused"} {
		got := run(t, newBackend(t, config), func(in []*Node) []*Node {
			row := Const(in[0].Graph(), [][]float32{{1, 2, 3}})
			sum := Add(in[0], row)
			return []*Node{sum, Tanh(Sub(row, in[0])), GreaterThan(in[0], row), ReduceSum(sum, 0), Where(GreaterThan(sum, row), sum, in[0])}
		}, x)
		for i, dims := range [][]int{{0, 3}, {0, 3}, {0, 3}, {3}, {0, 3}} {
			require.Equal(t, dims, got[i].Shape().Dimensions, "output %d", i)
		}
		require.Equal(t, []float64{0, 0, 0}, values(t, got[3]))
	}
}
