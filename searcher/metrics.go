package searcher

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what Prometheus reads of a server (https://prometheus.io/docs/practices/naming).
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// newMetrics counts what is measured, and tells how many connections were refused.
func newMetrics(engine *Engine, refused func() float64) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kleid_http_requests_total", Help: "Requests by route and status code."}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kleid_http_request_seconds", Help: "How long requests took, by route.",
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30},
		}, []string{"route"}),
	}
	connections := prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "kleid_http_connections_refused_total", Help: "Connections beyond --max-connections, which were answered 503."}, refused)
	m.registry.MustRegister(m.requests, m.seconds, connections, indexCollector{engine}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// measure counts a request by the route that answered it; what no route answers to, or is refused before one does, is
// "none", as its path may be anything.
func (s *Server) measure(c *fiber.Ctx) error {
	begun := time.Now()
	if err := c.Next(); err != nil {
		if err := s.problem(err).send(c); err != nil { // here, since the answer's status is to be counted
			return err
		}
	}
	route, code := c.Route().Path, c.Response().StatusCode()
	switch {
	case code == http.StatusMethodNotAllowed, code >= 400 && route == "/": // which is also where Fiber has what comes before routes
		route = "none"
	case c.Method() == http.MethodOptions:
		route = "preflight"
	}
	s.metrics.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
	s.metrics.seconds.WithLabelValues(route).Observe(time.Since(begun).Seconds())
	return nil
}

// indexCollector tells of the index that is served.
type indexCollector struct{ engine *Engine }

var (
	indexInfo    = prometheus.NewDesc("kleid_index_info", "The index that is served: its run and its models.", []string{"run", "embedding_model", "facet_model"}, nil)
	indexCreated = prometheus.NewDesc("kleid_index_created_timestamp_seconds", "When the run of the index that is served began.", nil, nil)
)

func (c indexCollector) Describe(to chan<- *prometheus.Desc) {
	to <- indexInfo
	to <- indexCreated
}

func (c indexCollector) Collect(to chan<- prometheus.Metric) {
	current, release, err := c.engine.pins.acquire()
	if err != nil {
		return // there is none
	}
	defer release()
	meta := current.meta
	to <- prometheus.MustNewConstMetric(indexInfo, prometheus.GaugeValue, 1, meta.Run, meta.EmbeddingModel, meta.FacetModel)
	to <- prometheus.MustNewConstMetric(indexCreated, prometheus.GaugeValue, float64(meta.CreatedAt.UnixMilli())/1000)
}

// Metrics answers with what Prometheus reads. It is a handler of its own, for an address that the public does not
// reach.
func (s *Server) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
}
