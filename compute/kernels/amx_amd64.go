package kernels

import (
	"sync"
	"unsafe"
)

// AMX multiplies tiles of 16 rows of 64 bytes. What it reads of images lies in rows that are equally far apart, so that
// windows are written one after another before (narrowConv.spread).
const (
	amxTile = 16 // rows of a tile

	// amxTogether products share what it takes to begin and to end, as long as the products of four chunks; their sums
	// stay in a core's first cache.
	amxTogether = 4
)

// amxProduct is a product [rows, 64·chunks] · [64·chunks, columns] of bytes and int8, or pairs of bfloat16. Assembly knows
// the fields by their offsets.
type amxProduct struct {
	shape  *amxShape
	a      unsafe.Pointer
	aRow   int            // bytes from a row to the next
	b      unsafe.Pointer // [16·chunks][columns][4]byte
	chunks int
	sums   unsafe.Pointer // [count·rows][columns] int32 or float32
	count  int            // of products below one another; 1 where they have less than all rows
}

// amxShape says how large tiles are, as LDTILECFG reads it (Intel's Software Developer's Manual, volume 1, 18.2).
type amxShape struct {
	palette uint8
	_       [15]uint8
	bytes   [16]uint16 // of a row of each tile
	rows    [16]uint8
}

// amxShapes are those of products of so many rows: tiles 0 to 3 are sums, two and two columns of tiles, 4 and 5 have rows,
// 6 and 7 filters.
var amxShapes = func() (shapes [narrowRows + 1]amxShape) {
	for rows := 1; rows <= narrowRows; rows++ {
		upper, lower := min(rows, amxTile), max(rows-amxTile, 0)
		shapes[rows].palette = 1
		for tile, n := range []int{upper, upper, lower, lower, upper, lower, amxTile, amxTile} {
			if n > 0 {
				shapes[rows].rows[tile], shapes[rows].bytes[tile] = uint8(n), matrixChunk
			}
		}
	}
	return shapes
}()

// amxCode is what is different between bytes and bfloat16.
type amxCode struct {
	// products are of up to 16 and of up to 32 rows, of 16 and of 32 columns.
	products [2][2]func(p *amxProduct)
	// finish is a tile's epilogue for 8, 4, 2 and 1 rows of 16 and of 32 columns, whose sums are in its image.
	finish [4][2]func(t *narrowTile)
	size   int // bytes of an output and of a residual that are no floats
}

// heightsAMX are those of products.
var heightsAMX = func() (heights []int) {
	for rows := narrowRows; rows > 0; rows-- {
		heights = append(heights, rows)
	}
	return heights
}()

// amxScratch is memory for products and their ends; the rows of sums are whole cache lines.
type amxScratch struct {
	memory  [amxTogether*narrowRows*narrowColumns + matrixSteps]int32
	product amxProduct
	end     narrowTile
}

var amxScratches = sync.Pool{New: func() any { return new(amxScratch) }}

// run is narrowTiler.run.
func (c *amxCode) run(t *narrowTile, rows, columns int) {
	s := amxScratches.Get().(*amxScratch)
	defer amxScratches.Put(s)
	sums := unsafe.Pointer(&s.memory)
	sums = unsafe.Add(sums, -uintptr(sums)&(matrixChunk-1))
	wide := columns/amxTile - 1
	product := c.products[(rows-1)/amxTile][wide]
	size, residualSize := t.sizes(c.size)
	s.product = amxProduct{shape: &amxShapes[rows], b: t.filters, chunks: t.steps / matrixSteps, sums: sums}
	s.end = *t
	for {
		s.product.count = 1
		if rows == narrowRows {
			s.product.count = min(t.tiles, amxTogether)
		}
		count := s.product.count * rows
		offsets := unsafe.Slice((*int)(t.rows), count)
		s.product.a = unsafe.Add(t.image, offsets[0])
		if count > 1 {
			s.product.aRow = offsets[1] - offsets[0]
		}
		product(&s.product)
		s.end.out, s.end.residual = t.out, t.residual
		for done, shorter := 0, 0; ; shorter++ {
			height := 8 >> shorter
			if s.end.tiles = (count - done) / height; s.end.tiles == 0 {
				continue
			}
			n := s.end.tiles * height
			s.end.image = unsafe.Add(sums, done*columns*4)
			out, residual := s.end.out, s.end.residual
			c.finish[shorter][wide](&s.end)
			if done += n; done == count {
				break
			}
			s.end.out, s.end.residual = out, residual
			s.end.below(n, size, residualSize)
		}
		if t.tiles -= s.product.count; t.tiles == 0 {
			return
		}
		t.next(count, size, residualSize)
	}
}
