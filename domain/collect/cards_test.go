package collect_test

import (
	"errors"
	"slices"
	"testing"

	"tender/domain/collect"
	"tender/domain/payment"
	"tender/domain/session"
)

// A session's different cards are counted, however often each is tried.
func TestTooManyCards(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		tried   []string
		next    string
		max     int
		refused error
	}{
		{"the first", nil, "a", 4, nil},
		{"the fourth", []string{"a", "b", "c"}, "d", 4, nil},
		{"a fifth", []string{"a", "b", "c", "d"}, "e", 4, collect.ErrTooManyCards},
		{"the first again, after four", []string{"a", "b", "c", "d"}, "a", 4, nil},
		{"the fourth again", []string{"a", "b", "c", "d"}, "d", 4, nil},
		{"the fourth, some of them twice", []string{"a", "b", "a", "c", "b"}, "d", 4, nil},
		{"a fifth, some of them twice", []string{"a", "b", "a", "c", "d", "d"}, "e", 4, collect.ErrTooManyCards},
		{"no card, after four", []string{"a", "b", "c", "d"}, "", 4, nil},
		{"a card, after attempts without one", []string{"", "", "", ""}, "a", 4, nil},
		{"a fifth where more may be", []string{"a", "b", "c", "d"}, "e", 5, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := created(payment.CaptureManual)
			for i, fingerprint := range c.tried {
				h = h.attempted().failed()
				at := slices.IndexFunc(h.session, func(e session.Event) bool {
					started, is := e.(session.AttemptStarted)
					return is && started.Number == i+1
				})
				h.session = slices.Clone(h.session)
				started := h.session[at].(session.AttemptStarted)
				started.CardFingerprint = fingerprint
				h.session[at] = started
			}
			s, p := h.fold()
			got, err := collect.StartAttempt(s, p, collect.Parties{}, collect.Attempt{
				ID: commandID(1), Details: visa, Acquirer: "simulator", CardFingerprint: c.next, CardsMax: c.max, Now: now(0),
			})
			if !errors.Is(err, c.refused) {
				t.Fatalf("the answer is %v, not %v", err, c.refused)
			}
			if err != nil {
				return
			}
			if e, ok := got.Session.Events[0].(session.AttemptStarted); !ok || e.CardFingerprint != c.next {
				t.Errorf("what happens is %+v", got.Session.Events)
			}
		})
	}
}
