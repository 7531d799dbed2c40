package object

import (
	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// PublicType returns the type of the public event that a log event is told to
// merchants as, and whether it is told at all. It is at most one.
func PublicType(d codec.Named) (string, bool) {
	switch d := d.(type) {
	case session.Created:
		return "payment_session.created", true
	case session.Completed:
		return "payment_session.completed", true
	case session.AttemptFailed, session.Cancelled, session.Expired:
		return "payment_session.updated", true
	case payment.Paid, payment.Authorised, payment.Verified:
		return "payment.succeeded", true
	case payment.AttemptFailed:
		if d.Final {
			return "payment.failed", true
		}
		return "payment.attempt_failed", true
	case payment.Captured:
		return "payment.captured", true
	case payment.CaptureFailed:
		return "payment.capture_failed", true
	case payment.Voided:
		return "payment.voided", true
	case payment.VoidFailed:
		return "payment.void_failed", true
	case payment.Refunded:
		return "payment.refunded", true
	case payment.RefundFailed:
		return "payment.refund_failed", true
	case payment.AuthorisationExpired:
		return "payment.authorisation_expired", true
	}
	if told, ok := publicOfMerchants(d); ok {
		return told, true
	}
	return publicOfSeries(d)
}

// publicOfMerchants is [PublicType] for what concerns a merchant's account. What they
// do with it themselves they know.
func publicOfMerchants(d codec.Named) (string, bool) {
	switch d.(type) {
	case merchant.Slowed:
		return "checkout.slowed", true
	case merchant.Released:
		return "checkout.released", true
	}
	return "", false
}

// publicOfSeries is [PublicType] for what belongs to customers. That an occurrence
// was paid, its payment and its session say; of a subscription it is told when it
// stands elsewhere, or is for another method, than before.
func publicOfSeries(d codec.Named) (string, bool) {
	switch d.(type) {
	case mandate.Created:
		return "mandate.created", true
	case mandate.Revoked:
		return "mandate.revoked", true
	case mandate.Exhausted:
		return "mandate.exhausted", true
	case mandate.Expired:
		return "mandate.expired", true
	case method.Saved:
		return "payment_method.saved", true
	case method.Removed:
		return "payment_method.removed", true
	case subscription.Created:
		return "subscription.created", true
	case subscription.ChargeFailed:
		return "subscription.payment_failed", true
	case subscription.PaymentMethodRequired:
		return "subscription.payment_method_required", true
	case subscription.Completed:
		return "subscription.completed", true
	case subscription.BecamePastDue, subscription.Recovered, subscription.MethodReplaced,
		subscription.Paused, subscription.Resumed, subscription.Cancelled:
		return "subscription.updated", true
	}
	return "", false
}
