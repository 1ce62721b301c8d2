package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/index"
)

// everyCommand calls f for each command that does something, with the words that name it.
func everyCommand(t *testing.T, f func(words []string, command *cli.Command)) {
	t.Helper()
	var walk func(words []string, commands []*cli.Command)
	walk = func(words []string, commands []*cli.Command) {
		for _, command := range commands {
			name := append(words[:len(words):len(words)], command.Name)
			if len(command.Subcommands) > 0 {
				walk(name, command.Subcommands)
			} else {
				f(name, command)
			}
		}
	}
	walk(nil, newApp(strings.NewReader(""), io.Discard, io.Discard).Commands)
}

func TestHelp(t *testing.T) {
	var names []string
	everyCommand(t, func(words []string, command *cli.Command) {
		name := strings.Join(words, " ")
		names = append(names, name)
		r := kleid(t, append(words, "--help")...)
		require.Equal(t, exit.Done, r.code, name)
		require.Empty(t, r.stderr, name)
		require.Contains(t, r.stdout, "kleid "+name, name)
		require.Contains(t, r.stdout, "xit codes", name)
		require.Contains(t, r.stdout, "Example", name)
		for _, flag := range command.Flags {
			require.Contains(t, r.stdout, "--"+flag.Names()[0], name)
		}
	})
	require.Subset(t, names, []string{"demo", "index commit", "index list", "export", "serve", "search", "embed", "train all", "evaluate facets", "bench embed", "bench train", "bench index", "bench serve", "version"})
	for _, parent := range []string{"", "index", "train", "evaluate", "bench"} {
		r := kleid(t, strings.Fields(parent+" --help")...)
		require.Equal(t, exit.Done, r.code, parent)
		require.Contains(t, r.stdout, "Examples:", parent)
	}
	for _, code := range []string{"0 ", "1 ", "2 ", "3 ", "4 ", "130 ", "141 "} {
		require.Contains(t, kleid(t).stdout, "\n     "+code)
	}
}

// TestEveryFlagIsAVariable holds the rule that the help states: --max-bad is KLEID_MAX_BAD.
func TestEveryFlagIsAVariable(t *testing.T) {
	everyCommand(t, func(words []string, command *cli.Command) {
		require.NotEmpty(t, command.Flags, words)
		for _, flag := range command.Flags {
			if flag.Names()[0] == "help" {
				continue
			}
			if strings.Join(words, " ") == "bench rebuild" && flag.Names()[0] == "store" {
				continue // a shop's KLEID_STORE is not for made-up rows
			}
			withVariables, ok := flag.(interface{ GetEnvVars() []string })
			require.True(t, ok, "%v --%s", words, flag.Names()[0])
			// By the flag, or after the command where another one's flag means something else.
			var names []string
			for _, prefix := range []string{"", words[0] + "-", strings.Join(words, "-") + "-"} {
				names = append(names, flags.Env(prefix + flag.Names()[0])[0])
			}
			require.Len(t, withVariables.GetEnvVars(), 1)
			require.Contains(t, names, withVariables.GetEnvVars()[0], "%v --%s", words, flag.Names()[0])
		}
	})
}

// sameMeaning are the flags that mean the same in all commands, and say more of it in some.
var sameMeaning = []string{
	"KLEID_CATALOGUE", "KLEID_EVALUATE_PRODUCTS", "KLEID_FACETS", "KLEID_INDEX", "KLEID_JUDGEMENTS", "KLEID_MAX_BAD", "KLEID_MODELS", "KLEID_OUT",
	"KLEID_REFERENCE", "KLEID_RUN", "KLEID_SCRATCH", "KLEID_TRAIN_PRODUCTS", "KLEID_TRIPLETS",
}

// TestVariablesHaveOneMeaning keeps flags of several commands from sharing a variable that machines of a plan may share,
// unless they mean the same: KLEID_OUT is where an index is, and no file of predictions.
func TestVariablesHaveOneMeaning(t *testing.T) {
	usages := map[string]string{}
	check := func(words []string, command *cli.Command) {
		for _, flag := range command.Flags {
			described, ok := flag.(cli.DocGenerationFlag)
			if !ok || len(described.GetEnvVars()) == 0 {
				continue // --help
			}
			variable, usage := described.GetEnvVars()[0], fmt.Sprintf("%T: %s", flag, described.GetUsage())
			if slices.Contains(sameMeaning, variable) {
				usage = fmt.Sprintf("%T", flag)
			}
			if known, ok := usages[variable]; ok {
				require.Equal(t, known, usage, "%s of kleid %s", variable, strings.Join(words, " "))
			}
			usages[variable] = usage
		}
	}
	everyCommand(t, check)
	check([]string{"index"}, index.Command())
}

// TestVariablesOfAPlan sets those of deploy/kubernetes, and others that other commands may have no use for.
func TestVariablesOfAPlan(t *testing.T) {
	s := newShop(t)
	for name, value := range map[string]string{
		"KLEID_CATALOGUE": "s3://shop/photos", "KLEID_OUT": "s3://shop/index", "KLEID_SCRATCH": "/scratch", "KLEID_JOB": "@date",
		"KLEID_STORE": "milvus://127.0.0.1:1/dresses", "KLEID_FACETS": "neckline", "KLEID_REFERENCE": "photos/reference", "KLEID_MIXUP": "0.2",
		"KLEID_CLASS_WEIGHTS": "inverse", "KLEID_FOLDS": "true", "KLEID_TO": "20261127T020000000Z-1a2b3c", "KLEID_WHERE": "neckline=v-neck",
	} {
		t.Setenv(name, value)
	}
	photo := s.photos(t)[0]
	for _, args := range [][]string{
		{"predict", photo}, {"search", photo, "--index", s.index, "--where", "sleeve=long"}, {"export", "--index", s.index},
		{"evaluate", "facets", "--dataset", s.catalogue + ".missing.csv"},
		{"train", "facets", "--dataset", s.catalogue + ".missing.csv", "--work", t.TempDir()},
	} {
		r := kleid(t, args...)
		if args[0] == "evaluate" || args[0] == "train" {
			require.Contains(t, r.stderr, "there is no such folder or file", "the dataset is looked for, beside any variable")
			continue
		}
		require.Equal(t, exit.Done, r.code, "%v: %s", args, r.stderr)
	}
	t.Setenv("KLEID_DATASET", "nowhere.csv")
	r := kleid(t, "train", "facets", "--reference", t.TempDir(), "--class-weight", "neckline")
	require.Equal(t, exit.Usage, r.code, "the command line wins")
	require.Contains(t, r.stderr, `--class-weight is "neckline"`)
	t.Setenv("KLEID_STORE", "")
	t.Setenv("KLEID_INDEX", "elsewhere")
	require.Equal(t, exit.Done, kleid(t, "search", photo, "--store", "embedded:"+s.index, "--where", "sleeve=long").code)
}

// TestTrainFlags keeps flags that would do nothing out of the help, and the parts out of each other's folders.
func TestTrainFlags(t *testing.T) {
	folders := make(map[string]string)
	everyCommand(t, func(words []string, command *cli.Command) {
		if words[0] != "train" {
			return
		}
		fromNothing := words[1] == "all" || words[1] == "trunk"
		var names []string
		for _, flag := range command.Flags {
			names = append(names, flag.Names()[0])
			if work, ok := flag.(*cli.StringFlag); ok && work.Name == "work" {
				require.Empty(t, folders[work.Value], "%v writes where another does", words)
				folders[work.Value] = words[1]
			}
		}
		for _, name := range []string{"trunk", "trunk-weights", "half-steps", "full-steps"} {
			require.Equal(t, fromNothing, slices.Contains(names, name), "%v --%s", words, name)
		}
		require.Equal(t, !fromNothing, slices.Contains(names, "models"), words)
	})
	require.Equal(t, "all", folders["build/weights"])
	require.Equal(t, "facets", folders["build/facets"])
}

// TestHelpOfTheIndex looks for the flag's placeholder.
func TestHelpOfTheIndex(t *testing.T) {
	for _, command := range []string{"search", "serve"} {
		require.Contains(t, kleid(t, command, "--help").stdout, "--index DIR ")
	}
}

func TestWrongUsage(t *testing.T) {
	index := []string{"index", "--catalogue", "photos", "--out", "out"}
	search := []string{"search", "dress.jpg", "--index", "index"}
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"unknown command", []string{"undress"}, `there is no command "undress": demo, index,`},
		{"help about an unknown command", []string{"help", "undress"}, `'undress'`},
		{"help about an unknown command below train", []string{"train", "help", "patience"}, `'patience'`},
		{"unknown flag of the program", []string{"--fast"}, "there is no flag --fast"},
		{"unknown command below train", []string{"train", "patience"}, `kleid train: there is no command "patience": all,`},
		{"no command below bench", []string{"bench"}, "kleid bench: name one of its commands: embed,"},
		{"unknown flag", []string{"index", "--fast"}, "kleid index: there is no flag --fast"},
		{"unknown flag after an argument", append(search, "--fast"), "kleid search: there is no flag --fast"},
		{"flag without value", []string{"index", "--out"}, "kleid index: --out needs a value"},
		{"flag without value after an argument", []string{"search", "dress.jpg", "--index"}, "--index needs a value"},
		{"a number that is none", []string{"index", "--keep", "all"}, `kleid index: --keep is "all", but takes a whole number`},
		{"a number that is too large", append(search, "-k", "99999999999999999999"), `--k is "99999999999999999999", but takes a whole number`},
		{"a share that is none", []string{"index", "--gate-rows", "80%"}, `--gate-rows is "80%", but takes a number`},
		{"a price with a comma", []string{"search", "dress.jpg", "--price-min", "29,99"}, `--price-min is "29,99", but takes a number, such as 0.5 or 29.99`},
		{"neither true nor false", []string{"index", "--force=maybe"}, `--force is "maybe", but takes true or false`},
		{"a seed below 0", []string{"demo", "--seed", "-1"}, `--seed is "-1", but takes a whole number, 0 or more`},
		{"a time that is none", []string{"index", "commit", "--wait", "6"}, `--wait is "6", but takes a time, such as 90s or 6h`},
		{"no catalogue", []string{"index", "--out", "out"}, "kleid index needs --catalogue"},
		{"no out", []string{"index", "--catalogue", "photos"}, "kleid index needs --out"},
		{"pictures without vectors", []string{"serve", "--index", "s3://shop/index"}, "which has pictures but no vectors: name these with --store"},
		{"list of another machine", []string{"index", "list", "--out", "s3://shop/index"}, "kleid index list: --out is s3://shop/index: name a folder of this machine with --scratch"},
		{"verify of another machine", []string{"index", "verify", "--out", "s3://shop/index"}, "name a folder of this machine with --scratch"},
		{"rollback of another machine", []string{"index", "rollback", "--out", "s3://shop/index"}, "name a folder of this machine with --scratch"},
		{"argument too many", append(index, "more"), `kleid index: there is no command "more": commit, list, verify, rollback`},
		{"share beyond 1", append(index, "--max-bad", "1.5"), `--max-bad is "1.5"`},
		{"job without shard", append(index, "--job", "monday"), "--job does nothing without --shard"},
		{"empty shard", append(index, "--job", "monday", "--shard", ""), "--shard is empty"},
		{"scratch of nothing", append(index, "--scratch", "work"), "--scratch does nothing"},
		{"scratch of no runs", []string{"index", "list", "--out", "out", "--scratch", "work"}, "--scratch does nothing"},
		{"pattern that is none", append(index, "--include", "["), `the pattern "[" is none`},
		{"labels of no photos", []string{"evaluate", "facets", "--reference", "photos", "--min-count", "-5"}, "--min-count is -5"},
		{"count of what has no labels", []string{"evaluate", "location", "--reference", "photos", "--min-count", "5"}, "there is no flag --min-count"},
		{"painted dresses to evaluate with", []string{"evaluate", "facets", "--dataset", "studio"}, "kleid evaluate painted"},
		{"weight to evaluate with", []string{"evaluate", "facets", "--dataset", "shop.csv=0.5"}, "takes no weight"},
		{"service without scheme", []string{"ready", "127.0.0.1:8080"}, "write http:// or https://"},
		{"share of nothing mixed", []string{"train", "facets", "--dataset", "shop.csv", "--mix-share", "0.5"}, "--mix-share goes with --own-trunk"},
		{"uploads beyond all bounds", []string{"serve", "--index", "index", "--max-upload", "17592186044417"}, "--max-upload is 17592186044417"},
		{"share that is no number", append(index, "--max-bad", "some"), `"some"`},
		{"negative keep", append(index, "--keep", "-1"), "--keep is -1"},
		{"unknown store", append(index, "--store", "oracle://host/alias"), `there is no store "oracle://host/alias"`},
		{"store without folder", append(index, "--store", "embedded:"), `there is no store "embedded:"`},
		{"Milvus without alias", append(index, "--store", "milvus://127.0.0.1:1/"), "has an alias that is not"},
		{"two folders to search", append(search, "--store", "embedded:other"), "--store is embedded:other, another folder"},
		{"two folders to serve", []string{"serve", "--index", "index", "--store", "embedded:other"}, "--store is embedded:other, another folder"},
		{"origin without scheme", []string{"serve", "--index", "index", "--allowed-origin", "shop.example"}, `"shop.example" is no origin`},
		{"no connections", []string{"serve", "--index", "index", "--max-connections", "0"}, "--max-connections is 0"},
		{"no uploads", []string{"serve", "--index", "index", "--max-upload", "0"}, "--max-upload is 0"},
		{"fewer than no photos at once", []string{"serve", "--index", "index", "--embeds", "-1"}, "--embeds is -1"},
		{"no time for the store", []string{"serve", "--index", "index", "--store-timeout", "0s"}, "--store-timeout is 0s"},
		{"unknown backend", append(index, "--backend", "abacus"), `there is no backend "abacus"`},
		{"negative threads", append(index, "--threads", "-2"), "--threads is -2"},
		{"no photo", []string{"search", "--index", "index"}, "kleid search needs one photo, not 0"},
		{"two photos", append(search, "other.jpg"), "kleid search needs one photo, not 2"},
		{"nowhere to search", []string{"search", "dress.jpg"}, "kleid search needs --index DIR or --store URL"},
		{"filter without label", append(search, "--where", "neckline"), `"neckline" is not of the form facet=label`},
		{"no results wanted", append(search, "--k", "0"), "--k is 0"},
		{"box of three sides", append(search, "--box", "1,2,3"), `the box "1,2,3"`},
		{"nowhere to serve from", []string{"serve"}, "kleid serve needs --index DIR or --store URL"},
		{"address without port", []string{"serve", "--index", "index", "--listen", "here"}, `--listen is "here"`},
		{"nothing to embed", []string{"embed"}, "kleid embed needs a photo"},
		{"unknown trunk", []string{"train", "all", "--trunk", "oak"}, `"oak"`},
		{"nothing to learn from", []string{"train", "all", "--products", "0"}, "--products is 0"},
		{"negative steps", []string{"train", "trunk", "--half-steps", "-1"}, "--half-steps is -1"},
		{"facet that is none", []string{"quality", "--dataset", "photos", "--facets", "neckline,is_dress"}, "is_dress is no facet to review"},
		{"no reference", []string{"evaluate", "facets"}, "kleid evaluate facets needs --dataset, photos of your own, or --reference"},
		{"unknown network", []string{"bench", "embed", "--network", "perceptron"}, `"perceptron"`},
		{"empty batch", []string{"bench", "train", "--batch", "0"}, "--batch is 0"},
		{"triplets of no photos", []string{"train", "similarity", "--triplets", "clicks.csv"}, "--reference or --catalogue, which are missing"},
		{"triplets that nothing learns", []string{"evaluate", "similarity", "--reference", "photos", "--triplets", "clicks.csv"}, "which --folds does"},
		{"part of no dress", []string{"train", "facets", "--upper", "neckline"}, `--upper is "neckline", but takes FACET=SHARE`},
		{"part of no facet", []string{"train", "facets", "--upper", "hem=0.5"}, `no facet "hem" is trained`},
		{"part of what is not read", []string{"train", "facets", "--upper", "occasion=0.5"}, "occasion is read from its surroundings alone"},
		{"part that is none", []string{"train", "facets", "--upper", "neckline=0"}, "neckline shows in is 0"},
		{"part of what a trunk sees", []string{"train", "facets", "--dataset", "photos", "--own-trunk", "9", "--upper", "neckline=0.5"}, "--upper goes without --own-trunk"},
		{"dresses of no photos", []string{"train", "location", "--dresses", "dresses.csv"}, "--reference, which is missing"},
		{"dresses that nothing learns", []string{"evaluate", "facets", "--reference", "photos", "--dresses", "dresses.csv"}, "which --folds does"},
		{"dresses beside a dataset", []string{"train", "facets", "--dataset", "photos", "--dresses", "dresses.csv"}, "--dataset and --dresses exclude each other"},
		{"no time to measure", []string{"bench", "embed", "--seconds", "0"}, "--seconds is 0"},
		{"negative time", []string{"bench", "train", "--seconds", "-1"}, "--seconds is -1"},
		{"time that is no number", []string{"bench", "train", "--seconds", "NaN"}, "--seconds is NaN"},
		{"no weights", []string{"bench", "embed", "--random-weights=false"}, "needs --weights"},
		{"unknown precision", []string{"bench", "embed", "--precision", "f8"}, `--precision is "f8", but must be one of f32 bf16 int8`},
		{"input without output", []string{"bench", "embed", "--input", "x"}, "--input and --output go together"},
		{"output without input", []string{"bench", "embed", "--output", "y"}, "--input and --output go together"},
		{"no clients", []string{"bench", "serve", "--clients", "4,0"}, `--clients has "0"`},
		{"no time to serve", []string{"bench", "serve", "--seconds", "0"}, "--seconds is 0"},
		{"no products", []string{"demo", "--once", "--products", "0"}, "--products is 0"},
		{"negative seed", []string{"demo", "--once", "--seed", "-1"}, `"-1"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			r := kleid(t, test.args...)
			require.Equal(t, exit.Usage, r.code, r.stderr)
			require.Empty(t, r.stdout)
			require.Contains(t, r.stderr, test.says)
			requireUsageForm(t, r)
		})
	}
}

// requireUsageForm wants one form of all that is wrong usage: what is wrong with which command, and where
// to read more.
func requireUsageForm(t *testing.T, r result) {
	t.Helper()
	require.Regexp(t, "^kleid[^\n]+\nSee `kleid[a-z ]* --help`\\.\n$", r.stderr)
}

func TestFlagsFirst(t *testing.T) {
	app := newApp(strings.NewReader(""), io.Discard, io.Discard)
	tests := []struct{ given, want string }{
		{"kleid", "kleid"},
		{"kleid --help", "kleid --help"},
		{"kleid help index", "kleid help index"},
		{"kleid help index commit", "kleid index commit --help"},
		{"kleid help models push", "kleid models push --help"},
		{"kleid help search dress", "kleid search --help -- dress"},
		{"kleid help undress me", "kleid help undress me"},
		{"kleid search a.jpg --index d --json", "kleid search --index d --json -- a.jpg"},
		{"kleid search --json a.jpg --k 3", "kleid search --json --k 3 -- a.jpg"},
		{"kleid search --k=3 a.jpg", "kleid search --k=3 -- a.jpg"},
		{"kleid search - --index d", "kleid search --index d -- -"},
		{"kleid search --index d -- -odd.jpg", "kleid search --index d -- -odd.jpg"},
		{"kleid embed a.jpg --json b.jpg", "kleid embed --json -- a.jpg b.jpg"},
		{"kleid search a.jpg --index", "kleid search --index"},
		{"kleid bench index --json --products 3", "kleid bench index --json --products 3"},
		{"kleid train x --work d", "kleid train x --work d"},
	}
	for _, test := range tests {
		require.Equal(t, strings.Fields(test.want), flags.First(app, strings.Fields(test.given)), test.given)
	}
}

func TestVariables(t *testing.T) {
	s := newShop(t)
	t.Setenv("KLEID_INDEX", s.index)
	t.Setenv("KLEID_K", "2")
	photo := s.photos(t)[0]
	require.Contains(t, kleid(t, "search", photo).stdout, "\n2  ")
	require.NotContains(t, kleid(t, "search", photo).stdout, "\n3  ")
	require.Contains(t, kleid(t, "search", photo, "--k", "3").stdout, "\n3  ", "a flag wins over a variable")
	t.Setenv("KLEID_K", "two")
	r := kleid(t, "search", photo)
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, "KLEID_K")
}

// TestVariablesOfRepeatedFlags parts them by semicolons.
func TestVariablesOfRepeatedFlags(t *testing.T) {
	t.Setenv("KLEID_WHERE", " neckline=v-neck; sleeve=long ;")
	where := func(args ...string) (values []string) {
		app := newApp(strings.NewReader(""), io.Discard, io.Discard)
		app.Command("search").Action = func(c *cli.Context) error {
			values = flags.Repeated(c, "where")
			return nil
		}
		require.NoError(t, app.Run(append([]string{"kleid", "search"}, args...)))
		return values
	}
	require.Equal(t, []string{"neckline=v-neck", "sleeve=long"}, where())
	require.Equal(t, []string{"length=a;b"}, where("--where", "length=a;b"), "a flag wins over a variable, and stays whole")
	t.Setenv("KLEID_WHERE", "")
	require.Empty(t, where())

	t.Setenv("KLEID_MIN_CONFIDENCE", "0.2; two")
	many := kleid(t, "evaluate", "location", "--reference", t.TempDir())
	require.Equal(t, exit.Usage, many.code)
	require.Contains(t, many.stderr, `--min-confidence is "two"`)

	t.Setenv("KLEID_ALLOWED_ORIGIN", "https://shop.example;shop.example")
	r := kleid(t, "serve", "--index", t.TempDir())
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, `"shop.example" is no origin`)
}
