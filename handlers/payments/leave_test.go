package payments_test

import (
	"context"
	"errors"
	"testing"

	"tender/domain/session"
	"tender/handlers/handlerstest"
)

// A caller who leaves while the intent is on its way into the log ends nothing:
// the acquirer is called and its answer recorded, by nobody but the process that
// was asked. No worker runs here, and the acquirer says nothing by itself about
// what it was never asked.
func TestACallerLeavesWhileTheIntentIsAppended(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		begin func(t *testing.T, b *bundle) (stream string, ask func(context.Context) error)
		ends  string // the stream's last event
	}{
		"a payment": {func(t *testing.T, b *bundle) (string, func(context.Context) error) {
			sessionID, _ := b.Create(10_000)
			return sessionID, func(ctx context.Context) error { return b.pays(ctx, t, sessionID, goodCard) }
		}, "session.completed"},
		"a capture": {func(_ *testing.T, b *bundle) (string, func(context.Context) error) {
			paymentID := b.Reserved(10_000, goodCard)
			return paymentID, func(ctx context.Context) error {
				_, _, err := b.service().Capture(ctx, b.asMerchant(), nil, paymentID, 4_000, nil)
				return err
			}
		}, "payment.captured"},
		"a void": {func(_ *testing.T, b *bundle) (string, func(context.Context) error) {
			paymentID := b.Reserved(10_000, goodCard)
			return paymentID, func(ctx context.Context) error {
				_, _, err := b.service().Void(ctx, b.asMerchant(), nil, paymentID, nil)
				return err
			}
		}, "payment.voided"},
		"a refund": {func(_ *testing.T, b *bundle) (string, func(context.Context) error) {
			_, paymentID := b.Paid(10_000, goodCard)
			return paymentID, func(ctx context.Context) error {
				_, _, err := b.service().Refund(ctx, b.asMerchant(), nil, paymentID, 4_000, "", nil)
				return err
			}
		}, "payment.refunded"},
		"a cancel while the customer is away": {func(_ *testing.T, b *bundle) (string, func(context.Context) error) {
			sessionID, _ := b.Paid(10_000, challengeCard)
			return sessionID, func(ctx context.Context) error {
				_, _, err := b.service().CancelSession(ctx, b.asMerchant(), nil, sessionID, session.ByMerchant)
				return err
			}
		}, "session.cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			stream, ask := c.begin(t, b)
			before := len(b.events(t, stream))
			ctx, leave := context.WithCancel(t.Context())
			waiting, release := b.holdAppends(t)
			asked := make(chan struct{})
			go func() {
				defer close(asked)
				_ = ask(ctx) // nobody is there to be told
			}()
			eventually(t, "the intent is under way", waiting)
			leave()
			release()
			<-asked
			b.service().Drain()
			events := b.events(t, stream)
			if len(events) == before || events[len(events)-1].Type != c.ends {
				t.Errorf("the log ends with %v", b.story(t, stream)[before:])
			}
		})
	}
}

// Who has left before has asked for nothing.
func TestACallerLeavesBeforeTheIntent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, goodCard)
	before := len(b.events(t, paymentID))
	ctx, leave := context.WithCancel(t.Context())
	leave()
	_, _, err := b.service().Capture(ctx, b.asMerchant(), nil, paymentID, 4_000, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the caller is told %v", err)
	}
	b.service().Drain()
	if n := len(b.events(t, paymentID)); n != before || b.First.Line.Calls(handlerstest.CallCapture) != 0 {
		t.Errorf("%d events were added, and the acquirer called %d times", n-before, b.First.Line.Calls(handlerstest.CallCapture))
	}
}

// An append that does not end holds nobody for ever who has left.
func TestALingeringAppendIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, goodCard)
	waiting, release := b.holdAppends(t)
	ctx, leave := context.WithCancel(t.Context())
	told := make(chan error, 1)
	go func() {
		_, _, err := b.service().Capture(ctx, b.asMerchant(), nil, paymentID, 4_000, nil)
		told <- err
	}()
	eventually(t, "the intent is under way", waiting)
	leave()
	if err := <-told; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller is told %v", err)
	}
	release()

	// The intent is on its way all the same; what becomes of it is a worker's to
	// find out.
	eventually(t, "the intent is in the log", func() bool {
		events := b.events(t, paymentID)
		return events[len(events)-1].Type == "payment.capture_requested"
	})
	if n := b.First.Line.Calls(handlerstest.CallCapture); n != 0 {
		t.Errorf("the acquirer was called %d times", n)
	}
}
