package searcher

import (
	"errors"
	"io"

	"github.com/valyala/fasthttp"
)

// received hands on a request once its body is there. fasthttp by itself takes memory for as many bytes as a request
// announces before one has come, so that a few hundred bytes on each connection take gigabytes.
func (s *Server) received(handle fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if stream := ctx.RequestBodyStream(); stream != nil {
			body, err := readBody(stream, ctx.Request.Header.ContentLength(), s.bodyLimit())
			if err != nil {
				s.app.Server().ErrorHandler(ctx, err)
				ctx.SetConnectionClose() // what is left of the body is no request
				return
			}
			ctx.Request.SetBodyRaw(body)
		}
		handle(ctx)
	}
}

// firstBody is how many bytes are taken for a body before any of it is read.
const firstBody = 64 << 10

// readBody reads a body of length bytes, or, where that is negative, of chunks to their end; more than limit is
// fasthttp.ErrBodyTooLarge. Beyond firstBody it takes memory for at most twice the bytes that have come.
func readBody(r io.Reader, length, limit int) ([]byte, error) {
	most := length
	switch {
	case length > limit:
		return nil, fasthttp.ErrBodyTooLarge
	case length < 0:
		most = limit + 1
	}
	body := make([]byte, 0, min(firstBody, most))
	for len(body) < most {
		if len(body) == cap(body) {
			body = append(make([]byte, 0, min(2*cap(body), most)), body...)
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF) && (length < 0 || len(body) == length):
			return body, nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
	}
	if length < 0 {
		return nil, fasthttp.ErrBodyTooLarge
	}
	return body, nil
}
