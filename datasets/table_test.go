package datasets

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

func TestParseTable(t *testing.T) {
	text := "photo,x_min,y_min,x_max,y_max,fold,label\n" +
		"a.jpg,1,2,30,40,3,shirt\n" +
		"b.jpg,,,,,,\"long, wide\"\n"
	table, err := parseTable("boxes.csv", strings.NewReader(text), "photo", "x_min")
	require.NoError(t, err)
	require.Len(t, table.rows, 2)
	require.Equal(t, "a.jpg", table.get(0, "photo"))
	require.Equal(t, "long, wide", table.get(1, "label"))
	require.Empty(t, table.get(0, "no such column"))
	box, err := table.box(0)
	require.NoError(t, err)
	require.Equal(t, &photo.Box{XMin: 1, YMin: 2, XMax: 30, YMax: 40}, box)
	box, err = table.box(1)
	require.NoError(t, err)
	require.Nil(t, box)
	for row, want := range []int{3, -1} {
		fold, err := table.fold(row)
		require.NoError(t, err)
		require.Equal(t, want, fold)
	}
}

// TestTablesOfSpreadsheets: Excel begins a file with a byte order mark, and people leave lines blank and columns twice.
// Lines are counted as an editor does, and of two columns of one name the first counts, as in a manifest.
func TestTablesOfSpreadsheets(t *testing.T) {
	table, err := parseTable("boxes.csv", strings.NewReader("\ufeffphoto,label, Fold ,label\r\n\r\na.jpg,\"two\r\nlines\",1,x\r\n\r\nb.jpg,shirt,x,y\r\n"), "photo", "fold")
	require.NoError(t, err)
	require.Equal(t, "a.jpg", table.get(0, "photo"))
	require.Equal(t, "two\nlines", table.get(0, "label"))
	require.Equal(t, []int{3, 6}, []int{table.line(0), table.line(1)})
	_, err = table.fold(1)
	require.ErrorContains(t, err, "boxes.csv: line 6: fold")
}

func TestTableErrors(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"empty", "", "the file is empty"},
		{"missing column", "photo,fold\n", `no column "x_min"`},
		{"ragged", "photo,x_min\na.jpg\n", "wrong number of fields"},
		{"quotes", "photo,x_min\n\"a.jpg,1\n", `extraneous or missing " in quoted-field`},
	} {
		_, err := parseTable("boxes.csv", strings.NewReader(c.text), "photo", "x_min")
		require.ErrorContains(t, err, "boxes.csv", c.name)
		require.ErrorContains(t, err, c.says, c.name)
	}
	table, err := parseTable("boxes.csv", strings.NewReader("x_min,y_min,x_max,y_max,fold\n1,1,2,2,0\n5,5,5,9,x\n1,1,two,2,0\n,1,2,2,\n1, ,2,NaN,\n"))
	require.NoError(t, err)
	_, err = table.box(1)
	require.ErrorContains(t, err, "line 3: the box, x_min 5, y_min 5, x_max 5, y_max 9, is empty: x_max must be greater than x_min")
	_, err = table.box(2)
	require.EqualError(t, err, `boxes.csv: line 4: x_max is "two", but must be a number of pixels`)
	_, err = table.box(3)
	require.ErrorContains(t, err, "line 5: the box lacks x_min")
	_, err = table.box(4)
	require.ErrorContains(t, err, "line 6: the box lacks y_min, y_max (NaN)")
	_, err = table.fold(1)
	require.EqualError(t, err, `boxes.csv: line 3: fold is "x", but must be a whole number`)
	_, err = readTable("no such file.csv")
	require.ErrorContains(t, err, "no such file.csv")
}

// TestBoxesOfFractions: programs that people draw boxes with give fractions of pixels; others give shares of the photo.
func TestBoxesOfFractions(t *testing.T) {
	table, err := parseTable("boxes.csv", strings.NewReader("x_min,y_min,x_max,y_max,fold\n12.5,3.49,4e1,60.0000001,1.0\n0.2,0.1,0.8,1,1.5\n0,0,1,1,\n3.1,3,3.4,9,\n1,1,1e10,9,\n"))
	require.NoError(t, err)
	box, err := table.box(0)
	require.NoError(t, err)
	require.Equal(t, &photo.Box{XMin: 13, YMin: 3, XMax: 40, YMax: 60}, box)
	fold, err := table.fold(0)
	require.NoError(t, err)
	require.Equal(t, 1, fold)
	_, err = table.box(1)
	require.ErrorContains(t, err, "line 3: the box, x_min 0.2, y_min 0.1, x_max 0.8, y_max 1, seems to be in shares of the photo, but must be in pixels")
	_, err = table.fold(1)
	require.ErrorContains(t, err, `fold is "1.5"`)
	box, err = table.box(2)
	require.NoError(t, err)
	require.Equal(t, &photo.Box{XMax: 1, YMax: 1}, box, "who reads photos says that it is small")
	_, err = table.box(3)
	require.ErrorContains(t, err, "x_min 3.1, y_min 3, x_max 3.4, y_max 9, is empty")
	_, err = table.box(4)
	require.ErrorContains(t, err, `x_max is "1e10"`)
}

func FuzzParseTable(f *testing.F) {
	f.Add("photo,x_min,y_min,x_max,y_max,fold\na.jpg,1,2,3,4,0\n")
	f.Add("a,b\n1")
	f.Add("x_min\n\"1\n2\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := parseTable("fuzz.csv", strings.NewReader(text), "x_min")
		if err != nil {
			return
		}
		for row := range table.rows {
			if box, err := table.box(row); err == nil && box != nil && box.Empty() {
				t.Fatalf("the box %v is empty", box)
			}
			_, _ = table.fold(row)
			_ = table.get(row, "x_min")
		}
	})
}
