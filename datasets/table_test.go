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
	require.ErrorContains(t, err, "line 3: the box {5 5 5 9} is empty")
	_, err = table.box(2)
	require.ErrorContains(t, err, "line 4: x_max")
	_, err = table.box(3)
	require.ErrorContains(t, err, "line 5: the box lacks x_min")
	_, err = table.box(4)
	require.ErrorContains(t, err, "line 6: the box lacks y_min, y_max")
	_, err = table.fold(1)
	require.ErrorContains(t, err, "line 3: fold")
	_, err = readTable("no such file.csv")
	require.ErrorContains(t, err, "no such file.csv")
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
