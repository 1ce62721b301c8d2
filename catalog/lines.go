package catalog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxLine is how many bytes a line may have: more than any row of a manifest needs, and little enough to hold in memory.
const MaxLine = 4 << 20

// ErrLongLine says that a line has more than MaxLine bytes; the lines after it can be read.
var ErrLongLine = fmt.Errorf("has more than %d bytes", MaxLine)

// Lines reads a text file line by line, without the byte order mark that it may begin with.
type Lines struct {
	r      *bufio.Reader
	number int      // of the line given last, from 1
	back   []string // given back, the next one last
	long   bool     // the line after those in back was too long, and is still to be reported
}

// NewLines reads the lines of r.
func NewLines(r io.Reader) *Lines {
	b := bufio.NewReaderSize(r, 1<<16)
	if bom, err := b.Peek(3); err == nil && string(bom) == "\xef\xbb\xbf" {
		_, _ = b.Discard(3) // cannot fail: they have been peeked at
	}
	return &Lines{r: b}
}

// Number is that of the line that Next returned last, from 1.
func (l *Lines) Number() int { return l.number }

// Next returns a line without its end. A line that is too long is read to its end and ErrLongLine
// returned; io.EOF comes after the last one.
func (l *Lines) Next() (string, error) {
	if n := len(l.back); n > 0 {
		line := l.back[n-1]
		l.back = l.back[:n-1]
		l.number++
		return line, nil
	}
	if l.long {
		l.long = false
		l.number++
		return "", ErrLongLine
	}
	var line []byte
	long := false
	for {
		part, err := l.r.ReadSlice('\n')
		if len(line)+len(part) > MaxLine {
			long = true
		}
		if !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (len(line) > 0 || long):
		case err != nil:
			return "", err
		}
		l.number++
		if long {
			return "", ErrLongLine
		}
		return strings.TrimRight(string(line), "\r\n"), nil
	}
}

// unread gives lines back, and with them the fact that a line after them was too long; they come again
// in their order.
func (l *Lines) unread(given []string, long bool) {
	if long {
		l.long = true
		l.number--
	}
	for _, line := range slices.Backward(given) {
		l.back = append(l.back, line)
	}
	l.number -= len(given)
}
