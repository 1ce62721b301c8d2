package kernels

import (
	"sync"
	"syscall"
)

// amxAllowed asks the kernel to let this process use the tiles' registers, which it does not save for programs that have
// not asked (Linux, Documentation/arch/x86/xstate.rst).
var amxAllowed = sync.OnceValue(func() bool {
	const requestPermission, tileData = 0x1023, 18 // ARCH_REQ_XCOMP_PERM, and the component XTILEDATA
	_, _, err := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return err == 0
})
