package invariants

import (
	"fmt"
	"time"

	"tender/domain/payment"
)

// attemptsMax is how often a session may try to pay.
const attemptsMax = 10

// The kinds of operations, as findings name them.
const (
	capture  = "capture"
	void     = "void"
	refund   = "refund"
	reversal = "reversal"
)

// word is what is known of something that the acquirer was asked.
type word int

const (
	unanswered word = iota
	performed
	failed
)

// asked is something that the acquirer was asked to do.
type asked struct {
	kind, id, key string
	amount        int64
	word          word
	late          bool // a refund that failed after it was performed
}

// paymentNotes is what is noted of a payment.
type paymentNotes struct {
	said     payment.Initiated
	attempts []asked // the ids are those of attempts
	asked    []asked
	// Contradictions, by the keys that they are about.
	contradicted once
	// resolutions are what people said; confirmed is the one that was, in the event before.
	resolutions []resolved
	confirmed   *resolved

	approved, over bool
	manual         bool // it was reserved, for captures later
	expiresAt      time.Time
	expired        bool // what remained has

	authorised, captured, voided, expiredSum, refunded int64
}

// pending adds up what is asked for and not answered.
func (n *paymentNotes) pending(kinds ...string) (sum int64) {
	for i := range n.asked {
		for _, kind := range kinds {
			if n.asked[i].kind == kind && n.asked[i].word == unanswered {
				sum += n.asked[i].amount
			}
		}
	}
	return sum
}

// attempt returns the attempt in flight, if there is one.
func (n *paymentNotes) attempt() *asked {
	if last := len(n.attempts) - 1; last >= 0 && n.attempts[last].word == unanswered {
		return &n.attempts[last]
	}
	return nil
}

func (n *paymentNotes) operation(kind, id string) *asked {
	for i := range n.asked {
		if n.asked[i].kind == kind && n.asked[i].id == id {
			return &n.asked[i]
		}
	}
	return nil
}

// under returns what was asked under a key.
func (n *paymentNotes) under(key string) *asked {
	for _, list := range [][]asked{n.attempts, n.asked} {
		for i := range list {
			if list[i].key == key {
				return &list[i]
			}
		}
	}
	return nil
}

func notePayment(n *paymentNotes, e *Event) {
	d, ok := e.Said.(payment.Event)
	if !ok {
		return
	}
	noteResolution(n, d)
	defer n.lapse()
	if op, asks := intentOf(d); asks {
		n.asked = append(n.asked, op)
		return
	}
	if o, answers := outcomeOf(d); answers {
		n.answered(o)
		return
	}
	switch d := d.(type) {
	case payment.Initiated:
		n.said = d
	case payment.AttemptStarted:
		n.attempts = append(n.attempts, asked{id: d.AttemptID, key: d.Key, amount: n.said.Amount})
	case payment.Authorised:
		n.approve(d.Amount)
		n.manual, n.expiresAt = true, d.ExpiresAt
	case payment.Paid:
		n.approve(d.Amount)
		n.captured = d.Amount
	case payment.Verified:
		n.approve(0)
	case payment.AttemptFailed:
		if a := n.attempt(); a != nil {
			a.word = failed
		}
		n.over = n.over || d.Final
	case payment.AuthorisationExpired:
		n.expired, n.expiredSum = true, n.expiredSum+d.Amount
	case payment.Contradicted:
		n.contradicted.add(d.Key)
	case payment.Cancelled, payment.Expired:
		n.over = true
	}
}

func (n *paymentNotes) approve(amount int64) {
	if a := n.attempt(); a != nil {
		a.word = performed
	}
	n.approved, n.authorised = true, amount
}

// outcome is what became of an operation.
type outcome struct {
	asked
	late bool
}

func (n *paymentNotes) answered(o outcome) {
	if op := n.operation(o.kind, o.id); op != nil {
		op.word, op.late = o.word, op.late || o.late
	}
	switch {
	case o.late:
		n.refunded -= o.amount
	case o.word != performed:
	case o.kind == capture:
		n.captured += o.amount
	case o.kind == void:
		n.voided += o.amount
	case o.kind == refund:
		n.refunded += o.amount
	}
}

// intentOf returns what an event asks the acquirer for, if it is an operation.
func intentOf(d payment.Event) (op asked, asks bool) {
	switch d := d.(type) {
	case payment.CaptureRequested:
		return asked{kind: capture, id: d.CaptureID, key: d.Key, amount: d.Amount}, true
	case payment.VoidRequested:
		return asked{kind: void, id: d.VoidID, key: d.Key, amount: d.Amount}, true
	case payment.RefundRequested:
		return asked{kind: refund, id: d.RefundID, key: d.Key, amount: d.Amount}, true
	case payment.ReversalRequested:
		return asked{kind: reversal, id: d.ReversalID, key: d.Key, amount: d.Amount}, true
	}
	return asked{}, false
}

// outcomeOf returns what became of an operation, if an event says so.
func outcomeOf(d payment.Event) (o outcome, answers bool) {
	of := func(kind, id string, amount int64, w word) (outcome, bool) {
		return outcome{asked: asked{kind: kind, id: id, amount: amount, word: w}}, true
	}
	switch d := d.(type) {
	case payment.Captured:
		return of(capture, d.CaptureID, d.Amount, performed)
	case payment.CaptureFailed:
		return of(capture, d.CaptureID, d.Amount, failed)
	case payment.Voided:
		return of(void, d.VoidID, d.Amount, performed)
	case payment.VoidFailed:
		return of(void, d.VoidID, d.Amount, failed)
	case payment.Refunded:
		return of(refund, d.RefundID, d.Amount, performed)
	case payment.RefundFailed:
		o, answers = of(refund, d.RefundID, d.Amount, failed)
		o.late = d.Late
		return o, answers
	case payment.Reversed:
		return of(reversal, d.ReversalID, d.Amount, performed)
	case payment.ReversalFailed:
		return of(reversal, d.ReversalID, d.Amount, failed)
	}
	return outcome{}, false
}

// paymentAmount returns the amount that an event of a payment holds.
func paymentAmount(d payment.Event) (amount int64, holds bool) {
	if op, asks := intentOf(d); asks {
		return op.amount, true
	}
	if o, answers := outcomeOf(d); answers {
		return o.amount, true
	}
	switch d := d.(type) {
	case payment.Authorised:
		return d.Amount, true
	case payment.Paid:
		return d.Amount, true
	case payment.AuthorisationExpired:
		return d.Amount, true
	}
	return 0, false
}

// currencyOf returns the currency that an event of a payment holds.
func currencyOf(d payment.Event) (currency string, holds bool) {
	switch d := d.(type) {
	case payment.Authorised:
		return d.Currency, true
	case payment.Paid:
		return d.Currency, true
	case payment.CaptureRequested:
		return d.Currency, true
	case payment.Captured:
		return d.Currency, true
	case payment.CaptureFailed:
		return d.Currency, true
	case payment.VoidRequested:
		return d.Currency, true
	case payment.Voided:
		return d.Currency, true
	case payment.VoidFailed:
		return d.Currency, true
	case payment.RefundRequested:
		return d.Currency, true
	case payment.Refunded:
		return d.Currency, true
	case payment.RefundFailed:
		return d.Currency, true
	case payment.AuthorisationExpired:
		return d.Currency, true
	case payment.ReversalRequested:
		return d.Currency, true
	case payment.Reversed:
		return d.Currency, true
	case payment.ReversalFailed:
		return d.Currency, true
	case payment.Contradicted:
		return d.Currency, true
	}
	return "", false
}

func sums(n *paymentNotes) string {
	return fmt.Sprintf("authorised %d, paid %d, voided %d, expired %d, pending %d", n.authorised, n.captured, n.voided, n.expiredSum, n.pending(capture, void))
}
