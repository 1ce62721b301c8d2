package searcher

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors"
)

func TestRefusedByTheServer(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	options := shop.options()
	options.Limits = photo.Limits{MaxBytes: 20_000, MaxPixels: 90 * 120}
	s := serve(t, options)
	small := shop.files[shop.rows[0].PhotoID]
	require.Equal(t, http.StatusOK, s.upload(small).status)

	s.get("/nowhere").problem(t, http.StatusNotFound, CodeNotFound)
	s.get("/v1/").problem(t, http.StatusNotFound, CodeNotFound)
	s.get("/../../etc/passwd").problem(t, http.StatusNotFound, CodeNotFound)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, "PROPFIND", "post"} {
		request, err := http.NewRequestWithContext(t.Context(), method, s.url+"/v1/search", nil)
		require.NoError(t, err)
		r := s.do(request)
		r.problem(t, http.StatusMethodNotAllowed, CodeMethod)
		require.Equal(t, http.MethodPost, r.header.Get("Allow"))
	}
	p := s.announce("/v1/search", "application/json", 2<<20).problem(t, http.StatusRequestEntityTooLarge, CodeTooLarge)
	require.Regexp(t, `a photo may have \S+ MiB at most: send a smaller one`, p.Detail)
	s.upload(append(small, make([]byte, 30_000)...)).problem(t, http.StatusRequestEntityTooLarge, "photo_too_many_bytes")

	large, err := photo.EncodeJPEG(photo.New(91, 120), 50)
	require.NoError(t, err)
	s.upload(large).problem(t, http.StatusRequestEntityTooLarge, "photo_too_many_pixels")

	kind, body := form(t, small)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/search", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Content-Encoding", "gzip")
	s.do(request).problem(t, http.StatusUnsupportedMediaType, CodeUnsupportedType)
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	row := shop.rows[0]
	for _, path := range []string{
		"/", "/openapi.json", "/healthz", "/readyz", "/v1/facets", "/v1/items", "/v1/items/" + row.RowID, "/v1/items/" + row.RowID + "/similar",
		"/v1/products/" + row.ProductID + "/similar", "/v1/thumbnails/" + row.PhotoID, "/v1/items/" + strings.Repeat("0", 64),
	} {
		got := s.get(path)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, s.url+path, nil)
		require.NoError(t, err)
		head := s.do(request)
		require.Equal(t, got.status, head.status, path)
		require.Equal(t, got.header.Get("Content-Type"), head.header.Get("Content-Type"), path)
		require.NotEmpty(t, got.body, path)
		require.Empty(t, head.body, path)
	}
	require.NotContains(t, string(s.get("/openapi.json").body), `"head"`, "goes without saying")
}

func TestMalformedRequests(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	s := serve(t, shop.options())
	for name, test := range map[string]struct {
		sent   string
		status int
	}{
		"a broken escape":  {"GET /v1/products/%zz/similar HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"long headers":     {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20_000) + "\r\n\r\n", 431},
		"no HTTP":          {"hello\r\n\r\n", 400},
		"HTTP/2":           {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404},
		"a negative size":  {"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400},
		"an enormous size": {"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + bodyBegins, 413},
	} {
		t.Run(name, func(t *testing.T) {
			connection, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			require.NoError(t, err)
			defer connection.Close()
			_, err = io.WriteString(connection, test.sent)
			require.NoError(t, err)
			response, err := http.ReadResponse(bufio.NewReader(connection), nil)
			require.NoError(t, err)
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, test.status, response.StatusCode, "%s", body)
			require.Equal(t, problemType, response.Header.Get("Content-Type"))
		})
	}
}

// TestRefusalsAreReadElsewhere has a shop's page, which is of another origin, see why a request was refused, and an
// operator see that it was.
func TestRefusalsAreReadElsewhere(t *testing.T) {
	shop := newShop(t)
	options := shop.options()
	options.AllowedOrigins = []string{"https://shop.example"}
	s := serve(t, options)
	for head, status := range map[string]int{
		"POST /v1/search HTTP/1.1\r\nContent-Length: 99999999\r\n":               413,
		"POST /v1/search HTTP/1.1\r\nContent-Encoding: gzip\r\n":                 415,
		"GET / HTTP/1.1\r\nContent-Encoding: gzip\r\n":                           415,
		"GET /nowhere HTTP/1.1\r\n":                                              404,
		"GET /v1/search HTTP/1.1\r\n":                                            405,
		"PROPFIND /v1/search HTTP/1.1\r\n":                                       405,
		"OPTIONS /v1/search HTTP/1.1\r\nAccess-Control-Request-Method: POST\r\n": 204,
	} {
		connection, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		require.NoError(t, err)
		defer connection.Close()
		_, err = io.WriteString(connection, head+"Host: x\r\nOrigin: https://shop.example\r\n\r\n"+bodyBegins)
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, status, response.StatusCode, head)
		require.Equal(t, "https://shop.example", response.Header.Get("Access-Control-Allow-Origin"), head)
		require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"), head)
	}
	text := scrape(t, s)
	for _, labels := range []string{
		`{code="413",route="none"} 1`, `{code="415",route="none"} 2`, `{code="404",route="none"} 1`, `{code="405",route="none"} 2`,
		`{code="204",route="preflight"} 1`,
	} {
		require.True(t, strings.Contains(text, "\nkleid_http_requests_total"+labels+"\n"), labels)
	}
	require.False(t, strings.Contains(text, `route="/"`))
}

// TestResetsAreNoFailures has clients that lose their network, and balancers that look whether the port is open: what
// they leave is neither an answer nor anything that an operator should look into.
func TestResetsAreNoFailures(t *testing.T) {
	shop := newShop(t)
	options := shop.options()
	var log lockedBuilder
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := serve(t, options)
	open := func(n int) func() bool {
		return func() bool {
			s.connections.mu.Lock()
			defer s.connections.mu.Unlock()
			return len(s.connections.open) == n
		}
	}
	const proceed = "HTTP/1.1 100 Continue\r\n\r\n"
	for name, test := range map[string]struct{ sent, answer string }{
		"before a request":           {"", ""},
		"in the head":                {"POST /v1/search HTTP/1.1\r\nHost: x\r\n", ""},
		"in the middle of an upload": {"POST /v1/search HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 500\r\n\r\n{", proceed},
	} {
		client, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		require.NoError(t, err)
		_, err = io.WriteString(client, test.sent)
		require.NoError(t, err)
		_, err = io.ReadFull(client, make([]byte, len(test.answer)))
		require.NoError(t, err, name)
		require.Eventually(t, open(1), 10*time.Second, time.Millisecond, name)
		require.NoError(t, client.(*net.TCPConn).SetLinger(0)) // so that it is reset
		require.NoError(t, client.Close())
		require.Eventually(t, open(0), 10*time.Second, time.Millisecond, name)
		require.False(t, strings.Contains(scrape(t, s), "kleid_http_requests_total"), name)
		require.Empty(t, log.String(), name)
	}
}

func TestPanicsAreProblems(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	data := shop.paint(t, 0, studio.Shot{Query: true})
	options := shop.options()
	var log lockedBuilder
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	options.Thumbnails = func(context.Context, string) ([]byte, error) { panic("a secret path") }
	shop.embedder.before = func() { panic("a secret shape") }
	s := serve(t, options)
	for _, r := range []reply{s.get("/v1/thumbnails/" + shop.rows[0].PhotoID), s.upload(data)} {
		p := r.problem(t, http.StatusInternalServerError, CodeInternal)
		require.NotContains(t, p.Detail, "secret")
	}
	require.Contains(t, log.String(), "a secret path")
	require.Contains(t, log.String(), "a secret shape")
	shop.embedder.before = nil
	require.Equal(t, http.StatusOK, s.upload(data).status, "the place in the lane is free again")
}

func TestBusy(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	var photos [][]byte
	for i := range uint64(4) {
		photos = append(photos, shop.paint(t, 0, studio.Shot{Query: true, Index: i}))
	}
	entered, proceed := make(chan struct{}, 4), make(chan struct{})
	shop.embedder.before = func() {
		entered <- struct{}{}
		<-proceed
	}
	options := shop.options()
	options.Embeds, options.Queue = 1, 1
	s := serve(t, options)
	replies := make(chan reply, 2)
	var asking sync.WaitGroup
	ask := func(data []byte) { asking.Go(func() { replies <- s.upload(data) }) }
	ask(photos[0])
	<-entered
	ask(photos[1])
	require.Eventually(t, func() bool { return s.engine.lane.waits() == 1 }, 10*time.Second, time.Millisecond)
	r := s.upload(photos[2])
	r.problem(t, http.StatusServiceUnavailable, CodeBusy)
	require.Equal(t, "2", r.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, s.get("/v1/products/"+shop.rows[0].ProductID+"/similar").status, "what needs no network goes on")
	close(proceed)
	asking.Wait()
	for range 2 {
		require.Equal(t, http.StatusOK, (<-replies).status)
	}
	require.Equal(t, http.StatusOK, s.upload(photos[2]).status)
}

func TestTimeout(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	data := shop.paint(t, 0, studio.Shot{Query: true})
	proceed := make(chan struct{})
	shop.embedder.before = func() { <-proceed }
	options := shop.options()
	options.Timeout = 20 * time.Millisecond
	options.Embeds = 1
	s := serve(t, options)
	s.upload(data).problem(t, http.StatusGatewayTimeout, CodeTimeout)
	// The photo is still in the network, so the next one waits for its place, and in vain.
	s.upload(shop.room(t)).problem(t, http.StatusGatewayTimeout, CodeTimeout)
	close(proceed)
	require.Eventually(t, func() bool { return s.upload(data).status == http.StatusOK }, 10*time.Second, time.Millisecond)
}

func (l *slowListener) Addr() net.Addr {
	l.once.Do(func() {
		close(l.asked)
		<-l.proceed
	})
	return l.Listener.Addr()
}

func TestCORS(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	ask := func(s *service, method, origin string) http.Header {
		request, err := http.NewRequestWithContext(t.Context(), method, s.url+"/v1/products/"+shop.rows[0].ProductID+"/similar", nil)
		require.NoError(t, err)
		request.Header.Set("Origin", origin)
		if method == http.MethodOptions {
			request.Header.Set("Access-Control-Request-Method", http.MethodGet)
		}
		return s.do(request).header
	}
	const header = "Access-Control-Allow-Origin"

	closed := serve(t, shop.options())
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		require.Empty(t, ask(closed, method, "https://shop.example").Get(header))
	}
	require.Equal(t, "same-origin", ask(closed, http.MethodGet, "https://shop.example").Get("Cross-Origin-Resource-Policy"))

	options := shop.options()
	options.AllowedOrigins = []string{"https://shop.example", "http://localhost:3000"}
	open := serve(t, options)
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		require.Equal(t, "https://shop.example", ask(open, method, "https://shop.example").Get(header))
		require.Equal(t, "http://localhost:3000", ask(open, method, "http://localhost:3000").Get(header))
		for _, other := range []string{"https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null"} {
			require.Empty(t, ask(open, method, other).Get(header), other)
		}
		require.Empty(t, ask(open, method, "https://shop.example").Get("Access-Control-Allow-Credentials"))
		require.Equal(t, "Retry-After", ask(open, method, "https://shop.example").Get("Access-Control-Expose-Headers"))
	}
	require.Equal(t, "cross-origin", ask(open, http.MethodGet, "https://shop.example").Get("Cross-Origin-Resource-Policy"))

	for _, all := range [][]string{{"*"}, {"*", "https://shop.example"}, {"https://*.shop.example", "*"}} {
		options.AllowedOrigins = all
		require.Equal(t, "*", ask(serve(t, options), http.MethodGet, "https://anybody.example").Get(header))
	}
	options.AllowedOrigins = []string{"https://*.shop.example"}
	subdomains := serve(t, options)
	require.Equal(t, "https://de.shop.example", ask(subdomains, http.MethodGet, "https://de.shop.example").Get(header))
	for _, other := range []string{"https://shop.example", "https://evilshop.example", "https://de.shop.example.evil.example"} {
		require.Empty(t, ask(subdomains, http.MethodGet, other).Get(header), other)
	}

	// What is configured need not be in the form that browsers send.
	for configured, sent := range map[string]string{
		"https://kleider-für-dich.example": "https://xn--kleider-fr-dich-7vb.example", "https://*.Für.example:443": "https://de.xn--fr-xka.example",
		"https://shop.example:443": "https://shop.example", "http://shop.example:80": "http://shop.example", "https://shop.example:": "https://shop.example",
		"https://shop.example:80": "https://shop.example:80", "http://[::1]:80": "http://[::1]", "http://[::1]:3000": "http://[::1]:3000",
		"https://Shop_a.example": "https://shop_a.example",
	} {
		options.AllowedOrigins = []string{configured}
		require.Equal(t, sent, ask(serve(t, options), http.MethodGet, sent).Get(header), configured)
	}

	for _, wrong := range []string{
		"https://shop.example:port", "https://shop.example:65536", "https://-ü.example",
		"", "shop.example", "https://shop.example/", "https://", "ftp://shop.example", "https://a.example,https://b.example", "https://a.example,b.example",
		"https://*", "https://shop.*", "https://*shop.example", "https://*.*.example", "https://de.*.example", "https://*.", "https://*.:80", "https://*.[::1", "*.shop.example", "https://:80", "https://*.shop.example/",
	} {
		options.AllowedOrigins = []string{wrong}
		_, err := New(t.Context(), options)
		require.ErrorContains(t, err, "origin", wrong)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	shop := newShop(t)
	for name, spoil := range map[string]func(*Options){
		"no store":    func(o *Options) { o.Store = nil },
		"no embedder": func(o *Options) { o.Embedder = nil },
		"no bytes":    func(o *Options) { o.Limits = photo.Limits{MaxPixels: 1} },
		"no pixels":   func(o *Options) { o.Limits = photo.Limits{MaxBytes: 1} },
	} {
		options := shop.options()
		spoil(&options)
		_, err := NewEngine(t.Context(), options)
		require.Error(t, err, name)
	}
}

func TestUploadsInMemoryAreBounded(t *testing.T) {
	shop := newShop(t)
	options := shop.options()
	byDefault := serve(t, options)
	require.Equal(t, 33<<20, byDefault.app.Config().BodyLimit)
	require.Equal(t, 256, byDefault.app.Config().Concurrency)
	options.Limits = photo.DefaultLimits()
	options.MaxConnections = 1
	chosen := serve(t, options)
	require.Equal(t, 65<<20, chosen.app.Config().BodyLimit)

	// Connections are taken in the order in which they were made, so the first has the only place.
	address := strings.TrimPrefix(chosen.url, "http://")
	first, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer first.Close()
	second, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer second.Close()
	response, err := http.ReadResponse(bufio.NewReader(second), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	require.Contains(t, response.Header.Get("Content-Type"), "text/plain", "as the API's description has it")

	// Who is refused is counted, and the program says that it lives and is ready all the same.
	require.True(t, strings.Contains(scrape(t, chosen), "\nkleid_http_connections_refused_total 1\n"))
	for path, status := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable, "/v1/facets": http.StatusNotFound} {
		w := httptest.NewRecorder()
		chosen.Probes().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		require.Equal(t, status, w.Code, "%s: %s", path, w.Body)
	}
}

// TestUploadsAreHeldOnce has a photo of 12 MiB looked at, and a form wait for another that is read.
func TestUploadsAreHeldOnce(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	kind, body := form(t, append(shop.paint(t, 0, studio.Shot{Query: true}), make([]byte, 12<<20)...))
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC() // what lies in pools goes with the second
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return memory.HeapAlloc
	}
	var meanwhile uint64
	shop.embedder.before = func() { meanwhile = inUse() }
	options := shop.options()
	options.Timeout = 20 * time.Millisecond
	s := serve(t, options)
	require.NoError(t, s.reading.take(t.Context()))
	s.post("/v1/search", kind, body).problem(t, http.StatusGatewayTimeout, CodeTimeout)
	s.reading.leave()

	options.Timeout = time.Minute
	s = serve(t, options)
	before := inUse()
	s.post("/v1/search", kind, body).answer(t)
	require.Less(t, meanwhile, before+18<<20, "the photo, and nothing of the form")
}

// TestIdleClientsGo has none keep a connection for long that others may need.
func TestIdleClientsGo(t *testing.T) {
	shop := newShop(t)
	s := serve(t, shop.options())
	server := s.app.Server()
	require.LessOrEqual(t, server.IdleTimeout, 5*time.Second)
	require.LessOrEqual(t, server.ReadTimeout, 10*time.Second, "nor one without a request")
	require.Equal(t, time.Minute, server.HeaderReceived(&fasthttp.RequestHeader{}).ReadTimeout, "a photo takes longer")
}

func TestPages(t *testing.T) {
	shop := newShop(t)
	s := serve(t, shop.options())
	for _, page := range pages {
		r := s.get(page.path)
		require.Equal(t, http.StatusOK, r.status)
		require.Equal(t, page.kind, r.header.Get("Content-Type"))
		require.Contains(t, r.header.Get("Content-Security-Policy"), "default-src 'none'")
		require.Equal(t, "nosniff", r.header.Get("X-Content-Type-Options"))
		require.NotContains(t, string(r.body), "unsafe-inline")
		tag := strings.TrimPrefix(r.header.Get("ETag"), "W/")
		for condition, status := range map[string]int{
			tag: http.StatusNotModified, "W/" + tag: http.StatusNotModified, `"other", W/` + tag: http.StatusNotModified, "*": http.StatusNotModified,
			`"other"`: http.StatusOK, "": http.StatusOK,
		} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+page.path, nil)
			require.NoError(t, err)
			request.Header.Set("If-None-Match", condition)
			request.Header.Set("If-Modified-Since", time.Now().UTC().Format(http.TimeFormat))
			require.Equal(t, status, s.do(request).status, condition)
		}
	}
}

func TestDescriptionOfTheAPI(t *testing.T) {
	shop := newShop(t)
	s := serve(t, shop.options())
	var d struct {
		OpenAPI string
		Info    struct{ Description string }
		Paths   map[string]map[string]struct {
			Parameters []struct {
				Name, In, Description string
				Schema                struct{ Maximum int }
			}
			RequestBody struct{ Content map[string]any }
			Responses   map[string]struct{ Content map[string]any }
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	s.get("/openapi.json").into(t, &d)
	require.Equal(t, "3.1.0", d.OpenAPI)
	require.Contains(t, d.Info.Description, "503 in plain text", "the only error that is no problem")
	for path, method := range map[string]string{
		"/v1/search": "post", "/v1/items": "get", "/v1/items/{row_id}": "get", "/v1/items/{row_id}/similar": "get",
		"/v1/products/{product_id}/similar": "get", "/v1/facets": "get", "/v1/thumbnails/{photo_id}": "get", "/healthz": "get", "/readyz": "get",
	} {
		require.Contains(t, d.Paths, path)
		require.Contains(t, d.Paths[path], method)
		require.Contains(t, d.Paths[path][method].Responses["default"].Content, problemType, path)
	}
	search := d.Paths["/v1/search"]["post"]
	require.Contains(t, search.RequestBody.Content, "multipart/form-data")
	require.Contains(t, search.RequestBody.Content, "application/json")
	require.Contains(t, d.Components.Schemas["Problem"].Properties, "code")
	// What the description promises is what is sent.
	sent, err := json.Marshal(Answer{Note: "x", Where: map[string][]string{"a": {"b"}}, Price: vectors.PriceRange{Currency: "EUR"}, Run: "r"})
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(sent, &fields))
	for field := range fields {
		require.Contains(t, d.Components.Schemas["Answer"].Properties, field, fmt.Sprint(d.Components.Schemas["Answer"]))
	}
	require.Contains(t, d.Components.Schemas["Result"].Properties, "row_id")
	require.Contains(t, d.Components.Schemas["Result"].Properties, "similarity")
	for _, schema := range []string{"Row", "Result"} {
		require.Contains(t, d.Components.Schemas[schema].Properties, "embedding_model")
		require.NotContains(t, d.Components.Schemas[schema].Properties, "embedding_deeprank")
		require.NotContains(t, d.Components.Schemas[schema].Properties, "embedding_unsupervised")
	}
	for path, id := range map[string]string{"/v1/items/{row_id}/similar": "row_id", "/v1/products/{product_id}/similar": "product_id"} {
		where := map[string]string{}
		for _, p := range d.Paths[path]["get"].Parameters {
			where[p.Name] = p.In
			switch p.Name {
			case "k":
				require.Equal(t, maxPage, p.Schema.Maximum)
			case "offset":
				require.Contains(t, p.Description, fmt.Sprint(MaxK))
			}
		}
		require.Equal(t, map[string]string{
			id: "path", "where": "query", "ignore": "query", "price_min": "query", "price_max": "query", "price_currency": "query", "k": "query", "offset": "query", "embedding": "query", "one_per_product": "query",
		}, where)
	}
	thumbnail := d.Paths["/v1/thumbnails/{photo_id}"]["get"].Responses["200"].Content
	require.Contains(t, thumbnail, "image/jpeg")
	require.Len(t, thumbnail, 1)
}
