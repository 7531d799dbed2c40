package decline

// The sentences below stand in webhooks, which are made from the log whenever they are
// sent and are the same bytes each time: one that may have been sent is not changed.

// words say one thing of a card and of an account. An account is kept by a bank or
// by the operator of a wallet: its provider.
type words struct{ card, account string }

func both(sentence string) words { return words{sentence, sentence} }

// errorMessages has every error code but CardDeclined, whose message is made of the
// reason of its decline code.
var errorMessages = map[ErrorCode]words{
	AuthenticationFailed: {
		"The customer's bank did not confirm that the customer is the cardholder.",
		"The account's provider did not confirm that the customer is the account holder.",
	},
	ProcessingError:          both("The payment could not be processed because of a fault at the acquirer or on the way to it. It may be tried again."),
	ExpiredCard:              both("The card has expired. The customer needs another card or the renewed one's expiry date."),
	IncorrectCVC:             both("The card's security code is wrong."),
	PaymentMethodUnavailable: both("The payment method is not available at the moment. Another method, or the same one later, may work."),
	CustomerCancelled:        both("The customer cancelled the payment."),
	TimedOut:                 both("The customer did not finish the payment in time. No money moved."),
}

// row is what there is to know of a decline code. The reason goes on after a colon.
type row struct {
	class  Class
	reason words
}

// declines is the closed table of decline codes.
var declines = map[Code]row{
	InsufficientFunds: {ClassSoft, both("the account's funds or its limit do not suffice.")},
	DoNotHonor: {ClassSoft, words{
		"the issuer refused and gave no further reason.",
		"the account's provider refused and gave no further reason.",
	}},
	GenericDecline: {ClassSoft, words{
		"the issuer's reason is not known.",
		"the reason of the account's provider is not known.",
	}},
	TryAgainLater: {ClassSoft, words{
		"the issuer could not decide and asks for a later try.",
		"the account's provider could not decide and asks for a later try.",
	}},

	LostCard: {ClassHard, words{
		"the card was reported lost. Don't tell the customer that this is the reason.",
		"what gives access to the account was reported lost. Don't tell the customer that this is the reason.",
	}},
	StolenCard: {ClassHard, words{
		"the card was reported stolen. Don't tell the customer that this is the reason.",
		"what gives access to the account was reported stolen. Don't tell the customer that this is the reason.",
	}},
	PickupCard: {ClassHard, words{
		"the issuer wants the card withdrawn. Don't tell the customer that this is the reason.",
		"the account is blocked by its provider. Don't tell the customer that this is the reason.",
	}},
	InvalidAccount: {ClassHard, words{
		"the issuer knows no such card or account.",
		"the provider knows no such account.",
	}},
	ClosedAccount: {ClassHard, words{
		"the card's account is closed.",
		"the account is closed.",
	}},
	TransactionNotAllowed: {ClassHard, words{
		"the issuer does not allow this kind of payment on the card.",
		"the account's provider does not allow this kind of payment.",
	}},

	AuthenticationRequired: {ClassAuthentication, words{
		"the issuer wants the customer to confirm the payment, so the customer must be present.",
		"the account's provider wants the customer to confirm the payment, so the customer must be present.",
	}},

	StopPayment: {ClassRevoked, words{
		"the cardholder has told the issuer to stop this series of payments.",
		"the account holder has told the provider to stop this series of payments.",
	}},
	RevocationOfAuthorisation: {ClassRevoked, words{
		"the cardholder has withdrawn the authorisation of further payments.",
		"the account holder has withdrawn the authorisation of further payments.",
	}},
}
