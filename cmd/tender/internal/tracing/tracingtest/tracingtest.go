// Package tracingtest is a collector for tests: it takes OTLP over HTTP, and shows what
// came.
package tracingtest

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// bodyBytesMax bounds one message.
const bodyBytesMax = 64 << 20

// Collector keeps all that it is sent.
type Collector struct {
	URL string

	mu       sync.Mutex
	raw      []byte
	spans    []*tracepb.Span
	resource map[string]string
}

// New starts a collector, which ends with the test.
func New(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, bodyBytesMax))
		if err == nil {
			err = c.take(r, body)
		}
		if err != nil {
			t.Errorf("what was sent is no trace: %v", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

func (c *Collector) take(r *http.Request, body []byte) error {
	if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return fmt.Errorf("%s, %s", r.URL.Path, r.Header.Get("Content-Type"))
	}
	var m collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &m); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(c.raw, body...)
	for _, rs := range m.GetResourceSpans() {
		c.resource = values(rs.GetResource().GetAttributes())
		for _, scope := range rs.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	return nil
}

// Raw is all that was sent, as it came.
func (c *Collector) Raw() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.raw)
}

// Spans are all that came.
func (c *Collector) Spans() []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Span returns the first with a name, which must be there.
func (c *Collector) Span(t testing.TB, name string) *tracepb.Span {
	t.Helper()
	for _, s := range c.Spans() {
		if s.GetName() == name {
			return s
		}
	}
	t.Fatalf("there is no span %q", name)
	return nil
}

// Resource is what the process that sent last says of itself.
func (c *Collector) Resource() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resource
}

// Attributes are what a span says, as texts.
func Attributes(s *tracepb.Span) map[string]string { return values(s.GetAttributes()) }

func values(all []*commonpb.KeyValue) map[string]string {
	out := map[string]string{}
	for _, kv := range all {
		if n, is := kv.GetValue().GetValue().(*commonpb.AnyValue_IntValue); is {
			out[kv.GetKey()] = fmt.Sprint(n.IntValue)
			continue
		}
		out[kv.GetKey()] = kv.GetValue().GetStringValue()
	}
	return out
}

// Hex is an id as people write it.
func Hex(id []byte) string { return hex.EncodeToString(id) }
