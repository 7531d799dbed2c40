package simulator_test

import (
	"context"
	"testing"
	"time"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

func TestCardsWithTheCustomer(t *testing.T) {
	t.Parallel()
	cases := []struct {
		number, errorCode, declineCode string
	}{
		{"4242424242424242", "", ""},
		{"5555555555554444", "", ""},
		{"5273460000073333", "", ""},
		{"378282246310005", "", ""},
		{"4000000000000002", "card_declined", "generic_decline"},
		{"4000000000009995", "card_declined", "insufficient_funds"},
		{"4000000000009987", "card_declined", "lost_card"},
		{"4000000000009979", "card_declined", "stolen_card"},
		{"4000000000000069", "expired_card", ""},
		{"4000000000000127", "incorrect_cvc", ""},
		{"4000000000000119", "processing_error", ""},
		{"4000000000000341", "", ""},
		{"4000000000000432", "", ""},
		{"4000000000000473", "", ""},
		{"4000000000000481", "", ""},
		{"4000000000000440", "", ""},
		{"4000000000000457", "", ""},
		{"4000000000000507", "", ""},
		{"4000000000000515", "", ""},
		{"4000000000000523", "", ""},
		{"4000000000000424", "", ""},
		{"4000000000000465", "", ""},
		{"4111111111111111", "card_declined", "invalid_account"},
		{"6011111111111117", "card_declined", "invalid_account"},
		{"4242", "card_declined", "invalid_account"},
		{"not a number at all", "card_declined", "invalid_account"},
	}
	b := setup(t)
	for _, c := range cases {
		t.Run(c.number, func(t *testing.T) {
			t.Parallel()
			a := b.authorisation(c.number)
			before := time.Now().Truncate(time.Millisecond)
			answer, err := b.client.Authorise(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "key", answer.Key, a.Key)
			want(t, "error code", answer.ErrorCode, c.errorCode)
			want(t, "decline code", answer.DeclineCode, c.declineCode)
			if answer.EffectiveAt.Before(before) || answer.EffectiveAt.After(time.Now()) {
				t.Errorf("dated %v", answer.EffectiveAt)
			}
			if c.errorCode != "" {
				want(t, "status", answer.Status, acquirers.StatusDeclined)
				want(t, "reference", answer.Reference, "")
				return
			}
			want(t, "status", answer.Status, acquirers.StatusApproved)
			want(t, "expiry", answer.ExpiresAt, answer.EffectiveAt.Add(7*24*time.Hour))
			if answer.Reference == "" || answer.NetworkTransactionID == "" {
				t.Errorf("no references in %+v", answer)
			}
		})
	}
}

func TestCardIsCheckedFirst(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	cases := map[string]struct {
		change    func(*acquirers.Authorisation)
		errorCode string
	}{
		"good to the end of its month": {func(a *acquirers.Authorisation) {
			a.Card.ExpYear, a.Card.ExpMonth = now.Year(), int(now.Month())
		}, ""},
		"expired last month": {func(a *acquirers.Authorisation) {
			last := time.Date(now.Year(), now.Month(), 0, 0, 0, 0, 0, time.UTC)
			a.Card.ExpYear, a.Card.ExpMonth = last.Year(), int(last.Month())
		}, "expired_card"},
		"no month":              {func(a *acquirers.Authorisation) { a.Card.ExpMonth = 13 }, "expired_card"},
		"CVC too long":          {func(a *acquirers.Authorisation) { a.Card.CVC = "1234" }, "incorrect_cvc"},
		"CVC no digits":         {func(a *acquirers.Authorisation) { a.Card.CVC = "12a" }, "incorrect_cvc"},
		"CVC missing":           {func(a *acquirers.Authorisation) { a.Card.CVC = "" }, "incorrect_cvc"},
		"CVC of three for AMEX": {func(a *acquirers.Authorisation) { a.Card.Number = "378282246310005" }, "incorrect_cvc"},
		"stored card without CVC": {func(a *acquirers.Authorisation) {
			a.Card.CVC, a.StoredCredential = "", acquirers.StoredCredentialSubsequent
		}, ""},
		"stored card with a wrong CVC": {func(a *acquirers.Authorisation) {
			a.Card.CVC, a.StoredCredential = "1", acquirers.StoredCredentialSubsequent
		}, "incorrect_cvc"},
		"stored by this payment, no CVC": {func(a *acquirers.Authorisation) {
			a.Card.CVC, a.StoredCredential = "", acquirers.StoredCredentialInitial
		}, "incorrect_cvc"},
	}
	b := setup(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.authorisation("4242424242424242")
			c.change(&a)
			answer, err := b.client.Authorise(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			want(t, "error code", answer.ErrorCode, c.errorCode)
		})
	}
}

func TestAuthenticationWithoutAChallenge(t *testing.T) {
	t.Parallel()
	b := setup(t)

	asked := b.authorisation("4242424242424242")
	asked.Authentication = acquirers.AuthenticationChallenge
	want(t, "asked for", b.authorise(asked).ThreeDSecure, acquirers.ThreeDSecureAuthenticated)
	want(t, "not asked for", b.approved("4242424242424242").ThreeDSecure, acquirers.ThreeDSecureNotTried)
}

func TestAnswerLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.authorisation("4000000000000408")

	if answer, err := b.client.Authorise(t.Context(), a); err == nil {
		t.Fatalf("answered %+v", answer)
	}
	settled := b.settle(a.Key)
	want(t, "status", settled.Status, acquirers.StatusApproved)
	want(t, "answer to a repetition", b.authorise(a), settled)
	want(t, "capture", b.capture(settled.Reference, a.Amount).Status, acquirers.StatusApproved)
	b.checkSums()
}

func TestRequestLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.authorisation("4000000000000416")

	if answer, err := b.client.Authorise(t.Context(), a); err == nil {
		t.Fatalf("answered %+v", answer)
	}
	want(t, "operations in the book", len(b.entries()), 0)
	want(t, "status", b.settle(a.Key).Status, acquirers.StatusClosed)
	want(t, "status when settled again", b.settle(a.Key).Status, acquirers.StatusClosed)
	want(t, "kind", b.entries()[a.Key].Kind, "unknown")
}

func TestRequestLostKeepsTheCallerWaiting(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.Delay = g.delay })
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := b.client.Authorise(ctx, b.authorisation("4000000000000416"))
		ended <- err
	}()
	want(t, "wait", <-g.begun, time.Minute)
	want(t, "calls that ended by themselves", len(ended), 0)
	leave()
	if err := <-ended; err == nil {
		t.Error("an answer came")
	}
}

// gate is a delay that lasts until it is opened, and says when it has begun.
type gate struct {
	begun  chan time.Duration
	opened chan struct{}
}

func newGate() gate { return gate{begun: make(chan time.Duration, 100), opened: make(chan struct{})} }

func (g gate) delay(ctx context.Context, d time.Duration) error {
	g.begun <- d
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-g.opened:
		return nil
	}
}

func TestRequestArrivesLate(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.Delay = g.delay })
	closed, left := b.authorisation("4000000000000465"), b.authorisation("4000000000000465")
	closedAnswer := make(chan acquirers.Answer, 1)
	go func() {
		answer, err := b.client.Authorise(t.Context(), closed)
		if err != nil {
			t.Errorf("authorise: %v", err)
		}
		closedAnswer <- answer
	}()
	want(t, "delay", <-g.begun, 30*time.Second)

	// One caller leaves: the request is under way all the same.
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := b.client.Authorise(ctx, left)
		gone <- err
	}()
	<-g.begun
	leave()
	if err := <-gone; err == nil {
		t.Error("a caller who has left got an answer")
	}

	want(t, "operations before it arrives", len(b.entries()), 0)
	want(t, "status when settled", b.settle(closed.Key).Status, acquirers.StatusClosed)
	close(g.opened)
	want(t, "answer to the late request", (<-closedAnswer).Status, acquirers.StatusClosed)
	eventually(t, "the request whose caller has left is performed", func() bool {
		return b.entries()[left.Key].Status == acquirers.StatusApproved
	})
	want(t, "status of the closed key", b.entries()[closed.Key].Status, acquirers.StatusClosed)
	b.checkSums()
}

func TestAnswerLate(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.Delay = g.delay })
	a := b.authorisation("4000000000000424")
	answers := make(chan acquirers.Answer, 1)
	go func() {
		answer, err := b.client.Authorise(t.Context(), a)
		if err != nil {
			t.Errorf("authorise: %v", err)
		}
		answers <- answer
	}()
	want(t, "delay", <-g.begun, 8*time.Second)
	settled := b.settle(a.Key)
	want(t, "status before the answer", settled.Status, acquirers.StatusApproved)
	close(g.opened)
	want(t, "late answer", <-answers, settled)
}

func TestFirstCaptureLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	authorised := b.approved("4000000000000440")
	first := acquirers.Capture{Key: b.key(), Reference: authorised.Reference, Amount: 4_000, Currency: "ZAR"}

	if answer, err := b.client.Capture(t.Context(), first); err == nil {
		t.Fatalf("answered %+v", answer)
	}
	want(t, "first capture", b.settle(first.Key).Status, acquirers.StatusApproved)
	want(t, "second capture", b.capture(authorised.Reference, 3_000).Status, acquirers.StatusApproved)
	want(t, "void", b.void(authorised.Reference, 3_000).Status, acquirers.StatusApproved)

	sale := b.authorisation("4000000000000440")
	sale.Capture = true
	if answer, err := b.client.Authorise(t.Context(), sale); err == nil {
		t.Fatalf("a sale's answer came: %+v", answer)
	}
	want(t, "sale", b.settle(sale.Key).Status, acquirers.StatusApproved)
	b.checkSums()
}

func TestEveryCaptureDeclined(t *testing.T) {
	t.Parallel()
	b := setup(t)
	authorised := b.approved("4000000000000457")

	for range 2 {
		answer := b.capture(authorised.Reference, 1)
		want(t, "status", answer.Status, acquirers.StatusDeclined)
		want(t, "error code", answer.ErrorCode, "card_declined")
		want(t, "decline code", answer.DeclineCode, "generic_decline")
	}
	want(t, "void", b.void(authorised.Reference, 10_000).Status, acquirers.StatusApproved)

	sale := b.authorisation("4000000000000457")
	sale.Capture = true
	want(t, "sale", b.authorise(sale).Status, acquirers.StatusDeclined)
	b.checkSums()
}
