package catalog

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// valueText writes a value of a column as text, as a CSV file would have it.
type valueText func(parquet.Value) (string, error)

// textOf returns how the values of a type are written, nil for a type that has no text, such as a shape on a map. What a
// value means is in its logical type: the same integer is a number, a date or an amount in cents.
func textOf(t parquet.Type) valueText {
	if converted := t.ConvertedType(); converted != nil && *converted == deprecated.Interval {
		return nil
	}
	logical := t.LogicalType()
	if logical == nil {
		return plainText
	}
	switch l := logical.Value.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType, *format.NullType:
		return plainText
	case *format.IntType:
		if !l.IsSigned {
			return unsignedText
		}
		return plainText
	case *format.DecimalType:
		if l.Scale < 0 || l.Scale > maxDecimalScale {
			return nil
		}
		return func(v parquet.Value) (string, error) { return decimalText(v, int(l.Scale)) }
	case *format.DateType:
		return func(v parquet.Value) (string, error) {
			return time.Unix(int64(v.Int32())*24*60*60, 0).UTC().Format(time.DateOnly), nil
		}
	case *format.TimestampType:
		if l.Unit.Value == nil {
			return nil
		}
		form := time.RFC3339Nano
		if !l.IsAdjustedToUTC {
			form = "2006-01-02T15:04:05.999999999" // of a clock in a place that nobody names
		}
		unit := l.Unit.Value.Duration()
		return func(v parquet.Value) (string, error) { return since1970(v.Int64(), unit).Format(form), nil }
	case *format.TimeType:
		if l.Unit.Value == nil {
			return nil
		}
		unit := l.Unit.Value.Duration()
		return func(v parquet.Value) (string, error) {
			return since1970(wholeNumber(v), unit).Format("15:04:05.999999999"), nil
		}
	case *format.UUIDType:
		return func(v parquet.Value) (string, error) {
			b := v.ByteArray()
			if len(b) != 16 {
				return "", fmt.Errorf("a UUID of %d bytes", len(b))
			}
			return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
		}
	}
	return nil
}

// plainText is that of types that say nothing more of their values. Numbers have no exponent: a product's id may be one.
func plainText(v parquet.Value) (string, error) {
	switch v.Kind() {
	case parquet.Float:
		return strconv.FormatFloat(float64(v.Float()), 'f', -1, 32), nil
	case parquet.Double:
		return strconv.FormatFloat(v.Double(), 'f', -1, 64), nil
	case parquet.Int96: // a time of older programs: nanoseconds of a day, and the day, counted from 4713 BC
		words := v.Int96()
		nanoseconds := int64(words[0]) | int64(words[1])<<32
		day := int64(int32(words[2])) - 2440588
		return time.Unix(day*24*60*60, nanoseconds).UTC().Format(time.RFC3339Nano), nil
	}
	return v.String(), nil
}

func unsignedText(v parquet.Value) (string, error) {
	if v.Kind() == parquet.Int32 {
		return strconv.FormatUint(uint64(v.Uint32()), 10), nil
	}
	return strconv.FormatUint(v.Uint64(), 10), nil
}

func wholeNumber(v parquet.Value) int64 {
	if v.Kind() == parquet.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}

// since1970 is n units after the beginning of 1970.
func since1970(n int64, unit time.Duration) time.Time {
	second := int64(time.Second / unit)
	return time.Unix(n/second, n%second*int64(unit)).UTC()
}

// The digits behind the point, and the bytes, that a decimal may have: more than any writer uses, and little enough for
// damaged files to do no harm.
const maxDecimalScale, maxDecimalBytes = 1000, 256

// decimalText puts the point into a decimal, which is an integer, or the bytes of one as a two's complement, the highest
// first.
func decimalText(v parquet.Value, scale int) (string, error) {
	var n *big.Int
	switch v.Kind() {
	case parquet.Int32, parquet.Int64:
		n = big.NewInt(wholeNumber(v))
	default:
		b := v.ByteArray()
		if len(b) > maxDecimalBytes {
			return "", fmt.Errorf("a decimal of %d bytes", len(b))
		}
		if n = new(big.Int).SetBytes(b); len(b) > 0 && b[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
	}
	if scale == 0 {
		return n.String(), nil
	}
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	digits := n.Abs(n).String()
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - scale
	return sign + digits[:point] + "." + digits[point:], nil
}
