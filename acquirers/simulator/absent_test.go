package simulator_test

import (
	"errors"
	"slices"
	"testing"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

// absent asks for a sale of ZAR 100.00 without the customer, by a card that some
// first payment stored.
func (b *bundle) absent(number string) acquirers.Authorisation {
	a := b.authorisation(number)
	a.Initiator, a.StoredCredential = acquirers.InitiatorMerchant, acquirers.StoredCredentialSubsequent
	a.Reason, a.Authentication = acquirers.ReasonRecurring, acquirers.AuthenticationNone
	a.Card.CVC, a.NetworkTransactionID, a.Capture, a.ReturnURL = "", "808080808080808", true, ""
	return a
}

// stored pays by a card, the customer present, and returns the payment's network
// transaction id.
func (b *bundle) stored(number string, amount int64) string {
	b.t.Helper()
	a := b.authorisation(number)
	a.StoredCredential, a.Amount, a.Capture = acquirers.StoredCredentialInitial, amount, true
	answer := b.authorise(a)
	want(b.t, "status", answer.Status, acquirers.StatusApproved)
	return answer.NetworkTransactionID
}

func TestCardsWithoutTheCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for number, codes := range map[string][2]string{
		"4242424242424242": {},
		"5555555555554444": {},
		"378282246310005":  {},
		"4000000000003220": {}, // nobody is there to be challenged
		"4000000000000341": {"card_declined", "do_not_honor"},
		"4000000000000473": {"card_declined", "authentication_required"},
		"4000000000000481": {"card_declined", "revocation_of_authorisation"},
		"4000000000000002": {"card_declined", "generic_decline"},
		"4000000000009995": {"card_declined", "insufficient_funds"},
		"4000000000009987": {"card_declined", "lost_card"},
		"4000000000009979": {"card_declined", "stolen_card"},
		"4000000000000069": {"expired_card"},
		"4000000000000127": {"incorrect_cvc"},
		"4000000000000119": {"processing_error"},
		"4111111111111111": {"card_declined", "invalid_account"},
	} {
		answer := b.authorise(b.absent(number))
		want(t, number, answer.ErrorCode, codes[0])
		want(t, number, answer.DeclineCode, codes[1])
		want(t, number, answer.Status == acquirers.StatusApproved, codes[0] == "")
		want(t, number, answer.ThreeDSecure, acquirers.ThreeDSecureNotTried)
		want(t, number, answer.RedirectURL, "")
	}
	b.checkSums()
}

// The faults on the wire don't ask who is present.
func TestFaultsWithoutTheCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for number, performed := range map[string]bool{"4000000000000408": true, "4000000000000416": false, "4000000000000440": true} {
		a := b.absent(number)
		if answer, err := b.client.Authorise(t.Context(), a); err == nil {
			t.Errorf("%s: answered %+v", number, answer)
		}
		want(t, number, b.settle(a.Key).Status == acquirers.StatusApproved, performed)
	}
	for _, number := range []string{"4000000000000465", "4000000000000424"} {
		want(t, number, b.authorise(b.absent(number)).Status, acquirers.StatusApproved)
	}
	want(t, "sale", b.authorise(b.absent("4000000000000457")).Status, acquirers.StatusDeclined)
	manual := b.absent("4000000000000457")
	manual.Capture = false
	answer := b.authorise(manual)
	want(t, "authorisation", answer.Status, acquirers.StatusApproved)
	want(t, "capture", b.capture(answer.Reference, 1).Status, acquirers.StatusDeclined)
	b.checkSums()
}

// Turns are counted for each first payment, whatever is asked in between, and by
// the book: a process that is started again counts on.
func TestTurns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const card = "4000000000000432"
	first, second := b.stored(card, 10_000), b.stored(card, 0)
	if first == second || first == "" {
		t.Fatalf("two first payments are called %q and %q", first, second)
	}
	charge := func(series string) string {
		a := b.absent(card)
		a.NetworkTransactionID = series
		answer := b.authorise(a)
		want(t, "repeated answer", b.authorise(a), answer) // takes no turn
		return answer.DeclineCode
	}
	var codes []string
	for i := range 7 {
		codes = append(codes, charge(first))
		switch i {
		case 1:
			want(t, "first turn of another series", charge(second), "insufficient_funds")
		case 3:
			b.server.Close()
			b.start(t)
		case 4:
			expired := b.absent(card)
			expired.NetworkTransactionID, expired.Card.ExpYear = first, 2020
			want(t, "expired", b.authorise(expired).ErrorCode, "expired_card") // takes no turn
			b.stored(card, 10_000)                                             // nor does the customer
		}
	}
	const no = "insufficient_funds"
	if turns := []string{no, no, "", no, no, "", no}; !slices.Equal(codes, turns) {
		t.Errorf("turns %q, want %q", codes, turns)
	}
	b.checkSums()
}

// Turns that are taken at the same time are each taken once.
func TestTurnsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const callers = 12
	answers := together(t, callers, func(int) (acquirers.Answer, error) {
		return b.client.Authorise(t.Context(), b.absent("4000000000000432"))
	})
	approved := 0
	for _, answer := range answers {
		if answer.Status == acquirers.StatusApproved {
			approved++
		}
	}
	want(t, "approved", approved, callers/3)
	b.checkSums()
}

// What a customer who is absent can't have given is not taken, and what must be
// known of the first payment not left out.
func TestAbsentCustomerIsHeldTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, change := range map[string]func(*acquirers.Authorisation){
		"a CVC":                     func(a *acquirers.Authorisation) { a.Card.CVC = "737" },
		"a challenge":               func(a *acquirers.Authorisation) { a.Authentication = acquirers.AuthenticationChallenge },
		"a challenge if need be":    func(a *acquirers.Authorisation) { a.Authentication = acquirers.AuthenticationIfRequired },
		"no first payment":          func(a *acquirers.Authorisation) { a.NetworkTransactionID = "" },
		"no reason":                 func(a *acquirers.Authorisation) { a.Reason = acquirers.ReasonNone },
		"a card that is not stored": func(a *acquirers.Authorisation) { a.StoredCredential = acquirers.StoredCredentialNone },
		"a card that it is to store": func(a *acquirers.Authorisation) {
			a.StoredCredential = acquirers.StoredCredentialInitial
		},
	} {
		a := b.absent("4242424242424242")
		change(&a)
		if answer, err := b.client.Authorise(t.Context(), a); !errors.Is(err, simulator.ErrRefused) {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
	}
	want(t, "operations in the book", len(b.entries()), 0)
	for _, reason := range []acquirers.Reason{acquirers.ReasonRecurring, acquirers.ReasonInstalment, acquirers.ReasonUnscheduled} {
		a := b.absent("4242424242424242")
		a.Reason = reason
		want(t, string(reason), b.authorise(a).Status, acquirers.StatusApproved)
	}
}

// A saved card with the customer present has its CVC, or says that it is stored.
func TestSavedCardWithTheCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.stored("4000000000000341", 10_000)
	for name, c := range map[string]struct {
		cvc        string
		credential acquirers.StoredCredential
		errorCode  string
	}{
		"with its CVC":           {"737", acquirers.StoredCredentialSubsequent, ""},
		"stored, without it":     {"", acquirers.StoredCredentialSubsequent, ""},
		"not stored, without it": {"", acquirers.StoredCredentialNone, "incorrect_cvc"},
	} {
		a := b.authorisation("4000000000000341")
		a.Card.CVC, a.StoredCredential, a.NetworkTransactionID = c.cvc, c.credential, first
		answer := b.authorise(a)
		want(t, name, answer.ErrorCode, c.errorCode)
		want(t, name, answer.NetworkTransactionID != "", c.errorCode == "")
	}
}
