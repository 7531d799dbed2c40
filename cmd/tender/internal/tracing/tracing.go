// Package tracing sends what package trace tells to an OpenTelemetry collector, by
// OTLP over HTTP. docs/observability.md lists the spans.
//
// It is switched on, and told where to, by OpenTelemetry's own environment names;
// without them there is no tracer, and nothing is done.
package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"tender/eventstore"
	"tender/eventstore/trace"
)

// The names by which tracing is switched on: where the collector is, for all that
// OpenTelemetry sends or for traces alone.
const (
	EnvEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	EnvTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	envDisabled       = "OTEL_SDK_DISABLED"
	envProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	envTracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
)

// protocol is how traces are sent.
const protocol = "http/protobuf"

// closeTimeout bounds what a collector that doesn't answer may hold up a stop.
const closeTimeout = 2 * time.Second

// Tracing is a process's tracer. It is safe for concurrent use.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   oteltrace.Tracer
	headers  propagation.TraceContext
}

var _ trace.Tracer = (*Tracing)(nil)

// FromEnvironment returns what OpenTelemetry's environment names ask for; nil: nothing.
// A collector that is down is nobody's trouble: what it doesn't take is dropped.
func FromEnvironment(ctx context.Context, version string, log *slog.Logger) (*Tracing, error) {
	if os.Getenv(EnvEndpoint) == "" && os.Getenv(EnvTracesEndpoint) == "" || strings.EqualFold(os.Getenv(envDisabled), "true") {
		return nil, nil
	}
	for _, name := range []string{envProtocol, envTracesProtocol} {
		if p := os.Getenv(name); p != "" && p != protocol {
			return nil, errors.Newf("%s is %s: traces are sent by %s alone, so set it to that or to nothing", name, p, protocol)
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, errors.Wrapf(err, "traces can't be sent as %s says", EnvEndpoint)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "tender"), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return nil, errors.Wrap(err, "OTEL_RESOURCE_ATTRIBUTES can't be read")
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces are lost", "error", err.Error()) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return &Tracing{provider: provider, tracer: provider.Tracer("tender")}, nil
}

// Close sends what is waiting, as long as that may take.
func (t *Tracing) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the error handler was told
}

// Join implements [trace.Tracer]: W3C's traceparent and tracestate.
func (t *Tracing) Join(ctx context.Context, header http.Header) context.Context {
	return t.headers.Extract(ctx, propagation.HeaderCarrier(header))
}

// Begin implements [trace.Tracer].
func (t *Tracing) Begin(ctx context.Context, name string, about []string) (context.Context, trace.End) {
	ctx, s := t.tracer.Start(ctx, name, oteltrace.WithSpanKind(kind(about)), oteltrace.WithAttributes(attributes(about)...))
	return ctx, func(err error, about ...string) {
		for i := 0; i+1 < len(about); i += 2 {
			if about[i] == trace.Route && about[i+1] != "" {
				s.SetName(name + " " + about[i+1])
			}
		}
		s.SetAttributes(attributes(about)...)
		if err != nil {
			s.SetStatus(codes.Error, "")
		}
		s.End()
	}
}

// attributes are names and values in turn; numbers become numbers.
func attributes(about []string) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, len(about)/2)
	for i := 0; i+1 < len(about); i += 2 {
		name, value := about[i], about[i+1]
		if name == trace.Kind || value == "" {
			continue
		}
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			all = append(all, attribute.Int64(name, n))
			continue
		}
		all = append(all, attribute.String(name, value))
	}
	return all
}

func kind(about []string) oteltrace.SpanKind {
	for i := 0; i+1 < len(about); i += 2 {
		if about[i] != trace.Kind {
			continue
		}
		switch about[i+1] {
		case trace.Server:
			return oteltrace.SpanKindServer
		case trace.Client:
			return oteltrace.SpanKindClient
		}
	}
	return oteltrace.SpanKindInternal
}

// Batches returns what the store of a mode's log tells of its batches, each of which
// becomes a span of its own: it is made of many callers' commands.
func (t *Tracing) Batches(mode string) func(eventstore.Batch) {
	return func(b eventstore.Batch) {
		end := time.Now()
		_, s := t.tracer.Start(context.Background(), "append batch", oteltrace.WithTimestamp(end.Add(-b.Took)), oteltrace.WithSpanKind(oteltrace.SpanKindClient),
			oteltrace.WithAttributes(attribute.String("mode", mode), attribute.Int("commands", b.Commands)))
		if b.Err != nil {
			s.SetStatus(codes.Error, "")
		}
		s.End(oteltrace.WithTimestamp(end))
	}
}
