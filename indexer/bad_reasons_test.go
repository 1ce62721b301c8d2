package indexer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

func TestReasonsOf(t *testing.T) {
	bad := []BadPhoto{{Source: "a.jpg", Error: "cut off"}, {Source: "b.jpg", Error: "the server says 500"}, {Source: "c.jpg", Error: "the server says 500"}}
	for _, why := range []string{"1", "2", "3", "4"} {
		bad = append(bad, BadPhoto{Source: why, Error: why})
	}
	reasons := reasonsOf(bad)
	require.Len(t, reasons, shownReasons)
	require.Equal(t, BadReason{"the server says 500", 2, "b.jpg"}, reasons[0])
	require.Equal(t, BadReason{"cut off", 1, "a.jpg"}, reasons[1])
	require.Equal(t, " (2 of them: the server says 500)", reasons.Most())
	require.Contains(t, reasons.String(), "2 photos are unreadable, such as \"b.jpg\": the server says 500\nunreadable \"a.jpg\": cut off\n")
	require.Empty(t, reasonsOf(nil).Most())
}

// Photos that fail alike fail for one reason, wherever each of them is; and a shard, which has no list of its photos,
// tells it.
func TestPhotosThatFailAlike(t *testing.T) {
	fakeS3(t, "photos", nil)
	fetcher := storage.NewFetcher(storage.FetchOptions{})
	fetch := fetchFrom(fetcher, photo.DefaultLimits())
	for _, place := range []string{"https://user:secret@127.0.0.1:1/%s.jpg", "s3://shop/photos/%s.jpg", "nowhere/%s.jpg"} {
		why := map[string]bool{}
		for _, name := range []string{"a", "b"} {
			_, _, err := fetch(t.Context(), fmt.Sprintf(place, name), storage.Info{})
			why[err.Error()] = true
		}
		require.Len(t, why, 1, "%v", why)
	}

	files := pictures(0, 4)
	files["bad-1.jpg"], files["bad-2.jpg"] = []byte("<html>log in</html>"), []byte("<html>log in</html> ")
	b := newBench(t, files)
	options := b.options()
	options.MaxBad, options.Workers = 0.1, 1
	shard, err := RunShard(t.Context(), options, Shard{0, 1, "monday"})
	require.NoError(t, err)
	require.Contains(t, shard.String(), `unreadable "bad-1.jpg": the file is no`)
	first := b.run(t)
	require.Equal(t, 2, first.BadReasons[0].Photos)
	require.Contains(t, first.String(), `2 photos are unreadable, such as "bad-1.jpg"`)
	require.NoError(t, os.Remove(filepath.Join(b.photos, "bad-1.jpg")))
	require.NotContains(t, b.run(t).String(), "in all", "the only one is named in any case")
	require.Equal(t, errors.New("no"), withoutPlace(errors.New("no"), "a.jpg"))
}
