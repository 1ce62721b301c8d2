package indexer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// job is what work/job.json says of the job at work, or of one that was interrupted.
type job struct {
	Run     string    `json:"run"`
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
}

// lock keeps a second job out of a folder. The system lets go of it when the process ends, however it does.
func lock(out string) (unlock func(), err error) {
	l := flock.New(filepath.Join(out, "lock"), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be locked: %w", out, err)
	}
	if !ok {
		who := ""
		if j, err := readJob(out); err == nil && j.PID != 0 {
			who = fmt.Sprintf(" (process %d on %s, since %s)", j.PID, j.Host, j.Started.Format(time.RFC3339))
		}
		return nil, fmt.Errorf("another job is writing to %s%s: wait until it is done, or name another --out", out, who)
	}
	return func() { _ = l.Unlock() }, nil // what fails here the end of the process does
}

func jobPath(out string) string { return filepath.Join(out, "work", "job.json") }

// errDamagedJob is the error of a job.json that says nothing.
var errDamagedJob = errors.New("it names no job")

// readJob returns the zero job if there is none.
func readJob(out string) (job, error) {
	var j job
	data, err := os.ReadFile(jobPath(out))
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return j, err
	}
	if err := json.Unmarshal(data, &j); err != nil || !ownRun.MatchString(j.Run) {
		return job{}, fmt.Errorf("%s: %w", jobPath(out), errDamagedJob)
	}
	return j, nil
}

func writeJob(out, run string, started time.Time) error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	data, err := json.Marshal(job{Run: run, PID: os.Getpid(), Host: host, Started: started})
	if err != nil {
		return err
	}
	return writeFile(jobPath(out), append(data, '\n'))
}
