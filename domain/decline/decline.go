// Package decline is the closed vocabulary of payments that did not work out: the
// error codes and decline codes that the API shows as last_payment_error, what each
// means for a later try, and a sentence about each for merchants.
//
// It knows no acquirer's codes (an adapter translates them into these) and no texts
// for customers, who are told what to do and never the decline code.
package decline

// ErrorCode says at which step an attempt failed. Its JSON is the string itself.
type ErrorCode string

// All error codes there are.
const (
	CardDeclined             ErrorCode = "card_declined" // the only one that has a decline code
	AuthenticationFailed     ErrorCode = "authentication_failed"
	ProcessingError          ErrorCode = "processing_error"
	ExpiredCard              ErrorCode = "expired_card"
	IncorrectCVC             ErrorCode = "incorrect_cvc"
	PaymentMethodUnavailable ErrorCode = "payment_method_unavailable"
	CustomerCancelled        ErrorCode = "customer_cancelled"
	TimedOut                 ErrorCode = "timed_out"
)

// Code is the reason for declining of the card's issuer, or of whoever keeps the
// account. Its JSON is the string itself.
type Code string

// All decline codes there are, by class.
const (
	InsufficientFunds Code = "insufficient_funds"
	DoNotHonor        Code = "do_not_honor"
	GenericDecline    Code = "generic_decline" // also stands for every reason without a code of its own
	TryAgainLater     Code = "try_again_later"

	LostCard              Code = "lost_card"
	StolenCard            Code = "stolen_card"
	PickupCard            Code = "pickup_card"
	InvalidAccount        Code = "invalid_account"
	ClosedAccount         Code = "closed_account"
	TransactionNotAllowed Code = "transaction_not_allowed"

	AuthenticationRequired Code = "authentication_required"

	StopPayment               Code = "stop_payment"
	RevocationOfAuthorisation Code = "revocation_of_authorisation"
)

// Class says what a decline means for later tries without the customer.
type Class string

const (
	// ClassSoft may go through another time.
	ClassSoft Class = "soft"
	// ClassHard will not: nothing more is sent for the method until it is verified
	// again or replaced.
	ClassHard Class = "hard"
	// ClassAuthentication needs the customer; without them it is as final as hard.
	ClassAuthentication Class = "authentication"
	// ClassRevoked is the customer's no to any further payment: the mandate ends.
	ClassRevoked Class = "revoked"
)

// Class returns the class of a decline code. A code outside the table is treated as
// GenericDecline, so is soft; the empty code, no decline at all, has no class ("").
func (c Code) Class() Class {
	if c == "" {
		return ""
	}
	return declines[c.known()].class
}

// known returns the code itself, or GenericDecline for one outside the table.
func (c Code) known() Code {
	if _, ok := declines[c]; ok {
		return c
	}
	return GenericDecline
}

// Failure is why an attempt failed, as events keep it: facts, of which the sentence
// is made whenever it is shown. Build one with New: then its parts fit together.
type Failure struct {
	ErrorCode   ErrorCode `json:"error_code"`
	DeclineCode Code      `json:"decline_code,omitempty"` // exactly with CardDeclined
	// Account says that what was to pay is an account, and no card. The codes are
	// named after cards and mean the same for both; the words differ.
	Account bool `json:"account,omitempty"`
}

// New returns the failure of a card. It accepts anything, since what an acquirer says
// must never stop an outcome from being recorded: an error code outside the table
// becomes ProcessingError; a declined card with no decline code, or with one outside
// the table, gets GenericDecline; with every other error code the decline code is
// dropped.
func New(e ErrorCode, d Code) Failure {
	if e == CardDeclined {
		return Failure{ErrorCode: e, DeclineCode: d.known()}
	}
	if _, known := errorMessages[e]; !known {
		e = ProcessingError
	}
	return Failure{ErrorCode: e}
}

// Message is a sentence about the failure of a payment, for merchants and developers
// and not for customers.
func (f Failure) Message() string {
	switch {
	case f.ErrorCode != CardDeclined:
		return f.of(errorMessages[f.ErrorCode])
	case f.Account:
		return f.After("The payment was declined")
	}
	return f.After("The card was declined")
}

// After goes on from what was declined, "The acquirer declined the refund", with why,
// and ends the sentence.
func (f Failure) After(what string) string {
	if f.ErrorCode != CardDeclined {
		return what + ". " + f.Message()
	}
	return what + ": " + f.of(declines[f.DeclineCode.known()].reason)
}

func (f Failure) of(w words) string {
	if f.Account {
		return w.account
	}
	return w.card
}
