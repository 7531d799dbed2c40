package decline

// errorMessages has every error code but CardDeclined, whose message is that of its
// decline code.
var errorMessages = map[ErrorCode]string{
	AuthenticationFailed:     "The customer's bank did not confirm that the customer is the cardholder.",
	ProcessingError:          "The payment could not be processed because of a fault at the acquirer or on the way to it. It may be tried again.",
	ExpiredCard:              "The card has expired. The customer needs another card or the renewed one's expiry date.",
	IncorrectCVC:             "The card's security code is wrong.",
	PaymentMethodUnavailable: "The payment method is not available at the moment. Another method, or the same one later, may work.",
	CustomerCancelled:        "The customer cancelled the payment.",
	TimedOut:                 "The customer did not finish the payment in time. No money moved.",
}

type row struct {
	class   Class
	message string
}

// declines is the closed table of decline codes.
var declines = map[Code]row{
	InsufficientFunds: {ClassSoft, "The card was declined: the account's funds or its limit do not suffice."},
	DoNotHonor:        {ClassSoft, "The card was declined: the issuer refused and gave no further reason."},
	GenericDecline:    {ClassSoft, "The card was declined: the issuer's reason is not known."},
	TryAgainLater:     {ClassSoft, "The card was declined for now: the issuer could not decide and asks for a later try."},

	LostCard:              {ClassHard, "The card was declined: it was reported lost. Don't tell the customer that this is the reason."},
	StolenCard:            {ClassHard, "The card was declined: it was reported stolen. Don't tell the customer that this is the reason."},
	PickupCard:            {ClassHard, "The card was declined: the issuer wants it withdrawn. Don't tell the customer that this is the reason."},
	InvalidAccount:        {ClassHard, "The card was declined: the issuer knows no such card or account."},
	ClosedAccount:         {ClassHard, "The card was declined: its account is closed."},
	TransactionNotAllowed: {ClassHard, "The card was declined: the issuer does not allow this kind of payment on it."},

	AuthenticationRequired: {ClassAuthentication, "The card was declined: the issuer wants the customer to confirm the payment, so the customer must be present."},

	StopPayment:               {ClassRevoked, "The card was declined: the cardholder has told the issuer to stop this series of payments."},
	RevocationOfAuthorisation: {ClassRevoked, "The card was declined: the cardholder has withdrawn the authorisation of further payments."},
}
