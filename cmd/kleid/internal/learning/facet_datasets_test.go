package learning

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseDataset(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("run=7", 0o700))
	require.NoError(t, os.WriteFile("run=7/labels.csv", nil, 0o600))
	require.NoError(t, os.WriteFile("odd=2", nil, 0o600))
	for text, want := range map[string]DatasetArgument{
		"shop.csv": {"shop.csv", 1}, "shop.csv=0.5": {"shop.csv", 0.5}, "studio=2": {"studio", 2},
		"run=7/labels.csv": {"run=7/labels.csv", 1}, "run=7/labels.csv=3": {"run=7/labels.csv", 3}, "odd=2": {"odd=2", 1},
	} {
		got, err := ParseDataset(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}
