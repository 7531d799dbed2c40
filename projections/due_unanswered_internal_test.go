package projections

import (
	"testing"
	"time"

	"tender/domain/codec"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/eventstore"
)

// Since when an acquirer owes a payment an answer is known for as long as it does, and
// whose payment it is.
func TestWhatIsUnanswered(t *testing.T) {
	t.Parallel()
	later := func(d time.Duration) time.Time { return dueNoon.Add(d) }
	tries := payment.AttemptStarted{Key: "pay_1-1", AnswerBy: later(15 * time.Second)}
	reserved := payment.Authorised{Amount: 100, ExpiresAt: later(time.Hour)}
	asks := payment.CaptureRequested{CaptureID: "cap_1", Key: "pay_1-cap_1", AnswerBy: later(2 * time.Hour)}
	for name, c := range map[string]struct {
		stream string
		events []codec.Named
		want   time.Time
	}{
		"an attempt":              {"pay_1", []codec.Named{payment.Initiated{}, tries}, later(15 * time.Second)},
		"a customer away":         {"pay_1", []codec.Named{payment.Initiated{}, tries, payment.ActionRequired{ActionBy: later(time.Minute)}}, later(time.Minute)},
		"reserved":                {"pay_1", []codec.Named{payment.Initiated{}, tries, reserved}, time.Time{}},
		"a capture":               {"pay_1", []codec.Named{payment.Initiated{}, tries, reserved, asks}, later(2 * time.Hour)},
		"a capture that is there": {"pay_1", []codec.Named{payment.Initiated{}, tries, reserved, asks, payment.Captured{CaptureID: "cap_1", Amount: 1}}, time.Time{}},
		"said to be there": {"pay_1", []codec.Named{payment.Initiated{}, tries, reserved, asks, payment.ResolutionProposed{ResolutionID: "res_1"}},
			later(2 * time.Hour)},
		"a refund, later": {"pay_1", []codec.Named{payment.Initiated{}, tries, payment.Paid{}, payment.RefundRequested{Key: "k", AnswerBy: later(time.Hour)}},
			later(time.Hour)},
		"a session that was given up": {"ps_1", []codec.Named{session.Created{ClockID: dueClock, ExpiresAt: later(time.Hour)}, session.CancelRequested{}}, time.Time{}},
	} {
		var s dueState
		for _, d := range c.events {
			next, err := s.fold(eventstore.Event{Stream: c.stream, MerchantID: "mer_1", At: dueNoon, RecordedAt: dueNoon}, d)
			if err != nil {
				t.Fatal(err)
			}
			if s = (dueState{}); next.keep() {
				s = next
			}
		}
		if got := s.unanswered(); !got.Equal(c.want) {
			t.Errorf("%s: unanswered since %v, not %v", name, got, c.want)
		}
		if wall, _ := s.at(); !c.want.IsZero() && (s.MerchantID != "mer_1" || wall.After(c.want)) {
			t.Errorf("%s: of %q, due at %v", name, s.MerchantID, wall)
		}
	}
}
