//go:build unix

package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/indexer/source"
)

// hugePNG claims 60,000 x 60,000 pixels in its header, and has none.
func hugePNG() []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), 60_000)
	header = binary.BigEndian.AppendUint32(header, 60_000)
	header = append(header, 8, 2, 0, 0, 0)
	data := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), uint32(len(header)-4))
	return binary.BigEndian.AppendUint32(append(data, header...), crc32.ChecksumIEEE(header))
}

// deepPNG has 16 bits a channel.
func deepPNG(t *testing.T) []byte {
	t.Helper()
	m := image.NewRGBA64(image.Rect(0, 0, 90, 120))
	for y := range 120 {
		for x := range 90 {
			m.SetRGBA64(x, y, color.RGBA64{R: uint16(x * 701), G: uint16(y * 509), B: uint16(x * y * 13), A: 0xffff})
		}
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

// TestHostileFolder indexes what should not be in a folder of photos.
func TestHostileFolder(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	good, err := os.ReadFile(s.photos(t)[0])
	require.NoError(t, err)
	sample := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("..", "..", "photo", "testdata", name))
		require.NoError(t, err)
		return data
	}
	photos := t.TempDir()
	files := map[string]struct {
		data []byte
		says string // in the row's error; "" for what can be read
	}{
		"good.jpg":       {good, ""},
		"truncated.jpg":  {good[:len(good)/2], "ends in the middle"},
		"empty.jpg":      {nil, "empty"},
		"text.jpg":       {[]byte("a text, not a photo"), "is no JPEG"},
		"huge.png":       {hugePNG(), "60000 x 60000"},
		"cmyk.jpg":       {sample("cmyk.jpg"), ""},
		"16bit.png":      {deepPNG(t), ""},
		"animated.webp":  {sample("animated.webp"), ""},
		"new\nline.jpg":  {append(good[:len(good):len(good)], 0), ""},
		"a folder/a.jpg": {append(good[:len(good):len(good)], 1), ""},
	}
	for name, file := range files {
		write(t, filepath.Join(photos, name), file.data)
	}
	require.NoError(t, os.Symlink(".", filepath.Join(photos, "loop")))
	require.NoError(t, os.Symlink("itself.jpg", filepath.Join(photos, "itself.jpg")))

	out := t.TempDir()
	defer syscall.Umask(syscall.Umask(0o077))
	r := kleid(t, "index", "--catalogue", photos, "--out", out, "--max-bad", "1.0", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	report := decodeLine[indexer.Report](t, r)
	require.Equal(t, len(files)+1, report.Photos)
	require.Equal(t, 5, report.Unreadable)
	require.Len(t, report.Bad, 5)
	require.Equal(t, []source.Skipped{{Source: "loop", Reason: report.Skipped[0].Reason}}, report.Skipped)
	require.Contains(t, report.Skipped[0].Reason, "symbolic link")
	for _, row := range rows(t, out) {
		file, ok := files[row.Source]
		switch {
		case row.Source == "itself.jpg":
			require.Equal(t, catalog.StatusUnreadable, row.Status)
			require.Contains(t, row.Error, "leads nowhere")
		case file.says == "":
			require.True(t, ok, row.Source)
			require.NotEqual(t, catalog.StatusUnreadable, row.Status, "%q: %s", row.Source, row.Error)
		default:
			require.Equal(t, catalog.StatusUnreadable, row.Status, row.Source)
			require.Contains(t, row.Error, file.says)
			require.Contains(t, report.Bad, indexer.BadPhoto{Source: row.Source, ProductID: row.ProductID, PhotoID: row.PhotoID, Error: row.Error})
		}
	}
	require.NoError(t, filepath.WalkDir(out, func(path string, e os.DirEntry, err error) error {
		if info, failed := e.Info(); assert.NoError(t, failed) && info.Mode().IsRegular() && e.Name() != "metrics.prom" { // the node exporter's
			assert.Zero(t, info.Mode().Perm()&0o077, "%s is not for others, says the umask", path)
		}
		return err
	}))
	// The same files one by one, as queries.
	for name, file := range files {
		code, want := kleid(t, "search", filepath.Join(photos, name), "--index", out, "--json").code, exit.Done
		if file.says != "" {
			want = exit.Failed
		}
		require.Equal(t, want, code, name)
	}
}
