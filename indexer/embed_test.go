package indexer

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// TestBatchesAreFull checks that the networks get full batches, but for the last: also the one that sees the
// dresses alone, of which each batch of photos has few.
func TestBatchesAreFull(t *testing.T) {
	const dresses, others = 11, 16
	files := pictures(0, dresses)
	for i := range others {
		files[fmt.Sprintf("plain-%02d.png", i)] = picture(noDressWidth, i)
	}
	b := newBench(t, files)
	var locate, describe []int
	b.embedder.before = func(_ context.Context, batch []embedding.Input) error {
		locate = append(locate, len(batch))
		return nil
	}
	b.embedder.describe = func(_ []embedding.Input, photos []embedding.Photo) error {
		describe = append(describe, len(photos))
		return nil
	}
	report := b.run(t)
	require.Equal(t, []int{dresses, others}, []int{report.OK, report.NoDress})
	require.Equal(t, []int{3, 3, 3, 3, 3, 3, 3, 3, 3}, locate)
	require.Equal(t, []int{3, 3, 3, 2}, describe)
	for _, kind := range []string{WorkRead, WorkHash, WorkDecode, WorkThumbnails, WorkJournal, WorkScale, WorkParquet, WorkStore, WorkVerify} {
		require.Positive(t, report.Work[kind], kind)
	}
}

// TestDescribeFails checks that a dress that cannot be described costs neither the others of its batch nor
// the photos without one.
func TestDescribeFails(t *testing.T) {
	files := pictures(0, 7)
	files["plain.png"] = picture(noDressWidth, 1)
	files["bad.png"] = picture(ordinaryWidth+1, 1)
	b := newBench(t, files)
	b.embedder.describe = func(inputs []embedding.Input, _ []embedding.Photo) error {
		for _, in := range inputs {
			if in.Image.Width == ordinaryWidth+1 {
				return errors.New("the crop is strange")
			}
		}
		return nil
	}
	report := b.run(t)
	require.Equal(t, []int{7, 1, 1}, []int{report.OK, report.NoDress, report.Unreadable})
	require.Contains(t, report.Bad[0].Error, "the crop is strange")

	// If no dress can be described, the fault is not the photos'.
	writeFiles(t, b.photos, pictures(10, 2))
	b.embedder.describe = func([]embedding.Input, []embedding.Photo) error { return errors.New("no memory") }
	_, err := Run(t.Context(), b.options())
	require.ErrorContains(t, err, "photos cannot be embedded: no memory")
	b.requireConsistentBut(t, report)
}

// TestLargePhoto checks that a photo that is not decoded in full has its whole size in its row.
func TestLargePhoto(t *testing.T) {
	large, err := photo.EncodeJPEG(photo.New(1600, 1200), 80)
	require.NoError(t, err)
	b := newBench(t, map[string][]byte{"large.jpg": large})
	report := b.run(t)
	_, rows := parquetRows(t, b.out, report.Run)
	require.EqualValues(t, []int32{1600, 1200}, []int32{rows[0].Width, rows[0].Height})
}
