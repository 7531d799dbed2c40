package simulator

import (
	"strings"

	"tender/acquirers"
)

// behaviour is how a test card or a test account behaves. The book keeps it in
// place of the number; the names are stored, so they never change.
type behaviour string

const (
	succeeds         behaviour = "succeeds"
	declines         behaviour = "declines"           // with the codes of the card
	challenges       behaviour = "challenges"         // a 3-D Secure challenge, where the customer is present
	needsCustomer    behaviour = "needs_customer"     // declines without the customer, with the codes of the card
	everyThird       behaviour = "every_third"        // without the customer two declines, then one success, and again
	answerLost       behaviour = "answer_lost"        // performed, and the connection is cut instead of an answer
	requestLost      behaviour = "request_lost"       // never arrives; the caller waits in vain
	requestDelayed   behaviour = "request_delayed"    // arrives after requestLate
	answerDelayed    behaviour = "answer_delayed"     // performed at once, answered after answerLate
	firstCaptureLost behaviour = "first_capture_lost" // the first capture is performed, its answer lost
	captureDeclined  behaviour = "capture_declined"   // every capture is declined
	refundDeclined   behaviour = "refund_declined"    // every refund is declined
	refundLost       behaviour = "refund_lost"        // refunds are performed, their answers lost
	refundFailsLate  behaviour = "refund_fails_late"  // refunds succeed, and fail after refundFailsAfter
	notATestCard     behaviour = "not_a_test_card"

	// Of accounts alone; all but the first two follow the customer's decision.
	approvesItself  behaviour = "approves_itself"    // after decidesAfter, unless the customer is quicker
	refusesItself   behaviour = "refuses_itself"     // likewise
	bankRefuses     behaviour = "bank_refuses"       // the bank declines what the customer has approved
	silent          behaviour = "silent"             // nobody is ever told
	toldLate        behaviour = "told_late"          // we are told after toldAfter
	toldTwice       behaviour = "told_twice"         // and in between once more what was before
	paysAfterTheEnd behaviour = "pays_after_the_end" // once the key is closed, after paysAfter
)

// character is what the simulator knows of a card's number or of an account.
type character struct {
	behaviour   behaviour
	errorCode   string // with declines, needsCustomer, everyThird, captureDeclined
	declineCode string
}

// Error codes of the API that the simulator uses.
const (
	cardDeclined         = "card_declined"
	authenticationFailed = "authentication_failed"
	processingError      = "processing_error"
	expiredCard          = "expired_card"
	incorrectCVC         = "incorrect_cvc"
	methodUnavailable    = "payment_method_unavailable"
	customerCancelled    = "customer_cancelled"
)

// insufficientFunds is the one decline code that the simulator itself chooses.
const insufficientFunds = "insufficient_funds"

// testCards are the documented numbers; any other is no account of this bank.
var testCards = map[string]character{
	"4242424242424242": {behaviour: succeeds},
	"5555555555554444": {behaviour: succeeds},
	"5273460000073333": {behaviour: succeeds},
	"378282246310005":  {behaviour: succeeds},
	"4000000000000002": {declines, cardDeclined, "generic_decline"},
	"4000000000009995": {declines, cardDeclined, insufficientFunds},
	"4000000000009987": {declines, cardDeclined, "lost_card"},
	"4000000000009979": {declines, cardDeclined, "stolen_card"},
	"4000000000000069": {declines, expiredCard, ""},
	"4000000000000127": {declines, incorrectCVC, ""},
	"4000000000000119": {declines, processingError, ""},
	"4000000000003220": {behaviour: challenges},
	"4000000000000341": {needsCustomer, cardDeclined, "do_not_honor"},
	"4000000000000432": {everyThird, cardDeclined, insufficientFunds},
	"4000000000000473": {needsCustomer, cardDeclined, "authentication_required"},
	"4000000000000481": {needsCustomer, cardDeclined, "revocation_of_authorisation"},
	"4000000000000408": {behaviour: answerLost},
	"4000000000000416": {behaviour: requestLost},
	"4000000000000465": {behaviour: requestDelayed},
	"4000000000000424": {behaviour: answerDelayed},
	"4000000000000440": {behaviour: firstCaptureLost},
	"4000000000000457": {captureDeclined, cardDeclined, "generic_decline"},
	"4000000000000507": {behaviour: refundDeclined},
	"4000000000000515": {behaviour: refundLost},
	"4000000000000523": {behaviour: refundFailsLate},
}

// lookUp returns what the number stands for.
func lookUp(number string) character {
	if c, ok := testCards[number]; ok {
		return c
	}
	return character{notATestCard, cardDeclined, "invalid_account"}
}

// trace is what the book may keep of a card or an account.
type trace struct {
	Scheme  string
	BIN     string // six digits, or "" where the number is no number
	Last4   string // of the card's or the telephone's number
	Account string // the kind of account; "" of a card
	Bank    string
}

// traceOf reduces what pays to what may be kept.
func traceOf(a acquirers.Authorisation) trace {
	if a.Account != nil {
		return accountTrace(*a.Account)
	}
	return cardTrace(a.Card.Number)
}

// cardTrace reduces a card. Of a number that is too short to be a card's nothing is
// kept: six digits and four would be too much of it.
func cardTrace(number string) trace {
	const shortest, longest = 13, 19
	if len(number) < shortest || len(number) > longest || strings.Trim(number, "0123456789") != "" {
		return trace{}
	}
	return trace{Scheme: schemeOf(number), BIN: number[:6], Last4: number[len(number)-4:]}
}

// schemeOf names the scheme that a number belongs to by its first digits; ""
// where it is none of those that the simulator plays.
func schemeOf(number string) string {
	switch {
	case strings.HasPrefix(number, "4"):
		return "VISA"
	case strings.HasPrefix(number, "34"), strings.HasPrefix(number, "37"):
		return "AMEX"
	case number[:2] >= "51" && number[:2] <= "55", number[:4] >= "2221" && number[:4] <= "2720":
		return "MASTERCARD"
	}
	return ""
}

// cvcFits reports whether the CVC has the length that the scheme prints.
func cvcFits(scheme string, c acquirers.Card) bool {
	want := 3
	if scheme == "AMEX" {
		want = 4
	}
	return len(c.CVC) == want && strings.Trim(c.CVC, "0123456789") == ""
}
