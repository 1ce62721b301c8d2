package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
)

// column is one column of the Parquet schema: its name, its type, and how the values of a row go in
// and out of its leaves (one, or two for a map).
type column struct {
	name   string
	node   parquet.Node
	leaves []leaf
}

// leaf moves the values of one row. A row has one value in most leaves, and as many as it has elements
// in those of lists and maps; the levels are those of Dremel (parquet.apache.org/docs, nested encoding).
type leaf struct {
	write func(values []parquet.Value, index int, row *Row) []parquet.Value
	read  func(row *Row, values []parquet.Value)
}

// The columns that hold embeddings. They are by far the largest and can be left out when reading.
const (
	columnUnsupervised = "embedding_unsupervised"
	columnDeepRank     = "embedding_deeprank"
)

// columnColours is the column of dominant colours. Files from before there was one lack it.
const columnColours = "colours"

// columnsOf returns the schema in the order in which people look at it.
func columnsOf(facets []Facet) []column {
	columns := []column{
		text("row_id", required, func(r *Row) *string { return &r.RowID }),
		text("photo_id", optional, func(r *Row) *string { return &r.PhotoID }),
		text("product_id", required, func(r *Row) *string { return &r.ProductID }),
		text("source", required, func(r *Row) *string { return &r.Source }),
		text("title", optional, func(r *Row) *string { return &r.Title }),
		text("url", optional, func(r *Row) *string { return &r.URL }),
		price(),
		text("currency", optionalLabel, func(r *Row) *string { return &r.Currency }),
		attributes(),
		text("status", requiredLabel, func(r *Row) *string { return (*string)(&r.Status) }),
		text("error", optional, func(r *Row) *string { return &r.Error }),
		integer("width", func(r *Row) (int32, bool) { return r.Width, r.Width != 0 }, func(r *Row, v int32) { r.Width = v }),
		integer("height", func(r *Row) (int32, bool) { return r.Height, r.Height != 0 }, func(r *Row, v int32) { r.Height = v }),
		side("box_x_min", func(b *Box) *int32 { return &b.XMin }),
		side("box_y_min", func(b *Box) *int32 { return &b.YMin }),
		side("box_x_max", func(b *Box) *int32 { return &b.XMax }),
		side("box_y_max", func(b *Box) *int32 { return &b.YMax }),
		real32("box_confidence",
			func(r *Row) (float32, bool) { return r.BoxConfidence, r.Box != nil },
			func(r *Row, v float32) { r.BoxConfidence = v }),
	}
	for _, f := range facets {
		columns = append(columns, facetColumns(f.Name)...)
	}
	return append(columns,
		colours(),
		floats(columnUnsupervised, func(r *Row) *[]float32 { return &r.EmbeddingUnsupervised }),
		floats(columnDeepRank, func(r *Row) *[]float32 { return &r.EmbeddingDeepRank }),
		text("embedding_model", requiredLabel, func(r *Row) *string { return &r.EmbeddingModel }),
		text("facet_model", requiredLabel, func(r *Row) *string { return &r.FacetModel }),
		indexedAt(),
	)
}

// facetColumns returns the three columns of a facet.
func facetColumns(name string) []column {
	value := func(r *Row) (FacetValue, bool) {
		v, ok := r.Facets[name]
		return v, ok
	}
	change := func(r *Row, f func(v *FacetValue)) {
		if r.Facets == nil {
			r.Facets = make(map[string]FacetValue)
		}
		v := r.Facets[name]
		f(&v)
		r.Facets[name] = v
	}
	return []column{
		scalar("facet_"+name, optionalLabel,
			func(r *Row) (parquet.Value, bool) { v, ok := value(r); return textValue(v.Label), ok },
			func(r *Row, v parquet.Value) { change(r, func(f *FacetValue) { f.Label = string(v.ByteArray()) }) }),
		real32("facet_"+name+"_probability",
			func(r *Row) (float32, bool) { v, ok := value(r); return v.Probability, ok },
			func(r *Row, p float32) { change(r, func(f *FacetValue) { f.Probability = p }) }),
		scalar("facet_"+name+"_source", optionalLabel,
			func(r *Row) (parquet.Value, bool) { v, ok := value(r); return textValue(string(v.Source)), ok },
			func(r *Row, v parquet.Value) {
				change(r, func(f *FacetValue) { f.Source = FacetSource(v.ByteArray()) })
			}),
	}
}

// The kinds of text columns. Columns of labels repeat few values and are written with a dictionary.
var (
	required      = parquet.Encoded(parquet.String(), &parquet.Plain)
	optional      = parquet.Optional(required)
	requiredLabel = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	optionalLabel = parquet.Optional(requiredLabel)
)

// textValue makes valid UTF-8 of text, as Parquet and JSON demand: a file name may be any bytes.
func textValue(s string) parquet.Value { return parquet.ValueOf(strings.ToValidUTF8(s, "\uFFFD")) }

// scalar is a column with one value a row, or null where get says so.
func scalar(name string, node parquet.Node, get func(*Row) (parquet.Value, bool), set func(*Row, parquet.Value)) column {
	present := 0
	if node.Optional() {
		present = 1
	}
	return column{name, node, []leaf{{
		write: func(values []parquet.Value, index int, row *Row) []parquet.Value {
			if v, ok := get(row); ok {
				return append(values, v.Level(0, present, index))
			}
			return append(values, parquet.NullValue().Level(0, 0, index))
		},
		read: func(row *Row, values []parquet.Value) {
			if !values[0].IsNull() {
				set(row, values[0])
			}
		},
	}}}
}

// text is a column of strings. In an optional one, the empty string is null.
func text(name string, node parquet.Node, at func(*Row) *string) column {
	return scalar(name, node,
		func(r *Row) (parquet.Value, bool) { s := *at(r); return textValue(s), s != "" || !node.Optional() },
		func(r *Row, v parquet.Value) { *at(r) = string(v.ByteArray()) })
}

func integer(name string, get func(*Row) (int32, bool), set func(*Row, int32)) column {
	return scalar(name, parquet.Optional(parquet.Int(32)),
		func(r *Row) (parquet.Value, bool) { v, ok := get(r); return parquet.Int32Value(v), ok },
		func(r *Row, v parquet.Value) { set(r, v.Int32()) })
}

// side is one of the four columns of the box.
func side(name string, at func(*Box) *int32) column {
	return integer(name,
		func(r *Row) (int32, bool) {
			if r.Box == nil {
				return 0, false
			}
			return *at(r.Box), true
		},
		func(r *Row, v int32) {
			if r.Box == nil {
				r.Box = new(Box)
			}
			*at(r.Box) = v
		})
}

func real32(name string, get func(*Row) (float32, bool), set func(*Row, float32)) column {
	return scalar(name, parquet.Optional(parquet.Leaf(parquet.FloatType)),
		func(r *Row) (parquet.Value, bool) { v, ok := get(r); return parquet.FloatValue(v), ok },
		func(r *Row, v parquet.Value) { set(r, v.Float()) })
}

func price() column {
	return scalar("price", parquet.Optional(parquet.Leaf(parquet.DoubleType)),
		func(r *Row) (parquet.Value, bool) {
			if r.Price == nil {
				return parquet.Value{}, false
			}
			return parquet.DoubleValue(*r.Price), true
		},
		func(r *Row, v parquet.Value) { r.Price = new(v.Double()) })
}

func indexedAt() column {
	return scalar("indexed_at", parquet.Timestamp(parquet.Millisecond),
		func(r *Row) (parquet.Value, bool) { return parquet.Int64Value(r.IndexedAt.UnixMilli()), true },
		func(r *Row, v parquet.Value) { r.IndexedAt = time.UnixMilli(v.Int64()).UTC() })
}

// floats is a column of type list<float>, in the three-level form that every reader knows.
func floats(name string, at func(*Row) *[]float32) column {
	const missing, present = 0, 2
	return column{name, parquet.Optional(parquet.List(parquet.Leaf(parquet.FloatType))), []leaf{{
		write: func(values []parquet.Value, index int, row *Row) []parquet.Value {
			elements := *at(row)
			if len(elements) == 0 {
				return append(values, parquet.NullValue().Level(0, missing, index))
			}
			first := len(values)
			values = slices.Grow(values, len(elements))
			for _, e := range elements {
				v := parquet.FloatValue(e)
				v.SetRepetitionLevel(1)
				v.SetDefinitionLevel(present)
				v.SetColumnIndex(index)
				values = append(values, v)
			}
			values[first].SetRepetitionLevel(0) // where a row begins
			return values
		},
		read: func(row *Row, values []parquet.Value) {
			if values[0].IsNull() {
				return
			}
			elements := make([]float32, len(values))
			for i, v := range values {
				elements[i] = v.Float()
			}
			*at(row) = elements
		},
	}}}
}

// colours is the column of type list<struct<name, l, a, b, share>>.
func colours() column {
	const missing, present = 0, 2
	number := parquet.Leaf(parquet.FloatType)
	element := orderedGroup{}
	element.add("name", requiredLabel)
	leaves := []leaf{{
		write: colourValues(missing, present, func(c *Colour) parquet.Value { return textValue(c.Name) }),
		read: func(row *Row, values []parquet.Value) {
			if values[0].IsNull() {
				return
			}
			row.Colours = make([]Colour, len(values))
			for i, v := range values {
				row.Colours[i].Name = string(v.ByteArray())
			}
		},
	}}
	for _, f := range []struct {
		name string
		at   func(*Colour) *float32
	}{
		{"l", func(c *Colour) *float32 { return &c.L }},
		{"a", func(c *Colour) *float32 { return &c.A }},
		{"b", func(c *Colour) *float32 { return &c.B }},
		{"share", func(c *Colour) *float32 { return &c.Share }},
	} {
		element.add(f.name, number)
		leaves = append(leaves, leaf{
			write: colourValues(missing, present, func(c *Colour) parquet.Value { return parquet.FloatValue(*f.at(c)) }),
			read: func(row *Row, values []parquet.Value) {
				for i := range min(len(values), len(row.Colours)) {
					*f.at(&row.Colours[i]) = values[i].Float()
				}
			},
		})
	}
	return column{columnColours, parquet.Optional(parquet.List(element)), leaves}
}

// colourValues writes one field of all colours of a row.
func colourValues(missing, present int, of func(*Colour) parquet.Value) func([]parquet.Value, int, *Row) []parquet.Value {
	return func(values []parquet.Value, index int, row *Row) []parquet.Value {
		if len(row.Colours) == 0 {
			return append(values, parquet.NullValue().Level(0, missing, index))
		}
		for i := range row.Colours {
			values = append(values, of(&row.Colours[i]).Level(min(i, 1), present, index))
		}
		return values
	}
}

// attributes is the column of type map<string, string>, its keys in order.
func attributes() column {
	const missing, present = 0, 2
	var keys []string // of the row whose keys are being read
	write := func(value func(row *Row, key string) string) func([]parquet.Value, int, *Row) []parquet.Value {
		return func(values []parquet.Value, index int, row *Row) []parquet.Value {
			if len(row.Attributes) == 0 {
				return append(values, parquet.NullValue().Level(0, missing, index))
			}
			for i, key := range slices.Sorted(maps.Keys(row.Attributes)) {
				values = append(values, textValue(value(row, key)).Level(min(i, 1), present, index))
			}
			return values
		}
	}
	return column{"attributes", parquet.Optional(parquet.Map(required, required)), []leaf{
		{
			write: write(func(_ *Row, key string) string { return key }),
			read: func(_ *Row, values []parquet.Value) {
				keys = keys[:0]
				for _, v := range values {
					if !v.IsNull() {
						keys = append(keys, string(v.ByteArray()))
					}
				}
			},
		},
		{
			write: write(func(row *Row, key string) string { return row.Attributes[key] }),
			read: func(row *Row, values []parquet.Value) {
				if len(keys) == 0 || len(keys) != len(values) {
					return
				}
				row.Attributes = make(map[string]string, len(keys))
				for i, key := range keys {
					row.Attributes[key] = string(values[i].ByteArray())
				}
			},
		},
	}}
}

// orderedGroup is a parquet.Group that keeps the order of its fields, which a Group sorts by name.
type orderedGroup struct {
	parquet.Group
	fields []parquet.Field
}

func (g orderedGroup) Fields() []parquet.Field { return g.fields }

// add appends a field.
func (g *orderedGroup) add(name string, node parquet.Node) {
	if g.Group == nil {
		g.Group = make(parquet.Group)
	}
	g.Group[name] = node
	g.fields = append(g.fields, parquet.Group{name: node}.Fields()...)
}

// schemaOf returns the schema of a file of rows.
func schemaOf(columns []column) *parquet.Schema {
	var g orderedGroup
	for _, c := range columns {
		g.add(c.name, c.node)
	}
	return parquet.NewSchema("kleid", g)
}

// CheckFacets refuses facets that would not make good columns.
func CheckFacets(facets []Facet) error {
	seen := make(map[string]bool)
	for _, f := range facets {
		if f.Name == "" || strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
			return fmt.Errorf("facet name %q: use lower-case letters, digits, _ and -", f.Name)
		}
		for _, name := range []string{f.Name, f.Name + "_probability", f.Name + "_source"} {
			if seen[name] {
				return fmt.Errorf("facet %q: the column facet_%s would be there twice", f.Name, name)
			}
			seen[name] = true
		}
	}
	return nil
}
