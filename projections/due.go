package projections

import (
	"time"

	"tender/domain/id"
	"tender/eventstore"
)

// DueName is the read model of what falls due: one row per session, payment,
// mandate or subscription that time alone may change. A worker looks there; what
// really is to be done, the domain decides.
//
// Some things fall due by the wall's time, whatever clock an object lives on: above
// all calls that an acquirer has not answered. Column due_at says when, for workers.
// The rest falls due by the object's own time. Without a test clock that is the
// wall's, and due_at holds the earlier of both. On a test clock, which clock_id
// names, clock_due_at holds it, for the job that advances the clock; workers must
// leave it alone, because nothing else may make it happen at its instant.
//
// In_flight says that an acquirer owes an answer which nobody but itself holds up:
// a clock that goes on without it would make things happen out of their order.
//
// Unanswered_at says of a payment since when anybody may ask the acquirer for the
// answer that it has owed for longest, and merchant_id whose payment it is: what has
// stood there for a day, operators look for. It is never before due_at.
//
// What is due by a clock is done in the order of clock_due_at; at one instant by the
// kind of object, as its id's prefix sorts, and within a kind by first_position.
const DueName = "due"

// dueEvery is short, as a test clock's advance waits for this read model at each step.
const dueEvery = 50 * time.Millisecond

// Due is the read model of what falls due.
func Due() Projection {
	return Keyed[dueState]{
		Name: DueName, Version: 3, Policy: ParkStream, Every: dueEvery,
		Table: Table{
			Name: DueName,
			Columns: []Column{
				{Name: "due_at", Type: "timestamptz"},
				{Name: "clock_id", Type: "text"},
				{Name: "clock_due_at", Type: "timestamptz"},
				{Name: "in_flight", Type: "boolean", NotNull: true},
				{Name: "merchant_id", Type: "text"},
				{Name: "unanswered_at", Type: "timestamptz"},
			},
			Indexes: []string{
				"(due_at) WHERE due_at IS NOT NULL",
				"(clock_id, clock_due_at) WHERE clock_id IS NOT NULL",
			},
		},
		Streams: []id.Prefix{id.Session, id.Payment, id.Mandate, id.Subscription},
		Fold: func(s dueState, _ string, e eventstore.Event) (dueState, error) {
			d, err := decoded(e)
			if err != nil {
				return s, err
			}
			return s.fold(e, d)
		},
		Keep: dueState.keep,
		Row: func(_ string, s dueState) []any {
			wall, byClock := s.at()
			return []any{instantOrNull(wall), orNull(s.ClockID), instantOrNull(byClock), s.inFlight(), orNull(s.MerchantID), instantOrNull(s.unanswered())}
		},
	}
}

func instantOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
