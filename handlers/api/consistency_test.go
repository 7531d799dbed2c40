package api_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// A GET shows every write that was answered before it, in whatever process that
// was, and whatever the process that is asked remembers.
func TestReadsShowWritesOfOtherProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	processes := []*handlerstest.Caller{b.Caller, b.On(b.Process()), b.On(b.Process())}
	customer := b.First.Caller(t, "")
	sessionID, checkoutID := b.Create(10_000, manual())
	everywhere := func(path string, want object) {
		t.Helper()
		for _, c := range processes {
			c.Get(path).Is(200).Shows(want)
		}
	}
	everywhere(sessions+"/"+sessionID, object{"payment_outcome": "not_started", "version": 1})
	customer.Pay(checkoutID, "4000000000000002").Is(200)
	everywhere(sessions+"/"+sessionID, object{"payment_outcome": "pending", "last_payment_error.decline_code": "generic_decline"})
	paymentID := b.Get(sessions + "/" + sessionID).Text("payment_id")
	everywhere(payments+"/"+paymentID, object{"status": "draft"})
	customer.Pay(checkoutID, goodCard).Is(200)
	everywhere(sessions+"/"+sessionID, object{"payment_outcome": "reserved", "last_payment_error": nil})
	everywhere(payments+"/"+paymentID, object{"status": "succeeded", "capturable_amount": 10_000})
	for i := range 9 {
		// Each decides on what it remembers of two captures ago, and is right all the same.
		processes[i%3].Capture(paymentID, 1_000).Is(200).Shows(object{"paid_amount": (i + 1) * 1_000})
		everywhere(payments+"/"+paymentID, object{"paid_amount": (i + 1) * 1_000})
	}
	processes[2].Capture(paymentID, 1_001).Problem(409, "capture_amount_too_high").Shows(object{"amounts.capturable_amount": 1_000})
	processes[0].Capture(paymentID, 0).Is(200)
	processes[1].Capture(paymentID, 1).Problem(409, "capture_not_allowed")
	processes[2].Void(paymentID).Problem(409, "nothing_to_void")
}

// A stale memory refuses nothing that the log allows: the void was declined
// elsewhere, so that the amount is free again.
func TestNoRefusalRestsOnMemory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Process()
	other := b.On(p)
	paymentID := b.Reserved(10_000, goodCard)
	for range 5 {
		arrived, release := holdThenDecline(p)
		var capturing sync.WaitGroup
		capturing.Go(func() {
			if a, err := other.Send("POST", payments+"/"+paymentID+"/captures", nil); err != nil || a.Status != 402 {
				t.Errorf("%v, %+v", err, a)
			}
		})
		<-arrived
		b.Capture(paymentID, 1).Problem(409, "operation_in_progress") // the first process learns of it
		release()
		capturing.Wait()
		b.Capture(paymentID, 1).Is(200) // and of its end only now
	}
	b.Payment(paymentID).Shows(object{"paid_amount": 5, "capturable_amount": 9_995})
}

// NATS is a way to travel: without it writes and reads of single objects go on as
// before, and lists follow from the log.
func TestWithoutNATS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.StartNATS()
	b.First.Project()
	other := b.On(b.Process())
	made, position := b.sessions(t, 2)
	if got := ids(b.list(t, sessions, "min_position", position).Is(200)); !slices.Equal(got, made) {
		t.Errorf("with NATS it lists %v", got)
	}
	b.StopNATS()
	paymentID := other.Reserved(10_000, goodCard)
	for i := range 3 {
		other.Capture(paymentID, 1_000).Is(200)
		b.Payment(paymentID).Shows(object{"paid_amount": (i + 1) * 1_000})
	}
	last := other.Post(sessions, with(nil)).Is(201)
	eventually(t, "the list follows from the log", func() bool {
		a := b.list(t, sessions, "limit", "1", "min_position", last.Header.Get(positionHeader))
		return a.Status == 200 && a.Text("data.0.id") == last.Text("id")
	})
	b.StartNATS()
	last = other.Post(sessions, with(nil)).Is(201)
	eventually(t, "the list goes on", func() bool {
		a := b.list(t, sessions, "limit", "1", "min_position", last.Header.Get(positionHeader))
		return a.Status == 200 && a.Text("data.0.id") == last.Text("id")
	})
}

// holdThenDecline holds the next captures back until release, and then declines
// them.
func holdThenDecline(p *handlerstest.Process) (arrived <-chan struct{}, release func()) {
	came, gate := make(chan struct{}, 1), make(chan struct{})
	p.Line.Between(declineAfter(came, gate))
	return came, sync.OnceFunc(func() { close(gate) })
}

// Versions count what happened, and times never run backwards, whichever process
// wrote and however its clock stands.
func TestVersionsAndTimes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, goodCard)
	last := b.Payment(paymentID)
	for i := range 4 {
		if i == 2 {
			b.Clock.Advance(-time.Hour) // somebody puts the clock back
		}
		now := b.Capture(paymentID, 1).Is(200)
		if now.Int("version") != last.Int("version")+2 || now.Text("updated_at") < last.Text("updated_at") || now.Text("created_at") != last.Text("created_at") {
			t.Errorf("capture %d: version %d at %s after %d at %s", i, now.Int("version"), now.Text("updated_at"), last.Int("version"), last.Text("updated_at"))
		}
		last = now
	}
	if got := last.Text(fmt.Sprintf("captures.%d.created_at", 3)); got < last.Text("captures.0.created_at") {
		t.Errorf("the last capture was made at %s", got)
	}
}
