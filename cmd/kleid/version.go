package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/models"
)

// version is set when building: -ldflags "-X main.version=…".
var version = "development"

// versionReport is what `version --json` prints. The fingerprints are missing in a program without weights.
type versionReport struct {
	Version        string `json:"version"`
	Go             string `json:"go"`
	Platform       string `json:"platform"`
	CPU            string `json:"cpu"`
	EmbeddingModel string `json:"embedding_model,omitempty"`
	FacetModel     string `json:"facet_model,omitempty"`
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version, and the fingerprints of the model in the program",
		Description: "Example:\n  kleid version --json",
		Flags:       []cli.Flag{flags.JSON()},
		Action:      printVersion,
	}
}

func printVersion(c *cli.Context) error {
	report := versionReport{
		Version: c.App.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: compute.NewWithOptions(compute.Options{}).Description(),
	}
	model := "none"
	if m, err := models.Default(); err == nil {
		report.EmbeddingModel, report.FacetModel = m.EmbeddingModel(), m.FacetModel()
		model = fmt.Sprintf("embedding %s, facets %s", report.EmbeddingModel, report.FacetModel)
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(report)
	}
	_, err := fmt.Fprintf(c.App.Writer, "kleid %s (%s, %s)\n%s\nmodel: %s\n", report.Version, report.Go, report.Platform, report.CPU, model)
	return err
}
