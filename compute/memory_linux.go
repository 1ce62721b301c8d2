package compute

import "syscall"

// machineMemory is the machine's memory in bytes.
func machineMemory() int64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return mostMemory
	}
	return int64(uint64(info.Totalram) * uint64(info.Unit)) //nolint:unconvert // of 32 bits on some machines
}
