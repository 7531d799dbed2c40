package metrics

import (
	"context"
	"strconv"
	"time"

	"tender/acquirers"
	"tender/eventstore"
	"tender/handlers/api"
	"tender/handlers/webhooks/egress"
)

// other is the label of what is on no list.
const other = "other"

// Served counts a request.
func (m *Metrics) Served(s api.Served) {
	route := s.Route
	if route == "" {
		route = other
	}
	m.requests.WithLabelValues(s.Method, route, class(s.Status)).Observe(s.Took.Seconds())
}

// class is a status as 2xx, 3xx and so on; 0, where the answer was broken off, is
// other.
func class(status int) string {
	if status < 100 || status > 599 {
		return other
	}
	return strconv.Itoa(status/100) + "xx"
}

// Appends returns what the store of a mode's log tells of its batches.
func (m *Metrics) Appends(mode string) func(eventstore.Batch) {
	size, took, failed := m.batches.WithLabelValues(mode), m.appends.WithLabelValues(mode), m.unanswered.WithLabelValues(mode)
	return func(b eventstore.Batch) {
		if b.Err != nil {
			failed.Inc()
			return
		}
		size.Observe(float64(b.Commands))
		took.Observe(b.Took.Seconds())
	}
}

// Deliveries returns what the webhook worker of a mode's log tells of its tries.
func (m *Metrics) Deliveries(mode string) func(egress.Answer) {
	return func(a egress.Answer) {
		m.deliveries.WithLabelValues(mode, string(a.Class)).Observe(a.Duration.Seconds())
	}
}

// Acquirer returns a, with its calls counted; nil stays nil.
func (m *Metrics) Acquirer(mode string, a acquirers.Acquirer) acquirers.Acquirer {
	if a == nil {
		return nil
	}
	return &counted{Acquirer: a, metrics: m, mode: mode}
}

// counted is an acquirer whose calls are counted.
type counted struct {
	acquirers.Acquirer
	metrics *Metrics
	mode    string
}

// unknown is the outcome of a call that got no answer.
const unknown = "unknown"

func (c *counted) count(operation string, begun time.Time, answer acquirers.Answer, err error) (acquirers.Answer, error) {
	outcome := string(answer.Status)
	if err != nil {
		outcome = unknown
	}
	c.metrics.calls.WithLabelValues(c.mode, c.Name(), operation, outcome).Observe(time.Since(begun).Seconds())
	return answer, err
}

// Authorise reserves money, or takes it at once.
func (c *counted) Authorise(ctx context.Context, a acquirers.Authorisation) (acquirers.Answer, error) {
	begun := time.Now()
	answer, err := c.Acquirer.Authorise(ctx, a)
	return c.count("authorise", begun, answer, err)
}

// Capture takes what is reserved.
func (c *counted) Capture(ctx context.Context, o acquirers.Capture) (acquirers.Answer, error) {
	begun := time.Now()
	answer, err := c.Acquirer.Capture(ctx, o)
	return c.count("capture", begun, answer, err)
}

// Void gives back what is reserved.
func (c *counted) Void(ctx context.Context, o acquirers.Void) (acquirers.Answer, error) {
	begun := time.Now()
	answer, err := c.Acquirer.Void(ctx, o)
	return c.count("void", begun, answer, err)
}

// Refund pays back what was taken.
func (c *counted) Refund(ctx context.Context, o acquirers.Refund) (acquirers.Answer, error) {
	begun := time.Now()
	answer, err := c.Acquirer.Refund(ctx, o)
	return c.count("refund", begun, answer, err)
}

// Settle ends doubt about an operation.
func (c *counted) Settle(ctx context.Context, key string) (acquirers.Answer, error) {
	begun := time.Now()
	answer, err := c.Acquirer.Settle(ctx, key)
	return c.count("settle", begun, answer, err)
}
