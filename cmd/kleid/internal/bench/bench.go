// Package bench is kleid bench: how fast the program is on this machine.
package bench

import "github.com/urfave/cli/v2"

// Command measures how fast the program is on this machine.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "measure how fast this machine is",
		Description: `Examples:
  kleid bench embed --network resnet18 --batch 8 --threads 2
  kleid bench train --network resnet18 --batch 16 --size 128
  kleid bench index --catalogue photos/
  kleid bench rebuild --rows 100000
  kleid bench serve --index index/`,
		Subcommands: []*cli.Command{embedCommand(), trainCommand(), indexCommand(), rebuildCommand(), serveCommand()},
	}
}
