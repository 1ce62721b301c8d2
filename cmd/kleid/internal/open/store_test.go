package open

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStoreNames keep passwords and tokens out of logs.
func TestStoreNames(t *testing.T) {
	require.Equal(t, "embedded:some folder/index", StoreName("embedded:some folder/index"))
	require.Equal(t, "milvuss://host:19530/dresses", StoreName("milvuss://user:secret@host:19530/dresses?token=secret"))
}
