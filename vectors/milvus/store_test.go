package milvus

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/milvus/milvustest"
	"github.com/kleid-search/kleid/vectors/vectorstest"
)

func TestStore(t *testing.T) {
	address := milvustest.Start(t)
	places := 0
	vectorstest.Run(t, func(t *testing.T) func() vectors.Store {
		places++
		url := milvustest.URL(address, fmt.Sprintf("dresses_%d", places))
		return func() vectors.Store {
			s, err := Open(t.Context(), url)
			require.NoError(t, err)
			return s
		}
	}, 1e-3)
}
