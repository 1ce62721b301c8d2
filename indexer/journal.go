package indexer

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
)

// syncInterval is how long a finished photo may wait for its fsync. A killed process loses nothing even
// so, since appended records are with the system; only a machine that stops does.
const syncInterval = 2 * time.Second

// A segment of the journal is segmentMagic followed by records: the length of the payload and its CRC-32C,
// both 32 bits in little endian, and the payload.
const (
	segmentMagic  = "kleid-journal-2\n"
	recordHeader  = 8
	maxRecordSize = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// photoKey is a photo's id in binary.
type photoKey [32]byte

func (k photoKey) String() string { return hex.EncodeToString(k[:]) }

// journal keeps what a model saw in each photo, by the photo's bytes, over runs and kills. It is a folder
// of append-only segments, one for each run that embedded something. There is one folder for each pair of
// embedding_model and facet_model, so that another model starts afresh, or from what it can read of another
// journal (facets.go). Its methods may be called concurrently.
type journal struct {
	dir    string
	model  journalModel
	codec  sightingCodec
	logger *slog.Logger

	mu       sync.Mutex
	segments []*os.File
	index    map[photoKey]recordAt
	active   *os.File // the segment that is appended to, the last of segments; nil until there is need
	end      int64    // of active
	dirty    bool
	synced   time.Time
	buffer   []byte
}

// recordAt is where the payload of a record is.
type recordAt struct {
	segment int32
	size    int32
	offset  int64
}

// openJournal opens the journal of a model below dir, and cuts off what a kill left unfinished. cells is
// Embedder.FacetCells.
func openJournal(dir string, meta catalog.Metadata, cells string, logger *slog.Logger) (*journal, error) {
	j := &journal{
		dir: filepath.Join(dir, journalName(meta)), model: journalModel{cells, meta}, codec: newSightingCodec(meta), logger: logger,
		index: make(map[photoKey]recordAt), synced: time.Now(),
	}
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return nil, err
	}
	if err := storage.SyncFolder(dir); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(j.dir) // in order of name
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name := filepath.Join(j.dir, file.Name())
		if filepath.Ext(name) != ".log" {
			continue
		}
		if err := j.load(name); err != nil {
			j.Close()
			return nil, fmt.Errorf("the journal %s: %w", name, err)
		}
	}
	return j, nil
}

// load reads a segment and cuts off its end from the first record that is not whole.
func (j *journal) load(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	segment := int32(len(j.segments))
	j.segments = append(j.segments, f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	whole, err := readSegment(f, func(offset int64, payload []byte) bool {
		s, err := j.codec.decode(payload)
		if err != nil {
			return false
		}
		j.index[s.key] = recordAt{segment, int32(len(payload)), offset}
		return true
	})
	if err != nil {
		return err
	}
	if whole < info.Size() {
		j.logger.Warn("the journal ends in the middle of a record, which is cut off", "file", name, "bytes", info.Size()-whole)
		return f.Truncate(whole)
	}
	return nil
}

// readSegment calls take for the payload of each record until one is not whole or take refuses it, and
// returns where that one begins. The payload is take's for the time of the call.
func readSegment(r io.Reader, take func(offset int64, payload []byte) bool) (whole int64, err error) {
	in := newBufferedReader(r)
	magic := make([]byte, len(segmentMagic))
	if err := in.full(magic); err != nil {
		return 0, err
	} else if in.ended || string(magic) != segmentMagic {
		return 0, nil
	}
	whole = int64(len(segmentMagic))
	var header [recordHeader]byte
	var payload []byte
	for {
		if err := in.full(header[:]); err != nil || in.ended {
			return whole, err
		}
		size := binary.LittleEndian.Uint32(header[:])
		if size == 0 || size > maxRecordSize {
			return whole, nil
		}
		payload = slices.Grow(payload[:0], int(size))[:size]
		if err := in.full(payload); err != nil || in.ended {
			return whole, err
		}
		if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(header[4:]) || !take(whole+recordHeader, payload) {
			return whole, nil
		}
		whole += recordHeader + int64(size)
	}
}

// Has says whether a photo is in the journal, and, where people tell that there is a dress in it, with one.
func (j *journal) Has(key photoKey, told bool) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	at, ok := j.index[key]
	return ok && (!told || int(at.size) > j.codec.size(kindNoDress)) // a dress takes more
}

// Get returns what the model saw in a photo; false if it has not seen it.
func (j *journal) Get(key photoKey) (sighting, bool, error) {
	j.mu.Lock()
	at, ok := j.index[key]
	var f *os.File
	if ok {
		f = j.segments[at.segment]
	}
	j.mu.Unlock()
	if !ok {
		return sighting{}, false, nil
	}
	payload := make([]byte, at.size)
	if _, err := f.ReadAt(payload, at.offset); err != nil {
		return sighting{}, false, fmt.Errorf("the journal: %w", err)
	}
	s, err := j.codec.decode(payload)
	if err != nil {
		return sighting{}, false, fmt.Errorf("the journal %s: %w", f.Name(), err)
	}
	return s, true, nil
}

// Append adds photos with a single write, so that a killed process leaves all of them or the first ones.
func (j *journal) Append(sightings []sighting) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(sightings) == 0 {
		return nil
	}
	if j.active == nil {
		if err := j.begin(); err != nil {
			return fmt.Errorf("the journal: %w", err)
		}
	}
	j.buffer = j.buffer[:0]
	at := make([]recordAt, len(sightings))
	for i, s := range sightings {
		begin := len(j.buffer)
		j.buffer = append(j.buffer, make([]byte, recordHeader)...)
		j.buffer = j.codec.append(j.buffer, s)
		payload := j.buffer[begin+recordHeader:]
		binary.LittleEndian.PutUint32(j.buffer[begin:], uint32(len(payload)))
		binary.LittleEndian.PutUint32(j.buffer[begin+4:], crc32.Checksum(payload, castagnoli))
		at[i] = recordAt{int32(len(j.segments) - 1), int32(len(payload)), j.end + int64(begin+recordHeader)}
	}
	if _, err := j.active.WriteAt(j.buffer, j.end); err != nil {
		// What was written of it lies beyond the end: the next append or load overwrites it.
		return fmt.Errorf("the journal: %w", err)
	}
	j.end += int64(len(j.buffer))
	for i, s := range sightings {
		j.index[s.key] = at[i]
	}
	j.dirty = true
	if time.Since(j.synced) >= syncInterval {
		return j.sync()
	}
	return nil
}

// begin starts a segment.
func (j *journal) begin() error {
	if err := writeJournalModel(j.dir, j.model); err != nil {
		return err
	}
	f, err := os.OpenFile(j.newSegment(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(segmentMagic); err != nil {
		f.Close()
		return err
	}
	j.segments = append(j.segments, f)
	j.active, j.end = f, int64(len(segmentMagic))
	return storage.SyncFolder(j.dir)
}

// newSegment is the path of a segment that no machine has given one, nor will: where a journal is in a bucket as well, a
// name there is one segment for good.
func (j *journal) newSegment() string {
	var tail [6]byte
	rand.Read(tail[:])
	return filepath.Join(j.dir, fmt.Sprintf("%06d-%x.log", len(j.segments), tail))
}

// Sync makes all that was appended durable.
func (j *journal) Sync() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sync()
}

func (j *journal) sync() error {
	if !j.dirty {
		return nil
	}
	if err := j.active.Sync(); err != nil {
		return fmt.Errorf("the journal: %w", err)
	}
	j.dirty, j.synced = false, time.Now()
	return nil
}

// Rotate makes all durable and lets what comes next begin a new segment, so that those there are do not change.
func (j *journal) Rotate() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.sync()
	j.active = nil
	return err
}

// CopyTo writes the records of keys, all of which are there, as a segment.
func (j *journal) CopyTo(f *os.File, keys []photoKey) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err := j.copyRecords(f, keys)
	return err
}

// importBatch is how many records are imported at once.
const importBatch = 256

// Import adds the records of a segment that are not there yet, or without the dress that people tell of.
func (j *journal) Import(segment io.Reader) error {
	return j.readMissing(segment, j.codec, j.Append)
}

// readMissing calls take for the records of a segment, written by codec, that are not in the journal, some at a time.
func (j *journal) readMissing(segment io.Reader, codec sightingCodec, take func([]sighting) error) error {
	var batch []sighting
	var failed error
	flush := func() {
		if failed == nil && len(batch) > 0 {
			failed = take(batch)
		}
		batch = batch[:0]
	}
	_, err := readSegment(segment, func(_ int64, payload []byte) bool {
		s, err := codec.decode(payload)
		if err != nil {
			return false
		}
		if !j.Has(s.key, s.told) {
			if batch = append(batch, s); len(batch) == importBatch {
				flush()
			}
		}
		return failed == nil
	})
	flush()
	return errors.Join(err, failed)
}

// Close makes all durable and closes the files.
func (j *journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.sync()
	for _, f := range j.segments {
		err = errors.Join(err, f.Close())
	}
	j.segments, j.active = nil, nil
	return err
}

// Len is the number of photos in the journal.
func (j *journal) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.index)
}

// The forms of the names of journals and of the files in them.
var (
	ownJournal = regexp.MustCompile(`^` + journalPrefix + `[0-9a-f]{16}$`)
	ownSegment = regexp.MustCompile(`^(?:[0-9]{6,}(?:-[0-9a-f]{12})?\.log|compact\.tmp|model\.json)$`)
)

// removeOtherJournals removes the journals but those named: an index of other models is no longer made here.
// What is not of a journal stays.
func removeOtherJournals(dir string, named ...string) error {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if !folder.IsDir() || !ownJournal.MatchString(folder.Name()) || slices.Contains(named, folder.Name()) {
			continue
		}
		name := filepath.Join(dir, folder.Name())
		files, listErr := os.ReadDir(name)
		err = errors.Join(err, listErr)
		for _, file := range files {
			if file.Type().IsRegular() && ownSegment.MatchString(file.Name()) {
				err = errors.Join(err, os.Remove(filepath.Join(name, file.Name())))
			}
		}
		err = errors.Join(err, removeEmpty(name))
	}
	return err
}
