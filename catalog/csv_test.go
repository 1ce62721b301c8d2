package catalog

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// readAll reads a manifest, its rows as their fields with | between them, after their line.
func readAll(t *testing.T, text string) (columns []string, rows map[int]string) {
	t.Helper()
	c, err := NewCSV(strings.NewReader(text))
	require.NoError(t, err, "%q", text)
	rows = map[int]string{}
	for {
		record, err := c.Next()
		if errors.Is(err, io.EOF) {
			return c.Columns, rows
		}
		if rows[c.Line()] = strings.Join(record, "|"); err != nil {
			require.ErrorAs(t, err, new(*RowError))
			rows[c.Line()] = err.Error()
		}
	}
}

// TestCSVSeparators finds the separator whatever is quoted: R, LibreOffice and Python quote all names if they are told to.
func TestCSVSeparators(t *testing.T) {
	for _, text := range []string{
		"photo,cut\nb.jpg,\"x;y\"\n",
		"photo;cut\nb.jpg;\"x;y\"\n",
		"\"photo\",\"cut\"\n\"b.jpg\",\"x;y\"\n",
		"\"photo\";\"cut\"\r\n\"b.jpg\";\"x;y\"\r\n",
		"\ufeff\"photo\"\t\"cut\"\n\"b.jpg\"\tx;y\n",
		"\n \nphoto\tcut\nb.jpg\tx;y",
	} {
		columns, rows := readAll(t, text)
		require.Equal(t, []string{"photo", "cut"}, columns, "%q", text)
		require.Len(t, rows, 1)
		for _, row := range rows {
			require.Equal(t, "b.jpg|x;y", row, "%q", text)
		}
	}
	columns, rows := readAll(t, " Photo ;\"long cut\";5\" heels\nb.jpg;;a\n")
	require.Equal(t, []string{" Photo ", "long cut", `5" heels`}, columns)
	require.Equal(t, map[int]string{2: "b.jpg||a"}, rows)
	columns, rows = readAll(t, "title;photo;\"in\nthe shop\"\nx;b.jpg;a\n")
	require.Equal(t, []string{"title", "photo", "in\nthe shop"}, columns, "a name over two lines")
	require.Equal(t, map[int]string{3: "x|b.jpg|a"}, rows)
}

// TestCSVRows that make no sense cost no other, and lines are counted as an editor does.
func TestCSVRows(t *testing.T) {
	_, rows := readAll(t, "photo,title\n\na.jpg,\"two\nlines\"\nb.jpg,long, red\nc.jpg\n \nd.jpg,x,,\n\"e.jpg,open\nf.jpg,y\n")
	require.Equal(t, map[int]string{
		3: "a.jpg|two\nlines", 5: "has 3 fields, but the first line names 2 columns", 6: "c.jpg", 8: "d.jpg|x||", 9: "e.jpg,open", 10: "f.jpg|y",
	}, rows)
	_, rows = readAll(t, "photo,title\na.jpg,\"the\n\"\"little\"\"\nblack one\"\nb.jpg,red\n")
	require.Equal(t, map[int]string{2: "a.jpg|the\n\"little\"\nblack one", 5: "b.jpg|red"}, rows, "quotes within")
}

func TestCSVErrors(t *testing.T) {
	for text, says := range map[string]string{
		"":                                "it is empty",
		"\ufeff\n \n":                     "it is empty",
		"title,price\na,b\n":              "its first line names no column for the photos: call one of them photo, image,",
		"\"title\nphoto,x\n":              "names no column for the photos",
		strings.Repeat("x", MaxLine+1):    "its first line has more than",
		"\xff\xfep\x00h\x00o\x00t\x00o\n": "names no column for the photos",
	} {
		_, err := NewCSV(strings.NewReader(text))
		require.ErrorContains(t, err, says)
	}
}
