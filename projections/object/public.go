package object

import (
	"tender/domain/codec"
	"tender/domain/payment"
	"tender/domain/session"
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
	case payment.Paid, payment.Authorised:
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
	case payment.AuthorisationExpired:
		return "payment.authorisation_expired", true
	}
	return "", false
}
