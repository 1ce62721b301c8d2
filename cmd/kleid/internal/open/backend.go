package open

import (
	"runtime"
	"strings"

	"github.com/gomlx/gomlx/backends"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/compute"
)

// BackendFlag says what computes.
func BackendFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "backend", Value: "auto", EnvVars: flags.Env("backend"),
		Usage: "what computes: auto, cpu, xla:cuda, xla:cpu or xla:`PLUGIN`; auto is cpu, or CUDA where a build with XLA finds it",
	}
}

// ThreadsFlag says on how many CPUs.
func ThreadsFlag() cli.Flag {
	return &cli.IntFlag{Name: "threads", EnvVars: flags.Env("threads"), Usage: "`N` CPUs to use at most", DefaultText: "all"}
}

// Backend makes the backend of --backend, and keeps to --threads from here on.
func Backend(c *cli.Context) (backends.Backend, error) {
	if err := flags.NotNegative(c, "threads"); err != nil {
		return nil, err
	}
	if threads := c.Int("threads"); threads > 0 {
		runtime.GOMAXPROCS(threads)
	}
	name := c.String("backend")
	plugin, isXLA := strings.CutPrefix(name, "xla:")
	switch {
	case name == "auto":
		if backend := accelerator(); backend != nil {
			return backend, nil
		}
		return compute.New("")
	case name == "cpu":
		return compute.New("")
	case isXLA && plugin != "":
		return newXLA(plugin)
	}
	return nil, exit.WrongUsage(c, "there is no backend %q: use auto, cpu, xla:cuda or xla:cpu", name)
}
