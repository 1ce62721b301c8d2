package quality

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"

	"github.com/kleid-search/kleid/evaluation"
)

// web is the page.
//
//go:embed web
var web embed.FS

// ServerOptions say who may use the app, and how they are called.
type ServerOptions struct {
	// Hosts are names under which people open the page, behind a proxy or in the shop's network, such as
	// quality.shop.example, of any port; those of this machine and its addresses need not be named.
	Hosts []string
	// JudgeHeader is the header in which a proxy says who asks, such as X-Remote-User; "" lets people say so themselves.
	JudgeHeader string
	Logger      *slog.Logger
}

// Server is the app over HTTP. It has no users of its own: who reaches its address may judge, so that it belongs on the
// machine itself or behind a proxy that asks who one is.
type Server struct {
	review  *Review
	app     *fiber.App
	options ServerOptions
	// decoding bounds the photos that are read and decoded at once.
	decoding chan struct{}
}

const (
	pageLimit = 2000 // photos in one answer
	bodyLimit = 16 << 10
)

// NewServer prepares a server.
func NewServer(review *Review, options ServerOptions) *Server {
	s := &Server{review: review, options: options, decoding: make(chan struct{}, photosAtOnce)}
	if review != nil && review.options.Index != nil {
		s.decoding = make(chan struct{}, thumbnailsAtOnce)
	}
	s.app = fiber.New(fiber.Config{
		DisableStartupMessage: true, CaseSensitive: true, Immutable: true, BodyLimit: bodyLimit,
		ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 30 * time.Second, ErrorHandler: s.fail,
	})
	s.app.Use(recover.New(), s.secure)
	s.app.Get("/readyz", func(c *fiber.Ctx) error { return c.SendString("ready\n") })
	s.app.Get("/api/overview", func(c *fiber.Ctx) error {
		return c.JSON(struct {
			Overview
			Judge string `json:"judge"` // as the proxy says
		}{s.review.Overview(), s.named(c)})
	})
	s.app.Get("/api/photos", s.photos)
	s.app.Get("/api/photos/:id/picture", s.picture)
	s.app.Post("/api/judgements", s.judge)
	s.app.Get("/:file?", s.page)
	return s
}

// page sends a file of the page.
func (s *Server) page(c *fiber.Ctx) error {
	file := cmp.Or(c.Params("file"), "index.html")
	data, err := web.ReadFile("web/" + file)
	if err != nil {
		return fiber.ErrNotFound
	}
	c.Type(file[strings.LastIndexByte(file, '.')+1:], "utf-8")
	c.Set(fiber.HeaderCacheControl, "no-cache")
	return c.Send(data)
}

// named is the judge that a proxy names, "" without one.
func (s *Server) named(c *fiber.Ctx) string {
	if s.options.JudgeHeader == "" {
		return ""
	}
	return c.Get(s.options.JudgeHeader)
}

// Serve answers until the context is done, and then finishes what is under way. A browser may hold a connection on which
// it asks nothing: nobody waits long for that, and what was judged is on the disk.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	go s.review.follow(ctx, followEvery, s.options.Logger)
	served := make(chan error, 1)
	go func() { served <- s.app.Listener(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	const patience = 3 * time.Second
	if err := s.app.ShutdownWithTimeout(patience); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// secure keeps pages of elsewhere from reading and judging: those that a browser shows, and those whose name somebody
// lets point to this machine (DNS rebinding).
func (s *Server) secure(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	host := string(c.Request().Host())
	local, _ := c.Context().LocalAddr().(*net.TCPAddr)
	if !s.known(host, local) {
		return fiber.NewError(fiber.StatusForbidden, fmt.Sprintf("nobody said that this is %.100q: start kleid quality with --host and that name, or open it by the machine's address", hostname(host)))
	}
	if origin := c.Get(fiber.HeaderOrigin); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host != host && !s.isNamed(u.Host) {
			return fiber.NewError(fiber.StatusForbidden, "a page of elsewhere may not ask; behind a proxy, start kleid quality with --host and the name of the page")
		}
	}
	return c.Next()
}

// known says whether a Host header is of the page: a name that somebody of elsewhere lets point here is not.
func (s *Server) known(host string, local *net.TCPAddr) bool {
	name := hostname(host)
	if strings.EqualFold(name, "localhost") || s.isNamed(host) {
		return true
	}
	address, err := netip.ParseAddr(name)
	return err == nil && (address.IsLoopback() || local != nil && address.Unmap().String() == local.IP.String())
}

func (s *Server) isNamed(host string) bool {
	return slices.ContainsFunc(s.options.Hosts, func(h string) bool { return strings.EqualFold(hostname(h), hostname(host)) })
}

// hostname is a Host header without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.Trim(host, "[]")
}

func (s *Server) photos(c *fiber.Ctx) error {
	q := Query{
		Facet: c.Query("facet"), Show: Show(c.Query("show")), Label: c.Query("label"), Predicted: c.Query("predicted"),
		Judge: cmp.Or(s.named(c), c.Query("judge")), Set: evaluation.Set(c.Query("set")), Limit: 48,
	}
	for name, to := range map[string]*int{"offset": &q.Offset, "limit": &q.Limit} {
		if text := c.Query(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				return fmt.Errorf("%w: %s is %q, but must be a number", ErrInvalid, name, text)
			}
			*to = n
		}
	}
	q.Limit = min(q.Limit, pageLimit)
	page, err := s.review.Find(q)
	if err != nil {
		return err
	}
	return c.JSON(page)
}

// judge keeps what a person says. JSON alone is taken, which a form of another page cannot send.
func (s *Server) judge(c *fiber.Ctx) error {
	if kind, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";"); strings.TrimSpace(kind) != fiber.MIMEApplicationJSON {
		return fiber.NewError(fiber.StatusUnsupportedMediaType, "send JSON, with Content-Type: application/json")
	}
	var said struct {
		Said
		Shown string `json:"shown"` // the facet that the answer is of; the same one by default
	}
	if err := json.Unmarshal(c.Body(), &said); err != nil {
		return fmt.Errorf(`%w: send {"judge": …, "id": …, "facet": …, "label": …}`, ErrInvalid)
	}
	if s.options.JudgeHeader != "" {
		if said.Judge = s.named(c); said.Judge == "" {
			return fiber.NewError(fiber.StatusForbidden, "the proxy does not say who you are, in "+s.options.JudgeHeader)
		}
	}
	shown := cmp.Or(said.Shown, said.Facet)
	if _, err := s.review.Item(said.ID, shown); err != nil { // before anything is kept
		return err
	}
	if err := s.review.Judge(said.Said); err != nil {
		return err
	}
	item, err := s.review.Item(said.ID, shown)
	if err != nil {
		return err
	}
	return c.JSON(item)
}

// fail sends an error as problem details (RFC 9457).
func (s *Server) fail(c *fiber.Ctx, err error) error {
	status := fiber.StatusInternalServerError
	var known *fiber.Error
	switch {
	case errors.As(err, &known):
		status = known.Code
	case errors.Is(err, ErrInvalid):
		status = fiber.StatusBadRequest
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrGone):
		status = fiber.StatusNotFound
	case errors.Is(err, ErrChanged):
		status = fiber.StatusConflict
	case errors.Is(err, ErrReadOnly):
		status = fiber.StatusForbidden
	default:
		s.options.Logger.Error("a request failed", "path", c.Path(), "error", err)
	}
	detail := strings.TrimPrefix(err.Error(), ErrInvalid.Error()+": ") // which the status says
	if err := c.Status(status).JSON(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail}); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/problem+json")
	return nil
}
