package projections

import (
	"encoding/json"
	"testing"
	"time"

	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/domain/payment"
	"tender/domain/recurrence"
	"tender/domain/session"
	"tender/domain/subscription"
	"tender/eventstore"
)

var dueNoon = time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC)

const dueClock = "clk_01hzy3v7q8e4xk2m9c5b7d6f0a"

// dueAfter folds events, an hour apart, with the state written and read in between,
// and says what is due then.
func dueAfter(t *testing.T, stream string, events ...codec.Named) (row []any, kept bool) {
	t.Helper()
	var s dueState
	for i, d := range events {
		at := dueNoon.Add(time.Duration(i) * time.Hour)
		next, err := s.fold(eventstore.Event{Stream: stream, At: at, RecordedAt: at.AddDate(1, 0, 0)}, d)
		if err != nil {
			t.Fatal(err)
		}
		if s = (dueState{}); next.keep() {
			state, err := json.Marshal(next)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(state, &s); err != nil {
				t.Fatal(err)
			}
		}
	}
	wall, byClock := s.at()
	return []any{wall, s.ClockID, byClock, s.inFlight()}, s.keep()
}

func TestWhatFallsDue(t *testing.T) {
	t.Parallel()
	later := func(d time.Duration) time.Time { return dueNoon.Add(d) }
	var never time.Time
	begun := func(clockID, mandateID string) payment.Event {
		return payment.Initiated{ClockID: clockID, MandateID: mandateID, Amount: 100}
	}
	tries := payment.AttemptStarted{Key: "pay_1-1", AnswerBy: later(15 * time.Second)}
	away := payment.ActionRequired{ActionBy: later(15 * time.Minute)}
	reserved := payment.Authorised{Amount: 100, ExpiresAt: later(7 * 24 * time.Hour)}
	daily, wrong := recurrence.Parse([]byte(`{"type":"daily","interval_count":1}`))
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	subscribed := func(clockID string) subscription.Event {
		return subscription.Created{After: dueNoon, ClockID: clockID, Plan: subscription.Plan{
			Amount: 100, Currency: "ZAR", TimeZone: "UTC", Recurrence: daily, Retry: subscription.DefaultRetry(), Missed: subscription.MissedCollect,
		}}
	}
	midnight := time.Date(2026, time.May, 5, 0, 0, 0, 0, time.UTC)
	first := subscription.Occurrence{Number: 1, ScheduledFor: midnight, Attempt: 1}
	agreed := func(clockID string) mandate.Event {
		end, err := recurrence.ParseDate("2026-12-31")
		if err != nil {
			t.Fatal(err)
		}
		return mandate.Created{ClockID: clockID, Terms: mandate.Terms{TimeZone: "Africa/Johannesburg", Validity: mandate.Validity{End: end}}}
	}
	ended := time.Date(2026, time.December, 31, 22, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		stream string
		events []codec.Named
		want   []any // nil: there is no row
	}{
		"a session": {"ps_1", []codec.Named{session.Created{ExpiresAt: later(time.Hour)}}, []any{later(time.Hour), "", never, false}},
		"a session on a clock": {"ps_1", []codec.Named{session.Created{ExpiresAt: later(time.Hour), ClockID: dueClock}},
			[]any{never, dueClock, later(time.Hour), false}},
		"given up on a clock": {"ps_1", []codec.Named{session.Created{ExpiresAt: later(time.Hour), ClockID: dueClock}, session.CancelRequested{}},
			[]any{later(time.Hour).AddDate(1, 0, 0).Add(payment.AnswerWindow), dueClock, later(time.Hour), true}},
		"a session that is over": {"ps_1", []codec.Named{session.Created{ExpiresAt: later(time.Hour), ClockID: dueClock}, session.Expired{}}, nil},
		"an attempt":             {"pay_1", []codec.Named{begun("", ""), tries}, []any{later(15 * time.Second), "", never, true}},
		"begun on a clock":       {"pay_1", []codec.Named{begun(dueClock, "")}, []any{never, dueClock, never, false}},
		"an attempt on a clock":  {"pay_1", []codec.Named{begun(dueClock, ""), tries}, []any{later(15 * time.Second), dueClock, never, true}},
		"a customer away": {"pay_1", []codec.Named{begun(dueClock, ""), tries, away},
			[]any{later(15 * time.Minute), dueClock, never, false}},
		"nobody is there to be away": {"pay_1", []codec.Named{begun(dueClock, "mdt_1"), tries, away},
			[]any{later(15 * time.Minute), dueClock, never, true}},
		"paid on a clock": {"pay_1", []codec.Named{begun(dueClock, ""), tries, payment.Paid{}}, nil},
		"verified":        {"pay_1", []codec.Named{begun("", ""), tries, payment.Verified{}}, nil},
		"reserved":        {"pay_1", []codec.Named{begun("", ""), tries, reserved}, []any{later(7 * 24 * time.Hour), "", never, false}},
		"reserved on a clock": {"pay_1", []codec.Named{begun(dueClock, ""), tries, payment.AttemptFailed{}, tries, reserved},
			[]any{never, dueClock, later(7 * 24 * time.Hour), false}},
		"captured": {"pay_1", []codec.Named{begun(dueClock, ""), tries, reserved, payment.CaptureRequested{CaptureID: "cap_1", Key: "pay_1-cap_1"},
			payment.Captured{CaptureID: "cap_1", Amount: 100}}, nil},
		"a refund": {"pay_1", []codec.Named{begun(dueClock, ""), tries, payment.Paid{}, payment.RefundRequested{Key: "k", AnswerBy: later(time.Hour)}},
			[]any{later(time.Hour), "", never, true}},
		"a mandate":            {"mdt_1", []codec.Named{agreed("")}, []any{ended, "", never, false}},
		"a mandate on a clock": {"mdt_1", []codec.Named{agreed(dueClock)}, []any{never, dueClock, ended, false}},
		"a mandate in use":     {"mdt_1", []codec.Named{agreed(""), mandate.ChargeStarted{}}, []any{ended, "", never, false}},
		"a mandate's end":      {"mdt_1", []codec.Named{agreed(dueClock), mandate.Revoked{}, mandate.ChargeFailed{}}, nil},
		"a subscription":       {"sub_1", []codec.Named{subscribed("")}, []any{midnight, "", never, false}},
		"a subscription on a clock": {"sub_1", []codec.Named{subscribed(dueClock)},
			[]any{never, dueClock, midnight, false}},
		"its try": {"sub_1", []codec.Named{subscribed(dueClock), subscription.ChargeStarted{Occurrence: first, Amount: 100, Currency: "ZAR"}},
			[]any{never, dueClock, midnight.AddDate(0, 0, 1), false}},
		"cancelled in flight": {"sub_1", []codec.Named{
			subscribed(""), subscription.ChargeStarted{Occurrence: first}, subscription.Cancelled{}, subscription.ChargeSucceeded{Occurrence: first},
		}, nil},
	} {
		row, kept := dueAfter(t, c.stream, c.events...)
		if kept != (c.want != nil) {
			t.Errorf("%s: there is a row: %t", name, kept)
			continue
		}
		for i, want := range c.want {
			if at, isTime := want.(time.Time); isTime {
				if got, ok := row[i].(time.Time); !ok || !got.Equal(at) {
					t.Errorf("%s: column %d is %v, not %v", name, i, row[i], at)
				}
			} else if row[i] != want {
				t.Errorf("%s: column %d is %v, not %v", name, i, row[i], want)
			}
		}
	}
}
