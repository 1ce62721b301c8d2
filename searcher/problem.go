package searcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

const problemType = "application/problem+json"

// Problem is an error over HTTP: problem details as in RFC 9457, with a code for programs.
type Problem struct {
	Type   string `json:"type" doc:"Always about:blank: the title is that of the status"`
	Title  string `json:"title" example:"Unprocessable Entity"`
	Status int    `json:"status" example:"422"`
	Detail string `json:"detail" doc:"What is wrong and what to do, for people"`
	Code   string `json:"code" example:"unknown_label" doc:"What is wrong, for programs"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders implements huma.HeadersError: what passes by itself is worth another try.
func (p *Problem) GetHeaders() http.Header {
	if p.Status == http.StatusServiceUnavailable {
		return http.Header{"Retry-After": {"2"}}
	}
	return nil
}

// statusOf is the HTTP status of each code; those of unreadable photos are 422, others 500.
var statusOf = map[string]int{
	CodeInvalid:             http.StatusUnprocessableEntity,
	CodeMalformed:           http.StatusBadRequest,
	CodeUnknownFacet:        http.StatusUnprocessableEntity,
	CodeUnknownLabel:        http.StatusUnprocessableEntity,
	CodeUnknownPhoto:        http.StatusNotFound,
	CodeUnknownItem:         http.StatusNotFound,
	CodeUnknownProduct:      http.StatusNotFound,
	CodeNoThumbnail:         http.StatusNotFound,
	CodeNotFound:            http.StatusNotFound,
	CodeNoIndex:             http.StatusServiceUnavailable,
	CodeNoStore:             http.StatusServiceUnavailable,
	CodeShuttingDown:        http.StatusServiceUnavailable,
	CodeWrongModel:          http.StatusServiceUnavailable,
	CodeBusy:                http.StatusServiceUnavailable,
	CodeTimeout:             http.StatusGatewayTimeout,
	CodeMethod:              http.StatusMethodNotAllowed,
	CodeTooLarge:            http.StatusRequestEntityTooLarge,
	CodeUnsupportedType:     http.StatusUnsupportedMediaType,
	"photo_too_many_bytes":  http.StatusRequestEntityTooLarge,
	"photo_too_many_pixels": http.StatusRequestEntityTooLarge,
}

// problem turns any error into what the client is told. What it must not be told is logged.
func (s *Server) problem(err error) *Problem {
	var (
		done   *Problem
		own    *Error
		routed *fiber.Error
	)
	err = known(err)
	switch {
	case errors.As(err, &done):
		return done
	case errors.As(err, &own):
		status, ok := statusOf[own.Code]
		switch {
		case ok:
		case strings.HasPrefix(own.Code, "photo_"):
			status = http.StatusUnprocessableEntity
		default:
			status = http.StatusInternalServerError
		}
		return newProblem(status, own.Code, own.Message)
	case errors.As(err, &routed):
		return s.routedProblem(routed)
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(statusOf[CodeTimeout], CodeTimeout, fmt.Sprintf("this took longer than %v: try again", s.engine.options.Timeout))
	}
	s.engine.options.Logger.Error("a request failed", "error", err)
	return newProblem(http.StatusInternalServerError, CodeInternal, "something went wrong here; the service's log says more")
}

// routedProblem explains what Fiber refuses before a handler sees it.
func (s *Server) routedProblem(err *fiber.Error) *Problem {
	switch err.Code {
	case http.StatusNotFound:
		return newProblem(err.Code, CodeNotFound, "there is nothing at this address: /openapi.json lists what there is")
	case http.StatusMethodNotAllowed:
		return newProblem(err.Code, CodeMethod, "this address does not take that method: the Allow header lists those it takes")
	case http.StatusRequestEntityTooLarge:
		return newProblem(err.Code, CodeTooLarge, fmt.Sprintf("the request is too large, since a photo may have %.3g MiB at most: send a smaller one", float64(s.engine.options.Limits.MaxBytes)/(1<<20)))
	case http.StatusRequestTimeout:
		return newProblem(err.Code, CodeTimeout, "the request did not arrive in time: send it again")
	}
	if err.Code < 500 {
		return newProblem(err.Code, CodeMalformed, err.Message)
	}
	s.engine.options.Logger.Error("a request failed", "error", err)
	return newProblem(http.StatusInternalServerError, CodeInternal, "something went wrong here; the service's log says more")
}

// validationProblem says in one sentence what huma found wrong with a request's parameters.
func validationProblem(m *huma.ErrorModel) *Problem {
	code := CodeInvalid
	if m.Status >= 500 {
		code = CodeInternal
	}
	var said []string
	for _, e := range m.Errors {
		_, name, _ := strings.Cut(e.Location, ".")
		if kind, ok := kindOfUnparsed[e.Message]; ok {
			said = append(said, unparsed(name, fmt.Sprint(e.Value), kind).Message)
			continue
		}
		said = append(said, strings.TrimPrefix(name+": "+e.Message, ": "))
	}
	detail := strings.Join(said, "; ")
	if detail == "" {
		detail = m.Detail
	}
	return newProblem(m.Status, code, detail)
}

func newProblem(status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code}
}

// send writes the problem where no huma handler does.
func (p *Problem) send(c *fiber.Ctx) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	for name, values := range p.GetHeaders() {
		c.Set(name, values[0])
	}
	c.Set(fiber.HeaderContentType, problemType)
	return c.Status(p.Status).Send(body)
}
