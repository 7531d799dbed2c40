package invariants

import (
	"fmt"

	"tender/domain"
	"tender/domain/payment"
)

// resolved is what a person has said of something that the acquirer was asked.
type resolved struct {
	id, key, by string
	performed   bool
	over        bool // it was confirmed or rejected, or an outcome came first
}

func (n *paymentNotes) resolution(id string) *resolved {
	for i := range n.resolutions {
		if n.resolutions[i].id == id {
			return &n.resolutions[i]
		}
	}
	return nil
}

// noteResolution notes what people say, and what that leads to.
func noteResolution(n *paymentNotes, d payment.Event) {
	n.confirmed = nil
	switch d := d.(type) {
	case payment.ResolutionProposed:
		n.resolutions = append(n.resolutions, resolved{id: d.ResolutionID, key: d.Key, by: d.By, performed: d.Performed})
	case payment.ResolutionConfirmed:
		if r := n.resolution(d.ResolutionID); r != nil {
			r.over, n.confirmed = true, r
		}
	case payment.ResolutionRejected:
		if r := n.resolution(d.ResolutionID); r != nil {
			r.over = true
		}
	}
}

// lapse ends what was said of whatever has its outcome.
func (n *paymentNotes) lapse() {
	for i := range n.resolutions {
		if about := n.under(n.resolutions[i].key); about == nil || about.word != unanswered {
			n.resolutions[i].over = true
		}
	}
}

var resolutionRules = []rule[paymentNotes]{
	when("payment-resolutions", "What people say became of a call is said of one that waits for its answer, one word at a time; it ends once, by a confirmation, a rejection, or the answer.", saidOfWhatWaits),
	when("payment-second-person", "Whoever says what became of a call is the event's actor, and another person confirms it.", func(n *paymentNotes, e *Event) string {
		by := ""
		switch d := e.Said.(type) {
		case payment.ResolutionProposed:
			by = d.By
		case payment.ResolutionConfirmed:
			if r := n.resolution(d.ResolutionID); r != nil && r.by == d.By {
				return d.By + " confirms their own word"
			}
			by = d.By
		case payment.ResolutionRejected:
			by = d.By
		default:
			return ""
		}
		if by == "" || e.Actor != (domain.Actor{Kind: domain.ActorStaff, ID: by}) {
			return fmt.Sprintf("it names the person %q, and its actor is %s %s", by, e.Actor.Kind, e.Actor.ID)
		}
		return ""
	}),
	when("payment-confirmed", "A confirmed resolution is followed at once by the outcome that it names.", func(n *paymentNotes, e *Event) string {
		if n.confirmed == nil {
			return ""
		}
		about := n.under(n.confirmed.key)
		if about == nil {
			return "" // that nothing was asked is said elsewhere
		}
		id, performs := outcomeID(e)
		if id != about.id || performs != n.confirmed.performed {
			return fmt.Sprintf("resolution %s was confirmed, and what follows is another event", n.confirmed.id)
		}
		return ""
	}),
}

func saidOfWhatWaits(n *paymentNotes, e *Event) string {
	var ends string
	switch d := e.Said.(type) {
	case payment.ResolutionProposed:
		about := n.under(d.Key)
		if about == nil || about.id != d.OperationID || about.word != unanswered {
			return fmt.Sprintf("%s does not wait for an answer under the key %s", d.OperationID, d.Key)
		}
		if n.resolution(d.ResolutionID) != nil {
			return fmt.Sprintf("resolution %s was proposed before", d.ResolutionID)
		}
		for _, r := range n.resolutions {
			if r.key == d.Key && !r.over {
				return fmt.Sprintf("resolution %s of the same is proposed", r.id)
			}
		}
		return ""
	case payment.ResolutionConfirmed:
		ends = d.ResolutionID
	case payment.ResolutionRejected:
		ends = d.ResolutionID
	default:
		return ""
	}
	if r := n.resolution(ends); r == nil || r.over {
		return fmt.Sprintf("resolution %s does not wait for anybody", ends)
	}
	return ""
}

// outcomeID returns what an event is the outcome of, an attempt or an operation, and
// whether that was performed.
func outcomeID(e *Event) (id string, performs bool) {
	switch d := e.Said.(type) {
	case payment.Authorised:
		return d.AttemptID, true
	case payment.Paid:
		return d.AttemptID, true
	case payment.Verified:
		return d.AttemptID, true
	case payment.AttemptFailed:
		return d.AttemptID, false
	case payment.Event:
		o, _ := outcomeOf(d)
		return o.id, o.word == performed
	}
	return "", false
}
