package simulator_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

// eft asks for ZAR 100.00 from an account at a bank.
func (b *bundle) eft(bank string) acquirers.Authorisation {
	return b.from(acquirers.Account{Kind: "instant_eft", Bank: bank})
}

// push asks for ZAR 100.00 from the account of a telephone whose number ends so.
func (b *bundle) push(kind, lastFour string) acquirers.Authorisation {
	return b.from(acquirers.Account{Kind: kind, Phone: "+2782123" + lastFour})
}

func (b *bundle) from(account acquirers.Account) acquirers.Authorisation {
	return acquirers.Authorisation{
		Key: b.key(), Amount: 10_000, Currency: "ZAR", Country: "ZA", Capture: true,
		Initiator: acquirers.InitiatorCustomer, StoredCredential: acquirers.StoredCredentialNone,
		Authentication: acquirers.AuthenticationIfRequired, Account: &account, Payee: "Karoo Tea",
		ReturnURL: "https://shop.example/back?session=1",
	}
}

// asked demands that the customer has to decide: on a page of theirs at a path.
func (b *bundle) asked(a acquirers.Authorisation, status acquirers.Status, path string) acquirers.Answer {
	b.t.Helper()
	answer := b.authorise(a)
	want(b.t, "status", answer.Status, status)
	want(b.t, "reference", answer.Reference, "")
	if !strings.HasPrefix(answer.RedirectURL, b.url+path) {
		b.t.Fatalf("the customer's page is %q", answer.RedirectURL)
	}
	want(b.t, "repeated answer", b.authorise(a), answer)
	return answer
}

// askedAtBank sends the customer to their bank.
func (b *bundle) askedAtBank(bank string) (acquirers.Authorisation, string) {
	b.t.Helper()
	a := b.eft(bank)
	return a, b.asked(a, acquirers.StatusActionRequired, "/bank/").RedirectURL
}

// askedOnPhone asks the customer on their telephone.
func (b *bundle) askedOnPhone(lastFour string) (acquirers.Authorisation, string) {
	b.t.Helper()
	a := b.push("capitec_pay", lastFour)
	return a, b.asked(a, acquirers.StatusPending, "/phone/").RedirectURL
}

func TestCustomerPaysAtTheirBank(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, address := b.askedAtBank("fnb")
	res, page := visit(t, address)
	want(t, "status", res.StatusCode, http.StatusOK)
	contains(t, page, "FNB", "Instant EFT", "Approve this payment?", "ZAR 100.00", "Karoo Tea", `type="radio"`,
		`method="post"`, `value="approve"`, `value="refuse"`, "has no part in it")

	res, _ = decide(t, address, "approve")
	want(t, "status", res.StatusCode, http.StatusSeeOther)
	want(t, "way back", res.Header.Get("Location"), a.ReturnURL)
	told := b.received.next(t).Answer
	want(t, "status", told.Status, acquirers.StatusApproved)
	want(t, "expiry", told.ExpiresAt, time.Time{})
	want(t, "3-D Secure", told.ThreeDSecure, acquirers.ThreeDSecureNotTried)
	if told.Reference == "" {
		t.Errorf("no reference in %+v", told)
	}
	want(t, "a card scheme's id", told.NetworkTransactionID, "")
	want(t, "settled", b.settle(a.Key), told)
	want(t, "repeated", b.authorise(a), told)
	want(t, "captured", b.entries()[a.Key].Captured, a.Amount)

	_, page = visit(t, address)
	contains(t, page, "You approved this payment", `href="https://shop.example/back?session=1"`)
	decide(t, address, "refuse")
	want(t, "settled", b.settle(a.Key), told)
	want(t, "notifications", len(b.received.messages()), 1)
	b.checkSums()
}

func TestCustomerPaysOnTheirPhone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, kind := range []string{"capitec_pay", "mtn_momo"} {
		a := b.push(kind, "4567")
		address := b.asked(a, acquirers.StatusPending, "/phone/").RedirectURL
		res, page := visit(t, address)
		want(t, "status", res.StatusCode, http.StatusOK)
		contains(t, page, "Approve this payment?", "ZAR 100.00", "Karoo Tea", "•••• 4567", `value="approve"`, `value="refuse"`)
		want(t, "refresh", res.Header.Get("Refresh"), "")

		// The telephone stays where it is: the shop's page moves on by itself.
		res, _ = decide(t, address, "approve")
		want(t, "status", res.StatusCode, http.StatusSeeOther)
		want(t, "leads to", res.Header.Get("Location"), address)
		told := b.received.next(t).Answer
		want(t, "key", told.Key, a.Key)
		want(t, "status", told.Status, acquirers.StatusApproved)
		want(t, "a card scheme's id", told.NetworkTransactionID, "")
		want(t, "settled", b.settle(a.Key), told)
		want(t, "captured", b.entries()[a.Key].Captured, a.Amount)
		_, page = visit(t, address)
		contains(t, page, "You approved this payment")
	}
	b.checkSums()
}

func TestCustomerRefusesToPay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	atBank, bankPage := b.askedAtBank("capitec")
	onPhone, phonePage := b.askedOnPhone("4567")
	for key, address := range map[string]string{atBank.Key: bankPage, onPhone.Key: phonePage} {
		decide(t, address, "refuse")
		told := b.received.next(t).Answer
		want(t, "key", told.Key, key)
		want(t, "status", told.Status, acquirers.StatusDeclined)
		want(t, "error code", told.ErrorCode, "customer_cancelled")
		want(t, "decline code", told.DeclineCode, "")
		want(t, "settled", b.settle(key), told)
		_, page := visit(t, address)
		contains(t, page, "You refused this payment")
		decide(t, address, "approve")
		want(t, "settled", b.settle(key), told)
	}
	b.checkSums()
}

// A customer who never decides is waited for until the key is closed.
func TestCustomerNeverDecides(t *testing.T) {
	t.Parallel()
	b := setup(t)
	atBank, bankPage := b.askedAtBank("nedbank")
	onPhone, phonePage := b.askedOnPhone("4567")
	after, afterPage := b.askedOnPhone("0606")
	for key, address := range map[string]string{atBank.Key: bankPage, onPhone.Key: phonePage, after.Key: afterPage} {
		closed := b.settle(key)
		want(t, "status", closed.Status, acquirers.StatusClosed)
		_, page := visit(t, address)
		contains(t, page, "This request has ended")
		decide(t, address, "approve")
		want(t, "settled", b.settle(key), closed)
	}
	want(t, "repeated", b.authorise(onPhone).Status, acquirers.StatusClosed)
	want(t, "notifications", len(b.received.messages()), 0)
	b.checkSums()
}

func TestAccountsAreRefunded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, address := b.askedAtBank("absa")
	decide(t, address, "approve")
	reference := b.settle(a.Key).Reference
	want(t, "capture", b.capture(reference, 1).Status, acquirers.StatusDeclined)
	want(t, "void", b.void(reference, 1).Status, acquirers.StatusDeclined)
	want(t, "a part", b.refund(reference, 4_000).Status, acquirers.StatusApproved)
	want(t, "too much", b.refund(reference, 6_001).Status, acquirers.StatusDeclined)
	want(t, "the rest", b.refund(reference, 6_000).Status, acquirers.StatusApproved)
	b.checkSums()

	for lastFour, status := range map[string]acquirers.Status{
		"0507": acquirers.StatusDeclined, "0515": "", "0523": acquirers.StatusApproved,
	} {
		a, address := b.askedOnPhone(lastFour)
		decide(t, address, "approve")
		r := acquirers.Refund{Key: b.key(), Reference: b.settle(a.Key).Reference, Amount: 1, Currency: "ZAR"}
		answer, err := b.client.Refund(t.Context(), r)
		want(t, lastFour, answer.Status, status)
		want(t, lastFour, err == nil, status != "")
	}
}

func TestAccountsWithoutTheCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for lastFour, codes := range map[string][2]string{
		"4567": {},
		"0001": {}, "0424": {}, "0465": {}, "0600": {}, "0602": {}, "0606": {}, "0507": {}, "0515": {}, "0523": {},
		"0002": {"card_declined", "generic_decline"},
		"9995": {"card_declined", "insufficient_funds"},
		"0341": {"card_declined", "insufficient_funds"},
		"0473": {"card_declined", "authentication_required"},
		"0481": {"card_declined", "revocation_of_authorisation"},
		"0404": {"payment_method_unavailable"},
	} {
		a := b.pushAlone(lastFour)
		answer := b.authorise(a)
		want(t, lastFour, answer.ErrorCode, codes[0])
		want(t, lastFour, answer.DeclineCode, codes[1])
		want(t, lastFour, answer.Status == acquirers.StatusApproved, codes[0] == "")
		want(t, lastFour, answer.RedirectURL, "")
		want(t, lastFour, answer.NetworkTransactionID, "")
		want(t, lastFour, b.settle(a.Key), answer)
	}
	for lastFour, status := range map[string]acquirers.Status{"0408": acquirers.StatusApproved, "0416": acquirers.StatusClosed} {
		a := b.pushAlone(lastFour)
		if answer, err := b.client.Authorise(t.Context(), a); err == nil {
			t.Errorf("%s: answered %+v", lastFour, answer)
		}
		want(t, lastFour, b.settle(a.Key).Status, status)
	}
	var turns []string
	for i := range 4 {
		a := b.pushAlone("0432")
		turns = append(turns, b.authorise(a).DeclineCode)
		a.Key, a.FirstReference = b.key(), "sim_other"
		if i == 0 {
			want(t, "first turn of another series", b.authorise(a).DeclineCode, "insufficient_funds")
		}
	}
	if want := []string{"insufficient_funds", "insufficient_funds", "", "insufficient_funds"}; !slices.Equal(turns, want) {
		t.Errorf("turns %q, want %q", turns, want)
	}
	b.checkSums()
}

// pushAlone asks for a payment without the customer, by what an earlier one stored.
func (b *bundle) pushAlone(lastFour string) acquirers.Authorisation {
	a := b.push("capitec_pay", lastFour)
	a.Initiator, a.StoredCredential = acquirers.InitiatorMerchant, acquirers.StoredCredentialSubsequent
	a.Reason, a.Authentication = acquirers.ReasonRecurring, acquirers.AuthenticationNone
	a.FirstReference, a.ReturnURL = "sim_first", ""
	return a
}

func TestAccountsAreHeldTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, a := range map[string]acquirers.Authorisation{
		"no kind":          b.from(acquirers.Account{}),
		"an unknown kind":  b.from(acquirers.Account{Kind: "cheque", Phone: "+27821234567"}),
		"no bank":          b.eft(""),
		"a bank and phone": b.from(acquirers.Account{Kind: "instant_eft", Bank: "fnb", Phone: "+27821234567"}),
		"a phone and bank": b.from(acquirers.Account{Kind: "mtn_momo", Bank: "fnb", Phone: "+27821234567"}),
		"no phone":         b.from(acquirers.Account{Kind: "mtn_momo"}),
		"a national phone": b.from(acquirers.Account{Kind: "mtn_momo", Phone: "0821234567"}),
		"a short phone":    b.from(acquirers.Account{Kind: "mtn_momo", Phone: "+2782123"}),
		"a long phone":     b.from(acquirers.Account{Kind: "mtn_momo", Phone: "+2782123456789012"}),
		"no telephone":     b.from(acquirers.Account{Kind: "mtn_momo", Phone: "+278212345x7"}),
		"a reservation":    with(b.eft("fnb"), func(a *acquirers.Authorisation) { a.Capture = false }),
		"a verification":   with(b.eft("fnb"), func(a *acquirers.Authorisation) { a.Amount = 0 }),
		"a card as well":   with(b.eft("fnb"), func(a *acquirers.Authorisation) { a.Card.Number = "4242424242424242" }),
		"a strange payee":  with(b.eft("fnb"), func(a *acquirers.Authorisation) { a.Payee = "a\nb" }),
		"EFT without the customer": with(b.pushAlone("4567"), func(a *acquirers.Authorisation) {
			a.Account = &acquirers.Account{Kind: "instant_eft", Bank: "fnb"}
		}),
		"MoMo without the customer":  with(b.pushAlone("4567"), func(a *acquirers.Authorisation) { a.Account.Kind = "mtn_momo" }),
		"absent without the first":   with(b.pushAlone("4567"), func(a *acquirers.Authorisation) { a.FirstReference = "" }),
		"absent, by a scheme's id":   with(b.pushAlone("4567"), func(a *acquirers.Authorisation) { a.FirstReference, a.NetworkTransactionID = "", "808080808080808" }),
		"absent without a reason":    with(b.pushAlone("4567"), func(a *acquirers.Authorisation) { a.Reason = acquirers.ReasonNone }),
		"absent and not yet stored":  with(b.pushAlone("4567"), func(a *acquirers.Authorisation) { a.StoredCredential = acquirers.StoredCredentialInitial }),
		"absent and to authenticate": with(b.pushAlone("4567"), func(a *acquirers.Authorisation) { a.Authentication = acquirers.AuthenticationChallenge }),
	} {
		if answer, err := b.client.Authorise(t.Context(), a); !errors.Is(err, simulator.ErrRefused) {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
	}
	want(t, "operations in the book", len(b.entries()), 0)
	unknown := b.authorise(b.eft("bank_of_nowhere"))
	want(t, "unknown bank", unknown.Status, acquirers.StatusDeclined)
	want(t, "unknown bank", unknown.ErrorCode, "payment_method_unavailable")
}

func with(a acquirers.Authorisation, change func(*acquirers.Authorisation)) acquirers.Authorisation {
	change(&a)
	return a
}

func TestOneKeyForAnotherAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, _ := b.askedOnPhone("4567")
	for name, other := range map[string]acquirers.Authorisation{
		"number": b.push("capitec_pay", "4568"), "kind": b.push("mtn_momo", "4567"), "bank": b.eft("fnb"),
		"card":   b.authorisation("4242424242424242"),
		"amount": with(b.push("capitec_pay", "4567"), func(a *acquirers.Authorisation) { a.Amount++ }),
	} {
		other.Key = a.Key
		if _, err := b.client.Authorise(t.Context(), other); !errors.Is(err, simulator.ErrKeyReused) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	// What a merchant is called may change while a request is repeated.
	a.Payee = "Karoo Coffee"
	want(t, "another payee", b.authorise(a).Status, acquirers.StatusPending)
}
