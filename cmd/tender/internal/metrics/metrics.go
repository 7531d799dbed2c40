// Package metrics counts what a serving process does and asks how its logs stand,
// and shows both to Prometheus. docs/observability.md lists every metric.
//
// The engine's packages don't know it: they tell a function that they were given,
// once per request, batch, try or call. No metric is about one object, one merchant
// or one person: labels come from lists that are closed.
package metrics

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// scrapesMax is how many scrapes are answered at once; more are a 503.
	scrapesMax = 3
	// scrapeTimeout bounds a scrape as a whole; [askTimeout] comes long before it.
	scrapeTimeout = 8 * time.Second
)

// Label names.
const (
	labelMode       = "mode"
	labelMethod     = "method"
	labelRoute      = "route"
	labelStatus     = "status"
	labelOutcome    = "outcome"
	labelAcquirer   = "acquirer"
	labelOperation  = "operation"
	labelProjection = "projection"
	labelState      = "state"
	labelConnection = "connection"
	labelPool       = "pool"
)

// Upper bounds of buckets, in seconds and in commands.
var (
	requestBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
	appendBuckets  = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5}
	callBuckets    = []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	batchBuckets   = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}
)

// Metrics are those of one process. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	standing *standing

	requests   *prometheus.HistogramVec
	batches    *prometheus.HistogramVec
	appends    *prometheus.HistogramVec
	unanswered *prometheus.CounterVec
	deliveries *prometheus.HistogramVec
	calls      *prometheus.HistogramVec
}

// New returns metrics that know of nothing yet but the process itself.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), standing: &standing{},
		requests: histogram("tender_http_request_seconds", "How long HTTP requests took, by route pattern and class of status.",
			requestBuckets, labelMethod, labelRoute, labelStatus),
		batches: histogram("tender_append_batch_commands", "How many commands were appended together.", batchBuckets, labelMode),
		appends: histogram("tender_append_seconds", "How long PostgreSQL took to append a batch, durably.", appendBuckets, labelMode),
		unanswered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tender_append_failures_total", Help: "Tries to append a batch that PostgreSQL refused or left unanswered.",
		}, []string{labelMode}),
		deliveries: histogram("tender_webhook_delivery_seconds", "How long tries to deliver a webhook took, by what they came to.",
			callBuckets, labelMode, labelOutcome),
		calls: histogram("tender_acquirer_call_seconds", "How long calls to acquirers took, by operation and answer; unknown: there was none.",
			callBuckets, labelMode, labelAcquirer, labelOperation, labelOutcome),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tender_build_info", Help: "1, for the release that runs.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(
		build, m.requests, m.batches, m.appends, m.unanswered, m.deliveries, m.calls, m.standing,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// Handler shows the metrics. Whoever serves it sees to it who may look: how much the
// platform moves is nobody else's business.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapesMax, Timeout: scrapeTimeout,
	})
}
