package milvus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	retry "github.com/grpc-ecosystem/go-grpc-middleware/retry"
	"github.com/milvus-io/milvus-proto/go-api/v2/commonpb"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// connectTimeout is how long a server may take to answer first, where the caller sets no deadline.
const connectTimeout = 15 * time.Second

// serverError is a failure that the server reported.
type serverError struct {
	legacy commonpb.ErrorCode
	code   int32 // of Milvus 2.3 and later
	reason string
}

func (e *serverError) Error() string {
	if e.reason == "" {
		return fmt.Sprintf("Milvus reports error %d", e.code)
	}
	return "Milvus: " + e.reason
}

// The codes that Kleid acts on, of pkg/util/merr in the Milvus sources.
const (
	codeCollectionNotFound  = 100
	codeCollectionNotLoaded = 101
	codeAliasNotFound       = 1600
)

func isNotFound(err error) bool {
	var e *serverError
	return errors.As(err, &e) && (e.code == codeCollectionNotFound || e.code == codeAliasNotFound ||
		e.legacy == commonpb.ErrorCode_CollectionNotExists)
}

func isNotLoaded(err error) bool {
	var e *serverError
	return errors.As(err, &e) && e.code == codeCollectionNotLoaded
}

// connect waits until the server answers and has told its version, for the timeout where ctx has no deadline. lite
// says whether it is Milvus Lite, which reads expressions in its own way.
func connect(ctx context.Context, a address, timeout time.Duration) (c client.Client, lite bool, err error) {
	asked := ctx
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	// Kleid's interceptor comes first: it sees what is left after the client's own retries.
	options := append([]grpc.DialOption{grpc.WithReturnConnectionError(), //nolint:staticcheck // the client library dials as gRPC 1 does
		grpc.WithChainUnaryInterceptor(reportFailures)}, slices.Clone(client.DefaultGrpcOpts)...)
	c, err = client.NewClient(ctx, client.Config{
		Address:       a.host,
		Username:      a.username,
		Password:      a.password,
		APIKey:        a.token,
		DBName:        a.database,
		EnableTLSAuth: a.tls,
		DialOptions:   options,
	})
	if err != nil {
		tls := "milvus:// is without TLS, milvuss:// with it"
		if a.tls {
			tls = "milvuss:// is with TLS, milvus:// without it"
		}
		return nil, false, fmt.Errorf("Milvus at %s does not answer: is it running there? %s (%w)", a.host, tls, contextError(asked, err))
	}
	version, err := c.GetVersion(ctx)
	if err != nil {
		c.Close()
		return nil, false, fmt.Errorf("Milvus at %s does not tell its version: %w", a.host, err)
	}
	return c, strings.Contains(version, "lite"), nil
}

// insertMethod is the call that must not simply be repeated when its reply is lost, as the client library
// does with any: Milvus does not look whether the rows are there, which would be in the collection twice.
const insertMethod = "/milvus.proto.milvus.MilvusService/Insert"

// unanswered says whether the server may have done what it was asked for, though the call failed.
func unanswered(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.ResourceExhausted: // those that the client library repeats
		return true
	}
	return false
}

// reportFailures turns every reply that says that the call failed into a *serverError. Milvus has two
// error codes, the client library looks at the older one only, and some failures carry just the newer.
func reportFailures(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if method == insertMethod {
		opts = append(slices.Clone(opts), retry.Disable())
	}
	if err := invoke(ctx, method, req, reply, conn, opts...); err != nil {
		return contextError(ctx, err)
	}
	said, ok := reply.(*commonpb.Status)
	if !ok {
		r, ok := reply.(interface{ GetStatus() *commonpb.Status })
		if !ok {
			return nil
		}
		said = r.GetStatus()
	}
	legacy := said.GetErrorCode() //nolint:staticcheck // some failures carry the older code alone
	if legacy != commonpb.ErrorCode_Success || said.GetCode() != 0 {
		return &serverError{legacy, said.GetCode(), said.GetReason()}
	}
	return nil
}

// contextError makes a call that was given up, or that had too little time, fail as those of other stores do:
// gRPC has errors of its own for both.
func contextError(ctx context.Context, err error) error {
	cause := ctx.Err()
	if cause == nil && status.Code(err) == codes.DeadlineExceeded { // the server may be the first to notice
		cause = context.DeadlineExceeded
	}
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w (%v)", cause, err)
}
