package milvus

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-proto/go-api/v2/schemapb"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kleid-search/kleid/vectors/milvus/milvustest"
)

// Rows whose insertion was answered, though the answer was lost, are there once.
func testLostReply(t *testing.T, server *milvustest.Server) {
	var inserted atomic.Int64
	address := milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		if call.Method != "Insert" {
			return nil
		}
		var request milvuspb.InsertRequest
		if err := call.Request(&request); err != nil {
			return err
		}
		if inserted.Add(int64(request.GetNumRows())) == 5 {
			return status.Error(codes.Unavailable, "transport is closing")
		}
		return nil
	})
	s := open(t, milvustest.URL(address, "lost"))
	w, err := s.Create(t.Context(), testMetadata("r-1"))
	require.NoError(t, err)
	require.NoError(t, w.Add(t.Context(), testRows(5)))
	require.NoError(t, w.Finish(t.Context()))
	require.EqualValues(t, 5, inserted.Load(), "rows that were inserted without a look at what is there")
	index, err := s.Open(t.Context(), "r-1")
	require.NoError(t, err)
	result, err := index.Search(t.Context(), everything)
	require.NoError(t, err)
	require.Len(t, result.Matches, 5)
}

// A reply that says of itself what does not hold is an error: the program goes on.
func testNonsense(t *testing.T, server *milvustest.Server) {
	var spoil func(hits *schemapb.SearchResultData, count []int64)
	address := milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		switch call.Method {
		case "Search":
			var reply milvuspb.SearchResults
			if err := call.Reply(&reply); err != nil {
				return err
			}
			spoil(reply.GetResults(), nil)
			return call.Answer(&reply)
		case "Query":
			var reply milvuspb.QueryResults
			if err := call.Reply(&reply); err != nil {
				return err
			}
			if column := reply.GetFieldsData()[0].GetScalars().GetLongData(); column != nil && spoil != nil {
				spoil(&schemapb.SearchResultData{}, column.Data)
			}
			return call.Answer(&reply)
		}
		return nil
	})
	s := open(t, milvustest.URL(address, "nonsense"))
	w, err := s.Create(t.Context(), testMetadata("r-1"))
	require.NoError(t, err)
	require.NoError(t, w.Add(t.Context(), testRows(5)))
	require.NoError(t, w.Finish(t.Context()))
	for want, change := range map[string]func(hits *schemapb.SearchResultData, count []int64){
		"cannot be read (runtime error: index out of range":  func(hits *schemapb.SearchResultData, _ []int64) { hits.NumQueries = 4 },
		"cannot be read (runtime error: slice bounds out of": func(hits *schemapb.SearchResultData, _ []int64) { hits.Topks = []int64{1 << 40} },
		"the reply has no count": func(_ *schemapb.SearchResultData, count []int64) {
			for i := range count {
				count[i] = -1
			}
		},
	} {
		spoil = change
		index, err := s.Open(t.Context(), "r-1")
		require.NoError(t, err)
		_, err = index.Search(t.Context(), everything)
		require.ErrorContains(t, err, want)
	}
}

// unflushed makes a server say, as one does that has more than one process, that a segment is yet to be flushed.
func unflushed(call *milvustest.Call) error {
	var request milvuspb.FlushRequest
	var reply milvuspb.FlushResponse
	if err := call.Request(&request); err != nil {
		return err
	}
	if err := call.Reply(&reply); err != nil {
		return err
	}
	reply.CollSegIDs = map[string]*schemapb.LongArray{request.GetCollectionNames()[0]: {Data: []int64{7}}}
	return call.Answer(&reply)
}

// A server that is gone while rows are made durable ends Finish; one that is away for a moment does not.
func testFlush(t *testing.T, server *milvustest.Server) {
	var asked, failing atomic.Int64
	address := milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		switch call.Method {
		case "Flush":
			return unflushed(call)
		case "GetFlushState":
			if asked.Add(1) <= failing.Load() {
				return status.Error(codes.Internal, "the data coordinator is gone")
			}
			return call.Answer(&milvuspb.GetFlushStateResponse{Flushed: true})
		}
		return nil
	})
	s := open(t, milvustest.URL(address, "flushing"))
	for _, test := range []struct {
		failures int64
		fails    bool
	}{{0, false}, {flushFailures - 1, false}, {flushFailures, true}} {
		asked.Store(0)
		failing.Store(test.failures)
		w, err := s.Create(t.Context(), testMetadata("r-1"))
		require.NoError(t, err)
		require.NoError(t, w.Add(t.Context(), testRows(5)))
		err = w.Finish(t.Context())
		if !test.fails {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "the data coordinator is gone")
		require.EqualValues(t, flushFailures, asked.Load())
	}

	// The caller need not wait that long.
	ctx, cancel := context.WithCancel(t.Context())
	address = milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		switch call.Method {
		case "Flush":
			return unflushed(call)
		case "GetFlushState":
			cancel()
			return call.Answer(&milvuspb.GetFlushStateResponse{})
		}
		return nil
	})
	s = open(t, milvustest.URL(address, "flushing"))
	w, err := s.Create(t.Context(), testMetadata("r-1"))
	require.NoError(t, err)
	require.NoError(t, w.Add(t.Context(), testRows(5)))
	require.ErrorIs(t, w.Finish(ctx), context.Canceled)
}

// What could not be removed is removed by the next attempt.
func testAbortAgain(t *testing.T, server *milvustest.Server) {
	var refused atomic.Bool
	address := milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		if call.Method == "HasCollection" && refused.Load() {
			return status.Error(codes.Internal, "busy")
		}
		return nil
	})
	s := open(t, milvustest.URL(address, "aborted"))
	w, err := s.Create(t.Context(), testMetadata("r-1"))
	require.NoError(t, err)
	refused.Store(true)
	require.Error(t, w.Abort(t.Context()))
	require.ErrorIs(t, w.Add(t.Context(), testRows(1)), errDone)
	refused.Store(false)
	require.NoError(t, w.Abort(t.Context()))
	all, err := s.client.ListCollections(t.Context())
	require.NoError(t, err)
	for _, c := range all {
		require.False(t, strings.HasPrefix(c.Name, "aborted"), c.Name)
	}
}

// Whether a server is Milvus Lite is never guessed, nor waited for longer than for the connection.
func testNoVersion(t *testing.T, server *milvustest.Server) {
	var waits atomic.Bool
	hold, held := context.WithCancel(t.Context())
	defer held()
	address := milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		if call.Method != "GetVersion" {
			return nil
		}
		if waits.Load() {
			<-hold.Done()
		}
		return status.Error(codes.Internal, "the version is lost")
	})
	_, err := Open(t.Context(), milvustest.URL(address, "versions"))
	require.ErrorContains(t, err, "the version is lost")
	waits.Store(true)
	ended := make(chan error, 1)
	go func() {
		a, err := parseAddress(milvustest.URL(address, "versions"))
		if err == nil {
			_, _, err = connect(t.Context(), a, time.Second)
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "does not tell its version")
	case <-time.After(connectTimeout):
		t.Fatal("it is still waited for")
	}
}

// That one side speaks TLS and the other does not is what the error says.
func testWrongTLS(t *testing.T, server *milvustest.Server) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := Open(ctx, "milvuss://user:secret@"+server.Address+"/dresses")
	require.ErrorContains(t, err, "milvuss:// is with TLS")
	require.ErrorContains(t, err, "handshake")
	require.NotContains(t, err.Error(), "secret")
}
