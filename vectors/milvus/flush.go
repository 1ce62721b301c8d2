package milvus

import (
	"context"
	"time"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
)

const (
	flushPoll = 200 * time.Millisecond
	// flushFailures is how often in a row the server may fail to say how far it is. It may be restarting.
	flushFailures = 5
)

// flush waits until a collection's rows are durable. The client library's own waits for ever for a server
// that is gone.
func flush(ctx context.Context, c client.Client, collection string) error {
	service := c.(*client.GrpcClient).Service
	reply, err := service.Flush(ctx, &milvuspb.FlushRequest{CollectionNames: []string{collection}})
	if err != nil {
		return err
	}
	question := &milvuspb.GetFlushStateRequest{
		CollectionName: collection,
		SegmentIDs:     reply.GetCollSegIDs()[collection].GetData(),
		FlushTs:        reply.GetCollFlushTs()[collection],
	}
	if len(question.SegmentIDs) == 0 {
		return nil
	}
	poll := time.NewTicker(flushPoll)
	defer poll.Stop()
	for failures := 0; ; {
		state, err := service.GetFlushState(ctx, question)
		switch {
		case err != nil:
			if failures++; failures == flushFailures || ctx.Err() != nil {
				return err
			}
		case state.GetFlushed():
			return nil
		default:
			failures = 0
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
}
