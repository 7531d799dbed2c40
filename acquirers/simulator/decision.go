package simulator

import (
	"time"

	"tender/acquirers"
)

// decision is what a customer has said to a payment. The names are stored.
type decision string

const (
	undecided decision = ""
	approved  decision = "approved"
	refused   decision = "refused"
)

// decisions are what the buttons of the customer's page send.
var decisions = map[string]decision{"approve": approved, "refuse": refused}

// The paths of the customer's pages. Which one an operation has follows from what
// pays; the token behind it is the proof that its form may be sent.
const (
	pathChallenge = "/acs/"
	pathBank      = "/bank/"
	pathPhone     = "/phone/"
)

// flow is how the customer pays; "" of a card.
func (o *operation) flow() flow { return kindOf(o.Account).flow }

// address is that of the customer's page; "" where there is none.
func (o *operation) address(public string) string {
	if o.ChallengeToken == "" {
		return ""
	}
	switch o.flow() {
	case flowRedirect:
		return public + pathBank + o.ChallengeToken
	case flowPush:
		return public + pathPhone + o.ChallengeToken
	}
	return public + pathChallenge + o.ChallengeToken
}

// asks reports whether the customer has still to decide.
func (o *operation) asks() bool {
	waits := o.Status == acquirers.StatusActionRequired || o.Status == acquirers.StatusPending
	return waits && o.Decision == undecided
}

// decide is what the customer's decision makes of the operation: its end, unless
// their bank keeps it to itself.
func (o *operation) decide(d decision, now time.Time) {
	o.Decision, o.EffectiveAt = d, now
	if o.Behaviour == silent || o.Behaviour == toldLate || o.Behaviour == paysAfterTheEnd && d == approved {
		o.Status = acquirers.StatusPending
		return
	}
	o.conclude(now)
}

// conclude ends an operation that the customer has decided on.
func (o *operation) conclude(now time.Time) {
	switch {
	case o.Account == "" && o.Decision == approved:
		o.ThreeDSecure = acquirers.ThreeDSecureAuthenticated
		o.open(now)
	case o.Account == "":
		o.ThreeDSecure = acquirers.ThreeDSecureFailed
		o.decline(decline(authenticationFailed, "", "The customer refused the payment on the bank's page."))
	case o.Decision == refused:
		o.decline(decline(customerCancelled, "", "The customer refused the payment."))
	case o.Behaviour == bankRefuses:
		o.decline(bankRefusal)
	default:
		o.open(now)
	}
}
