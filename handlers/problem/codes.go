package problem

import (
	"net/http"
	"time"

	"tender/domain"
)

// The codes of every problem that the API answers with. [Table] gives each its
// status and its explanation.
const (
	MalformedRequest      domain.Code = "malformed_request"
	InvalidRequest        domain.Code = "invalid_request"
	IdempotencyKeyMissing domain.Code = "idempotency_key_missing"
	IdempotencyKeyInvalid domain.Code = "idempotency_key_invalid"

	Unauthorised  domain.Code = "unauthorised"
	InvalidAPIKey domain.Code = "invalid_api_key"

	CaptureDeclined domain.Code = "capture_declined"
	VoidDeclined    domain.Code = "void_declined"
	RefundDeclined  domain.Code = "refund_declined"

	Forbidden        domain.Code = "forbidden"
	InvalidSignature domain.Code = "invalid_signature"

	NotFound         domain.Code = "not_found"
	MethodNotAllowed domain.Code = "method_not_allowed"

	IdempotencyKeyInUse  domain.Code = "idempotency_key_in_use"
	OperationInProgress  domain.Code = "operation_in_progress"
	AttemptInProgress    domain.Code = "attempt_in_progress"
	CaptureNotAllowed    domain.Code = "capture_not_allowed"
	AuthorisationExpired domain.Code = "authorisation_expired"
	CaptureAmountTooHigh domain.Code = "capture_amount_too_high"
	VoidNotAllowed       domain.Code = "void_not_allowed"
	AlreadyVoided        domain.Code = "already_voided"
	NothingToVoid        domain.Code = "nothing_to_void"
	NothingToRefund      domain.Code = "nothing_to_refund"
	RefundAmountTooHigh  domain.Code = "refund_amount_too_high"
	SessionNotActive     domain.Code = "session_not_active"
	TooManyOperations    domain.Code = "too_many_operations"
	TooManyRefunds       domain.Code = "too_many_refunds"
	AttemptIDUnknown     domain.Code = "attempt_id_unknown"

	CustomerHasOpenPayments domain.Code = "customer_has_open_payments"
	MandateExists           domain.Code = "mandate_exists"
	SubscriptionExists      domain.Code = "subscription_exists"
	SubscriptionEnded       domain.Code = "subscription_ended"
	SubscriptionPaused      domain.Code = "subscription_paused"
	SubscriptionNotPaused   domain.Code = "subscription_not_paused"
	ClockExists             domain.Code = "clock_exists"
	ClockAdvancing          domain.Code = "clock_advancing"
	ClockOutOfStep          domain.Code = "clock_out_of_step"
	SecretLimitReached      domain.Code = "secret_limit_reached"
	EndpointDisabled        domain.Code = "endpoint_disabled"
	DeliveryPending         domain.Code = "delivery_pending"
	RecoveryRunning         domain.Code = "recovery_running"
	RebuildRunning          domain.Code = "rebuild_running"
	NoRebuild               domain.Code = "no_rebuild"
	ProjectionPaused        domain.Code = "projection_paused"
	NoEarlierGeneration     domain.Code = "no_earlier_generation"
	EarlierGenerationBehind domain.Code = "earlier_generation_behind"
	RebuildNeeded           domain.Code = "rebuild_needed"
	StillFails              domain.Code = "still_fails"
	TooManySkippedEvents    domain.Code = "too_many_skipped_events"
	NotUnresolved           domain.Code = "not_unresolved"
	ResolutionPending       domain.Code = "resolution_pending"
	ResolutionOver          domain.Code = "resolution_over"
	SecondPersonNeeded      domain.Code = "second_person_needed"
	TooManyResolutions      domain.Code = "too_many_resolutions"
	ReferenceTaken          domain.Code = "reference_taken"

	Erased domain.Code = "erased"

	PayloadTooLarge      domain.Code = "payload_too_large"
	UnsupportedMediaType domain.Code = "unsupported_media_type"

	IdempotencyKeyReused   domain.Code = "idempotency_key_reused"
	NotSupportedByAcquirer domain.Code = "not_supported_by_acquirer"
	NoAcquirer             domain.Code = "no_acquirer"
	EndpointLimitReached   domain.Code = "endpoint_limit_reached"
	CustomerLimitReached   domain.Code = "customer_limit_reached"
	MandateViolation       domain.Code = "mandate_violation"
	MandateAmbiguous       domain.Code = "mandate_ambiguous"
	PaymentMethodUnusable  domain.Code = "payment_method_unusable"
	PaymentNotOffered      domain.Code = "payment_method_not_offered"
	TooManyCards           domain.Code = "too_many_cards"
	OverdueAmountMismatch  domain.Code = "overdue_amount_mismatch"
	ClockNotForward        domain.Code = "clock_not_forward"
	ClockTooFar            domain.Code = "clock_too_far"

	TooManyRequests domain.Code = "too_many_requests"
	HeaderTooLarge  domain.Code = "header_too_large"

	InternalError domain.Code = "internal_error"

	ServiceUnavailable domain.Code = "service_unavailable"
	VersionConflict    domain.Code = "version_conflict"
	NewerThanThisBuild domain.Code = "newer_than_this_build"
	PositionNotReached domain.Code = "position_not_reached"
)

// Kind is one row of the table of problems.
type Kind struct {
	Code   domain.Code
	Status int    // HTTP
	Title  string // the same for every problem of the kind
	When   string // when it is answered
	Do     string // what the caller does about it
	// Retryable: the same request, with the same Idempotency-Key, may be
	// accepted later, and is safe to send again.
	Retryable bool
	// RetryAfter is how long to wait where the problem itself doesn't say; zero:
	// no Retry-After is sent. Whole seconds.
	RetryAfter time.Duration
}

// table holds every problem, by status. Nothing is answered that is not here.
var table = []Kind{
	{Code: MalformedRequest, Status: http.StatusBadRequest, Title: "Malformed request",
		When: "The body is not one JSON object in UTF-8, names a member twice, nests too deeply, or the path or query can't be read.",
		Do:   "Correct what the request sends: `errors` says where reading stopped. The Idempotency-Key is not used up."},
	{Code: InvalidRequest, Status: http.StatusBadRequest, Title: "Invalid request",
		When: "A field is missing, unknown, of the wrong type, outside its limits, not supported by this release, or contradicts another.",
		Do:   "Correct every field that `errors` names; all of them are listed at once. The Idempotency-Key is not used up."},
	{Code: IdempotencyKeyMissing, Status: http.StatusBadRequest, Title: "Idempotency-Key is missing",
		When: "A POST that writes came without the header `Idempotency-Key`.",
		Do:   "Draw a fresh key (a UUID will do) for each thing that you want done, keep it, and send it with every try of it."},
	{Code: IdempotencyKeyInvalid, Status: http.StatusBadRequest, Title: "Idempotency-Key is invalid",
		When: "The header `Idempotency-Key` is not 1 to 255 printable ASCII characters, or was sent more than once.",
		Do:   "Send one key of 1 to 255 printable ASCII characters, for example a UUID."},

	{Code: Unauthorised, Status: http.StatusUnauthorized, Title: "No API key",
		When: "The request carries no `Authorization: Bearer <key>` header.",
		Do:   "Send your API key as a bearer token."},
	{Code: InvalidAPIKey, Status: http.StatusUnauthorized, Title: "Unknown API key",
		When: "The key in `Authorization` is not one that was ever issued here.",
		Do:   "Check that the key is copied whole, and that it belongs to this installation."},

	{Code: CaptureDeclined, Status: http.StatusPaymentRequired, Title: "Capture declined",
		When: "The acquirer refused the capture. It is listed as `failed`, and its amount is capturable again.",
		Do:   "Read the payment. A new capture, with a new Idempotency-Key, may be tried; if it is declined again, ask the customer to pay anew."},
	{Code: VoidDeclined, Status: http.StatusPaymentRequired, Title: "Void declined",
		When: "The acquirer refused the void. It is listed as `failed`, and its amount is capturable again.",
		Do:   "Read the payment. A new void, with a new Idempotency-Key, may be tried; otherwise the authorisation lapses at `authorisation_expires_at`."},
	{Code: RefundDeclined, Status: http.StatusPaymentRequired, Title: "Refund declined",
		When: "The acquirer refused the refund. It is listed as `failed`, and its amount is refundable again.",
		Do:   "Read the payment. A new refund, with a new Idempotency-Key, may be tried; if it is declined again, pay the customer back by other means."},

	{Code: Forbidden, Status: http.StatusForbidden, Title: "Not permitted",
		When: "The key was revoked or has expired, is not of the kind that may do this, or the request was sent by another site's page.",
		Do:   "Use a secret key that is live; a revoked one never comes back."},
	{Code: InvalidSignature, Status: http.StatusForbidden, Title: "Wrong signature",
		When: "An acquirer's notification does not carry the signature that its body should have.",
		Do:   "Check the secret that the acquirer signs with. Nothing was stored."},

	{Code: NotFound, Status: http.StatusNotFound, Title: "Not found",
		When: "There is nothing at this path, or the object belongs to another merchant or another mode.",
		Do:   "Check the id, and that the key is of the mode that the object was made in."},
	{Code: MethodNotAllowed, Status: http.StatusMethodNotAllowed, Title: "Method not allowed",
		When: "The path exists, but not with this method.",
		Do:   "Use one of the methods in the header `Allow`."},

	{Code: IdempotencyKeyInUse, Status: http.StatusConflict, Title: "The first request is still running",
		When:      "Another request with this Idempotency-Key has not been answered within 2 seconds.",
		Do:        "Send the same request again after `Retry-After`; it joins the first and gets its answer.",
		Retryable: true, RetryAfter: time.Second},
	{Code: OperationInProgress, Status: http.StatusConflict, Title: "Another operation is in progress",
		When:      "A void or refund came while a capture, void or refund is in flight, or anything while an outcome is unknown. What is in flight counts as gone until it fails.",
		Do:        "Wait for the outcome (a webhook tells), then send the same request again, with the same Idempotency-Key.",
		Retryable: true, RetryAfter: 5 * time.Second},
	{Code: AttemptInProgress, Status: http.StatusConflict, Title: "An attempt to pay is in progress",
		When:      "The session can't be cancelled or paid again while the acquirer has an attempt whose outcome is not known yet.",
		Do:        "Read the session until the attempt has ended, or send the same request again after `Retry-After`.",
		Retryable: true, RetryAfter: 5 * time.Second},
	{Code: CaptureNotAllowed, Status: http.StatusConflict, Title: "Capture not allowed",
		When: "The payment was never authorised, was captured automatically, or all of it has been captured or voided.",
		Do:   "Read the payment: only what `capturable_amount` shows can be captured."},
	{Code: AuthorisationExpired, Status: http.StatusConflict, Title: "Authorisation expired",
		When: "A capture came after `authorisation_expires_at`. What was left of the authorisation is given back to the customer.",
		Do:   "Make a new session and ask the customer to pay again."},
	{Code: CaptureAmountTooHigh, Status: http.StatusConflict, Title: "Capture amount too high",
		When: "The amount is more than remains: `amounts` shows what was asked for and what is capturable.",
		Do:   "Capture at most `capturable_amount`, with a new Idempotency-Key."},
	{Code: VoidNotAllowed, Status: http.StatusConflict, Title: "Void not allowed",
		When: "The payment was never authorised, or was captured automatically.",
		Do:   "A payment that was captured can't be voided; it can be refunded."},
	{Code: AlreadyVoided, Status: http.StatusConflict, Title: "Already voided",
		When: "All of the authorised amount has been voided before.",
		Do:   "Nothing is left to do."},
	{Code: NothingToVoid, Status: http.StatusConflict, Title: "Nothing to void",
		When: "All of the authorised amount was captured, or part captured and the rest voided, or the authorisation has expired.",
		Do:   "Nothing is left to do: no amount is reserved any more."},
	{Code: NothingToRefund, Status: http.StatusConflict, Title: "Nothing to refund",
		When: "Nothing was captured, or all of it has been refunded before.",
		Do:   "Nothing is left to do. What is reserved and not captured is given back by a void."},
	{Code: RefundAmountTooHigh, Status: http.StatusConflict, Title: "Refund amount too high",
		When: "The amount is more than was captured and not refunded: `amounts` shows what was asked for and what is refundable.",
		Do:   "Refund at most `refundable_amount`, with a new Idempotency-Key."},
	{Code: SessionNotActive, Status: http.StatusConflict, Title: "The session is not active",
		When: "The session is completed, expired or cancelled, and can neither be paid nor cancelled.",
		Do:   "Read the session to see how it ended; make a new one to be paid again."},
	{Code: TooManyOperations, Status: http.StatusConflict, Title: "Too many captures and voids",
		When: "The payment has had as many captures and voids, failed ones included, as a payment may have.",
		Do:   "Nothing more can be captured. What is still reserved lapses at `authorisation_expires_at`."},
	{Code: TooManyRefunds, Status: http.StatusConflict, Title: "Too many refunds",
		When: "The payment has had as many refunds, failed ones included, as a payment may have.",
		Do:   "Nothing more can be refunded here. Pay the customer back by other means."},
	{Code: AttemptIDUnknown, Status: http.StatusConflict, Title: "Unknown attempt",
		When: "`attempt_id` is none that this session's state has named.",
		Do:   "Read the state and send the `attempt_id` that it names, or leave it out."},
	{Code: CustomerHasOpenPayments, Status: http.StatusConflict, Title: "The customer has open payments",
		When: "A customer is to be erased while a payment of theirs is in flight or can still be captured.",
		Do:   "Wait for its outcome, or capture or void what is reserved, then send the request again with a new Idempotency-Key."},
	{Code: MandateExists, Status: http.StatusConflict, Title: "The mandate exists already",
		When: "A mandate was to be made a second time by the same outcome.",
		Do:   "Read the mandate: it stands as it was made."},
	{Code: SubscriptionExists, Status: http.StatusConflict, Title: "The subscription exists already",
		When: "A subscription was to be made a second time by the same outcome.",
		Do:   "Read the subscription: it stands as it was made."},
	{Code: SubscriptionEnded, Status: http.StatusConflict, Title: "The subscription has ended",
		When: "The subscription is cancelled or completed: it can't be paused, resumed or cancelled, nor be given another payment method.",
		Do:   "Begin a new one with a `first_in_series` session and `subscription_options`."},
	{Code: SubscriptionPaused, Status: http.StatusConflict, Title: "The subscription is paused",
		When: "A subscription that is paused was to be paused.",
		Do:   "Nothing is left to do; resume it when it is to go on."},
	{Code: SubscriptionNotPaused, Status: http.StatusConflict, Title: "The subscription is not paused",
		When: "A subscription that is not paused was to be resumed.",
		Do:   "Nothing is left to do. One that is `past_due` needs a payment, or another payment method."},
	{Code: ClockExists, Status: http.StatusConflict, Title: "The test clock exists already",
		When: "A test clock was to be made a second time.",
		Do:   "Read the clock: it stands as it was made."},
	{Code: ClockAdvancing, Status: http.StatusConflict, Title: "The test clock is advancing",
		When:      "A test clock can't be advanced or deleted while it is on its way.",
		Do:        "Read the clock until its `status` is `ready`, then send the same request again.",
		Retryable: true, RetryAfter: time.Second},
	{Code: ClockOutOfStep, Status: http.StatusConflict, Title: "The test clock is not on its way there",
		When: "A test clock was to take a step that leads past where it was sent.",
		Do:   "Read the clock: `advancing_to` says where it is on its way to."},
	{Code: SecretLimitReached, Status: http.StatusConflict, Title: "Too many secrets sign",
		When: "As many secrets of the webhook endpoint sign its messages as may at a time: it was rotated several times within their overlap.",
		Do:   "Wait until an overlap has ended, or rotate with `overlap_hours` of 0, which ends all earlier secrets at once."},
	{Code: EndpointDisabled, Status: http.StatusConflict, Title: "The endpoint is disabled",
		When: "Something was to be sent to a webhook endpoint that is disabled or deleted.",
		Do:   "Enable the endpoint by its `status`, then ask again with a new Idempotency-Key. What was deleted gets nothing any more."},
	{Code: DeliveryPending, Status: http.StatusConflict, Title: "The delivery is pending",
		When: "A delivery was to be sent again that has not ended yet.",
		Do:   "Wait: it is sent by itself. `next_attempt_at` says when."},
	{Code: RecoveryRunning, Status: http.StatusConflict, Title: "A recovery is running",
		When:      "A recovery of the webhook endpoint was to begin while another is running.",
		Do:        "Read the recovery until its `status` is no longer `running`, then send the same request again.",
		Retryable: true, RetryAfter: 5 * time.Second},
	{Code: RebuildRunning, Status: http.StatusConflict, Title: "A rebuild is running",
		When:      "A read model was to be rebuilt of which a new generation is being made.",
		Do:        "Wait until the new generation is served, or interrupt the rebuild.",
		Retryable: true, RetryAfter: 5 * time.Second},
	{Code: NoRebuild, Status: http.StatusConflict, Title: "No rebuild is running",
		When: "A rebuild was to be interrupted, and no new generation of the read model is being made.",
		Do:   "Nothing: the generation that is served is complete."},
	{Code: ProjectionPaused, Status: http.StatusConflict, Title: "The read model is paused",
		When: "A read model was to be rebuilt that an operator has paused.",
		Do:   "Resume it first."},
	{Code: NoEarlierGeneration, Status: http.StatusConflict, Title: "No earlier generation",
		When: "A read model was to go back to the generation before, and there is none: a rebuild keeps one, and drops those before it.",
		Do:   "Rebuild the read model instead."},
	{Code: EarlierGenerationBehind, Status: http.StatusConflict, Title: "The earlier generation is behind",
		When:      "A read model was to go back to the generation before, which lacks events that the present one shows.",
		Do:        "See to it that a process of the build which made it keeps it, then send the same request again.",
		Retryable: true, RetryAfter: 5 * time.Second},
	{Code: RebuildNeeded, Status: http.StatusConflict, Title: "A rebuild is needed",
		When: "A stream was to be taken up again in a read model whose rows depend on the order of all events.",
		Do:   "Rebuild the read model."},
	{Code: StillFails, Status: http.StatusConflict, Title: "The event still can't be applied",
		When: "A stream was to be taken up again, and its events still can't be applied.",
		Do:   "See what `error` says of the event that was set aside; a newer build may be able to apply it."},
	{Code: TooManySkippedEvents, Status: http.StatusConflict, Title: "Too many events are left out",
		When: "An event was to be left out of a read model that leaves out as many as it may.",
		Do:   "Mend the read model in a newer build, and take in again what it can apply then."},
	{Code: NotUnresolved, Status: http.StatusConflict, Title: "Nothing is unresolved",
		When: "An operator asks about, or says what became of, an operation whose answer is not overdue: it is there, or the acquirer still has time. People may say what became of it a day after that.",
		Do:   "Read the payment's operations: `answer_by` says when anybody may ask about each, `unresolved` which may be resolved by hand."},
	{Code: ResolutionPending, Status: http.StatusConflict, Title: "Another resolution is proposed",
		When: "Somebody has said already what became of the operation, and it was something else, or it was somebody else.",
		Do:   "Confirm that resolution if it is right, or reject it first."},
	{Code: ResolutionOver, Status: http.StatusConflict, Title: "The resolution is over",
		When: "The resolution was confirmed or rejected before, or has lapsed because the acquirer's answer came first; the detail says which.",
		Do:   "Read the payment: it shows what counts."},
	{Code: SecondPersonNeeded, Status: http.StatusConflict, Title: "A second person is needed",
		When: "Whoever proposed a resolution tries to confirm it, be it with another key.",
		Do:   "Have another operator look at it, who confirms it with a key of their own."},
	{Code: TooManyResolutions, Status: http.StatusConflict, Title: "Too many resolutions",
		When: "As many resolutions were proposed of the payment's operations as there may be of one payment.",
		Do:   "Confirm the one that is proposed. If none is, only the acquirer's answer can resolve the payment."},
	{Code: ReferenceTaken, Status: http.StatusConflict, Title: "The reference is another payment's",
		When: "A resolution names a reference of the acquirer's that another payment was recorded with.",
		Do:   "Look the reference up once more in what the acquirer reports; reject the resolution if it is proposed."},
	{Code: Erased, Status: http.StatusGone, Title: "Erased",
		When: "The customer has been erased: who they were is known nowhere any more, and no answer that told it is given again.",
		Do:   "Nothing can bring the data back. Captured payments stay, and can be refunded."},
	{Code: PayloadTooLarge, Status: http.StatusRequestEntityTooLarge, Title: "Body too large",
		When: "The body is larger than 64 KiB.",
		Do:   "Send less: no valid request comes near that size."},
	{Code: UnsupportedMediaType, Status: http.StatusUnsupportedMediaType, Title: "Unsupported media type",
		When: "The body is not `application/json` (or, at the checkout, a form), is compressed, or is not in UTF-8.",
		Do:   "Send `Content-Type: application/json`."},

	{Code: IdempotencyKeyReused, Status: http.StatusUnprocessableEntity, Title: "Idempotency-Key was used for another request",
		When: "The key was used in the last 24 hours for a request that differs: `errors` names the first field that does, `conflicting_resource_id` the object that the first request was about.",
		Do:   "Draw a new key for each new thing that you want done; send an old key with its own request only."},
	{Code: NotSupportedByAcquirer, Status: http.StatusUnprocessableEntity, Title: "Not supported by the acquirer",
		When: "The acquirer can't do this: the currency, manual capture, another capture, a void after a capture, or a refund. It was not called.",
		Do:   "Ask for something that it can do, or for another acquirer to be configured."},
	{Code: NoAcquirer, Status: http.StatusUnprocessableEntity, Title: "No acquirer for this mode",
		When: "No acquirer is configured for the key's mode. The simulator serves test mode only.",
		Do:   "Use a test key, or have an acquirer configured for live mode."},
	{Code: EndpointLimitReached, Status: http.StatusUnprocessableEntity, Title: "Too many endpoints",
		When: "The merchant has as many webhook endpoints in this mode as there may be.",
		Do:   "Delete one that is no longer used, or let one endpoint take more event types."},
	{Code: CustomerLimitReached, Status: http.StatusUnprocessableEntity, Title: "The customer has too many of these",
		When: "The customer has as many payment methods, mandates, subscriptions or open payments as one customer may have.",
		Do:   "End those that are no longer used: the detail names them."},
	{Code: MandateViolation, Status: http.StatusUnprocessableEntity, Title: "The mandate does not allow the payment",
		When: "The payment breaks a limit that the customer agreed to, or the mandate has ended. No acquirer was called. `errors` names every limit that is broken, `amounts` what is still allowed.",
		Do:   "Stay within what remains, wait for the next period, or let the customer agree to a new mandate with `first_in_series`."},
	{Code: MandateAmbiguous, Status: http.StatusUnprocessableEntity, Title: "Several mandates cover the payment method",
		When: "The payment method has more than one active mandate, and the request names none.",
		Do:   "Name the one that is meant in `options.mandate_id`."},
	{Code: PaymentMethodUnusable, Status: http.StatusUnprocessableEntity, Title: "The payment method can't be used without the customer",
		When: "Its issuer has declined it for good or wants the customer to confirm, or the card has expired. Nothing was sent.",
		Do:   "Have the customer verify it again or give another one, with a session that they come to."},
	{Code: PaymentNotOffered, Status: http.StatusUnprocessableEntity, Title: "The way to pay is not offered",
		When: "None of the merchant's payment methods fits the session that is to be made; or an attempt uses one that its session does not offer: for its country, currency, amount, capture method, mandate or the wish to save it. Nothing was sent.",
		Do:   "At the checkout, use one of the state's `payment_methods`. Where a session is refused, change what it asks for, or the merchant's choice of payment methods."},
	{Code: TooManyCards, Status: http.StatusUnprocessableEntity, Title: "Too many different cards",
		When: "As many different cards were tried for this session as may be (4 in live mode), and this is another one. Nothing was sent.",
		Do:   "Have the customer use one of the cards that they tried before, or make a new session. A genuine customer rarely gets here: look whether somebody is trying out stolen cards."},
	{Code: OverdueAmountMismatch, Status: http.StatusUnprocessableEntity, Title: "The amount is not what is overdue",
		When: "A session is to give a subscription another payment method, and its amount is neither 0 nor what the subscription's `overdue_amount` says.",
		Do:   "Read the subscription, and make a session over `overdue_amount`, or over 0 to verify the new method alone."},
	{Code: ClockNotForward, Status: http.StatusUnprocessableEntity, Title: "Test clocks only go forward",
		When: "`to` lies at the clock's `frozen_time` or before it.",
		Do:   "Name a later instant, or make a new clock that begins earlier."},
	{Code: ClockTooFar, Status: http.StatusUnprocessableEntity, Title: "Too far for a test clock",
		When: "`to` lies more than five years after the clock's `frozen_time`.",
		Do:   "Advance in several steps."},

	{Code: TooManyRequests, Status: http.StatusTooManyRequests, Title: "Too many requests",
		When:      "More requests came than this key or address may send, or than the server takes at once. At the checkout: too many attempts to pay have failed from this address or with this card, or of this merchant's customers, and this one was not sent.",
		Do:        "Slow down, and send the same request again after `Retry-After`.",
		Retryable: true, RetryAfter: 5 * time.Second},

	{Code: HeaderTooLarge, Status: http.StatusRequestHeaderFieldsTooLarge, Title: "Header too large",
		When: "The request line and the headers are together larger than 32 KiB.",
		Do:   "Send less: no valid request comes near that size."},

	{Code: InternalError, Status: http.StatusInternalServerError, Title: "Internal error",
		When:      "Something broke on our side. It is logged under the `request_id`.",
		Do:        "Send the same request again with the same Idempotency-Key: money never moves twice. If it goes on, report the `request_id`.",
		Retryable: true},

	{Code: ServiceUnavailable, Status: http.StatusServiceUnavailable, Title: "Service unavailable",
		When:      "The server is starting, draining or overloaded, or what it depends on did not answer in time.",
		Do:        "Send the same request again after `Retry-After`, with the same Idempotency-Key.",
		Retryable: true, RetryAfter: 5 * time.Second},
	{Code: VersionConflict, Status: http.StatusServiceUnavailable, Title: "The object is too busy",
		When:      "Other requests changed the object again and again while this one was being decided. Nothing was done.",
		Do:        "Send the same request again after `Retry-After`, with the same Idempotency-Key.",
		Retryable: true, RetryAfter: time.Second},
	{Code: NewerThanThisBuild, Status: http.StatusServiceUnavailable, Title: "The object is newer than this server",
		When:      "The object was written by a newer release than the one that runs here, as happens during an upgrade.",
		Do:        "Send the same request again after `Retry-After`: another process, or this one once upgraded, will answer.",
		Retryable: true, RetryAfter: 30 * time.Second},
	{Code: PositionNotReached, Status: http.StatusServiceUnavailable, Title: "The list is not that far yet",
		When:      "`min_position` was not reached within 2 seconds.",
		Do:        "Ask again after `Retry-After`. Reading the single object needs no waiting.",
		Retryable: true, RetryAfter: time.Second},
}
