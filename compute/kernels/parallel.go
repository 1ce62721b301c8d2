package kernels

// Parallel shares the work of a kernel.
type Parallel interface {
	// For calls f(i) for each i in [0, n), at once where it can, and returns when all calls have.
	For(n int, f func(i int))
	// Workers is the number of calls that run at once, at most.
	Workers() int
}

// Serial does all work in the calling goroutine.
type Serial struct{}

// For implements Parallel.
func (Serial) For(n int, f func(i int)) {
	for i := range n {
		f(i)
	}
}

// Workers implements Parallel.
func (Serial) Workers() int { return 1 }
