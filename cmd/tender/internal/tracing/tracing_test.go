package tracing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"tender/acquirers"
	"tender/cmd/tender/internal/tracing"
	"tender/cmd/tender/internal/tracing/tracingtest"
	"tender/eventstore"
	"tender/eventstore/trace"
	"tender/handlers/api"
)

// started returns a tracer that sends to a collector of the test's.
func started(t *testing.T) (*tracing.Tracing, *tracingtest.Collector) {
	t.Helper()
	collector := tracingtest.New(t)
	t.Setenv(tracing.EnvEndpoint, collector.URL)
	tracer, err := tracing.FromEnvironment(t.Context(), "v1", slog.New(slog.DiscardHandler))
	if err != nil || tracer == nil {
		t.Fatalf("%v, %v", tracer, err)
	}
	return tracer, collector
}

func TestWithoutACollectorNothingIsTraced(t *testing.T) {
	for _, name := range []string{tracing.EnvEndpoint, tracing.EnvTracesEndpoint} {
		t.Setenv(name, "")
	}
	if tracer, err := tracing.FromEnvironment(t.Context(), "v1", slog.Default()); tracer != nil || err != nil {
		t.Errorf("%v, %v", tracer, err)
	}
	ctx, end := trace.Begin(t.Context(), "anything")
	if end(nil); ctx != t.Context() {
		t.Error("a context was made for nobody")
	}
}

// A request joins the trace that it names, and what is done for it is part of it.
func TestARequestAndWhatIsDoneForIt(t *testing.T) {
	tracer, collector := started(t)
	acquirer := tracing.Acquirer("test", silent{})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /checkout/{id}/attempts", func(w http.ResponseWriter, r *http.Request) {
		_, err := acquirer.Settle(r.Context(), "key-1")
		if err == nil {
			t.Error("the acquirer has answered")
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	var lines bytes.Buffer
	handler := api.Middleware(slog.New(tracing.Logged(slog.NewJSONHandler(&lines, nil))), "http://x", nil, mux)
	r, err := http.NewRequestWithContext(trace.With(t.Context(), tracer), http.MethodPost, "/checkout/ckt_01hzy3v7q8e4xk2m9c5b7d6f0d/attempts?a=secret", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	w := newAnswer()
	handler.ServeHTTP(w, r)
	tracer.Close()

	request := collector.Span(t, "POST /checkout/{id}/attempts")
	call := collector.Span(t, "acquirer settle")
	if tracingtest.Hex(request.TraceId) != "0af7651916cd43dd8448eb211c80319c" || tracingtest.Hex(request.ParentSpanId) != "b7ad6b7169203331" {
		t.Errorf("the request is not in the trace that it named: %v", request)
	}
	var line struct {
		TraceID string `json:"trace_id"`
		SpanID  string `json:"span_id"`
	}
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.TraceID != tracingtest.Hex(request.TraceId) || line.SpanID != tracingtest.Hex(request.SpanId) {
		t.Errorf("the request's line is %s", lines.Bytes())
	}
	if tracingtest.Hex(call.ParentSpanId) != tracingtest.Hex(request.SpanId) || tracingtest.Hex(call.TraceId) != tracingtest.Hex(request.TraceId) {
		t.Errorf("the call is not the request's: %v", call)
	}
	if request.Kind != tracepb.Span_SPAN_KIND_SERVER || call.Kind != tracepb.Span_SPAN_KIND_CLIENT {
		t.Errorf("kinds %s, %s", request.Kind, call.Kind)
	}
	about := tracingtest.Attributes(request)
	if about["http.response.status_code"] != "503" || about["request_id"] != w.Header().Get("Request-Id") || about["http.request.method"] != "POST" {
		t.Errorf("the request's span says %v", about)
	}
	for _, s := range []*tracepb.Span{request, call} {
		if s.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR || s.GetStatus().GetMessage() != "" {
			t.Errorf("%s failed, and says %v", s.Name, s.Status)
		}
	}
	if raw := collector.Raw(); strings.Contains(raw, "ckt_") || strings.Contains(raw, "secret") || strings.Contains(raw, "key-1") {
		t.Errorf("what a request brought was sent: %q", raw)
	}
}

func TestABatchHasTheTimesThatItTook(t *testing.T) {
	tracer, collector := started(t)
	tracer.Batches("live")(eventstore.Batch{Commands: 7, Took: 3 * time.Second})
	tracer.Close()
	s := collector.Span(t, "append batch")
	if took := time.Duration(s.EndTimeUnixNano - s.StartTimeUnixNano); took < 2900*time.Millisecond || took > 3100*time.Millisecond {
		t.Errorf("it took %s", took)
	}
	if about := tracingtest.Attributes(s); about["commands"] != "7" || about["mode"] != "live" {
		t.Errorf("it says %v", about)
	}
	if about := collector.Resource(); about["service.name"] != "tender" || about["service.version"] != "v1" {
		t.Errorf("the process says of itself %v", about)
	}
}

// A collector that is gone holds nothing up for long.
func TestACollectorThatIsGone(t *testing.T) {
	t.Setenv(tracing.EnvEndpoint, "http://127.0.0.1:1")
	tracer, err := tracing.FromEnvironment(t.Context(), "v1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, end := tracer.Begin(t.Context(), "lost", nil)
	end(errors.New("x"))
	begun := time.Now()
	if tracer.Close(); time.Since(begun) > 5*time.Second {
		t.Errorf("a stop took %s", time.Since(begun))
	}
}

// silent is an acquirer that doesn't answer.
type silent struct{ acquirers.Acquirer }

func (silent) Name() string { return "silent" }
func (silent) Settle(context.Context, string) (acquirers.Answer, error) {
	return acquirers.Answer{}, errors.New("secret: no answer")
}

type answer struct{ header http.Header }

func newAnswer() *answer                      { return &answer{http.Header{}} }
func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(int)             {}

func BenchmarkOff(b *testing.B) {
	ctx := b.Context()
	for b.Loop() {
		_, end := trace.Begin(ctx, "append", "mode", "test")
		end(nil)
	}
}
