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
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"

	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/photo"
)

// web is the page.
//
//go:embed web
var web embed.FS

// Server is the app over HTTP. It has no users of its own: who reaches its address may judge, so that it belongs on the
// machine itself or behind a proxy that asks who one is.
type Server struct {
	review *Review
	app    *fiber.App
	logger *slog.Logger
	// decoding bounds the photos that are decoded at once.
	decoding chan struct{}
}

const (
	pictureSide = 560 // the longer side of a picture in pixels
	pageLimit   = 200 // photos in one answer
	bodyLimit   = 16 << 10
)

// NewServer prepares a server.
func NewServer(review *Review, logger *slog.Logger) *Server {
	s := &Server{review: review, logger: logger, decoding: make(chan struct{}, 2)}
	s.app = fiber.New(fiber.Config{
		DisableStartupMessage: true, CaseSensitive: true, Immutable: true, BodyLimit: bodyLimit,
		ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 30 * time.Second, ErrorHandler: s.fail,
	})
	s.app.Use(recover.New(), s.secure)
	for path, file := range map[string]string{"/": "index.html", "/app.js": "app.js", "/style.css": "style.css"} {
		s.app.Get(path, func(c *fiber.Ctx) error {
			data, err := web.ReadFile("web/" + file)
			if err != nil {
				return err
			}
			c.Type(file[strings.LastIndexByte(file, '.')+1:], "utf-8")
			c.Set(fiber.HeaderCacheControl, "no-cache")
			return c.Send(data)
		})
	}
	s.app.Get("/readyz", func(c *fiber.Ctx) error { return c.SendString("ready\n") })
	s.app.Get("/api/overview", func(c *fiber.Ctx) error { return c.JSON(s.review.Overview()) })
	s.app.Get("/api/photos", s.photos)
	s.app.Get("/api/photos/:id/picture", s.picture)
	s.app.Post("/api/judgements", s.judge)
	return s
}

// Serve answers until the context is done, and then finishes what is under way.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.app.Listener(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	const patience = 10 * time.Second
	return s.app.ShutdownWithTimeout(patience)
}

// secure keeps pages of elsewhere from reading and judging: those that a browser shows, and those whose name somebody
// lets point to this machine (DNS rebinding).
func (s *Server) secure(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	host := string(c.Request().Host())
	if local, ok := c.Context().LocalAddr().(*net.TCPAddr); ok && local.IP.IsLoopback() && !isLoopback(host) {
		return fiber.NewError(fiber.StatusForbidden, "this address is for this machine alone: open http://"+local.String()+"/")
	}
	if origin := c.Get(fiber.HeaderOrigin); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != host {
			return fiber.NewError(fiber.StatusForbidden, "a page of elsewhere may not ask")
		}
	}
	return c.Next()
}

// isLoopback says whether a Host header names this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

func (s *Server) photos(c *fiber.Ctx) error {
	q := Query{
		Facet: c.Query("facet"), Show: Show(c.Query("show")), Label: c.Query("label"), Predicted: c.Query("predicted"),
		Judge: c.Query("judge"), Set: evaluation.Set(c.Query("set")), Limit: 48,
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

// picture sends the dress, small.
func (s *Server) picture(c *fiber.Ctx) error {
	id, err := c.ParamsInt("id")
	if err != nil || id < 0 || id >= len(s.review.examples) {
		return fiber.NewError(fiber.StatusNotFound, "there is no such photo")
	}
	s.decoding <- struct{}{}
	defer func() { <-s.decoding }()
	e := &s.review.examples[id]
	data, err := os.ReadFile(e.Path)
	if err != nil {
		return fiber.NewError(fiber.StatusNotFound, "the photo's file is gone: "+e.Name)
	}
	m, err := photo.Open(data, photo.DefaultLimits())
	if err != nil {
		return fiber.NewError(fiber.StatusUnprocessableEntity, err.Error())
	}
	region := m.Frame()
	if e.Box != nil && !e.Box.Empty() {
		const around = 0.06 // of the box's size, so that its rim is seen
		region = e.Box.Grow(around)
	}
	longer := max(region.Width(), region.Height())
	scale := min(1, float64(pictureSide)/float64(longer))
	small, _ := photo.Letterbox(m, region, max(1, int(scale*float64(region.Width()))), max(1, int(scale*float64(region.Height()))))
	jpeg, err := photo.EncodeJPEG(small, 85)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "private, max-age=3600")
	c.Set(fiber.HeaderContentType, "image/jpeg")
	return c.Send(jpeg)
}

// judge keeps what a person says. JSON alone is taken, which a form of another page cannot send.
func (s *Server) judge(c *fiber.Ctx) error {
	if kind, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";"); strings.TrimSpace(kind) != fiber.MIMEApplicationJSON {
		return fiber.NewError(fiber.StatusUnsupportedMediaType, "send JSON, with Content-Type: application/json")
	}
	var said struct {
		Judge string `json:"judge"`
		ID    *int   `json:"id"`
		Facet string `json:"facet"`
		Label string `json:"label"`
		Shown string `json:"shown"` // the facet that the answer is of; the same one by default
	}
	if err := json.Unmarshal(c.Body(), &said); err != nil || said.ID == nil {
		return fmt.Errorf(`%w: send {"judge": …, "id": …, "facet": …, "label": …}`, ErrInvalid)
	}
	if err := s.review.Judge(said.Judge, *said.ID, said.Facet, said.Label); err != nil {
		return err
	}
	item, err := s.review.Item(*said.ID, cmp.Or(said.Shown, said.Facet))
	if err != nil {
		return err
	}
	return c.JSON(item)
}

func (s *Server) fail(c *fiber.Ctx, err error) error {
	status, message := fiber.StatusInternalServerError, err.Error()
	var known *fiber.Error
	switch {
	case errors.As(err, &known):
		status = known.Code
	case errors.Is(err, ErrInvalid):
		status = fiber.StatusBadRequest
	default:
		s.logger.Error("a request failed", "path", c.Path(), "error", err)
	}
	return c.Status(status).JSON(map[string]string{"error": message})
}
