package handlerstest

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/errors"

	"tender/acquirers"
)

// The kinds of calls to the acquirer.
const (
	CallAuthorise = "authorise"
	CallCapture   = "capture"
	CallVoid      = "void"
	CallRefund    = "refund"
	CallSettle    = "settle"
)

// ErrLost is what a caller gets whose request or answer a test has lost.
var ErrLost = errors.New("the line is broken")

// Send performs a call.
type Send func() (acquirers.Answer, error)

// Line is a process's line to the acquirer. A test may come between: hold a
// call, lose it, or lose its answer.
type Line struct {
	acquirers.Acquirer
	between atomic.Pointer[func(context.Context, string, Send) (acquirers.Answer, error)]
	calls   sync.Map // kind → *atomic.Int64
	cut     context.Context
}

// Between lets f decide what becomes of calls from now on; nil lets them pass.
func (l *Line) Between(f func(ctx context.Context, call string, send Send) (acquirers.Answer, error)) {
	if f == nil {
		l.between.Store(nil)
		return
	}
	l.between.Store(&f)
}

// LoseAnswers lets calls of a kind be performed, and loses what they bring.
func (l *Line) LoseAnswers(call string) {
	l.Between(func(_ context.Context, kind string, send Send) (acquirers.Answer, error) {
		answer, err := send()
		if kind == call {
			return acquirers.Answer{}, ErrLost
		}
		return answer, err
	})
}

// LoseRequests lets no call of a kind arrive.
func (l *Line) LoseRequests(call string) {
	l.Between(func(_ context.Context, kind string, send Send) (acquirers.Answer, error) {
		if kind == call {
			return acquirers.Answer{}, ErrLost
		}
		return send()
	})
}

// Decline declines every call of a kind, in the acquirer's place.
func (l *Line) Decline(call string) {
	l.Between(func(_ context.Context, kind string, send Send) (acquirers.Answer, error) {
		if kind == call {
			return acquirers.Answer{Status: acquirers.StatusDeclined, ErrorCode: "card_declined", DeclineCode: "do_not_honor"}, nil
		}
		return send()
	})
}

// Before has f run before each call of a kind is sent.
func (l *Line) Before(call string, f func()) {
	l.Between(func(_ context.Context, kind string, send Send) (acquirers.Answer, error) {
		if kind == call {
			f()
		}
		return send()
	})
}

// Hold holds calls of a kind back, before they are sent. Each that arrives is
// told on arrived; release lets all of them go, and those that follow.
func (l *Line) Hold(call string) (arrived <-chan struct{}, release func()) {
	came, gate := make(chan struct{}, 64), make(chan struct{})
	l.Between(func(ctx context.Context, kind string, send Send) (acquirers.Answer, error) {
		if kind != call {
			return send()
		}
		came <- struct{}{}
		select {
		case <-gate:
			return send()
		case <-ctx.Done():
			return acquirers.Answer{}, ctx.Err()
		}
	})
	return came, sync.OnceFunc(func() { close(gate) })
}

// Calls is how many calls of a kind were made.
func (l *Line) Calls(call string) int64 { return l.counter(call).Load() }

func (l *Line) counter(call string) *atomic.Int64 {
	n, _ := l.calls.LoadOrStore(call, new(atomic.Int64))
	return n.(*atomic.Int64) //nolint:errcheck,forcetypeassert // only this function stores
}

func (l *Line) pass(ctx context.Context, call string, send func(context.Context) (acquirers.Answer, error)) (acquirers.Answer, error) {
	l.counter(call).Add(1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.cut, cancel)() // with the test's end every call ends
	f := l.between.Load()
	if f == nil {
		return send(ctx)
	}
	return (*f)(ctx, call, func() (acquirers.Answer, error) { return send(ctx) })
}

// Authorise calls the acquirer, if the test lets it.
func (l *Line) Authorise(ctx context.Context, a acquirers.Authorisation) (acquirers.Answer, error) {
	return l.pass(ctx, CallAuthorise, func(ctx context.Context) (acquirers.Answer, error) { return l.Acquirer.Authorise(ctx, a) })
}

// Capture calls the acquirer, if the test lets it.
func (l *Line) Capture(ctx context.Context, c acquirers.Capture) (acquirers.Answer, error) {
	return l.pass(ctx, CallCapture, func(ctx context.Context) (acquirers.Answer, error) { return l.Acquirer.Capture(ctx, c) })
}

// Void calls the acquirer, if the test lets it.
func (l *Line) Void(ctx context.Context, v acquirers.Void) (acquirers.Answer, error) {
	return l.pass(ctx, CallVoid, func(ctx context.Context) (acquirers.Answer, error) { return l.Acquirer.Void(ctx, v) })
}

// Refund calls the acquirer, if the test lets it.
func (l *Line) Refund(ctx context.Context, r acquirers.Refund) (acquirers.Answer, error) {
	return l.pass(ctx, CallRefund, func(ctx context.Context) (acquirers.Answer, error) { return l.Acquirer.Refund(ctx, r) })
}

// Settle calls the acquirer, if the test lets it.
func (l *Line) Settle(ctx context.Context, key string) (acquirers.Answer, error) {
	return l.pass(ctx, CallSettle, func(ctx context.Context) (acquirers.Answer, error) { return l.Acquirer.Settle(ctx, key) })
}
