package simulator_test

import (
	"slices"
	"testing"
	"time"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

// gated is setup with a delay that lasts until the gate is opened.
func gated(t *testing.T) (*bundle, gate) {
	t.Helper()
	g := newGate()
	return setup(t, func(cfg *simulator.ServerConfig) { cfg.Delay = g.delay }), g
}

// question is a payment that a customer has to decide on.
type question struct {
	key    string
	page   string           // where they do
	answer acquirers.Answer // that the payment began with
}

// askedBoth asks a customer at a bank and one on their telephone.
func (b *bundle) askedBoth(bank, lastFour string) []question {
	b.t.Helper()
	atBank := b.asked(b.eft(bank), acquirers.StatusActionRequired, "/bank/")
	onPhone := b.asked(b.push("capitec_pay", lastFour), acquirers.StatusPending, "/phone/")
	return []question{{atBank.Key, atBank.RedirectURL, atBank}, {onPhone.Key, onPhone.RedirectURL, onPhone}}
}

func TestBankRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, q := range b.askedBoth("test_bank_refuses", "9995") {
		decide(t, q.page, "approve")
		told := b.received.next(t).Answer
		want(t, "key", told.Key, q.key)
		want(t, "status", told.Status, acquirers.StatusDeclined)
		want(t, "error code", told.ErrorCode, "card_declined")
		want(t, "decline code", told.DeclineCode, "insufficient_funds")
		want(t, "settled", b.settle(q.key), told)
		_, page := visit(t, q.page)
		contains(t, page, "The payment was declined")
	}
	for _, q := range b.askedBoth("test_bank_refuses", "9995") {
		decide(t, q.page, "refuse")
		want(t, "error code", b.received.next(t).Answer.ErrorCode, "customer_cancelled")
	}
	b.checkSums()
}

func TestUnknownNumber(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, kind := range []string{"capitec_pay", "mtn_momo"} {
		answer := b.authorise(b.push(kind, "0404"))
		want(t, "status", answer.Status, acquirers.StatusDeclined)
		want(t, "error code", answer.ErrorCode, "payment_method_unavailable")
		want(t, "page", answer.RedirectURL, "")
	}
}

func TestBankSaysNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(t)
	for _, decision := range []string{"approve", "refuse"} {
		for _, q := range b.askedBoth("test_bank_says_nothing", "0600") {
			decide(t, q.page, decision)
			want(t, "open", b.entries()[q.key].Status, acquirers.StatusPending)
			_, page := visit(t, q.page)
			contains(t, page, "The shop has not been told yet")
			decide(t, q.page, "approve") // it was decided before

			closed := b.settle(q.key)
			want(t, "status", closed.Status, acquirers.StatusClosed)
			want(t, "settled again", b.settle(q.key), closed)
			_, page = visit(t, q.page)
			contains(t, page, "This request has ended")
		}
	}
	want(t, "notifications", len(b.received.messages()), 0)
	b.checkSums()
}

// The customer is led back at once; what they decided is told half a minute later.
func TestBankAnswersLate(t *testing.T) {
	t.Parallel()
	for decision, status := range map[string]acquirers.Status{
		"approve": acquirers.StatusApproved, "refuse": acquirers.StatusDeclined,
	} {
		b, g := gated(t)
		pages := b.askedBoth("test_bank_answers_late", "0424")
		for _, q := range pages {
			decide(t, q.page, decision)
			want(t, "while", <-g.begun, 30*time.Second)
			want(t, "open", b.entries()[q.key].Status, acquirers.StatusPending)
		}
		want(t, "notifications", len(b.received.messages()), 0)
		close(g.opened)
		for range pages {
			told := b.received.next(t).Answer
			want(t, decision, told.Status, status)
			want(t, "settled", b.settle(told.Key), told)
		}
		b.checkSums()
	}
}

// What is closed in that half minute stays closed.
func TestBankAnswersTooLate(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	for _, q := range b.askedBoth("test_bank_answers_late", "0424") {
		decide(t, q.page, "approve")
		<-g.begun
		want(t, "status", b.settle(q.key).Status, acquirers.StatusClosed)
	}
	close(g.opened)
	b.server.Close() // waits for what goes on
	for key, e := range b.entries() {
		want(t, key, e.Status, acquirers.StatusClosed)
	}
	want(t, "notifications", len(b.received.messages()), 0)
	b.checkSums()
}

// The outcome comes, then what was before it, as a message of its own that is older
// news, and then the outcome again, as the same message.
func TestBankAnswersTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for decision, status := range map[string]acquirers.Status{
		"approve": acquirers.StatusApproved, "refuse": acquirers.StatusDeclined,
	} {
		for _, q := range b.askedBoth("test_bank_answers_twice", "0602") {
			decide(t, q.page, decision)
			var told []acquirers.Notification
			for range 3 {
				told = append(told, b.received.next(t))
			}
			want(t, "first", told[0].Answer, b.settle(q.key))
			want(t, "first", told[0].Answer.Status, status)
			want(t, "then", told[1].Answer, q.answer)
			want(t, "again", told[2], told[0])
			want(t, "another message", told[1].ID != told[0].ID, true)
		}
	}
	b.checkSums()
}

// Money that was approved in time and comes when nobody waits for it any more: the
// one case in which a closed key does not stay closed.
func TestMoneyComesAfterTheEnd(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	pages := b.askedBoth("test_bank_pays_after_the_end", "0606")
	for _, q := range pages {
		decide(t, q.page, "approve")
		want(t, "open", b.entries()[q.key].Status, acquirers.StatusPending)
		closed := b.settle(q.key)
		want(t, "status", closed.Status, acquirers.StatusClosed)
		want(t, "while", <-g.begun, 30*time.Second)
		want(t, "settled again", b.settle(q.key), closed)
		_, page := visit(t, q.page)
		contains(t, page, "If money comes all the same, it is sent back.")
	}
	want(t, "notifications", len(b.received.messages()), 0)
	close(g.opened)
	for range pages {
		told := b.received.next(t).Answer
		want(t, "status", told.Status, acquirers.StatusApproved)
		want(t, "settled", b.settle(told.Key), told)
		want(t, "captured", b.entries()[told.Key].Captured, 10_000)
		want(t, "refund", b.refund(told.Reference, 10_000).Status, acquirers.StatusApproved)
	}
	b.checkSums()

	for _, q := range b.askedBoth("test_bank_pays_after_the_end", "0606") {
		decide(t, q.page, "refuse")
		want(t, "refused", b.received.next(t).Answer.Status, acquirers.StatusDeclined)
		want(t, "settled", b.settle(q.key).ErrorCode, "customer_cancelled")
	}
	b.checkSums()
}

func TestCustomerDecidesByThemselves(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	yes, _ := b.askedOnPhone("0001")
	want(t, "while", <-g.begun, 5*time.Second)
	no, _ := b.askedOnPhone("0002")
	want(t, "while", <-g.begun, 5*time.Second)
	quick, page := b.askedOnPhone("0001")
	<-g.begun
	decide(t, page, "refuse")
	want(t, "who is quicker", b.received.next(t).Answer.Status, acquirers.StatusDeclined)
	closed, _ := b.askedOnPhone("0001")
	<-g.begun
	b.settle(closed.Key)

	close(g.opened)
	told := map[string]acquirers.Answer{}
	for range 2 {
		n := b.received.next(t)
		told[n.Answer.Key] = n.Answer
	}
	b.server.Close()
	all := b.entries()
	want(t, "approved", all[yes.Key].Status, acquirers.StatusApproved)
	want(t, "told", told[yes.Key].Status, acquirers.StatusApproved)
	want(t, "refused", all[no.Key].Status, acquirers.StatusDeclined)
	want(t, "told", told[no.Key].ErrorCode, "customer_cancelled")
	want(t, "who is quicker", all[quick.Key].Status, acquirers.StatusDeclined)
	want(t, "closed before", all[closed.Key].Status, acquirers.StatusClosed)
	want(t, "notifications", len(b.received.messages()), 3)
	b.checkSums()
}

// Where the answer to a telephone payment is lost the customer approves all the
// same; where that to a bank's is, nobody knows where to send them.
func TestAccountsAnswerLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	phone := b.push("mtn_momo", "0408")
	if answer, err := b.client.Authorise(t.Context(), phone); err == nil {
		t.Fatalf("answered %+v", answer)
	}
	told := b.received.next(t).Answer
	want(t, "status", told.Status, acquirers.StatusApproved)
	want(t, "settled", b.settle(phone.Key), told)

	bank := b.eft("test_bank_loses_the_answer")
	if answer, err := b.client.Authorise(t.Context(), bank); err == nil {
		t.Fatalf("answered %+v", answer)
	}
	want(t, "asked again", b.authorise(bank).Status, acquirers.StatusActionRequired)
	want(t, "settled", b.settle(bank.Key).Status, acquirers.StatusClosed)
	b.checkSums()
}

func TestAccountsRequestLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, a := range []acquirers.Authorisation{b.eft("test_bank_is_not_reached"), b.push("capitec_pay", "0416")} {
		if answer, err := b.client.Authorise(t.Context(), a); err == nil {
			t.Fatalf("answered %+v", answer)
		}
		_, there := b.entries()[a.Key]
		want(t, "in the book", there, false)
		want(t, "settled", b.settle(a.Key).Status, acquirers.StatusClosed)
		want(t, "kind", b.entries()[a.Key].Kind, "unknown")
	}
}

// What goes on by itself goes on after a start, once, whoever of two servers comes
// to it.
func TestAccountsGoOnAfterAStart(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	late, latePage := b.askedAtBank("test_bank_answers_late")
	decide(t, latePage, "approve")
	after, afterPage := b.askedAtBank("test_bank_pays_after_the_end")
	decide(t, afterPage, "approve")
	b.settle(after.Key)
	itself, _ := b.askedOnPhone("0001")
	for range 3 {
		<-g.begun
	}
	// These don't.
	b.askedOnPhone("4567")
	_, silentPage := b.askedOnPhone("0600")
	decide(t, silentPage, "approve")
	undecided, _ := b.askedOnPhone("0606")
	b.settle(undecided.Key)
	b.server.Close()
	want(t, "notifications", len(b.received.messages()), 0)

	g = newGate()
	b.cfg.Delay = g.delay
	b.start(t)
	b.run(t)
	other := setupOn(t, b.db, func(cfg *simulator.ServerConfig) { cfg.NotifyURL, cfg.Delay = b.cfg.NotifyURL, g.delay })
	other.run(t)
	for range 6 {
		<-g.begun
	}
	close(g.opened)
	for range 3 {
		want(t, "status", b.received.next(t).Answer.Status, acquirers.StatusApproved)
	}
	b.server.Close()
	other.server.Close()
	keys := map[string]bool{}
	for _, n := range b.received.messages() {
		keys[n.ID+n.Answer.Key] = true
	}
	want(t, "notifications", len(keys), 3)
	all := b.entries()
	for _, key := range []string{late.Key, after.Key, itself.Key} {
		want(t, key, all[key].Status, acquirers.StatusApproved)
	}
	statuses := map[acquirers.Status]int{}
	for _, e := range all {
		statuses[e.Status]++
	}
	want(t, "pending", statuses[acquirers.StatusPending], 2)
	want(t, "closed", statuses[acquirers.StatusClosed], 1)
	b.checkSums()
}

// However the customer, the bank and the settling of the key come together, each
// ends one way, and is told of once if it is told of.
func TestAccountsAgainstSettle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const rounds = 40
	seen := make(map[acquirers.Status]int)
	for i := range rounds {
		a := b.push("capitec_pay", []string{"4567", "0001", "0002", "0424"}[i%4])
		answer := b.authorise(a)
		together(t, 4, func(call int) (acquirers.Answer, error) {
			if (call+i/4)%4 == 0 {
				return b.client.Settle(t.Context(), a.Key)
			}
			decide(t, answer.RedirectURL, []string{"approve", "refuse"}[call%2])
			return acquirers.Answer{}, nil
		})
		seen[b.settle(a.Key).Status]++
	}
	b.server.Close()
	if seen[acquirers.StatusClosed] == 0 || seen[acquirers.StatusClosed] == rounds {
		t.Errorf("one side won every race: %v", seen)
	}
	told := map[string][]string{}
	for _, n := range b.received.messages() {
		if !slices.Contains(told[n.Answer.Key], n.ID) {
			told[n.Answer.Key] = append(told[n.Answer.Key], n.ID)
		}
	}
	all := b.entries()
	for key, e := range all {
		want(t, key+" is told", len(told[key]) > 0, e.Status != acquirers.StatusClosed)
		want(t, key+" is told once", len(told[key]) <= 1, true)
	}
	b.checkSums()
}
