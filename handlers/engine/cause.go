package engine

import (
	"slices"

	"github.com/google/uuid"

	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// cause is an event that others may come of later, under the name by which they
// find it.
type cause struct {
	name  string
	event uuid.UUID
}

// causeName returns under which name d is found by what comes of it: an intent
// under the key that its outcome names, what people say of its outcome under the id of
// that, and what said when time runs out under its type; "" for every other event.
func causeName(d codec.Named) string {
	switch d := d.(type) {
	case payment.AttemptStarted:
		return d.Key
	case payment.CaptureRequested:
		return d.Key
	case payment.VoidRequested:
		return d.Key
	case payment.RefundRequested:
		return d.Key
	case payment.ReversalRequested:
		return d.Key
	case payment.ResolutionProposed:
		return d.ResolutionID
	case payment.Authorised, session.Created, mandate.Created, subscription.Created:
		return d.Type()
	}
	return ""
}

// causedBy returns the event of that name in the stream; zero: there is none.
func (l Loaded[T]) causedBy(name string) uuid.UUID {
	i := slices.IndexFunc(l.causes, func(c cause) bool { return c.name == name })
	if i < 0 {
		return uuid.Nil
	}
	return l.causes[i].event
}

// Because names what the events of this try come of: the intent in stream with
// the key name, or its event of the type name that set the time which has run
// out. The stream must have been read in this try. Where it has no such event
// nothing is named.
func (tx *Tx) Because(stream, name string) {
	for _, r := range tx.reads {
		if r.expectation().Stream != stream {
			continue
		}
		if event := r.causedBy(name); event != uuid.Nil {
			tx.Origin.Causation = event
		}
	}
}
