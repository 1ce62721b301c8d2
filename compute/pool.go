package compute

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/kleid-search/kleid/compute/kernels"
)

// pool is a kernels.Parallel of goroutines. A network is some dozens of loops that follow each other within
// microseconds, and waking a sleeping thread takes longer than some of them: so who has finished a
// loop waits a moment, without sleep, for the next.
type pool struct {
	helpers []helper // besides the goroutine that calls For
}

// newPool makes a pool of that many goroutines, the caller's own among them.
func newPool(workers int) *pool { return &pool{make([]helper, max(workers, 1)-1)} }

// Workers implements kernels.Parallel.
func (p *pool) Workers() int { return len(p.helpers) + 1 }

// For implements kernels.Parallel. Several loops may run at once; a helper serves one at a time, and what no
// helper takes, the caller does. When f panics, For does, once all other calls have returned: a helper's panic
// would end the program.
func (p *pool) For(n int, f func(i int)) {
	if len(p.helpers) == 0 || n <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	l := &parallelLoop{n: int64(n), f: f}
	l.left.Store(int64(n))
	for i := range min(len(p.helpers), n-1) {
		p.helpers[i].call(l)
	}
	l.work()
	l.wait()
	if cause := l.panicked.Load(); cause != nil {
		panic(*cause)
	}
}

// patience is how often one looks, with a pause of some 40 cycles, before one sleeps: some 100 µs, which is
// what waking a thread may take on a virtual machine.
const patience = 5000

// pause lets other goroutines have the thread from time to time.
func pause(waited int) {
	if waited%64 == 63 {
		runtime.Gosched()
		return
	}
	kernels.Pause()
}

// parallelLoop is one call of For.
type parallelLoop struct {
	f        func(i int)
	n        int64
	next     atomic.Int64 // the next index
	left     atomic.Int64 // indices that are not done
	sleeping atomic.Bool  // the caller
	done     sync.WaitGroup
	panicked atomic.Pointer[string] // the first panic, with its stack
}

func (l *parallelLoop) work() {
	for i := l.next.Add(1) - 1; i < l.n; i = l.next.Add(1) - 1 {
		l.call(int(i))
		if l.left.Add(-1) == 0 && l.sleeping.Swap(false) {
			l.done.Done()
		}
	}
}

func (l *parallelLoop) call(i int) {
	defer func() {
		if cause := recover(); cause != nil {
			text := fmt.Sprintf("%v\n%s", cause, debug.Stack())
			l.panicked.CompareAndSwap(nil, &text)
		}
	}()
	l.f(i)
}

// wait returns when all indices are done.
func (l *parallelLoop) wait() {
	for waited := range patience {
		if l.left.Load() == 0 {
			return
		}
		pause(waited)
	}
	l.done.Add(1)
	l.sleeping.Store(true)
	if l.left.Load() == 0 && l.sleeping.Swap(false) {
		return
	}
	l.done.Wait()
}

// helper is a goroutine while it has work, and a moment longer.
type helper struct {
	mail  atomic.Pointer[parallelLoop] // the loop to help with; a later one takes its place
	awake atomic.Bool
}

// call asks for help with a loop.
func (h *helper) call(l *parallelLoop) {
	h.mail.Store(l)
	if h.awake.CompareAndSwap(false, true) {
		go h.run()
	}
}

func (h *helper) run() {
	for waited := 0; waited < patience; waited++ {
		if h.mail.Load() != nil {
			if l := h.mail.Swap(nil); l != nil {
				l.work()
			}
			waited = 0
		}
		pause(waited)
	}
	h.awake.Store(false)
	// A call that came since then found the helper awake, or starts it anew.
	if h.mail.Load() != nil && h.awake.CompareAndSwap(false, true) {
		h.run()
	}
}
