package api_test

import (
	"fmt"
	"testing"

	"tender/handlers/handlerstest"
)

// 200 requests with one key at once are one session and 200 equal answers.
func TestParallelDuplicates(t *testing.T) {
	t.Parallel()
	for _, processes := range []int{1, 2} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			callers := []*handlerstest.Caller{b.Caller}
			for range processes - 1 {
				callers = append(callers, b.On(b.Process()))
			}
			answers := together(200, func(i int) *handlerstest.Answer {
				a, err := callers[i%processes].Send("POST", sessions, with(nil), key("one"))
				if err != nil {
					t.Error(err)
				}
				return a
			})
			firsts := 0
			for _, a := range answers {
				if a == nil || a.Status != 201 || said(t, a) != said(t, answers[0]) {
					t.Fatalf("one answer is %+v", a)
				}
				if !replayed(a) {
					firsts++
				}
			}
			if firsts != 1 {
				t.Errorf("%d answers say that they are the first", firsts)
			}
			b.First.Project()
			list := b.Get(sessions + "?min_position=" + answers[0].Header.Get("Event-Position")).Is(200)
			if list.Len("data") != 1 {
				t.Errorf("there are %d sessions", list.Len("data"))
			}
		})
	}
}

// A capture asked for in many voices over two processes reaches the acquirer once.
func TestParallelDuplicatesOfACapture(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.Process()
	callers := []*handlerstest.Caller{b.Caller, b.On(other)}
	paymentID := b.Reserved(10_000, goodCard)
	path := payments + "/" + paymentID + "/captures"
	answers := together(40, func(i int) *handlerstest.Answer {
		a, err := callers[i%2].Send("POST", path, object{"amount": 7_000}, key("one"))
		if err != nil {
			t.Error(err)
		}
		return a
	})
	for _, a := range answers {
		if a.Status != 200 || said(t, a) != said(t, answers[0]) {
			t.Fatalf("one answer is %d: %s", a.Status, a.Body)
		}
	}
	if n := b.First.Line.Calls(handlerstest.CallCapture) + other.Line.Calls(handlerstest.CallCapture); n != 1 {
		t.Errorf("the acquirer was asked %d times", n)
	}
	b.Payment(paymentID).Shows(object{"paid_amount": 7_000, "capturable_amount": 3_000})
}
