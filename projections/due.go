package projections

import (
	"maps"
	"strings"
	"time"

	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/eventstore"
)

// DueName is the read model of what falls due: one row per session or payment
// that time alone may change. A worker looks there; what really is to be done,
// the domain decides.
const DueName = "due"

// dueState is what of a stream may fall due. It begins anew from nothing
// whenever something is added, so that rows without anything are not kept.
type dueState struct {
	// Unanswered holds, by key, when an unanswered call may be settled.
	Unanswered map[string]time.Time `json:"unanswered,omitempty"`
	// Ends is when the session or the authorisation is over.
	Ends time.Time `json:"ends,omitzero"`
	// Remains is what of an authorisation is neither captured nor given back.
	Remains int64 `json:"remains,omitempty"`
	// Attempt is the key of the attempt in flight.
	Attempt string `json:"attempt,omitempty"`
}

func (s dueState) at() (time.Time, bool) {
	at := s.Ends
	for _, t := range s.Unanswered {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	return at, !at.IsZero()
}

func (s dueState) ask(key string, by time.Time) dueState {
	s.Unanswered = maps.Clone(s.Unanswered)
	if s.Unanswered == nil {
		s.Unanswered = map[string]time.Time{}
	}
	s.Unanswered[key] = by
	return s
}

func (s dueState) answered(key string) dueState {
	s.Unanswered = maps.Clone(s.Unanswered)
	delete(s.Unanswered, key)
	return s
}

func (s dueState) given(amount int64) dueState {
	s.Remains -= amount
	if s.Remains <= 0 {
		s.Ends, s.Remains = time.Time{}, 0
	}
	return s
}

// Due is the read model of what falls due.
func Due() Projection {
	return Keyed[dueState]{
		Name: DueName, Version: 1, Policy: ParkStream,
		Table: Table{
			Name:    DueName,
			Columns: []Column{{Name: "due_at", Type: "timestamptz", NotNull: true}},
			Indexes: []string{"(due_at)"},
		},
		Keys: func(e eventstore.Event) ([]string, error) {
			switch prefix, _, _ := strings.Cut(e.Stream, "_"); id.Prefix(prefix) {
			case id.Session, id.Payment:
				return []string{e.Stream}, nil
			default:
				return nil, nil
			}
		},
		Fold: func(s dueState, _ string, e eventstore.Event) (dueState, error) {
			d, err := catalogue.Decode(e.Type, e.SchemaVersion, e.Payload)
			if err != nil {
				return s, err
			}
			return s.fold(e, d), nil
		},
		Keep: func(s dueState) bool { _, something := s.at(); return something },
		Row: func(_ string, s dueState) []any {
			at, _ := s.at()
			return []any{at}
		},
	}
}

func (s dueState) fold(e eventstore.Event, d codec.Named) dueState {
	switch d := d.(type) {
	case session.Created:
		s.Ends = d.ExpiresAt
	case session.CancelRequested:
		// Whoever asked for it closes the attempt; if they can't, a worker does.
		s.Ends = e.At.Add(payment.AnswerWindow)
	case session.Completed, session.Cancelled, session.Expired:
		s = dueState{}
	case payment.AttemptStarted:
		s.Attempt = d.Key
		return s.ask(d.Key, d.AnswerBy)
	case payment.ActionRequired:
		return s.ask(s.Attempt, d.ActionBy)
	case payment.AttemptFailed, payment.Paid:
		return s.answered(s.Attempt)
	case payment.Authorised:
		s = s.answered(s.Attempt)
		s.Ends, s.Remains = d.ExpiresAt, d.Amount
	case payment.CaptureRequested:
		return s.ask(d.Key, d.AnswerBy)
	case payment.VoidRequested:
		return s.ask(d.Key, d.AnswerBy)
	case payment.ReversalRequested:
		return s.ask(d.Key, d.AnswerBy)
	case payment.Captured:
		return s.answered(e.Stream + "-" + d.CaptureID).given(d.Amount)
	case payment.CaptureFailed:
		return s.answered(e.Stream + "-" + d.CaptureID)
	case payment.Voided:
		return s.answered(e.Stream + "-" + d.VoidID).given(d.Amount)
	case payment.VoidFailed:
		return s.answered(e.Stream + "-" + d.VoidID)
	case payment.AuthorisationExpired:
		return s.given(d.Amount)
	case payment.Reversed:
		return s.answered(e.Stream + "-" + d.ReversalID)
	case payment.ReversalFailed:
		return s.answered(e.Stream + "-" + d.ReversalID)
	}
	return s
}
