package models

import (
	"fmt"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// StageFeatures maps photos [batch, height, width, 3] to what the named stages of the published network give,
// counted from 1 (Net.Stage), each [batch, rows, columns, channels].
func (b Backbone) StageFeatures(net *Net, x *Node, stages ...int) []*Node {
	build := b.Build
	if b.Published != nil {
		build = b.Published
	}
	hooked := *net
	hooked.hooks = &cropHooks{net: net, passed: map[string]*Node{}}
	build(&hooked, x)
	var features []*Node
	for _, s := range stages {
		f := hooked.hooks.passed[fmt.Sprintf("stage%d", s)]
		if f == nil {
			panic(fmt.Errorf("%s has no stage %d", b.Name, s))
		}
		features = append(features, f)
	}
	return features
}
