package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"

	"github.com/kleid-search/kleid/storage"
)

// JudgementLog adds to a JudgementsFile. It is safe for concurrent use.
type JudgementLog struct {
	mu    sync.Mutex
	file  *os.File
	lock  *flock.Flock
	isNew bool // there was no file before
}

// ReadJudgements returns what is in a JudgementsFile of this machine, which may be missing.
func ReadJudgements(path string) ([]Judgement, error) {
	_, all, err := readJudgementsFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return all, err
}

func readJudgementsFile(path string) (text []byte, all []Judgement, err error) {
	if text, err = os.ReadFile(path); err != nil {
		return nil, nil, fmt.Errorf("judgements: %w", err)
	}
	if all, err = ParseJudgements(text); err != nil {
		return nil, nil, fmt.Errorf("judgements: %s: %w", path, err)
	}
	return text, all, nil
}

// JudgementsPath is that of the JudgementsFile of a dataset on this machine. It fails for a dataset in S3, where nothing can
// be added to a file.
func JudgementsPath(location string) (string, error) {
	folder, _, err := splitLocation(location)
	if err != nil {
		return "", fmt.Errorf("dataset %s: %w", storage.WithoutSecrets(location), err)
	}
	path, ok := storage.LocalPath(folder)
	if !ok {
		return "", fmt.Errorf("dataset %s: judgements are kept beside the photos, where they can be added to: bring the dataset to a folder of this machine first", storage.WithoutSecrets(location))
	}
	return filepath.Join(path, JudgementsFile), nil
}

// OpenJudgements opens a JudgementsFile of this machine to add to it, and returns what is in it. It is made where there is
// none. One program at a time may have it open.
func OpenJudgements(path string) (*JudgementLog, []Judgement, error) {
	_, missing := os.Stat(path)
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o644))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, nil, fmt.Errorf("judgements: %w", err)
	case !locked:
		return nil, nil, fmt.Errorf("judgements: another program adds to %s: stop it first", path)
	}
	l := &JudgementLog{lock: lock, isNew: errors.Is(missing, fs.ErrNotExist)}
	all, err := l.open(path)
	if err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	return l, all, nil
}

// open reads what is there and cuts off a line that was not written to its end.
func (l *JudgementLog) open(path string) ([]Judgement, error) {
	text, all, err := readJudgementsFile(path)
	if err != nil {
		return nil, err
	}
	if l.file, err = os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0); err != nil {
		return nil, fmt.Errorf("judgements: %w", err)
	}
	last := bytes.LastIndexByte(text, '\n') + 1
	if last < len(text) && !json.Valid(bytes.TrimPrefix(text[last:], byteOrderMark)) { // else it is a whole one, which Append ends
		err = l.file.Truncate(int64(last))
	}
	return all, err
}

// Path is the file's.
func (l *JudgementLog) Path() string { return l.lock.Path() }

// Append writes a judgement, onto the disk before it returns.
func (l *JudgementLog) Append(j Judgement) error {
	if err := j.Check(); err != nil {
		return fmt.Errorf("judgement: %w", err)
	}
	line, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("judgement: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	info, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("judgement: %w", err)
	}
	if !l.isThere(info) { // what is written would be in no folder
		return fmt.Errorf("judgement: %s was moved, replaced or deleted: start again, and nothing but this one is lost", l.Path())
	}
	line = append(line, '\n')
	if size := info.Size(); size > 0 {
		end := make([]byte, 1)
		if _, err := l.file.ReadAt(end, size-1); err != nil {
			return fmt.Errorf("judgement: %w", err)
		}
		if end[0] != '\n' { // another program has left a line without its end
			line = append([]byte{'\n'}, line...)
		}
	}
	if _, err = l.file.Write(line); err == nil {
		err = l.file.Sync()
	}
	if err != nil { // nothing half stays for the next one to be written behind
		return fmt.Errorf("judgement: %w", errors.Join(err, l.file.Truncate(info.Size())))
	}
	return nil
}

// Close lets another program open the file. One that it has made for nothing goes.
func (l *JudgementLog) Close() error {
	var err error
	if l.file != nil {
		if info, failed := l.file.Stat(); failed == nil && l.isNew && info.Size() == 0 && l.isThere(info) {
			_ = os.Remove(l.Path()) // where an open file cannot be removed, it stays, empty
		}
		err = l.file.Close()
	}
	return errors.Join(err, l.lock.Close())
}

// isThere says whether the open file still is the one at its path.
func (l *JudgementLog) isThere(info fs.FileInfo) bool {
	now, err := os.Stat(l.Path())
	return err == nil && os.SameFile(info, now)
}
