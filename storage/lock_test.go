package storage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLock keeps a second one out until the first lets go, and takes what a dead process left behind for free.
func TestLock(t *testing.T) {
	b := newFolder(t.TempDir())
	unlock, err := Lock(b, "lock")
	require.NoError(t, err)
	_, err = Lock(b, "lock")
	require.ErrorIs(t, err, ErrLocked)
	other, err := Lock(b, "another")
	require.NoError(t, err)
	other()
	unlock()
	again, err := Lock(b, "lock") // the file is there
	require.NoError(t, err)
	again()
	_, err = Lock(b, "../lock")
	require.Error(t, err)
}
