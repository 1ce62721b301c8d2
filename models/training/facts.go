package training

import (
	"fmt"

	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/models/training/report"
)

// The facts of the report: what a person may want to know of a training.

func fact(name, value string) report.Fact { return report.Fact{Name: name, Value: value} }

// productsFact is there as soon as there are photos.
const productsFact = "products"

// hasPhotos says whether there is something to learn from by now.
func (m *maker) hasPhotos() bool { return m.pool != nil && len(m.pool.Crops)+len(m.pool.Scenes) > 0 }

// facts are the sizes of the data, and the seeds.
func (m *maker) facts() []report.Fact {
	facts := []report.Fact{fact("trunk", m.Options.Trunk.Config.TrunkName())}
	if m.From != nil {
		facts[0].Value = m.From.Config.TrunkName() + ", as it was"
	}
	count := func(name string, n int) { facts = append(facts, fact(name, report.Grouped(n))) }
	if m.hasPhotos() {
		var realCrops, labelledCrops, realScenes, empty int
		for i := range m.pool.Crops {
			if c := &m.pool.Crops[i]; c.Real {
				realCrops++
				if labelled(c) {
					labelledCrops++
				}
			}
		}
		for _, s := range m.pool.Scenes {
			if s.Real {
				realScenes++
			}
			if s.Box.Empty() {
				empty++
			}
		}
		count(productsFact, len(m.pool.Products))
		if !m.pool.onlyScenes {
			count("painted crops", len(m.pool.Crops)-realCrops)
			count("real crops", realCrops)
			count("real crops with labels", labelledCrops)
		}
		if !m.pool.onlyCrops {
			count("scenes", len(m.pool.Scenes))
			count("real scenes", realScenes)
			count("scenes without a dress", empty)
		}
	}
	if m.held != nil {
		count("painted dresses held out", len(m.held.Products))
	}
	return append(facts, fact("seed of what is painted", fmt.Sprint(m.Options.Paint.Seed)))
}

// everyStep is how often something is done: every step, every 100 steps.
func everyStep(n int) string {
	if n == 1 {
		return "every step"
	}
	return "every " + report.Steps(n)
}

// optionFacts are the options in force.
func optionFacts(o loop.Options) []report.Fact {
	facts := []report.Fact{
		fact("photos a step", report.Grouped(o.Photos*o.Accumulate)),
		fact("learning rate", fmt.Sprintf("%.3g", o.Rate)),
		fact("warm-up", report.Steps(o.WarmUp)),
	}
	add := func(on bool, name, format string, values ...any) {
		if on {
			facts = append(facts, fact(name, fmt.Sprintf(format, values...)))
		}
	}
	add(o.Accumulate > 1, "batches a step", "%d", o.Accumulate)
	add(o.ClipNorm > 0, "gradients clipped at", "%g", o.ClipNorm)
	add(o.EMA > 0, "moving average", "%g", o.EMA)
	add(o.Validate != nil, "validated", "%s", everyStep(o.ValidateEvery))
	add(o.Validate != nil && o.Patience > 0, "patience", "%d validations", o.Patience)
	add(true, "seed", "%d", o.Seed)
	return facts
}
