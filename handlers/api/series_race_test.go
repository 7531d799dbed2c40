package api_test

import (
	"testing"

	"tender/handlers/handlerstest"
)

// However many come at once, to however many processes: as many payments are made
// as the mandate allows, not one more, and not one less.
func TestManyNextInSeriesAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mandate object
		amount  int64
		code    string
	}{
		"three in all":           {object{"amount": object{"max": 1000}, "max_occurrences": 3}, 100, "max_occurrences_reached"},
		"three in a year":        {object{"amount": object{"max": 1000}, "period_limits": object{"period": "year", "max_count": 3}}, 100, "period_limit_exceeded"},
		"so much as makes three": {object{"amount": object{"max": 200}, "period_limits": object{"period": "year", "max_amount": 399}}, 100, "period_limit_exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			second := b.Process()
			callers := []*handlerstest.Caller{b.Caller, b.Caller.On(second)}
			s := b.Series(1000, goodCard, c.mandate)
			const n = 100
			race := func(i int) *handlerstest.Answer {
				// Every key is sent to both processes, and may be tried again.
				for {
					a := sent(callers[i%2].Send("POST", sessions, s.Next(c.amount), key(text(i/2))))
					if a.Status != 503 && a.Text("code") != "idempotency_key_in_use" {
						return a
					}
				}
			}
			paid := map[string]bool{}
			for i, a := range together(2*n, race) {
				switch {
				case a.Status == 201 && a.Text("payment_outcome") == "paid":
					paid[a.Text("id")] = true
				case a.Status == 201 && a.Text("payment_outcome") == "pending":
					t.Errorf("request %d is still pending", i)
				case a.Status != 422 || a.Text("code") != "mandate_violation":
					t.Errorf("request %d: %d %s", i, a.Status, a.Body)
				default:
					seen := false
					for _, w := range wrong(a) {
						seen = seen || w == ": "+c.code
					}
					if !seen && a.Text("errors.0.code") != "mandate_not_active" {
						t.Errorf("request %d is refused with %s", i, a.Body)
					}
				}
			}
			if len(paid) != 3 {
				t.Errorf("%d were paid, not 3", len(paid))
			}
			b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"usage.successful_count": 3, "usage.successful_amount": 3 * int(c.amount)})
			calls := b.First.Line.Calls(handlerstest.CallAuthorise) + second.Line.Calls(handlerstest.CallAuthorise)
			if calls != 4 { // the first of the series, and the three
				t.Errorf("the acquirer was called %d times", calls)
			}
		})
	}
}

// Those that fail give their places to others: none is lost.
func TestFailuresGiveTheirPlaceBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	second := b.Process()
	callers := []*handlerstest.Caller{b.Caller, b.Caller.On(second)}
	s := b.Series(1000, goodCard, object{"amount": 100, "max_occurrences": 3})
	second.Line.Decline(handlerstest.CallAuthorise) // softly: the method stays usable
	for _, a := range together(40, func(i int) *handlerstest.Answer {
		return sent(callers[i%2].Send("POST", sessions, s.Next(100)))
	}) {
		if a.Status != 201 && a.Status != 422 && a.Status != 503 {
			t.Errorf("an answer is %d: %s", a.Status, a.Body)
		}
	}
	for range 3 {
		if a := b.Post(sessions, s.Next(100)); a.Status == 422 {
			break
		}
	}
	b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"usage.successful_count": 3, "usage.successful_amount": 300, "status": "exhausted"})
}
