package learning

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kleid-search/kleid/storage"
)

// ClaimWork keeps --work for this process, until release is called or it ends: two trainings there would write to the same
// checkpoints. It fails where nothing can be written, or where another process is at work.
func ClaimWork(ctx context.Context, work storage.Bucket) (release func(), err error) {
	if err := checkWork(ctx, work); err != nil {
		return nil, err
	}
	release, err = storage.Lock(work, "lock")
	if errors.Is(err, storage.ErrLocked) {
		return nil, fmt.Errorf("another training is writing to %s: wait until it is done, or name another --work", work)
	}
	if err != nil {
		return nil, fmt.Errorf("--work: %w", err)
	}
	return release, nil
}

// checkWork writes to --work and deletes that again, so that a place where nothing can be written is known before what
// would be lost there is trained.
func checkWork(ctx context.Context, work storage.Bucket) error {
	const key = ".can-be-written"
	err := work.Put(ctx, key, strings.NewReader("kleid\n"))
	if err == nil {
		err = work.Delete(ctx, key)
	}
	if err != nil {
		return fmt.Errorf("--work cannot be written to: %w", err)
	}
	return nil
}
