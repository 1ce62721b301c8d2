package indexer

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

func TestOwnRun(t *testing.T) {
	b := newBench(t, pictures(0, 1))
	require.Regexp(t, ownRun, b.run(t).Run)
	for _, run := range []string{"", "7", "2026-03-04", "20260304", "20260304T050607123Z-abcdefg", "../20260304T050607123Z-abcdef", "20260304T050607123Z-abcdef "} {
		require.NotRegexp(t, ownRun, run)
	}
}

// What is not Kleid's in the folder of an index stays, and no job is worse for it.
func TestForeignFilesStay(t *testing.T) {
	b := newBench(t, pictures(0, 2))
	first := b.run(t)
	thumbnails := func(name string) string { return filepath.Join("thumbnails", filepath.FromSlash(name)) }
	gone := photo.ID([]byte("a photo that no run has"))
	foreign := map[string][]byte{
		"run=7/part-000.parquet":                     []byte("of another program"),
		"run=2026-03-04/notes.txt":                   []byte("mine"),
		"run=20200304T050607123Z-abcdef/holiday.jpg": []byte("mine"),
		"run=a file":                                            []byte("mine"),
		"run=20210304T050607123Z-abcdef":                        []byte("a file as well"),
		"run=" + first.Run + "/notes.txt":                       []byte("mine"),
		thumbnails("wedding/a.jpg"):                             []byte("mine"),
		thumbnails("cover.jpg"):                                 []byte("mine"),
		thumbnails(gone[:2] + "/cover.jpg"):                     []byte("mine"),
		thumbnails(gone[:2] + "/" + gone + ".png"):              []byte("mine"),
		thumbnails("zz/" + gone + ".jpg"):                       []byte("mine"),
		filepath.Join("work", "photos-holiday", "a.jpg"):        []byte("mine"),
		filepath.Join("work", "photos-0123456789abcdef", "a.x"): []byte("mine"),
	}
	own := map[string][]byte{
		thumbnails(gone[:2] + "/" + gone + ".jpg"):                     []byte("old"),
		thumbnails(gone[:2] + "/." + gone + ".jpg.123"):                []byte("half"),
		filepath.Join("work", "photos-0123456789abcdef", "000000.log"): []byte("old"),
		filepath.Join("work", "photos-fedcba9876543210", "000000.log"): []byte("old"),
	}
	writeFiles(t, b.out, foreign)
	writeFiles(t, b.out, own)
	empty := filepath.Join(b.out, "run=20220304T050607123Z-abcdef")
	require.NoError(t, os.Mkdir(empty, 0o755))
	elsewhere := t.TempDir()
	writeFiles(t, elsewhere, map[string][]byte{parquetFile: []byte("mine")})
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(b.out, "run=20230304T050607123Z-abcdef")))

	var log bytes.Buffer
	options := b.options()
	options.Keep, options.Logger = 0, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	for range 3 {
		report, err := Run(t.Context(), options)
		require.NoError(t, err)
		b.requireConsistent(t, report)
	}
	require.Empty(t, log.String())
	for name, data := range foreign {
		got, err := os.ReadFile(filepath.Join(b.out, name))
		require.NoError(t, err)
		require.Equal(t, data, got, name)
	}
	for name := range own {
		require.NoFileExists(t, filepath.Join(b.out, name))
	}
	require.FileExists(t, filepath.Join(elsewhere, parquetFile))
	require.NoFileExists(t, ParquetPath(b.out, first.Run))
	require.NoDirExists(t, empty)
	require.NoDirExists(t, filepath.Join(b.out, "work", "photos-fedcba9876543210"))
	runs, err := layout{b.out}.runs()
	require.NoError(t, err)
	require.Len(t, runs, 1)
	require.Greater(t, runs[0], first.Run)
}
