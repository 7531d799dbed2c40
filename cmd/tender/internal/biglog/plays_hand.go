package biglog

import (
	"time"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/payment"
	"tender/eventstore"
	"tender/handlers/payments"
)

// resolvedByHand is a capture that nobody answers for a day. What one person says of it
// another rejects; then they find that it took place.
func (l *lane) resolvedByHand() {
	paymentID := l.reserves(l.amount())
	l.captures(paymentID, 0)
	pending := l.payments.of(paymentID).Pending
	op := pending[len(pending)-1]
	l.pass(payment.AnswerWindow + payment.UnresolvedAfter)
	first, second := id.Format(id.Staff, l.draw()), id.Format(id.Staff, l.draw())
	by := func(person, cause string) *command {
		l.pass(time.Duration(l.between(5, 60)) * time.Minute)
		c := l.command(domain.Actor{Kind: domain.ActorStaff, ID: person})
		c.because(paymentID, cause)
		return c
	}
	says := func(v payment.Verdict, reason string) (resolutionID string) {
		c := by(first, op.Key)
		v.OperationID = op.ID
		l.operates(c, paymentID, time.Time{}, payment.ProposeResolution{ID: c.ID, Verdict: v, Reason: reason, By: first, Now: l.now})
		return id.Format(id.Resolution, c.ID)
	}
	timedOut := decline.New(decline.TimedOut, "")
	wrong := says(payment.Verdict{Failure: &timedOut}, "Their support knows nothing of it.")
	l.operates(by(second, wrong), paymentID, time.Time{}, payment.RejectResolution{
		ResolutionID: wrong, Reason: "It stands in their settlement file.", By: second,
	})
	reference := "hand_" + l.digits(20)
	right := says(payment.Verdict{Performed: true, Reference: reference}, "Line "+l.digits(3)+" of their settlement file.")
	c := by(second, right)
	c.Claims = append(c.Claims, eventstore.Claim{Kind: payments.ClaimReference, Value: acquirer + "/" + reference, Stream: paymentID})
	l.decides(c, paymentID, time.Time{}, payment.ConfirmResolution{ResolutionID: right, By: second, Now: l.now})
	l.operates(c, paymentID, time.Time{}, payment.SettleOperation{ID: c.ID, Key: op.Key, Performed: true, Reference: reference, Now: l.now})
}
