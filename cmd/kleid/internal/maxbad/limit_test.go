package maxbad

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/datasets"
)

func TestMaxBad(t *testing.T) {
	for text, allowed := range map[string]int{"5%": 5, "0.05": 5, "20": 20, "0": 0, "0%": 0, "100%": 100, "1": 1} {
		m, err := Parse(text)
		require.NoError(t, err, text)
		require.NoError(t, m.check(Kind{"photos", make([]datasets.Bad, allowed), 100}), text)
		err = m.check(Kind{"triplets", make([]datasets.Bad, allowed+1), 100})
		require.ErrorContains(t, err, fmt.Sprintf("%d of 100 triplets are bad, more than the %s", allowed+1, text))
	}
	for _, text := range []string{"", "-1", "-1%", "101%", "1.5", "NaN%", "some"} {
		_, err := Parse(text)
		require.ErrorContains(t, err, "--max-bad is", text)
	}
}
