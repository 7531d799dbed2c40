package tracing

import (
	"context"

	"tender/acquirers"
	"tender/eventstore/trace"
)

// Acquirer returns a, with a span for each of its calls; nil stays nil.
func Acquirer(mode string, a acquirers.Acquirer) acquirers.Acquirer {
	if a == nil {
		return nil
	}
	return &traced{Acquirer: a, mode: mode}
}

// traced is an acquirer whose calls are traced.
type traced struct {
	acquirers.Acquirer
	mode string
}

func (a *traced) call(ctx context.Context, operation string, call func(context.Context) (acquirers.Answer, error)) (acquirers.Answer, error) {
	ctx, end := trace.Begin(ctx, "acquirer "+operation, trace.Kind, trace.Client, "mode", a.mode, "acquirer", a.Name())
	answer, err := call(ctx)
	end(err, "outcome", string(answer.Status))
	return answer, err
}

// Authorise reserves money, or takes it at once.
func (a *traced) Authorise(ctx context.Context, o acquirers.Authorisation) (acquirers.Answer, error) {
	return a.call(ctx, "authorise", func(ctx context.Context) (acquirers.Answer, error) { return a.Acquirer.Authorise(ctx, o) })
}

// Capture takes what is reserved.
func (a *traced) Capture(ctx context.Context, o acquirers.Capture) (acquirers.Answer, error) {
	return a.call(ctx, "capture", func(ctx context.Context) (acquirers.Answer, error) { return a.Acquirer.Capture(ctx, o) })
}

// Void gives back what is reserved.
func (a *traced) Void(ctx context.Context, o acquirers.Void) (acquirers.Answer, error) {
	return a.call(ctx, "void", func(ctx context.Context) (acquirers.Answer, error) { return a.Acquirer.Void(ctx, o) })
}

// Refund pays back what was taken.
func (a *traced) Refund(ctx context.Context, o acquirers.Refund) (acquirers.Answer, error) {
	return a.call(ctx, "refund", func(ctx context.Context) (acquirers.Answer, error) { return a.Acquirer.Refund(ctx, o) })
}

// Settle ends doubt about an operation.
func (a *traced) Settle(ctx context.Context, key string) (acquirers.Answer, error) {
	return a.call(ctx, "settle", func(ctx context.Context) (acquirers.Answer, error) { return a.Acquirer.Settle(ctx, key) })
}
