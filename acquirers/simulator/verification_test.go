package simulator_test

import (
	"testing"

	"tender/acquirers"
)

// Nobody can tell apart what follows a payment from what follows a verification:
// both name their first.
func TestVerification(t *testing.T) {
	t.Parallel()
	b := setup(t)
	verify := func(number string) acquirers.Authorisation {
		a := b.authorisation(number)
		a.Amount, a.StoredCredential = 0, acquirers.StoredCredentialInitial
		return a
	}
	for number, codes := range map[string][2]string{
		"4242424242424242": {},
		"378282246310005":  {},
		"4000000000000341": {},
		"4000000000000432": {},
		"4000000000000473": {},
		"4000000000000481": {},
		"4000000000000440": {}, // there is no first capture
		"4000000000000457": {},
		"4000000000000424": {},
		"4000000000000465": {},
		"4000000000009995": {"card_declined", "insufficient_funds"},
		"4000000000009987": {"card_declined", "lost_card"},
		"4000000000000069": {"expired_card"},
		"4000000000000127": {"incorrect_cvc"},
		"4000000000000119": {"processing_error"},
		"4111111111111111": {"card_declined", "invalid_account"},
	} {
		for _, capture := range []bool{false, true} { // there is nothing to take
			a := verify(number)
			a.Capture = capture
			answer := b.authorise(a)
			want(t, number, answer.ErrorCode, codes[0])
			want(t, number, answer.DeclineCode, codes[1])
			if codes[0] != "" {
				want(t, number, answer.Status, acquirers.StatusDeclined)
				continue
			}
			want(t, number, answer.Status, acquirers.StatusApproved)
			want(t, number+" expires", answer.ExpiresAt.IsZero(), true)
			if answer.Reference == "" || answer.NetworkTransactionID == "" {
				t.Errorf("%s: no references in %+v", number, answer)
			}
			want(t, "capture", b.capture(answer.Reference, 1).Status, acquirers.StatusDeclined)
			want(t, "void", b.void(answer.Reference, 1).Status, acquirers.StatusDeclined)
			want(t, "refund", b.refund(answer.Reference, 1).Status, acquirers.StatusDeclined)

			next := b.absent("4242424242424242")
			next.NetworkTransactionID = answer.NetworkTransactionID
			want(t, "what follows", b.authorise(next).Status, acquirers.StatusApproved)
		}
	}
	lost := verify("4000000000000408")
	if answer, err := b.client.Authorise(t.Context(), lost); err == nil {
		t.Errorf("answered %+v", answer)
	}
	if settled := b.settle(lost.Key); settled.Status != acquirers.StatusApproved || settled.NetworkTransactionID == "" {
		t.Errorf("settled %+v", settled)
	}
	want(t, "capability", b.client.Capabilities().Verification, true)
	b.checkSums()
}

// A verification is challenged as a payment is; a network transaction id comes
// with the approval, in the notification and in the settlement alike.
func TestVerificationWithAChallenge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for decision, status := range map[string]acquirers.Status{"approve": acquirers.StatusApproved, "refuse": acquirers.StatusDeclined} {
		a := b.authorisation("4000000000003220")
		a.Amount, a.StoredCredential = 0, acquirers.StoredCredentialInitial
		answer := b.authorise(a)
		want(t, "status", answer.Status, acquirers.StatusActionRequired)
		decide(t, answer.RedirectURL, decision)
		n := b.received.next(t)
		want(t, decision, n.Answer.Status, status)
		want(t, decision, n.Answer.NetworkTransactionID != "", status == acquirers.StatusApproved)
		want(t, decision, b.settle(a.Key), n.Answer)
	}
	b.checkSums()
}
