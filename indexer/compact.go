package indexer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"

	"github.com/kleid-search/kleid/storage"
)

// maxSegments is how many segments a journal may have before they are made one.
const maxSegments = 32

// Compact drops the photos that are not live from the journal, when they are the larger part of it, and
// makes one segment of many. A kill leaves the old segments, with or without the new one: the same photos.
func (j *journal) Compact(live func(photoKey) bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var keys []photoKey
	for key := range j.index {
		if live(key) {
			keys = append(keys, key)
		}
	}
	if len(j.segments) <= maxSegments && len(j.index) <= 2*len(keys) {
		return nil
	}
	slices.SortFunc(keys, func(a, b photoKey) int {
		x, y := j.index[a], j.index[b]
		if x.segment != y.segment {
			return int(x.segment - y.segment)
		}
		if x.offset < y.offset {
			return -1
		}
		return 1
	})
	name := filepath.Join(j.dir, "compact.tmp")
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("the journal: %w", err)
	}
	index, err := j.copyRecords(f, keys)
	if err == nil {
		err = f.Sync()
	}
	to := j.newSegment()
	// The file is open still, which Windows allows to rename only when nobody else has it: so it is closed.
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(name, to)
	}
	if err == nil {
		err = storage.SyncFolder(j.dir)
	}
	if err == nil {
		f, err = os.OpenFile(to, os.O_RDWR, 0)
	}
	if err != nil {
		os.Remove(name)
		return fmt.Errorf("the journal: %w", err)
	}
	old := j.segments
	j.segments, j.index, j.active, j.dirty = []*os.File{f}, index, nil, false
	for _, segment := range old {
		err = errors.Join(err, segment.Close(), os.Remove(segment.Name()))
	}
	return err
}

// copyRecords writes a segment of the records of keys, and returns where they are in it.
func (j *journal) copyRecords(f *os.File, keys []photoKey) (map[photoKey]recordAt, error) {
	out := bufio.NewWriterSize(f, 1<<20)
	if _, err := out.WriteString(segmentMagic); err != nil {
		return nil, err
	}
	index := make(map[photoKey]recordAt, len(keys))
	offset := int64(len(segmentMagic))
	var payload []byte
	var header [recordHeader]byte
	for _, key := range keys {
		at := j.index[key]
		payload = slices.Grow(payload[:0], int(at.size))[:at.size]
		if _, err := j.segments[at.segment].ReadAt(payload, at.offset); err != nil {
			return nil, err
		}
		binary.LittleEndian.PutUint32(header[:], uint32(at.size))
		binary.LittleEndian.PutUint32(header[4:], crc32.Checksum(payload, castagnoli))
		if _, err := out.Write(header[:]); err != nil {
			return nil, err
		}
		if _, err := out.Write(payload); err != nil {
			return nil, err
		}
		index[key] = recordAt{0, at.size, offset + recordHeader}
		offset += recordHeader + int64(at.size)
	}
	return index, out.Flush()
}
