package searcher

import (
	"embed"
	"fmt"
	"hash/crc32"

	"github.com/gofiber/fiber/v2"
)

// web is the page and the widget: plain files, served as they are.
//
//go:embed web
var web embed.FS

const javaScript = "text/javascript; charset=utf-8"

// pages are the addresses of the files of web, and their types.
var pages = []struct{ path, file, kind string }{
	{"/", "index.html", fiber.MIMETextHTMLCharsetUTF8},
	{"/style.css", "style.css", "text/css; charset=utf-8"},
	{"/app.js", "app.js", javaScript},
	{"/api.js", "api.js", javaScript},
	{"/cards.js", "cards.js", javaScript},
	{"/dom.js", "dom.js", javaScript},
	{"/facets.js", "facets.js", javaScript},
	{"/filters.js", "filters.js", javaScript},
	{"/photo.js", "photo.js", javaScript},
	{"/readable.js", "readable.js", javaScript},
	{"/state.js", "state.js", javaScript},
	{"/icon.svg", "icon.svg", "image/svg+xml"},
	{"/widget", "widget.html", fiber.MIMETextHTMLCharsetUTF8},
	{"/widget.js", "widget.js", javaScript},
	{"/widget-demo.js", "widget-demo.js", javaScript},
}

func (s *Server) routePages() error {
	for _, page := range pages {
		data, err := web.ReadFile("web/" + page.file)
		if err != nil {
			return fmt.Errorf("searcher: %w", err)
		}
		tag := fmt.Sprintf(`W/"%08x"`, crc32.ChecksumIEEE(data)) // weak, since it is of the compressed page as well
		s.app.Get(page.path, func(c *fiber.Ctx) error {
			// Asked for each time and mostly not sent: a new version of the program shows at once.
			c.Set(fiber.HeaderCacheControl, "no-cache")
			c.Set(fiber.HeaderETag, tag)
			// Fresh would answer to If-Modified-Since alone, and there is no date.
			if c.Get(fiber.HeaderIfNoneMatch) != "" && c.Fresh() {
				return c.SendStatus(fiber.StatusNotModified)
			}
			c.Set(fiber.HeaderContentType, page.kind)
			return c.Send(data)
		})
	}
	return nil
}
