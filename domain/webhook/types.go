package webhook

import "slices"

// The public event types, as the API's contract lists them: what an endpoint may
// ask for. Log events have names of their own.
const (
	PaymentSessionCreated   = "payment_session.created"
	PaymentSessionUpdated   = "payment_session.updated"
	PaymentSessionCompleted = "payment_session.completed"

	PaymentSucceeded            = "payment.succeeded"
	PaymentAttemptFailed        = "payment.attempt_failed"
	PaymentFailed               = "payment.failed"
	PaymentCaptured             = "payment.captured"
	PaymentVoided               = "payment.voided"
	PaymentRefunded             = "payment.refunded"
	PaymentRefundFailed         = "payment.refund_failed"
	PaymentCaptureFailed        = "payment.capture_failed"
	PaymentVoidFailed           = "payment.void_failed"
	PaymentAuthorisationExpired = "payment.authorisation_expired"

	MandateCreated   = "mandate.created"
	MandateRevoked   = "mandate.revoked"
	MandateExhausted = "mandate.exhausted"
	MandateExpired   = "mandate.expired"

	SubscriptionCreated               = "subscription.created"
	SubscriptionUpdated               = "subscription.updated"
	SubscriptionPaymentFailed         = "subscription.payment_failed"
	SubscriptionPaymentMethodRequired = "subscription.payment_method_required"
	SubscriptionCompleted             = "subscription.completed"

	PaymentMethodSaved   = "payment_method.saved"
	PaymentMethodRemoved = "payment_method.removed"

	CheckoutSlowed   = "checkout.slowed"
	CheckoutReleased = "checkout.released"
)

// TestType is the type of a message that only tests an endpoint. It goes to the
// endpoint that is tested, whatever that asks for, and is no public event: nobody
// can ask for it, and it is not listed among what happened.
const TestType = "webhook.test"

// AllTypes, alone in an endpoint's list, asks for every type, those of later
// releases among them.
const AllTypes = "*"

var types = []string{
	PaymentSessionCreated, PaymentSessionUpdated, PaymentSessionCompleted,
	PaymentSucceeded, PaymentAttemptFailed, PaymentFailed, PaymentCaptured, PaymentVoided,
	PaymentRefunded, PaymentRefundFailed, PaymentCaptureFailed, PaymentVoidFailed, PaymentAuthorisationExpired,
	MandateCreated, MandateRevoked, MandateExhausted, MandateExpired,
	SubscriptionCreated, SubscriptionUpdated, SubscriptionPaymentFailed,
	SubscriptionPaymentMethodRequired, SubscriptionCompleted,
	PaymentMethodSaved, PaymentMethodRemoved,
	CheckoutSlowed, CheckoutReleased,
}

// Types lists every public event type, in the contract's order.
func Types() []string { return slices.Clone(types) }

// KnownType reports whether an endpoint may ask for this type by its name.
func KnownType(name string) bool { return slices.Contains(types, name) }
