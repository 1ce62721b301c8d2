package bench

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// load is one kind of requests, which clients send in turns.
type load struct {
	what     string
	requests []loadRequest
}

// loadRequest is a GET, or a POST where it has a body.
type loadRequest struct {
	url, contentType string
	body             []byte
}

// LoadFigures are what so many clients at once saw of a service.
type LoadFigures struct {
	What              string  `json:"what"`
	Clients           int     `json:"clients"`
	RequestsPerSecond float64 `json:"requests_per_second"` // that were answered
	LatencyP50        float64 `json:"latency_ms_p50"`
	LatencyP95        float64 `json:"latency_ms_p95"`
	LatencyP99        float64 `json:"latency_ms_p99"`
	Answered          int     `json:"answered"`
	Refused           int     `json:"refused"` // with status 503
}

// photoRequest is the upload of a photo, as a page's form sends it.
func photoRequest(url string, file []byte) (loadRequest, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("photo", "photo.jpg")
	if err != nil {
		return loadRequest{}, err
	}
	if _, err := part.Write(file); err != nil {
		return loadRequest{}, err
	}
	if err := form.Close(); err != nil {
		return loadRequest{}, err
	}
	return loadRequest{url, form.FormDataContentType(), body.Bytes()}, nil
}

// send returns the answer's status, after all of it has arrived.
func (r loadRequest) send(ctx context.Context, client *http.Client) (status int, err error) {
	method, body := http.MethodGet, io.Reader(nil)
	if r.body != nil {
		method, body = http.MethodPost, bytes.NewReader(r.body)
	}
	request, err := http.NewRequestWithContext(ctx, method, r.url, body)
	if err != nil {
		return 0, err
	}
	if r.contentType != "" {
		request.Header.Set("Content-Type", r.contentType)
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusServiceUnavailable {
		err = fmt.Errorf("%s answers %s: %s", r.url, answer.Status, text)
	}
	return answer.StatusCode, err
}

// run sends the requests from so many clients for about so many seconds; each has one answered at least. The first error
// ends it.
func (l load) run(ctx context.Context, clients int, seconds float64) (LoadFigures, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	var (
		client    = &http.Client{Transport: transport}
		group     sync.WaitGroup
		mu        sync.Mutex // of what follows
		latencies []float64
		refused   int
		failed    error
	)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	begun := time.Now()
	for first := range clients {
		group.Go(func() {
			for i := first; ; i += clients {
				at := time.Now()
				status, err := l.requests[i%len(l.requests)].send(ctx, client)
				took := 1000 * time.Since(at).Seconds()
				mu.Lock()
				switch {
				case err != nil:
					failed = cmp.Or(failed, err)
					stop()
				case status == http.StatusOK:
					latencies = append(latencies, took)
				default:
					refused++
				}
				mu.Unlock()
				if err != nil || time.Since(begun).Seconds() >= seconds {
					return
				}
			}
		})
	}
	group.Wait()
	took := time.Since(begun).Seconds()
	if failed != nil {
		return LoadFigures{}, failed
	}
	f := LoadFigures{What: l.what, Clients: clients, RequestsPerSecond: float64(len(latencies)) / took, Answered: len(latencies), Refused: refused}
	if n := len(latencies); n > 0 {
		slices.Sort(latencies)
		f.LatencyP50, f.LatencyP95, f.LatencyP99 = latencies[n/2], latencies[n*95/100], latencies[n*99/100]
	}
	return f, nil
}

func loadText(figures []LoadFigures) string {
	var b strings.Builder
	for _, f := range figures {
		fmt.Fprintf(&b, "%-25s %3d clients: %7.1f requests/s, %.1f ms (p95 %.1f ms, p99 %.1f ms)", f.What, f.Clients, f.RequestsPerSecond, f.LatencyP50, f.LatencyP95, f.LatencyP99)
		if f.Refused > 0 {
			fmt.Fprintf(&b, ", %d of %d refused", f.Refused, f.Refused+f.Answered)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
