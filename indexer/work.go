package indexer

import (
	"sync"
	"time"
)

// The kinds of work of a job, as Report.Work names them. The first five are the loader's, which runs beside
// those from WorkWaiting to WorkJournal; the others come after both.
const (
	WorkRead       = "read"       // bytes from a file or a server
	WorkHash       = "hash"       // SHA-256 of the bytes
	WorkDecode     = "decode"     // bytes to pixels
	WorkThumbnails = "thumbnails" // scaling, encoding and writing them
	WorkQueue      = "queue"      // the loader waits for a CPU to decode with, and for the networks

	WorkWaiting  = "waiting"  // the networks wait for the loader
	WorkScale    = "scale"    // pixels to the networks' inputs, and what is made of their outputs
	WorkNetworks = "networks" // the networks alone
	WorkJournal  = "journal"

	WorkParquet = "parquet"
	WorkStore   = "store"
	WorkVerify  = "verify"
)

// stopwatch adds up the time of goroutines by kind of work.
type stopwatch struct {
	mu    sync.Mutex
	spent map[string]time.Duration
}

func (s *stopwatch) add(kind string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spent == nil {
		s.spent = make(map[string]time.Duration)
	}
	s.spent[kind] += d
}

// lap adds the time since begun, and returns the time at which what comes next begins.
func (s *stopwatch) lap(kind string, begun time.Time) time.Time {
	now := time.Now()
	s.add(kind, now.Sub(begun))
	return now
}

func (s *stopwatch) seconds() map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]float64, len(s.spent))
	for kind, d := range s.spent {
		all[kind] = d.Seconds()
	}
	return all
}
