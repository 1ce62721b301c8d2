package photos

import (
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/searcher"
)

// boxFlag says where the dress is.
func boxFlag() cli.Flag {
	return &cli.StringFlag{Name: "box", EnvVars: flags.Env("box"), Usage: "where the dress is: `X_MIN,Y_MIN,X_MAX,Y_MAX` in pixels", DefaultText: "found"}
}

// givenBox reads boxFlag; nil where it is not given.
func givenBox(c *cli.Context) (*photo.Box, error) {
	text := c.String("box")
	if text == "" {
		return nil, nil
	}
	box, err := searcher.ParseBox(text)
	if err != nil {
		return nil, err
	}
	return &box, nil
}
