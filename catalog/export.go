package catalog

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// Format is what Export writes.
type Format string

// The formats of an export.
const (
	ParquetFormat Format = "parquet"
	CSVFormat     Format = "csv"
	JSONLFormat   Format = "jsonl"
)

// Formats lists them.
func Formats() []string {
	return []string{string(ParquetFormat), string(CSVFormat), string(JSONLFormat)}
}

// ExportOptions say which rows and columns go out.
type ExportOptions struct {
	Format Format
	// Columns are names or globs of them, such as facet_*, in the order in which they go out, and attributes.fabric for one
	// of the attributes, which is empty where a row lacks it. Empty: all, without the embeddings unless the format is Parquet.
	Columns []string
	// Where is an expression that a row has to satisfy, such as
	//	facet_sleeve == "long" and price < 100 and attributes.fabric in ["silk", "satin"]
	// in the language of expr-lang.org, of the names of columns. A missing text is "", a missing number compares with
	// nothing. Empty: all rows.
	Where string
}

// OptionsError says what is wrong with ExportOptions.
type OptionsError struct{ Message string }

func (e *OptionsError) Error() string { return e.Message }

// Exported is what became of an export.
type Exported struct {
	Rows int
	// Unknown are attributes that were asked for and that no row of the file has: their names may be misspelt.
	Unknown []string
}

// Export writes rows of a file to w. progress is told how many were looked at.
func Export(ctx context.Context, r *Reader, w io.Writer, options ExportOptions, progress func(done, total int)) (Exported, error) {
	columns, err := r.choose(options)
	if err != nil {
		return Exported{}, err
	}
	where, err := r.where(options.Where)
	if err != nil {
		return Exported{}, err
	}
	out, err := newRowWriter(w, r.meta, columns, options.Format)
	if err != nil {
		return Exported{}, err
	}
	var exported Exported
	for _, c := range columns {
		if name, ok := strings.CutPrefix(c.name, attributePrefix); ok {
			exported.Unknown = append(exported.Unknown, name)
		}
	}
	embeddings := strings.Contains(options.Where, "embedding_") || slices.ContainsFunc(columns, isEmbedding)
	done := 0
	for batch, err := range r.Batches(ReadOptions{WithoutEmbeddings: !embeddings}) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return exported, err
		}
		done += len(batch)
		kept := batch[:0]
		for i := range batch {
			exported.Unknown = slices.DeleteFunc(exported.Unknown, func(name string) bool {
				_, has := batch[i].Attributes[name]
				return has
			})
			ok, err := where(&batch[i])
			if err != nil {
				return exported, err
			}
			if ok {
				kept = append(kept, batch[i])
			}
		}
		if err := out.Write(kept); err != nil {
			return exported, err
		}
		exported.Rows += len(kept)
		progress(done, int(r.NumRows()))
	}
	return exported, out.Close()
}

func isEmbedding(c column) bool { return c.name == columnUnsupervised || c.name == columnDeepRank }

// choose are the columns of an export.
func (r *Reader) choose(options ExportOptions) ([]column, error) {
	if len(options.Columns) == 0 {
		return slices.DeleteFunc(slices.Clone(r.columns), func(c column) bool { return options.Format != ParquetFormat && isEmbedding(c) }), nil
	}
	var chosen []column
	add := func(c column) {
		if !slices.ContainsFunc(chosen, func(has column) bool { return has.name == c.name }) {
			chosen = append(chosen, c)
		}
	}
	for _, pattern := range options.Columns {
		if name, ok := strings.CutPrefix(pattern, attributePrefix); ok && name != "" {
			add(attribute(name))
			continue
		}
		found := false
		for _, c := range r.columns {
			match, err := path.Match(pattern, c.name)
			if err != nil {
				return nil, &OptionsError{fmt.Sprintf("the column %q is no name and no pattern", pattern)}
			}
			if !match {
				continue
			}
			found = true
			add(c)
		}
		if !found {
			return nil, &OptionsError{fmt.Sprintf("there is no column %q; there are %s", pattern, strings.Join(r.columnNames(), ", "))}
		}
	}
	return chosen, nil
}

// attributePrefix begins the name of a column of one attribute.
const attributePrefix = "attributes."

// attribute is a column of one of the attributes, for tables that know no maps. It is never read from a file.
func attribute(name string) column {
	return text(attributePrefix+name, optional, func(r *Row) *string { value := r.Attributes[name]; return &value })
}

func (r *Reader) columnNames() []string {
	var names []string
	for _, c := range r.columns {
		names = append(names, c.name)
	}
	return names
}

// where compiles an expression.
func (r *Reader) where(text string) (func(*Row) (bool, error), error) {
	if strings.TrimSpace(text) == "" {
		return func(*Row) (bool, error) { return true, nil }, nil
	}
	empty := r.environment(&Row{})
	program, err := expr.Compile(text, expr.Env(empty), expr.AsBool(),
		expr.DisableBuiltin("float"), expr.Function("float", float, new(func(string) float64), new(func(float64) float64), new(func(int) float64)))
	if err != nil {
		return nil, &OptionsError{fmt.Sprintf("the condition cannot be understood: %v\nThe columns are %s", err, strings.Join(slices.Sorted(maps.Keys(empty)), ", "))}
	}
	var machine vm.VM
	return func(row *Row) (bool, error) {
		value, err := machine.Run(program, r.environment(row))
		if err != nil {
			return false, &OptionsError{fmt.Sprintf("the condition fails for row %s: %v", row.RowID, err)}
		}
		return value.(bool), nil
	}, nil
}

// float is that of expressions, for attributes, which are texts. One that is missing is no number, as in a column.
func float(values ...any) (any, error) {
	switch v := values[0].(type) {
	case float64:
		return v, nil
	case int:
		return float64(v), nil
	case string:
		if v = strings.TrimSpace(v); v == "" {
			return math.NaN(), nil
		}
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%q is no number", values[0])
}

// environment is a row as an expression sees it. Names with - are written with _, which expressions understand.
func (r *Reader) environment(row *Row) map[string]any {
	all := make(map[string]any, len(r.columns))
	for _, c := range r.columns {
		var v any
		switch c.name {
		case "attributes":
			v = row.Attributes
			if row.Attributes == nil {
				v = map[string]string{}
			}
		case columnColours:
			names := make([]string, len(row.Colours))
			for i, colour := range row.Colours {
				names[i] = colour.Name
			}
			v = names
		case columnUnsupervised:
			v = row.EmbeddingUnsupervised
		case columnDeepRank:
			v = row.EmbeddingDeepRank
		case "indexed_at":
			v = row.IndexedAt
		default:
			v = c.plain(row)
		}
		all[strings.ReplaceAll(c.name, "-", "_")] = v
	}
	return all
}

// plain is the value of a column with one value a row: text, or a number as float64, NaN where it is missing.
func (c column) plain(row *Row) any {
	number := slices.Contains([]string{"INT32", "INT64", "FLOAT", "DOUBLE"}, c.node.Type().Kind().String())
	value := c.leaves[0].write(nil, 0, row)[0]
	switch {
	case number && value.IsNull():
		return math.NaN()
	case number:
		f, err := strconv.ParseFloat(value.String(), 64)
		if err != nil {
			return math.NaN()
		}
		return f
	case value.IsNull():
		return ""
	}
	return string(value.ByteArray())
}

// exported is the value of a column as JSON has it; nil where there is none.
func (c column) exported(row *Row) any {
	switch c.name {
	case "attributes":
		return orNil(len(row.Attributes), row.Attributes)
	case columnColours:
		return orNil(len(row.Colours), row.Colours)
	case columnUnsupervised:
		return orNil(len(row.EmbeddingUnsupervised), row.EmbeddingUnsupervised)
	case columnDeepRank:
		return orNil(len(row.EmbeddingDeepRank), row.EmbeddingDeepRank)
	case "indexed_at":
		return row.IndexedAt.UTC().Format(time.RFC3339Nano)
	}
	value := c.leaves[0].write(nil, 0, row)[0]
	switch {
	case value.IsNull():
		return nil
	case slices.Contains([]string{"INT32", "FLOAT", "DOUBLE"}, c.node.Type().Kind().String()):
		return json.Number(value.String())
	}
	return string(value.ByteArray())
}

func orNil(n int, v any) any {
	if n == 0 {
		return nil
	}
	return v
}

// rowWriter is a format.
type rowWriter interface {
	Write(rows []Row) error
	Close() error // flushes; w stays open
}

func newRowWriter(w io.Writer, meta Metadata, columns []column, format Format) (rowWriter, error) {
	switch format {
	case ParquetFormat:
		return newWriter(w, meta, columns)
	case CSVFormat:
		c := &csvRows{csv.NewWriter(w), columns}
		var names []string
		for _, column := range columns {
			names = append(names, column.name)
		}
		return c, c.w.Write(names)
	case JSONLFormat:
		return &jsonRows{bufio.NewWriter(w), columns}, nil
	}
	return nil, &OptionsError{fmt.Sprintf("there is no format %q: use %s", format, strings.Join(Formats(), ", "))}
}

// csvRows writes CSV (RFC 4180) with a first line of names. Lists and maps are JSON.
type csvRows struct {
	w       *csv.Writer
	columns []column
}

func (c *csvRows) Write(rows []Row) error {
	record := make([]string, len(c.columns))
	for i := range rows {
		for j, column := range c.columns {
			switch v := column.exported(&rows[i]).(type) {
			case nil:
				record[j] = ""
			case string:
				record[j] = v
			case json.Number:
				record[j] = v.String()
			default:
				text, err := json.Marshal(v)
				if err != nil {
					return err
				}
				record[j] = string(text)
			}
		}
		if err := c.w.Write(record); err != nil {
			return err
		}
	}
	return nil
}

func (c *csvRows) Close() error {
	c.w.Flush()
	return c.w.Error()
}

// jsonRows writes an object a line, its members in the order of the columns.
type jsonRows struct {
	w       *bufio.Writer
	columns []column
}

func (j *jsonRows) Write(rows []Row) error {
	for i := range rows {
		for n, column := range j.columns {
			name, err := json.Marshal(column.name)
			value, valueErr := json.Marshal(column.exported(&rows[i]))
			if err := errors.Join(err, valueErr); err != nil {
				return err
			}
			separator := ","
			if n == 0 {
				separator = "{"
			}
			_, _ = j.w.WriteString(separator) // errors stay with the writer until Flush
			_, _ = j.w.Write(name)
			_ = j.w.WriteByte(':')
			_, _ = j.w.Write(value)
		}
		if _, err := j.w.WriteString("}\n"); err != nil {
			return err
		}
	}
	return nil
}

func (j *jsonRows) Close() error { return j.w.Flush() }
