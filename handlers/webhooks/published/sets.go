package published

import (
	"reflect"

	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/recurrence"
	"tender/domain/session"
	"tender/domain/subscription"
	shown "tender/projections/object"
)

// sets are the closed sets of strings among the types of fields. Go keeps no list of
// a type's constants: a test holds these to the source.
var sets = map[reflect.Type][]string{
	reflect.TypeFor[session.Type]():          {"one_time", "first_in_series", "next_in_series"},
	reflect.TypeFor[session.Status]():        {"active", "completed", "expired", "cancelled"},
	reflect.TypeFor[session.Outcome]():       {"not_started", "pending", "paid", "reserved", "unpaid", "payment_method_verified"},
	reflect.TypeFor[session.Save]():          {"never", "always", "prompt"},
	reflect.TypeFor[session.Presentation]():  {"redirect", "embedded_modal", "embedded_inline"},
	reflect.TypeFor[shown.PaymentStatus]():   {"unpaid", "pending", "paid"},
	reflect.TypeFor[payment.Status]():        {"draft", "pending_action", "processing", "succeeded", "failed", "cancelled", "expired"},
	reflect.TypeFor[payment.Intent]():        {"payment", "payment_method_verification"},
	reflect.TypeFor[payment.CaptureMethod](): {"automatic", "manual"},
	reflect.TypeFor[shown.PaceStatus]():      {"normal", "slowed"},
	reflect.TypeFor[shown.OperationStatus](): {"pending", "succeeded", "failed"},
	reflect.TypeFor[method.Kind]():           kinds(),
	reflect.TypeFor[method.Scheme]():         {"VISA", "MASTERCARD", "AMEX", "DINERS", "DISCOVER", "JCB", "UNIONPAY", "MAESTRO"},
	reflect.TypeFor[decline.ErrorCode](): {
		"card_declined", "authentication_failed", "processing_error", "expired_card", "incorrect_cvc",
		"payment_method_unavailable", "customer_cancelled", "timed_out",
	},
	reflect.TypeFor[decline.Code](): {
		"insufficient_funds", "do_not_honor", "generic_decline", "try_again_later", "lost_card", "stolen_card", "pickup_card",
		"invalid_account", "closed_account", "transaction_not_allowed", "authentication_required", "stop_payment",
		"revocation_of_authorisation",
	},
	reflect.TypeFor[mandate.Kind]():          {"scheduled", "on_demand", "installment"},
	reflect.TypeFor[mandate.RevokedBy]():     {"merchant", "issuer", "system", "replaced"},
	reflect.TypeFor[shown.MandateStatus]():   {"active", "revoked", "expired", "exhausted"},
	reflect.TypeFor[shown.InstalmentsType](): {"periodic", "fixed"},
	reflect.TypeFor[subscription.Status]():   {"active", "past_due", "paused", "cancelled", "completed"},
	reflect.TypeFor[subscription.Then]():     {"continue", "pause", "cancel"},
	reflect.TypeFor[subscription.Missed]():   {"collect", "skip"},
	reflect.TypeFor[subscription.By]():       {"merchant", "schedule", "system"},
	reflect.TypeFor[recurrence.Type]():       {"daily", "weekly", "monthly", "yearly"},
	reflect.TypeFor[recurrence.Adjustment](): {"none", "next_weekday", "previous_weekday", "nearest_weekday"},
	reflect.TypeFor[recurrence.Period]():     {"day", "week", "month", "year"},
}

// setOf is a string out of the closed set that T stands for.
func setOf[T ~string]() *Schema { return oneOf(sets[reflect.TypeFor[T]()]...) }

// field names a field of a struct as it stands on the wire.
type field struct {
	of   reflect.Type
	name string
}

func of[T any](name string) field { return field{reflect.TypeFor[T](), name} }

// fields are those of which more is known than their Go type says.
var fields = map[field]func() *Schema{
	of[shown.Session]("id"):       func() *Schema { return idOf(id.Session) },
	of[shown.Payment]("id"):       func() *Schema { return idOf(id.Payment) },
	of[shown.Mandate]("id"):       func() *Schema { return idOf(id.Mandate) },
	of[shown.Subscription]("id"):  func() *Schema { return idOf(id.Subscription) },
	of[shown.PaymentMethod]("id"): func() *Schema { return idOf(id.Method) },
	of[shown.Operation]("id"):     operationID,

	of[shown.Session]("mode"):       modes,
	of[shown.Payment]("mode"):       modes,
	of[shown.Mandate]("mode"):       modes,
	of[shown.Subscription]("mode"):  modes,
	of[shown.PaymentMethod]("mode"): modes,
	of[shown.Pace]("mode"):          modes,

	of[method.CardDetails]("type"):                   func() *Schema { return oneOf(method.TypeCredit, method.TypeDebit) },
	of[method.CardDetails]("scheme"):                 setOf[method.Scheme],
	of[shown.CheckoutOptions]("save_payment_method"): setOf[session.Save],
	of[session.PresentationMode]("mode"):             setOf[session.Presentation],
}

// references are the fields that hold other objects' ids, by their names.
var references = map[string]id.Prefix{
	"payment_session_id": id.Session, "checkout_session_id": id.Checkout, "payment_id": id.Payment, "customer_id": id.Customer,
	"payment_method_id": id.Method, "merchant_id": id.Merchant, "mandate_id": id.Mandate, "subscription_id": id.Subscription,
}

const idBody = "_[0-9a-z]{20,40}$"

func idOf(p id.Prefix) *Schema { return &Schema{Type: "string", Pattern: "^" + string(p) + idBody} }

// operationID is a capture's, a void's or a refund's: their lists share a Go type.
func operationID() *Schema {
	return &Schema{Type: "string", Pattern: "^(" + string(id.Capture) + "|" + string(id.Void) + "|" + string(id.Refund) + ")" + idBody}
}

func modes() *Schema { return oneOf("test", "live") }

// kinds are the ways to pay, as their table has them.
func kinds() []string {
	var all []string
	for _, w := range method.Ways() {
		all = append(all, string(w.Kind))
	}
	return all
}
