package source

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestScanFolder(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string][]byte{
		"b.jpg": nil, "a/z.JPEG": nil, "a/y.WebP": nil, "a-b.png": nil, "B.gif": nil, "readme.md": nil, "jpg": nil, "out/thumb.jpg": nil, "a/out/kept.tiff": nil,
	})
	listing, err := Scan(t.Context(), root, Options{Exclude: filepath.Join(root, "a", "..", "out")})
	require.NoError(t, err)
	var found []string
	for _, e := range listing.Entries {
		found = append(found, e.Source)
		require.Equal(t, filepath.Join(root, e.Source), e.Location)
		require.Empty(t, e.Err)
	}
	require.Equal(t, []string{"B.gif", "a-b.png", "a/out/kept.tiff", "a/y.WebP", "a/z.JPEG", "b.jpg"}, found)
	require.Equal(t, "z", listing.Entries[4].ProductID)
	require.Empty(t, listing.Skipped)
	require.Equal(t, 2, listing.Others, "readme.md and jpg")

	all, err := Scan(t.Context(), root, Options{})
	require.NoError(t, err)
	require.Len(t, all.Entries, len(found)+1)

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Scan(gone, root, Options{})
	require.ErrorIs(t, err, context.Canceled)
}

// A real folder is read under its own path, and once, however many links lead to it.
func TestScanLinks(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string][]byte{"real/deep/a.jpg": nil})
	for link, to := range map[string]string{"a-link": "real", "real/deep/up": "../..", "z-link": "real/deep"} {
		require.NoError(t, os.Symlink(to, filepath.Join(root, filepath.FromSlash(link))))
	}
	outer := filepath.Join(t.TempDir(), "outer")
	require.NoError(t, os.Symlink(root, outer))
	listing, err := Scan(t.Context(), outer, Options{})
	require.NoError(t, err)
	require.Len(t, listing.Entries, 1)
	require.Equal(t, "real/deep/a.jpg", listing.Entries[0].Source)
	require.Equal(t, []string{"a-link", "real/deep/up", "z-link"}, sources(listing.Skipped))
	require.Equal(t, `a symbolic link to the folder "real", which is read already`, listing.Skipped[0].Reason)
}

// A photo that its name does not tell is found, or at least reported.
func TestScanPhotosOfOtherNames(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string][]byte{
		"12345": picture(1), "a.jpg_large": []byte("\xff\xd8\xff\xe0"), "b.bak": picture(2), "c": []byte("GIF89a"),
		"BMW": []byte("BMW"), "notes.txt": []byte("no photo"), "empty": nil, ".hidden": {0},
	})
	listing, err := Scan(t.Context(), root, Options{})
	require.NoError(t, err)
	require.Len(t, listing.Entries, 2)
	require.Equal(t, []string{"12345", "c"}, []string{listing.Entries[0].Source, listing.Entries[1].Source})
	require.Equal(t, "12345", listing.Entries[0].ProductID)
	require.Equal(t, []Skipped{
		{"a.jpg_large", "a jpg photo by its first bytes, but not by its name: call it .jpg"},
		{"b.bak", "a png photo by its first bytes, but not by its name: call it .png"},
	}, listing.Skipped)
	require.Equal(t, 4, listing.Others)
}

func TestProductOf(t *testing.T) {
	for source, want := range map[string]string{
		"a.jpg": "a", "x/y/a.b.jpg": "a.b", "a": "a", ".jpg": ".jpg", "https://x.example/p/12.webp?v=3&f=a/b.png": "12", "s3://bucket/a#b/c.jpg": "c",
		`c:\photos\7.png`: "7", "a/": "a", "/": "/", "what?.jpg": "what?", "?": "?", "https://x.example/?a": "x", "a\xff.jpg": `a\xff`,
	} {
		require.Equal(t, want, productOf(fileOf(source)), source)
	}
	require.Equal(t, `one\two`, productOf(`folder/one\two.jpg`), "a file may be called so")
}

// Whatever a file is called, it gets one row with a text that JSON and Parquet take.
func FuzzFileName(f *testing.F) {
	for _, name := range []string{"a", "new\nline", "\xff", "ü?*", " ", "..", "-rf", "a\\b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if strings.ContainsAny(name, "/\x00") || len(name) > 200 {
			return
		}
		root := t.TempDir()
		if os.WriteFile(filepath.Join(root, name+".jpg"), nil, 0o644) != nil {
			return // the file system takes no such name
		}
		listing, err := Scan(t.Context(), root, Options{})
		require.NoError(t, err)
		require.Len(t, listing.Entries, 1)
		require.True(t, utf8.ValidString(listing.Entries[0].Source))
		require.True(t, utf8.ValidString(listing.Entries[0].ProductID))
		require.NotEmpty(t, listing.Entries[0].ProductID)
		_, err = os.Stat(listing.Entries[0].Location)
		require.NoError(t, err)
	})
}

// A folder on a file system that is away is no folder without photos: they would be gone from the shop, and what is known of
// them as well.
func TestFolderOfAnOutage(t *testing.T) {
	s := &folderScan{root: "photos"}
	for _, away := range []error{syscall.EIO, syscall.ENOTCONN, syscall.ESTALE} {
		require.ErrorIs(t, s.unread("summer", &fs.PathError{Op: "open", Path: "photos/summer", Err: away}), away)
	}
	require.ErrorContains(t, s.unread("summer", syscall.EIO), "its folder summer: ")
	require.Empty(t, s.listing.Skipped)
	require.NoError(t, s.unread("private", fs.ErrPermission))
	require.Equal(t, "private", s.listing.Skipped[0].Source)
	require.Error(t, s.unread(".", fs.ErrPermission))
}
