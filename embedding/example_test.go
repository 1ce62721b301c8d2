package embedding_test

import (
	"context"
	"fmt"

	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// What the default model sees in two photos: one of a dress, here a painted one, and one of an empty room.
func Example() {
	if err := embed(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ok: 512 numbers say what it shows, 512 what people call alike
	// sleeve: sleeveless, in truth sleeveless
	// no_dress
}

func embed(ctx context.Context) error {
	model, err := models.Default()
	if err != nil {
		return err
	}
	backend, err := compute.New("")
	if err != nil {
		return err
	}
	defer backend.Finalize()
	embedder, err := embedding.New(backend, model)
	if err != nil {
		return err
	}

	dress := studio.Products("demo", 1, 1)[0]
	var inputs []embedding.Input
	for _, painted := range []studio.Photo{dress.Paint(studio.Shot{}), studio.Background(1, studio.Shot{})} {
		file, err := painted.JPEG()
		if err != nil {
			return err
		}
		image, err := photo.Open(file, photo.DefaultLimits())
		if err != nil {
			return err
		}
		inputs = append(inputs, embedding.Input{Image: image})
	}
	photos, err := embedder.Embed(ctx, inputs)
	if err != nil {
		return err
	}

	found, room := photos[0], photos[1]
	fmt.Printf("%s: %d numbers say what it shows, %d what people call alike\n", found.Status, len(found.Unsupervised), len(found.DeepRank))
	for _, f := range found.Facets {
		if f.Name == "sleeve" {
			fmt.Printf("sleeve: %s, in truth %s\n", f.Label, dress.Facets["sleeve"])
		}
	}
	fmt.Println(room.Status)
	return nil
}
