//go:build unix

package milvustest

import (
	"os/exec"
	"syscall"
)

// ownGroup lets a command and all that it starts be killed together.
func ownGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}
