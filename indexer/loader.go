package indexer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// finding is what the loader found out about an entry.
type finding struct {
	key    photoKey
	hasKey bool // there were bytes
	info   storage.Info
	err    string // why they could not be read; what is wrong with the bytes themselves is in loader.broken
}

// loaded is a photo that is to be embedded.
type loaded struct {
	key   photoKey
	entry int // the first entry that has it
	image *photo.Image
	told  bool // people say that there is a dress in it
}

// asksAtOnce is how many photos servers and S3 are asked for at once, unless Options.Workers says otherwise: an answer takes
// its time, also where it is that nothing has changed, and no CPU. More connections to a host would not be kept.
const asksAtOnce = 16

// readers is how many photos are read at once.
func (r *runner) readers() int {
	cpus := runtime.GOMAXPROCS(0)
	switch {
	case r.Workers > 0:
		return r.Workers
	case slices.ContainsFunc(r.entries, func(e source.Entry) bool { return strings.Contains(e.Location, "://") }):
		return max(cpus, asksAtOnce)
	}
	return cpus
}

// loader reads and decodes the photos of a listing, on several goroutines, and passes on those that are
// not in the journal: each location is read once and each photo passed on once, however many entries have it.
type loader struct {
	limits     photo.Limits
	workers    int
	decoding   chan struct{} // has a place for each photo that may be decoded at once: those take memory, and CPUs
	journal    *journal
	thumbnails thumbnails
	watch      *stopwatch
	// fetch reads a photo, or says storage.ErrUnchanged if it is what is known of it; and what to know of it.
	fetch func(ctx context.Context, location string, known storage.Info) ([]byte, storage.Info, error)
	known map[string]known // by location
	done  func(bad bool)   // called for each entry that needs no embedding

	judgements Judgements // nil: nobody's

	entries  []source.Entry
	findings []finding     // one for each entry
	firsts   []int         // the entries that are loaded: the first of each location
	twins    map[int][]int // the others that have the location of a first one, and share its finding

	mu       sync.Mutex
	begun    map[photoKey]bool
	broken   map[photoKey]string // photos whose bytes are no readable photo, or that no network could look at
	noPhotos map[photoKey]bool   // those of them whose bytes are no readable photo
	waits    map[photoKey]int    // entries of a photo that is being embedded
}

func newLoader(entries []source.Entry) *loader {
	l := &loader{
		entries: entries, decoding: make(chan struct{}, runtime.GOMAXPROCS(0)), findings: make([]finding, len(entries)), twins: make(map[int][]int),
		begun: make(map[photoKey]bool), broken: make(map[photoKey]string), noPhotos: make(map[photoKey]bool), waits: make(map[photoKey]int),
	}
	first := make(map[string]int, len(entries)) // by location
	for i := range entries {
		location := entries[i].Location
		at, ok := first[location]
		switch {
		case entries[i].Err != "":
			l.firsts = append(l.firsts, i)
		case ok:
			l.twins[at] = append(l.twins[at], i)
		default:
			first[location] = i
			l.firsts = append(l.firsts, i)
		}
	}
	return l
}

// run sends the photos to embed to out and closes it. The error is one of the machine, such as a full disk;
// what is wrong with a photo is kept in findings and broken.
func (l *loader) run(ctx context.Context, out chan<- loaded) error {
	defer close(out)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(l.workers, max(len(l.firsts), 1)) {
		wait.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= len(l.firsts) {
					return
				}
				i := l.firsts[n]
				if err := l.load(ctx, i, out); err != nil {
					cancel(err)
				}
				for _, twin := range l.twins[i] {
					l.findings[twin] = l.findings[i]
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

func (l *loader) load(ctx context.Context, i int, out chan<- loaded) error {
	entry, f := &l.entries[i], &l.findings[i]
	if entry.Err != "" {
		f.err = entry.Err
		l.done(true)
		return nil
	}
	at := time.Now()
	before := l.usable(entry.Location)
	var data []byte
	var err error
	if entry.Info.Same(before.Info) {
		err = storage.ErrUnchanged // as the catalogue's listing says
	} else {
		data, f.info, err = l.fetch(ctx, entry.Location, before.Info)
	}
	at = l.watch.lap(WorkRead, at)
	if errors.Is(err, storage.ErrUnchanged) {
		f.key, f.hasKey, f.info = before.Key, true, before.Info
		if l.claim(f.key, i) {
			l.unreadable(f.key, before.Broken)
		}
		return nil
	}
	if err == nil && len(data) == 0 {
		_, err = photo.Open(data, l.limits)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		f.err = catalog.ValidText(err.Error())
		l.count(1+len(l.twins[i]), true)
		return nil
	}
	f.key, f.hasKey = sha256.Sum256(data), true
	l.watch.lap(WorkHash, at)
	if !l.claim(f.key, i) {
		return nil
	}
	told := isDress(l.judgements, f.key.String())
	known := l.journal.Has(f.key, told)
	if known && l.thumbnails.has(f.key) {
		l.release(f.key, "")
		return nil
	}
	at = time.Now()
	select {
	case l.decoding <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	defer func() { <-l.decoding }()
	at = l.watch.lap(WorkQueue, at)
	m, err := photo.Open(data, l.limits)
	at = l.watch.lap(WorkDecode, at)
	if err != nil {
		l.unreadable(f.key, catalog.ValidText(err.Error()))
		return nil
	}
	if err := l.thumbnails.make(f.key, m); err != nil {
		return fmt.Errorf("the thumbnail of %q: %w", storage.WithoutSecrets(entry.Source), err)
	}
	at = l.watch.lap(WorkThumbnails, at)
	if known {
		m.Recycle()
		l.release(f.key, "")
		return nil
	}
	defer func() { l.watch.lap(WorkQueue, at) }()
	select {
	case out <- loaded{f.key, i, m, told}:
	case <-ctx.Done():
	}
	return nil
}

// usable is what is known of a location, if that is all there is to know: of a photo in the journal that has a
// thumbnail, or of bytes that are no photo.
func (l *loader) usable(location string) known {
	k, ok := l.known[location]
	if !ok || k.Broken == "" && (!l.journal.Has(k.Key, isDress(l.judgements, k.Key.String())) || !l.thumbnails.has(k.Key)) {
		return known{}
	}
	return k
}

// learned is what is known after the photos were loaded. Where a network failed, it tries again the next time.
func (l *loader) learned() []known {
	var all []known
	for _, i := range l.firsts {
		f := &l.findings[i]
		broken, bad := l.broken[f.key]
		if f.hasKey && f.err == "" && f.info != (storage.Info{}) && (!bad || l.noPhotos[f.key]) {
			all = append(all, known{l.entries[i].Location, f.info, f.key, broken})
		}
	}
	return all
}

// photos are those that the entries have, readable or not.
func (l *loader) photos() map[photoKey]bool {
	all := make(map[photoKey]bool, len(l.findings))
	for _, f := range l.findings {
		if f.hasKey {
			all[f.key] = true
		}
	}
	return all
}

// claim says whether an entry and its twins are the first to have a photo. All that have it are counted when it is done.
func (l *loader) claim(key photoKey, entry int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := 1 + len(l.twins[entry])
	if !l.begun[key] {
		l.begun[key] = true
		l.waits[key] = entries
		return true
	}
	if _, waiting := l.waits[key]; waiting {
		l.waits[key] += entries
	} else {
		_, bad := l.broken[key]
		l.count(entries, bad)
	}
	return false
}

// count tells that entries are done.
func (l *loader) count(entries int, bad bool) {
	for range entries {
		l.done(bad)
	}
}

// unreadable counts all entries of a photo as done; broken says why its bytes are no photo, or "".
func (l *loader) unreadable(key photoKey, broken string) {
	if broken != "" {
		l.mu.Lock()
		l.noPhotos[key] = true
		l.mu.Unlock()
	}
	l.release(key, broken)
}

// release counts all entries of a photo as done; broken says why it is not readable, or "".
func (l *loader) release(key photoKey, broken string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if broken != "" {
		l.broken[key] = broken
	}
	l.count(l.waits[key], broken != "")
	delete(l.waits, key)
}
