package storage

import (
	"errors"
	"fmt"
	"os"

	"github.com/gofrs/flock"
)

// ErrLocked says that another process holds a lock.
var ErrLocked = errors.New("another process holds it")

// Lock locks a blob of a folder until unlock is called or the process ends, however it does; ErrLocked where another one
// holds it. The blob is made where there is none, and stays: it is the system that knows who holds it. Buckets of S3, and
// file systems without locks, keep nobody out.
func Lock(b Bucket, key string) (unlock func(), err error) {
	none := func() {}
	f, ok := b.(*folder)
	if !ok {
		return none, nil
	}
	name, err := f.path("lock", key)
	if err != nil {
		return nil, err
	}
	l := flock.New(name, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o666)) // for whoever else may write there
	locked, err := l.TryLock()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return none, nil
	case err != nil:
		return nil, fmt.Errorf("%s cannot be locked: %w", name, err)
	case !locked:
		return nil, fmt.Errorf("%s: %w", name, ErrLocked)
	}
	return func() { _ = l.Unlock() }, nil // what fails here the end of the process does
}
