package main

import (
	"math/rand/v2"
	"os"

	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
)

// writeTinyModel writes a model that has learned nothing, is quick, and is known in what it finds: any photo
// with something in it has a dress that fills it, an evenly grey photo has none. Vectors and facets
// come from random weights, so that they depend on every part of the photo.
func writeTinyModel(path string, seed uint64) error {
	backend, err := compute.New("")
	if err != nil {
		return err
	}
	config := models.DefaultConfig()
	config.CropHeight, config.CropWidth = 96, 32
	config.Scales = [][2]int{{64, 48}}
	config.EmbeddingSize = 32
	for _, f := range datasets.Facets() {
		config.Facets = append(config.Facets, models.FacetConfig{Facet: f, Temperature: 1, Threshold: 0.5})
	}
	model := &models.Model{Config: config}
	backbone, err := model.Trunk()
	if err != nil {
		return err
	}
	// A step at rate 0 makes all weights and changes none but the running statistics.
	trainer, err := models.NewTrainer(backend, func(net *models.Net, inputs []*graph.Node) []*graph.Node {
		features := backbone.Build(net.In("trunk"), inputs[0])
		loss := graph.Add(graph.ReduceAllSum(models.BackgroundHead(net, features)), graph.ReduceAllSum(models.LocationHead(net, features)))
		cells := config.Cells(features)
		loss = graph.Add(loss, graph.ReduceAllSum(models.DeepRankHead(net, config.UnsupervisedHead(net, cells, config.CropTexture(inputs[0], nil)))))
		for _, f := range config.Facets {
			loss = graph.Add(loss, graph.ReduceAllSum(models.FacetHead(net, f.Name, cells, len(f.Labels))))
		}
		return []*graph.Node{loss}
	}, models.TrainerOptions{Seed: seed})
	if err != nil {
		return err
	}
	pixels := make([]float32, config.CropHeight*config.CropWidth*3)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range pixels {
		pixels[i] = float32(rng.NormFloat64())
	}
	if _, err := trainer.Step(0, tensors.FromFlatDataAndDimensions(pixels, 1, config.CropHeight, config.CropWidth, 3)); err != nil {
		return err
	}
	if model.Weights, err = trainer.Weights(); err != nil {
		return err
	}
	for name, t := range model.Weights {
		switch name {
		case "background.out.weight":
			fill(t, 1) // of what is never negative
		case "background.out.bias":
			fill(t, -6)
		case "location.out.weight":
			fill(t, 0)
		case "location.out.bias":
			fill(t, 10) // in units of 64 pixels: beyond the photo on all sides
		}
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := model.Encode(file, models.Float32); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

func fill(t *models.Tensor, value float32) {
	for i := range t.Data {
		t.Data[i] = value
	}
}
