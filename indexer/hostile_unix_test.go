//go:build unix

package indexer

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

// claimingPNG is a PNG file whose header claims a size that its bytes cannot hold.
func claimingPNG(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 2, 0, 0, 0)
	data := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), 13)
	data = append(data, header...)
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(header))
}

func sample(t *testing.T, name string) []byte {
	data, err := os.ReadFile(filepath.Join("..", "photo", "testdata", name))
	require.NoError(t, err)
	return data
}

// A folder of what people and machines leave in folders indexes to its end: each file that could be meant
// as a photo is a row, and what else there is of note is reported.
func TestHostileFolder(t *testing.T) {
	jpeg := sample(t, "progressive.jpg")
	files := map[string][]byte{
		"good.png":             picture(ordinaryWidth, 1),
		"good.PNG":             picture(ordinaryWidth, 2),
		"progressive.jpg":      jpeg,
		"cmyk.jpg":             sample(t, "cmyk.jpg"),
		"16 bit.png":           deepPicture(),
		"animated.webp":        sample(t, "animated.webp"),
		"animated.gif":         sample(t, "animated.gif"),
		"png inside.jpg":       picture(ordinaryWidth, 3),
		"new\nline.png":        picture(ordinaryWidth, 4),
		"bytes\xff\xfe.png":    picture(ordinaryWidth, 5),
		"quote\"'\\;--.png":    picture(ordinaryWidth, 6),
		"größe 👗.png":          picture(ordinaryWidth, 7),
		".hidden.png":          picture(ordinaryWidth, 8),
		"tall.png":             picture(1, 9),
		"folder.jpg/inner.png": picture(ordinaryWidth, 10),
		"truncated.jpg":        jpeg[:len(jpeg)/2],
		"cut header.jpg":       jpeg[:20],
		"zero bytes.jpg":       {},
		"text.jpg":             []byte("this is not a photo"),
		"zeros.jpg":            make([]byte, 4096),
		"claims.png":           claimingPNG(60_000, 60_000),
		"claims more.png":      claimingPNG(1<<31-1, 1<<31-1),
		"photo.heic":           []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"),
		"notes.txt":            []byte("no photo"),
	}
	bad := map[string]bool{
		"truncated.jpg": true, "cut header.jpg": true, "zero bytes.jpg": true, "text.jpg": true, "zeros.jpg": true, "claims.png": true,
		"claims more.png": true, "photo.heic": true, "pipe.jpg": true, "socket.jpg": true, "dangling.jpg": true, "self.jpg": true,
		"secret.jpg": os.Getuid() != 0,
	}
	b := newBench(t, files)
	at := func(name string) string { return filepath.Join(b.photos, name) }
	require.NoError(t, syscall.Mkfifo(at("pipe.jpg"), 0o644))
	require.NoError(t, syscall.Mkfifo(at("pipe"), 0o644))
	listener, err := net.Listen("unix", at("socket.jpg"))
	require.NoError(t, err)
	defer listener.Close()
	require.NoError(t, os.WriteFile(at("secret.jpg"), picture(ordinaryWidth, 11), 0o000))
	elsewhere := t.TempDir()
	writeFiles(t, elsewhere, map[string][]byte{"linked.png": picture(ordinaryWidth, 12)})
	for link, to := range map[string]string{
		"loop": ".", "folder.jpg/up": "..", "self.jpg": "self.jpg", "dangling.jpg": "nowhere.jpg", "nowhere": "gone",
		"elsewhere": elsewhere, "also elsewhere": elsewhere, "alias.png": "good.png",
	} {
		require.NoError(t, os.Symlink(to, at(link)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a hang fails here, and not only at go test's own limit
	defer cancel()
	report, err := Run(ctx, b.options())
	require.NoError(t, err)
	b.requireConsistent(t, report)

	want := len(files) - 1 + 7 // without the notes; pipe, socket, secret, self, dangling, alias, linked
	require.Equal(t, want, report.Photos)
	_, rows := parquetRows(t, b.out, report.Run)
	for _, row := range rows {
		status := catalog.StatusOK
		if bad[row.Source] {
			status = catalog.StatusUnreadable
		}
		require.Equal(t, status, row.Status, "%q: %s", row.Source, row.Error)
		require.NotContains(t, row.Error, b.photos, "%q", row.Source)
	}
	for source, why := range map[string]string{
		"truncated.jpg": "ends in the middle", "zero bytes.jpg": "empty", "text.jpg": "is no JPEG", "claims.png": "60000 x 60000", "pipe.jpg": "not a regular file",
		"socket.jpg": "not a regular file", "dangling.jpg": "leads nowhere", "self.jpg": "leads nowhere", "photo.heic": "",
	} {
		require.Contains(t, bySource(t, rows, source).Error, why, source)
	}
	for _, source := range []string{"new\nline.png", `bytes\xff\xfe.png`, `quote"'\;--.png`, "größe 👗.png", "folder.jpg/inner.png", "also elsewhere/linked.png"} {
		require.Equal(t, catalog.StatusOK, bySource(t, rows, source).Status)
	}
	require.Equal(t, "inner", bySource(t, rows, "folder.jpg/inner.png").ProductID)
	require.Equal(t, bySource(t, rows, "good.png").PhotoID, bySource(t, rows, "alias.png").PhotoID)
	require.Equal(t, []string{"elsewhere", "folder.jpg/up", "loop", "nowhere"}, sources(report.Skipped))
}

// A folder that cannot be read is skipped and reported; a catalogue that cannot be read is an error.
func TestUnreadableFolders(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read every folder: run the tests as another user")
	}
	b := newBench(t, pictures(0, 2))
	require.NoError(t, os.Mkdir(filepath.Join(b.photos, "secret"), 0o000))
	report := b.run(t)
	require.Equal(t, []string{"secret"}, sources(report.Skipped))
	require.NoError(t, os.Chmod(b.photos, 0o000))
	t.Cleanup(func() { require.NoError(t, os.Chmod(b.photos, 0o755)) })
	_, err := Run(t.Context(), b.options())
	require.ErrorContains(t, err, "permission denied")
}

// A pipe that is called a catalogue must not be opened: nobody may ever write to it.
func TestCatalogueIsPipe(t *testing.T) {
	b := newBench(t, nil)
	for _, name := range []string{"catalogue.csv", "catalogue.jsonl"} {
		pipe := filepath.Join(b.photos, name)
		require.NoError(t, syscall.Mkfifo(pipe, 0o644))
		options := b.options()
		options.Catalogue = pipe
		_, err := Run(t.Context(), options)
		require.ErrorContains(t, err, "is a pipe")
	}
	require.NoError(t, os.WriteFile(filepath.Join(b.photos, "list.csv"), fmt.Appendf(nil, "photo\n%s\n", "catalogue.csv"), 0o644))
	options := b.options()
	options.Catalogue = filepath.Join(b.photos, "list.csv")
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Contains(t, report.Bad[0].Error, "not a regular file")
}
