package kernels

// Pause lets a moment pass, some dozens of cycles, in a loop that waits for another core.
func Pause()
