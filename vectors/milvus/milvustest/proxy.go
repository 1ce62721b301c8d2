package milvustest

import (
	"bytes"
	"math"
	"net"
	"path"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
)

// Call is one that a server has answered.
type Call struct {
	Method         string // such as Insert
	request, reply []byte
}

// Request reads the request into a message of its type.
func (c *Call) Request(message protoadapt.MessageV1) error {
	return proto.Unmarshal(c.request, protoadapt.MessageV2Of(message))
}

// Reply reads the reply into a message of its type.
func (c *Call) Reply(message protoadapt.MessageV1) error {
	return proto.Unmarshal(c.reply, protoadapt.MessageV2Of(message))
}

// Answer puts another reply in the place of the server's.
func (c *Call) Answer(message protoadapt.MessageV1) (err error) {
	c.reply, err = proto.Marshal(protoadapt.MessageV2Of(message))
	return err
}

// Proxy passes calls on to a server, until the test ends, and returns its own address. answered sees each
// call that the server has answered. Where it returns an error, the client gets that in place of the
// reply, which is lost.
func Proxy(tb testing.TB, server string, answered func(*Call) error) (address string) {
	tb.Helper()
	conn, err := grpc.NewClient(server, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(verbatim{}), grpc.MaxCallRecvMsgSize(math.MaxInt32)))
	require.NoError(tb, err)
	pass := func(_ any, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		var request, reply []byte
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		ctx := stream.Context()
		if received, ok := metadata.FromIncomingContext(ctx); ok {
			ctx = metadata.NewOutgoingContext(ctx, received)
		}
		if err := conn.Invoke(ctx, method, &request, &reply); err != nil {
			return err
		}
		call := &Call{path.Base(method), request, reply}
		if err := answered(call); err != nil {
			return err
		}
		return stream.SendMsg(&call.reply)
	}
	proxy := grpc.NewServer(grpc.ForceServerCodec(verbatim{}), grpc.MaxRecvMsgSize(math.MaxInt32), grpc.UnknownServiceHandler(pass))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	go proxy.Serve(listener) //nolint:errcheck // it ends when it is stopped
	tb.Cleanup(func() {
		proxy.Stop()
		conn.Close()
	})
	return listener.Addr().String()
}

// verbatim is a codec of messages that stay bytes.
type verbatim struct{}

func (verbatim) Name() string                  { return "proto" }
func (verbatim) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (verbatim) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(data)
	return nil
}
