package api_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tender/acquirers"
	"tender/domain/merchant"
	"tender/handlers/handlerstest"
)

// What was not decided leaves the key as it was.
func TestKeysThatAreNotUsedUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	t.Run("400", func(t *testing.T) {
		t.Parallel()
		c := b.of(t)
		c.Post(sessions, with(object{"amount": -1}), key("a")).Is(400)
		c.Post(sessions, "{broken", key("a")).Is(400)
		c.Post(sessions, with(nil), key("a")).Is(201)
		paymentID := c.Reserved(10_000, goodCard)
		c.Capture(paymentID, -1, key("b")).Is(400)
		c.Capture(paymentID, 1, key("b")).Is(200)
	})
	t.Run("401", func(t *testing.T) {
		t.Parallel()
		nobody := b.First.Caller(t, "sk_test_nobodyatallhasthiskeyhere")
		nobody.Post(sessions, with(nil), key("c")).Is(401)
		b.of(t).Post(sessions, with(nil), key("c")).Is(201)
	})
	t.Run("404", func(t *testing.T) {
		t.Parallel()
		c := b.of(t)
		paymentID := c.Reserved(10_000, goodCard)
		c.Capture("pay_01hzy3v7q8e4xk2m9c5b7d6f0a", 1, key("d")).Is(404)
		c.Capture(paymentID, 1, key("d")).Is(200)
	})
	t.Run("413 and 415", func(t *testing.T) {
		t.Parallel()
		c := b.of(t)
		c.Post(sessions, `{"metadata":{"k":"`+strings.Repeat("x", 65<<10)+`"}}`, key("e")).Is(413)
		c.Post(sessions, with(nil), key("e"), handlerstest.Header{Name: "Content-Type", Value: "text/plain"}).Is(415)
		c.Post(sessions, with(nil), key("e")).Is(201)
	})
	t.Run("version_conflict", func(t *testing.T) {
		t.Parallel()
		own := setup(t)
		m := own.Merchant("test")
		c := own.First.Caller(t, m.Secret)
		// Somebody else comes first, every time.
		var changes atomic.Int64
		own.Clock.OnRead(func() {
			m.Change(merchant.Settings{Name: fmt.Sprint("Shop ", changes.Add(1)), Country: "ZA", TimeZone: "UTC"})
		})
		a := c.Post(sessions, with(nil), key("f")).Problem(503, "version_conflict")
		if a.Header.Get("Retry-After") == "" || changes.Load() < 2 {
			t.Errorf("after %d conflicts the headers are %v", changes.Load(), a.Header)
		}
		own.Clock.OnRead(nil)
		if a := c.Post(sessions, with(nil), key("f")).Is(201); replayed(a) {
			t.Error("the key was used up")
		}
	})
	t.Run("attempt_in_progress", func(t *testing.T) {
		t.Parallel()
		own := setup(t)
		sessionID, checkoutID := own.Create(10_000)
		arrived, release := own.First.Line.Hold(handlerstest.CallAuthorise)
		defer release()
		customer := own.First.Caller(t, "")
		var paying sync.WaitGroup
		paying.Go(func() { customer.Pay(checkoutID, "4000000000000002") })
		<-arrived
		a := own.Post(sessions+"/"+sessionID+"/cancel", nil, key("cancel")).Problem(409, "attempt_in_progress")
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		release()
		paying.Wait()
		again := own.Post(sessions+"/"+sessionID+"/cancel", nil, key("cancel")).Is(200).Shows(object{"status": "cancelled"})
		if replayed(again) {
			t.Error("the key was used up")
		}
	})
	t.Run("operation_in_progress", func(t *testing.T) {
		t.Parallel()
		own := setup(t)
		paymentID := own.Reserved(10_000, goodCard)
		arrived, release := own.First.Line.Hold(handlerstest.CallCapture)
		defer release()
		var capturing sync.WaitGroup
		capturing.Go(func() { own.Capture(paymentID, 4_000).Is(200) })
		<-arrived
		own.Void(paymentID, key("void")).Problem(409, "operation_in_progress")
		release()
		capturing.Wait()
		if again := own.Void(paymentID, key("void")).Is(200).Shows(object{"voided_amount": 6_000}); replayed(again) {
			t.Error("the key was used up")
		}
	})
}

// A process that fails before anything is appended leaves the key as it was, and
// says when to come again.
func TestABrokenProcessUsesUpNoKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Process()
	paymentID := b.Reserved(10_000, goodCard)
	broken := b.On(p)
	broken.Payment(paymentID)
	p.Test.Engine.Store.Close()
	for _, a := range []*handlerstest.Answer{
		broken.Post(sessions, with(nil), key("create")),
		broken.Capture(paymentID, 1, key("capture")),
		broken.Void(paymentID, key("void")),
		broken.Get(payments + "/" + paymentID),
		broken.Get(sessions),
	} {
		if a.Problem(503, "service_unavailable"); a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	for _, a := range []*handlerstest.Answer{
		b.Post(sessions, with(nil), key("create")).Is(201), b.Capture(paymentID, 1, key("capture")).Is(200), b.Void(paymentID, key("void")).Is(200),
	} {
		if replayed(a) {
			t.Error("the key was used up")
		}
	}
}

// While the first request runs, the second waits for it, and then says the same;
// where the first takes too long, the second is told to come again.
func TestTheFirstStillRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.Process()
	paymentID := b.Reserved(10_000, goodCard)
	path := payments + "/" + paymentID + "/captures"
	arrived, release := b.First.Line.Hold(handlerstest.CallCapture)
	defer release()
	var first, second *handlerstest.Answer
	var both sync.WaitGroup
	both.Go(func() { first, _ = b.Send("POST", path, object{"amount": 1}, key("k")) })
	<-arrived

	// Another request with the key is told at once.
	b.Capture(paymentID, 2, key("k")).Problem(422, "idempotency_key_reused")

	begun := time.Now()
	late := b.On(other).Capture(paymentID, 1, key("k")).Problem(409, "idempotency_key_in_use")
	if waited := time.Since(begun); waited < 1900*time.Millisecond || late.Header.Get("Retry-After") != "1" {
		t.Errorf("told after %s to come again in %q s", waited, late.Header.Get("Retry-After"))
	}
	both.Go(func() { second, _ = b.On(other).Send("POST", path, object{"amount": 1}, key("k")) })
	release()
	both.Wait()
	first.Is(200)
	same(t, first, second)
	b.Payment(paymentID).Shows(object{"paid_amount": 1, "pending_amount": 0})
}

// Once the first request was answered that its outcome is outstanding, nobody who
// repeats it waits: it doesn't run any more.
func TestTheFirstWasAnsweredOutstanding(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, goodCard)
	b.First.Line.LoseAnswers(handlerstest.CallCapture)
	first := b.Capture(paymentID, 6_000, key("k")).Is(202)
	begun := time.Now()
	again := b.Capture(paymentID, 6_000, key("k")).Is(202)
	if waited := time.Since(begun); waited > time.Second || again.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("told after %s, with the headers %v", waited, again.Header)
	}
	if string(again.Body) != string(first.Body) {
		t.Errorf("told %s, not %s", again.Body, first.Body)
	}
}

// The process that took the request dies after its intent. The retry is told that
// the outcome is outstanding; a worker finds it out; then the retry has it. The
// money moves once, or never.
func TestTheProcessDied(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		performed bool
		wantPaid  int
		status    int
	}{
		{"before the call", false, 0, 402},
		{"before the answer", true, 4_000, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, handlerstest.At(-time.Minute))
			survivor := b.Process()
			caller := b.On(survivor)
			paymentID := caller.Reserved(10_000, goodCard)
			dead := die(b, c.performed)
			// Who asked the process that died is told after 5 s that the answer is
			// outstanding, where there is still anybody to tell it.
			var first sync.WaitGroup
			defer first.Wait()
			first.Go(func() {
				begun := time.Now()
				a, err := b.Send("POST", payments+"/"+paymentID+"/captures", object{"amount": 4_000}, key("k"))
				if waited := time.Since(begun); err != nil || a.Status != 202 || waited < 4900*time.Millisecond {
					t.Errorf("after %s: %v, %+v", waited, err, a)
				}
			})
			<-dead

			// The first seconds it may still be running; afterwards it is outstanding.
			var a *handlerstest.Answer
			eventually(t, "the retry is told what is known", func() bool {
				a = caller.Capture(paymentID, 4_000, key("k"))
				if a.Status == 409 {
					a.Problem(409, "idempotency_key_in_use")
				}
				return a.Status != 409
			})
			a.Is(202).Shows(object{"captures.0.status": "pending", "pending_amount": 4_000, "capturable_amount": 6_000})
			if replayed(a) {
				t.Error("what is outstanding is no replay")
			}
			caller.Capture(paymentID, 4_000, key("another")).Is(200) // what is free may still be taken

			b.Clock.Advance(16 * time.Second)
			caller.Capture(paymentID, 1, key("more")).Problem(409, "operation_in_progress")
			survivor.Project()
			b.settleAll(t, survivor, paymentID)
			final := caller.Capture(paymentID, 4_000, key("k")).Is(c.status)
			if !replayed(final) {
				t.Error("the final answer is remembered, and says so")
			}
			same(t, final, caller.Capture(paymentID, 4_000, key("k")))
			caller.Payment(paymentID).Shows(object{"paid_amount": c.wantPaid + 4_000, "pending_amount": 0, "capturable_amount": 6_000 - c.wantPaid})
		})
	}
}

// die lets the first process's captures end as those of a process that dies, and
// tells when one has come so far.
func die(b *bundle, performed bool) <-chan struct{} {
	dead := make(chan struct{}, 1)
	b.First.Line.Between(func(ctx context.Context, call string, send handlerstest.Send) (acquirers.Answer, error) {
		if call != handlerstest.CallCapture {
			return send()
		}
		if performed {
			if _, err := send(); err != nil {
				return acquirers.Answer{}, err
			}
		}
		dead <- struct{}{}
		<-ctx.Done() // nothing more is heard of it
		return acquirers.Answer{}, ctx.Err()
	})
	return dead
}

// settleAll lets a worker of p find out what became of everything that is open.
func (b *bundle) settleAll(t *testing.T, p *handlerstest.Process, paymentID string) {
	t.Helper()
	stop := p.Work()
	defer stop()
	eventually(t, "the worker has settled everything", func() bool {
		return b.On(p).Payment(paymentID).Int("pending_amount") == 0
	})
}
