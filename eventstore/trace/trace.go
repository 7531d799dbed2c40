// Package trace lets code say what it is at, and for how long, to whoever traces it.
//
// It knows no tracing library: a [Tracer] travels in the context, and where there is
// none nothing is done. Names and values come from the code or are ids that stand in
// the log; never what a request brought, and never a checkout's id, which lets
// anybody pay who has it.
package trace

import (
	"context"
	"net/http"
)

// Names among what is told about a span that mean something to whoever traces it.
const (
	// Kind is [Server] of what answers a request, [Client] of what makes one; others
	// have none.
	Kind = "span.kind"
	// Route is the pattern of the path that a request is for; it goes to the span's
	// name.
	Route = "http.route"
)

// Values of [Kind].
const (
	Server = "server"
	Client = "client"
)

// Tracer takes what is told.
type Tracer interface {
	// Begin begins a span within the one that ctx is in, if any. About are names and
	// values in turn.
	Begin(ctx context.Context, name string, about []string) (context.Context, End)
	// Join makes ctx part of the trace that a request names in its headers, if any.
	Join(ctx context.Context, header http.Header) context.Context
}

// End ends a span. An error says that it failed; what it says is not told, because it
// may quote anything. About are names and values in turn that came to light.
type End func(err error, about ...string)

type key struct{}

// With lets t trace what is done with the context.
func With(ctx context.Context, t Tracer) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, key{}, t)
}

// Begin begins a span, which the caller must end. Without a tracer it costs a look
// into the context.
func Begin(ctx context.Context, name string, about ...string) (context.Context, End) {
	t, traced := ctx.Value(key{}).(Tracer)
	if !traced {
		return ctx, nothing
	}
	return t.Begin(ctx, name, about)
}

// Join makes ctx part of the trace that a request names in its headers.
func Join(ctx context.Context, header http.Header) context.Context {
	if t, traced := ctx.Value(key{}).(Tracer); traced {
		return t.Join(ctx, header)
	}
	return ctx
}

func nothing(error, ...string) {}
