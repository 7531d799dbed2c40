package invariants

import (
	"fmt"

	"tender/domain/payment"
)

var paymentRules = []rule[paymentNotes]{
	always("payment-sums", "authorised = paid + voided + expired + pending + capturable after every event, and none of them is below 0.", func(n *paymentNotes) string {
		capturable := n.authorised - n.captured - n.voided - n.expiredSum - n.pending(capture, void)
		if capturable < 0 {
			return fmt.Sprintf("more is taken or given back than was authorised: %s, so that %d would be capturable", sums(n), capturable)
		}
		return ""
	}),
	always("payment-refunds", "What is refunded, or asked to be, never exceeds what was paid.", func(n *paymentNotes) string {
		asked := n.pending(refund)
		if n.refunded < 0 || n.refunded+asked > n.captured {
			return fmt.Sprintf("paid %d, refunded %d, asked to be refunded %d", n.captured, n.refunded, asked)
		}
		return ""
	}),
	when("payment-currency", "The currency of a payment never changes.", func(n *paymentNotes, e *Event) string {
		d, _ := e.Said.(payment.Event)
		if currency, holds := currencyOf(d); holds && currency != n.said.Currency {
			return fmt.Sprintf("it is in %q, and the payment in %q", currency, n.said.Currency)
		}
		return ""
	}),
	when("payment-approved-as-asked", "What is authorised, paid or verified is what was asked for, in the way that was asked for.", approvedAsAsked),
	when("payment-one-success", "A payment succeeds at most once.", func(n *paymentNotes, e *Event) string {
		if approves(e) && n.approved {
			return "it has succeeded before"
		}
		return ""
	}),
	when("payment-attempts", "Attempts are numbered 1, 2, 3 … to at most 10, come one at a time, and none comes after a success or the payment's end.", attemptsInOrder),
	when("payment-attempt-outcome", "Every outcome of an attempt is that of the attempt in flight.", attemptOutcome),
	when("payment-outcome", "An operation has an outcome at most once, after it was asked for, and of the amount that was asked for; only a refund that was performed may fail later, once.", operationOutcome),
	when("payment-keys", "Every attempt and every operation of a payment has an id and a key of its own.", func(n *paymentNotes, e *Event) string {
		d, _ := e.Said.(payment.Event)
		op, asks := intentOf(d)
		if started, ok := d.(payment.AttemptStarted); ok {
			op, asks = asked{id: started.AttemptID, key: started.Key}, true
		}
		switch {
		case !asks:
		case n.under(op.key) != nil:
			return fmt.Sprintf("the key %s was used before", op.key)
		case op.kind != "" && n.operation(op.kind, op.id) != nil:
			return fmt.Sprintf("%s %s was asked for before", op.kind, op.id)
		}
		return ""
	}),
	when("payment-captures", "Captures and voids are asked for of an authorisation that stands: reserved for later, not expired, and not past its time.", capturesStand),
	when("payment-expiry", "An authorisation expires once, not before its time, with nothing in flight, and of all that remains.", expiresOnce),
	when("payment-end", "After its last attempt has failed, and after it was cancelled or has expired, nothing more becomes of a payment but what contradicts the record, its reversal, and what people say of that.", endStands),
	when("payment-reversals", "A reversal follows the expiry of an authorisation or a contradiction; what pays back follows a contradiction, and no reversal is of more than the payment.", func(n *paymentNotes, e *Event) string {
		d, ok := e.Said.(payment.ReversalRequested)
		switch {
		case !ok:
		case d.Amount > n.said.Amount:
			return fmt.Sprintf("%d is reversed of a payment of %d", d.Amount, n.said.Amount)
		case d.Refund && len(n.contradicted) == 0, !n.expired && len(n.contradicted) == 0:
			return "nothing has happened that would have to be reversed"
		}
		return ""
	}),
	when("payment-contradictions", "A contradiction says of an attempt or an operation of this payment, once, the opposite of what is recorded.", func(n *paymentNotes, e *Event) string {
		d, ok := e.Said.(payment.Contradicted)
		if !ok {
			return ""
		}
		about := n.under(d.Key)
		switch {
		case about == nil:
			return fmt.Sprintf("nothing was asked under the key %s", d.Key)
		case n.contradicted.known(d.Key):
			return fmt.Sprintf("the key %s was contradicted before", d.Key)
		case about.word == unanswered:
			return fmt.Sprintf("nothing is recorded of the key %s", d.Key)
		case (about.word == performed) == d.Performed:
			return fmt.Sprintf("of the key %s the same is recorded", d.Key)
		}
		return ""
	}),
}

func approves(e *Event) bool {
	switch e.Said.(type) {
	case payment.Authorised, payment.Paid, payment.Verified:
		return true
	}
	return false
}

func approvedAsAsked(n *paymentNotes, e *Event) string {
	verifies := n.said.Intent == payment.IntentVerification
	manual := n.said.CaptureMethod == payment.CaptureManual
	asked := n.said.Amount
	switch d := e.Said.(type) {
	case payment.Authorised:
		if verifies || !manual || d.Amount != asked {
			return fmt.Sprintf("%d is authorised; asked for was %s", d.Amount, purpose(n))
		}
	case payment.Paid:
		if verifies || manual || d.Amount != asked {
			return fmt.Sprintf("%d is paid; asked for was %s", d.Amount, purpose(n))
		}
	case payment.Verified:
		if !verifies {
			return "a method is verified; asked for was " + purpose(n)
		}
	case payment.Initiated:
		if (d.Intent == payment.IntentVerification) != (d.Amount == 0) {
			return fmt.Sprintf("a %s of %d", d.Intent, d.Amount)
		}
	}
	return ""
}

func purpose(n *paymentNotes) string {
	return fmt.Sprintf("a %s of %d with %s capture", n.said.Intent, n.said.Amount, n.said.CaptureMethod)
}

func attemptsInOrder(n *paymentNotes, e *Event) string {
	d, ok := e.Said.(payment.AttemptStarted)
	switch {
	case !ok:
	case n.attempt() != nil:
		return "another attempt is in flight"
	case n.approved:
		return "the payment has succeeded already"
	case n.over:
		return "the payment has come to its end"
	case d.Number != len(n.attempts)+1, d.Number > attemptsMax:
		return fmt.Sprintf("attempt number %d follows %d others", d.Number, len(n.attempts))
	}
	return ""
}

func attemptOutcome(n *paymentNotes, e *Event) string {
	if approves(e) && n.approved {
		return "" // that it succeeds twice is said elsewhere
	}
	var attemptID string
	switch d := e.Said.(type) {
	case payment.ActionRequired:
		attemptID = d.AttemptID
	case payment.Authorised:
		attemptID = d.AttemptID
	case payment.Paid:
		attemptID = d.AttemptID
	case payment.Verified:
		attemptID = d.AttemptID
	case payment.AttemptFailed:
		attemptID = d.AttemptID
	default:
		return ""
	}
	if a := n.attempt(); a == nil || a.id != attemptID {
		return fmt.Sprintf("attempt %s is not in flight", attemptID)
	}
	return ""
}

func operationOutcome(n *paymentNotes, e *Event) string {
	d, _ := e.Said.(payment.Event)
	o, answers := outcomeOf(d)
	if !answers {
		return ""
	}
	op := n.operation(o.kind, o.id)
	switch {
	case op == nil:
		return fmt.Sprintf("%s %s was never asked for", o.kind, o.id)
	case op.amount != o.amount:
		return fmt.Sprintf("%s %s is of %d; %d was asked for", o.kind, o.id, o.amount, op.amount)
	case o.late && (op.word != performed || op.late):
		return fmt.Sprintf("refund %s is said to fail late, and does not count as performed", o.id)
	case !o.late && op.word != unanswered:
		return fmt.Sprintf("%s %s has had its outcome before", o.kind, o.id)
	}
	return ""
}

func capturesStand(n *paymentNotes, e *Event) string {
	switch e.Said.(type) {
	case payment.CaptureRequested, payment.VoidRequested:
	default:
		return ""
	}
	switch {
	case !n.approved || !n.manual:
		return "nothing is reserved"
	case n.expired:
		return "the authorisation has expired"
	case !n.expiresAt.IsZero() && !e.At.Before(n.expiresAt.Add(skewMax)):
		return "the authorisation was good until " + instant(n.expiresAt)
	}
	return ""
}

func expiresOnce(n *paymentNotes, e *Event) string {
	d, ok := e.Said.(payment.AuthorisationExpired)
	if !ok {
		return ""
	}
	remains := n.authorised - n.captured - n.voided - n.expiredSum
	switch {
	case !n.manual:
		return "nothing is reserved"
	case n.expired:
		return "it has expired before"
	case n.expiresAt.IsZero() || e.At.Before(n.expiresAt):
		return "it is good until " + instant(n.expiresAt)
	case n.pending(capture, void, refund, reversal) != 0:
		return "the acquirer owes an answer"
	case d.Amount != remains:
		return fmt.Sprintf("%d has expired, and %d remained", d.Amount, remains)
	}
	return ""
}

func endStands(n *paymentNotes, e *Event) string {
	switch d := e.Said.(type) {
	case payment.Contradicted, payment.ReversalRequested, payment.Reversed, payment.ReversalFailed,
		payment.ResolutionProposed, payment.ResolutionConfirmed, payment.ResolutionRejected:
		return ""
	case payment.Cancelled, payment.Expired:
		if n.approved || n.attempt() != nil {
			return "an attempt has succeeded, or is in flight"
		}
	case payment.AttemptFailed:
		if n.approved && d.Final {
			return "an attempt has succeeded"
		}
	}
	if n.over {
		return "the payment had come to its end"
	}
	return ""
}
