package training

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHoldBackBad leaves out what cannot be read, and photos with a box that is not in them, of which it says where it stands.
func TestHoldBackBad(t *testing.T) {
	options := tiny(t)
	options.Reference = reference(t)
	boxes := filepath.Join(options.Reference.Dir, "ccp", "dress_boxes.csv")
	text, err := os.ReadFile(boxes)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(boxes, append(text, "more.jpg,9000,9000,9100,9100,0\n"...), 0o600))
	data, err := os.ReadFile(filepath.Join(options.Reference.Dir, "ccp", "photos", "0.jpg"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(options.Reference.Dir, "ccp", "photos", "more.jpg"), data, 0o600))
	require.NoError(t, os.Remove(filepath.Join(options.Reference.Dir, "ccp", "photos", "1.jpg")))

	examples, err := ReferenceExamples(options.Reference)
	require.NoError(t, err)
	bad, total, err := HoldBackBad(t.Context(), options, examples)
	require.NoError(t, err)
	require.Equal(t, 2*realFolds+1, total)
	require.Len(t, bad, 2)
	require.Equal(t, "ccp/photos/1.jpg", bad[0].Photo)
	require.Equal(t, "ccp/photos/more.jpg", bad[1].Photo)
	require.Regexp(t, `dress_boxes\.csv:12: the box \{9000 9000 9100 9100\} lies outside the photo`, bad[1].Reason)
	street, err := options.Reference.Street()
	require.NoError(t, err)
	require.Len(t, street, 2*realFolds-1)
}
