package clocks_test

import (
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// What was asked for on a clock and never sent is sent when its process is gone: the
// clock stands where it stood. What was performed is not performed again, what the
// customer has taken back is not sent any more, and by the wall it is too late.
func TestWhatWasNeverSentIsSentAgain(t *testing.T) {
	t.Parallel()
	const asked = handlerstest.CallAuthorise
	h := handlerstest.New(t, handlerstest.At(-time.Hour))
	h.First.Project()
	m := h.Merchant("test")
	b := &bundle{House: h, merchant: m, Caller: h.First.Caller(t, m.Secret)}
	for name, c := range map[string]struct {
		card      string
		byTheWall bool
		lose      func(*handlerstest.Line, string)
		meanwhile func(s handlerstest.Series)
		lost      bool // every time
		outcome   string
		calls     int64 // after the first that was lost
	}{
		"never sent":               {goodCard, false, (*handlerstest.Line).LoseRequests, nil, false, "paid", 1},
		"performed":                {goodCard, false, (*handlerstest.Line).LoseAnswers, nil, false, "paid", 1},
		"declined":                 {yearCard, false, (*handlerstest.Line).LoseRequests, nil, false, "unpaid", 1},
		"lost whenever it is sent": {goodCard, false, (*handlerstest.Line).LoseRequests, nil, true, "unpaid", 1},
		"revoked meanwhile": {goodCard, false, (*handlerstest.Line).LoseRequests, func(s handlerstest.Series) {
			b.Post(handlerstest.MandatesPath+"/"+s.MandateID+"/revoke", nil).Is(200)
		}, false, "unpaid", 0},
		"the method removed meanwhile": {goodCard, false, (*handlerstest.Line).LoseRequests, func(s handlerstest.Series) {
			b.Delete(handlerstest.MethodsPath + "/" + s.MethodID).Is(204)
		}, false, "unpaid", 0},
		"by the wall": {goodCard, true, (*handlerstest.Line).LoseRequests, nil, false, "unpaid", 0},
	} {
		t.Run(name, func(t *testing.T) {
			options := object{}
			if !c.byTheWall {
				options["customer_id"] = b.onClock(b.clock("2026-01-01T00:00:00Z"))
			}
			s := b.Series(1000, c.card, nil, options)
			line := b.First.Line
			defer line.Between(nil)
			c.lose(line, asked)
			sessionID := b.Post(handlerstest.SessionsPath, s.Next(700)).Is(201).Shows(object{"payment_outcome": "pending"}).Text("id")
			if c.meanwhile != nil {
				c.meanwhile(s)
			}
			if !c.lost {
				line.Between(nil)
			}
			before := line.Calls(asked)
			b.Clock.Advance(time.Minute)
			stop := b.First.Work()
			defer stop()
			eventually(t, "the outcome is known", func() bool {
				return b.Get(handlerstest.SessionsPath+"/"+sessionID).Is(200).Text("payment_outcome") == c.outcome
			})
			if n := line.Calls(asked) - before; n != c.calls {
				t.Errorf("it was sent %d times, not %d", n, c.calls)
			}
			if c.outcome == "paid" {
				b.Get(handlerstest.MandatesPath + "/" + s.MandateID).Is(200).Shows(object{"usage.successful_count": 1, "usage.successful_amount": 700})
			}
		})
	}
}
