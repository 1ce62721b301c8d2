package indexer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/indexer/source"
)

func TestTooManyBad(t *testing.T) {
	files := pictures(0, 3)
	files["bad.jpg"] = []byte("not a photo")
	b := newBench(t, files)
	options := b.options()
	options.MaxBad = 0.24
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, report.TooManyBad, "there is no index before: this one is better than none")
	b.requireConsistent(t, report)

	refused, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, refused.TooManyBad)
	require.False(t, refused.Published)
	require.Equal(t, report.Run, refused.PreviousRun)
	require.Equal(t, 1, refused.Unreadable)
	require.Equal(t, "bad.jpg", refused.Bad[0].Source)
	require.Contains(t, refused.String(), "not published")
	require.Contains(t, refused.String(), "25.0% of the photos are unreadable, more than the 24.0% allowed")
	require.Empty(t, refused.Parquet)
	require.NoFileExists(t, jobPath(b.out))
	b.requireConsistent(t, report) // the old one is as it was

	options.MaxBad = 0.25
	allowed, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.False(t, allowed.TooManyBad)
	b.requireConsistent(t, allowed)
}

// A run that is going to be refused for its unreadable photos ends as soon as that is certain.
func TestTooManyBadEndsEarly(t *testing.T) {
	b := newBench(t, pictures(0, 20))
	b.run(t)
	writeFiles(t, b.photos, pictures(20, 20))
	for i := range 10 {
		writeFiles(t, b.photos, map[string][]byte{"a-" + pictureName(i): []byte("no photo")})
	}
	options := b.options()
	options.MaxBad, options.Workers = 0.1, 1
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, report.TooManyBad)
	require.Equal(t, []int{50, 6, 44, 0}, []int{report.Photos, report.Unreadable, report.NotRead, report.Embedded})
	require.Contains(t, report.String(), "stopped there: 44 photos were not looked at")
	require.NoFileExists(t, jobPath(b.out))
	for i := range 10 {
		require.NoError(t, os.Remove(filepath.Join(b.photos, "a-"+pictureName(i))))
	}
	report, err = Run(t.Context(), options)
	require.NoError(t, err)
	b.requireConsistent(t, report)
	require.Equal(t, 20, report.Embedded)
}

// TestMaxBadCount takes a number of photos in place of a share.
func TestMaxBadCount(t *testing.T) {
	for _, allowed := range []int{0, 1, 2} {
		count := allowed
		r := &runner{Options: Options{MaxBad: 1, MaxBadCount: &count}, entries: make([]source.Entry, 4)}
		require.Equal(t, allowed < 2, r.tooMany(2))
		require.Equal(t, float64(allowed)/4, r.maxBadShare())
	}

	files := pictures(0, 3)
	files["bad.jpg"] = []byte("not a photo")
	b := newBench(t, files)
	options := b.options()
	options.MaxBadCount = new(0)
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, report.TooManyBad)
	require.Contains(t, report.String(), "1 of 4 photos are unreadable, more than the 0 allowed")
	require.Contains(t, reportOn(t, b.out), "1 of 4 photos are unreadable, more than the 0 allowed.")
}
