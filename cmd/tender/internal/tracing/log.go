package tracing

import (
	"context"
	"log/slog"

	oteltrace "go.opentelemetry.io/otel/trace"
)

// Logged returns a handler that names the trace and the span in whose course a record
// was made, as trace_id and span_id, before it hands the record to next.
func Logged(next slog.Handler) slog.Handler { return logged{next} }

type logged struct{ slog.Handler }

func (l logged) Handle(ctx context.Context, r slog.Record) error {
	if span := oteltrace.SpanContextFromContext(ctx); span.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return l.Handler.Handle(ctx, r)
}

func (l logged) WithAttrs(attributes []slog.Attr) slog.Handler {
	return logged{l.Handler.WithAttrs(attributes)}
}

func (l logged) WithGroup(name string) slog.Handler { return logged{l.Handler.WithGroup(name)} }
