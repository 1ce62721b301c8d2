package training

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// TestATeacherLooksOnce reads what was kept, and not for other photos or another teacher.
func TestATeacherLooksOnce(t *testing.T) {
	bucket, err := storage.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	image, other := photo.New(400, 533), photo.New(400, 533)
	other.Pix[0]++
	teacher := Teacher{Components: 1, Weights: models.Weights{"stem": {Shape: []int{1}, Data: []float32{1}}}}
	seen := &Pool{
		Wholes: []Whole{
			{Image: image, maps: []featureMap{placeMap(image, 28, 21), placeMap(image, 14, 11)}},
			{Image: other, maps: []featureMap{placeMap(other, 14, 11)}},
		},
		teacherDeviations: []float32{1, 2},
	}
	key := seen.looksKey(teacher)
	require.NoError(t, seen.keepLooks(t.Context(), bucket, key))

	again := &Pool{Wholes: []Whole{{Image: image}, {Image: other}}}
	require.NoError(t, again.teach(t.Context(), nil, teacher, bucket, nil), "without a backend it cannot look")
	require.Equal(t, seen, again)

	swapped := &Pool{Wholes: []Whole{{Image: other}, {Image: image}}}
	require.NotEqual(t, key, swapped.looksKey(teacher))
	teacher.Weights["stem"].Data[0] = 2
	require.NotEqual(t, key, again.looksKey(teacher))
	require.ErrorIs(t, again.readLooks(t.Context(), bucket, again.looksKey(teacher)), fs.ErrNotExist)
}

// TestLooksCutOff are those of a copy that broke off: an error that says what to do, and nothing is taken from them.
func TestLooksCutOff(t *testing.T) {
	bucket, err := storage.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	image := photo.New(40, 53)
	seen := &Pool{Wholes: []Whole{{Image: image, maps: []featureMap{placeMap(image, 14, 11)}}}, teacherDeviations: []float32{1, 2}}
	teacher := Teacher{Components: 1}
	key := seen.looksKey(teacher)
	require.NoError(t, seen.keepLooks(t.Context(), bucket, key))
	whole, err := bucket.Get(t.Context(), key)
	require.NoError(t, err)
	defer whole.Close()
	info, err := bucket.Stat(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, bucket.Put(t.Context(), key, io.LimitReader(whole, info.Size/2)))

	again := &Pool{Wholes: []Whole{{Image: image}}}
	err = again.teach(t.Context(), nil, teacher, bucket, nil)
	require.ErrorContains(t, err, key)
	require.ErrorContains(t, err, "delete it")
	require.True(t, errors.Is(err, io.ErrUnexpectedEOF), err)
	require.Nil(t, again.teacherDeviations)
}
