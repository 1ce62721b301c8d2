package bench

import (
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/models"
)

// trainCommand measures forward, backward and AdamW's update of a backbone with a classifier of
// ten classes.
func trainCommand() *cli.Command {
	return &cli.Command{
		Name: "train", Usage: "images a second through a training step", Flags: networkFlags(),
		Description: "Example:\n  kleid bench train --network resnet18 --batch 16 --size 128",
		Action:      train,
	}
}

func train(c *cli.Context) error {
	const classes = 10
	backbone, err := networkOf(c)
	if err != nil {
		return err
	}
	backend, err := open.Backend(c)
	if err != nil {
		return err
	}
	f := NetworkFigures{Network: backbone.Name, Precision: string(float32Precision), Batch: c.Int("batch"), Size: c.Int("size")}
	targets := make([]float32, f.Batch*classes)
	for i := range f.Batch {
		targets[i*classes+i%classes] = 1
	}
	x, y := randomImages(f.Batch, f.Size), tensors.FromFlatDataAndDimensions(targets, f.Batch, classes)
	trainer, err := models.NewTrainer(backend, func(net *models.Net, inputs []*graph.Node) []*graph.Node {
		features := backbone.Features(net, inputs[0])
		return []*graph.Node{models.CrossEntropy(net.Linear("classes", features, classes), inputs[1])}
	}, models.TrainerOptions{Seed: 1})
	if err != nil {
		return err
	}
	err = f.measure(c.Context, c.Float64("seconds"), func() error {
		_, err := trainer.Step(1e-4, x, y)
		return err
	})
	if err != nil {
		return err
	}
	return f.print(c)
}
