package limits_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tender/handlers/handlerstest"
	"tender/handlers/limits"
)

const (
	visa     = "4242424242424242"
	declines = "4000000000000002"
	asks     = "4000000000003220" // for 3-D Secure

	here, there = "198.51.100.1", "198.51.100.2"
)

// bundle is an installation with merchants who sell, and customers who pay them.
type bundle struct {
	*handlerstest.House
	t        *testing.T
	merchant *handlerstest.Caller
	customer *handlerstest.Caller
}

func setup(t *testing.T, l limits.Limits) *bundle {
	t.Helper()
	b := &bundle{t: t, House: handlerstest.New(t, handlerstest.Limits(l), handlerstest.BehindProxy())}
	b.merchant = b.First.Caller(t, b.Merchant("test").Secret)
	b.customer = b.First.Caller(t, "")
	return b
}

// only bears so little of one thing, and as much as test mode does of the others.
func only(change func(*limits.Limits)) limits.Limits {
	l := limits.Test()
	change(&l)
	return l
}

// sells makes a session, and returns its checkout.
func (b *bundle) sells() string {
	b.t.Helper()
	_, checkoutID := b.merchant.Create(10_000)
	return checkoutID
}

// pays tries to pay a new session with a card, from an address.
func (b *bundle) pays(number, from string) *handlerstest.Answer {
	b.t.Helper()
	return b.tries(b.sells(), number, from)
}

func (b *bundle) tries(checkoutID, number, from string) *handlerstest.Answer {
	b.t.Helper()
	return b.customer.Post("/checkout/"+checkoutID+"/attempts", handlerstest.Card(number), handlerstest.From(from))
}

// refused fails the test unless an attempt was not let through, and returns how long
// its customer has to wait.
func (b *bundle) refused(a *handlerstest.Answer) time.Duration {
	b.t.Helper()
	a.Problem(http.StatusTooManyRequests, "too_many_requests")
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		b.t.Fatalf("Retry-After is %q", a.Header.Get("Retry-After"))
	}
	return time.Duration(seconds) * time.Second
}

func (b *bundle) authorisations() int64 { return b.First.Line.Calls(handlerstest.CallAuthorise) }

// One address may fail so often, and no more often until it was told.
func TestAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t, limits.Limits{CardsPerSession: 4, FailuresPerAddress: 20, SessionsPerCard: 1000, AttemptsJudged: 1000, SlowedPerMinute: 1000})
	other := b.Process()
	for i := range 20 {
		at := b.customer
		if i%2 == 1 {
			at = at.On(other)
		}
		b.pays(visa, here).Is(http.StatusOK).Shows(handlerstest.Object{"status": "completed"}) // counts for nothing
		at.Post("/checkout/"+b.sells()+"/attempts", handlerstest.Card(declines), handlerstest.From(here)).Is(http.StatusOK)
	}
	asked := b.authorisations()
	wait := b.refused(b.pays(visa, here))
	b.refused(b.customer.On(other).Post("/checkout/"+b.sells()+"/attempts", handlerstest.Card(visa), handlerstest.From(here)))
	if b.authorisations() != asked {
		t.Error("the acquirer was asked all the same")
	}
	if wait > limits.FailuresWindow+10*time.Second || wait < limits.FailuresWindow-time.Minute {
		t.Errorf("the wait is %s", wait)
	}
	b.pays(visa, there).Is(http.StatusOK)

	b.Clock.Advance(wait - 3*time.Second)
	checkoutID := b.sells()
	wait = b.refused(b.tries(checkoutID, visa, here))
	b.Clock.Advance(wait)
	b.tries(checkoutID, visa, here).Is(http.StatusOK).Shows(handlerstest.Object{"status": "completed"})
}

// An IPv6 customer has a whole network of addresses.
func TestNetworks(t *testing.T) {
	t.Parallel()
	b := setup(t, only(func(l *limits.Limits) { l.FailuresPerAddress = 2 }))
	b.pays(declines, "2001:db8:1:2::1").Is(http.StatusOK)
	b.pays(declines, "2001:db8:1:2:ffff::2").Is(http.StatusOK)
	b.refused(b.pays(visa, "2001:db8:1:2::3"))
	b.pays(visa, "2001:db8:1:3::1").Is(http.StatusOK)
	b.pays(declines, "::ffff:198.51.100.1").Is(http.StatusOK)
	b.pays(declines, here).Is(http.StatusOK)
	b.refused(b.pays(visa, here))
}

// One card may fail in so many sessions, whoever's they are and wherever from.
func TestCards(t *testing.T) {
	t.Parallel()
	b := setup(t, only(func(l *limits.Limits) { l.SessionsPerCard = 5 }))
	rival := b.First.Caller(t, b.Merchant("test").Secret)
	for i := range 5 {
		seller := b.merchant
		if i%2 == 1 {
			seller = rival
		}
		_, checkoutID := seller.Create(10_000)
		for range 3 { // in one session it counts once
			b.tries(checkoutID, declines, fmt.Sprint("198.51.100.", i)).Is(http.StatusOK)
		}
	}
	wait := b.refused(b.pays(declines, there))
	if wait > limits.FailuresWindow || wait < limits.FailuresWindow-time.Minute {
		t.Errorf("the wait is %s", wait)
	}
	b.pays(visa, there).Is(http.StatusOK).Shows(handlerstest.Object{"status": "completed"})
	b.Clock.Advance(wait)
	b.pays(declines, there).Is(http.StatusOK)
}

// A saved card is counted as the card that it is.
func TestSavedCards(t *testing.T) {
	t.Parallel()
	b := setup(t, only(func(l *limits.Limits) { l.SessionsPerCard = 2 }))
	saved := b.merchant.Saved(10_000, visa)
	of := handlerstest.Object{"options": handlerstest.Object{"customer_id": saved.CustomerID}}
	with := handlerstest.Object{"payment_method": handlerstest.Object{"type": "saved", "payment_method_id": saved.MethodID, "cvc": "737"}}
	b.First.Line.Decline(handlerstest.CallAuthorise)
	_, checkoutID := b.merchant.Create(10_000, of)
	b.customer.Post("/checkout/"+checkoutID+"/attempts", with).Is(http.StatusOK)
	b.pays(visa, here).Is(http.StatusOK)
	b.First.Line.Between(nil)
	b.refused(b.pays(visa, there))
	_, checkoutID = b.merchant.Create(10_000, of)
	b.refused(b.customer.Post("/checkout/"+checkoutID+"/attempts", with, handlerstest.From(there)))
}

// A telephone is asked in so many sessions only, as long as it does not approve: a
// stranger's does not ring for ever. Its owner may pay as often as they like.
func TestTelephones(t *testing.T) {
	t.Parallel()
	b := setup(t, only(func(l *limits.Limits) { l.SessionsPerCard, l.CardsPerSession = 3, 1 }))
	elsewhere := b.customer.On(b.Process()) // the acquirer notifies the first
	asks := func(number string) (*handlerstest.Answer, func() string) {
		sessionID, checkoutID := b.merchant.Create(10_000)
		with := handlerstest.Object{"payment_method": handlerstest.Object{"type": "capitec_pay", "capitec_pay": handlerstest.Object{"phone": number}}}
		return elsewhere.Post("/checkout/"+checkoutID+"/attempts", with, handlerstest.From(there)), func() string {
			s := b.merchant.Get(handlerstest.SessionsPath + "/" + sessionID).Is(http.StatusOK)
			return s.Text("payment_outcome") + s.Text("last_payment_error.error_code")
		}
	}
	const owner, stranger = "082 123 4567", "083 765 4321"
	for range 5 {
		a, outcome := asks(owner)
		b.Decide(t, a.Is(http.StatusOK).Text("next_action.url"), "approve")
		handlerstest.Eventually(t, "it is paid", func() bool { return outcome() == "paid" })
	}
	handlerstest.Eventually(t, "what was approved is forgiven", func() bool { return b.rows("failed_attempts") == 0 && b.rows("outstanding_attempts") == 0 })

	refused, outcome := asks(stranger)
	b.Decide(t, refused.Is(http.StatusOK).Text("next_action.url"), "refuse")
	handlerstest.Eventually(t, "it is refused", func() bool { return strings.HasSuffix(outcome(), "customer_cancelled") })
	for range 2 { // nobody has decided yet
		a, _ := asks("+27 83 765 4321")
		a.Is(http.StatusOK)
	}
	asked := b.authorisations()
	a, _ := asks(stranger)
	wait := b.refused(a)
	if wait > limits.FailuresWindow || wait < limits.FailuresWindow-time.Minute || b.authorisations() != asked {
		t.Errorf("the wait is %s, the acquirer was asked %d times more", wait, b.authorisations()-asked)
	}
	a, _ = asks(owner)
	a.Is(http.StatusOK)

	// A session that takes one card takes many telephones and one card.
	checkoutID := b.sells()
	for _, number := range []string{"082 000 0404", "082 111 0404"} { // nobody has them
		b.customer.Post("/checkout/"+checkoutID+"/attempts", handlerstest.Object{"payment_method": handlerstest.Object{
			"type": "mtn_momo", "mtn_momo": handlerstest.Object{"phone": number},
		}}).Is(http.StatusOK)
	}
	b.tries(checkoutID, visa, here).Is(http.StatusOK).Shows(handlerstest.Object{"status": "completed"})
}

// However many arrive at once, no more than may fail reach the acquirer.
func TestManyAtOnceFail(t *testing.T) {
	t.Parallel()
	b := setup(t, only(func(l *limits.Limits) { l.FailuresPerAddress = 4 }))
	b.pays(declines, here).Is(http.StatusOK)
	var refused, failed atomic.Int32
	b.together(12, declines, func(a *handlerstest.Answer) {
		switch a.Status {
		case http.StatusTooManyRequests:
			refused.Add(1)
		case http.StatusOK:
			failed.Add(1)
		}
	})
	if failed.Load() != 3 || refused.Load() != 9 || b.authorisations() != 4 {
		t.Errorf("%d failed and %d were refused, the acquirer was asked %d times", failed.Load(), refused.Load(), b.authorisations())
	}
}

// Honest customers behind one address wait for one another at most: none is refused.
func TestManyAtOnceSucceed(t *testing.T) {
	t.Parallel()
	b := setup(t, only(func(l *limits.Limits) { l.FailuresPerAddress = 4 }))
	var paid atomic.Int32
	b.together(24, visa, func(a *handlerstest.Answer) {
		if a.Status == http.StatusOK && a.Text("status") == "completed" {
			paid.Add(1)
		}
	})
	if paid.Load() != 24 {
		t.Errorf("%d of 24 have paid", paid.Load())
	}
}

// together tries so many new sessions at the same moment, from one address and by
// turns in two processes.
func (b *bundle) together(n int, number string, answered func(*handlerstest.Answer)) {
	b.t.Helper()
	checkouts := make([]string, n)
	for i := range checkouts {
		checkouts[i] = b.sells()
	}
	var all sync.WaitGroup
	for _, checkoutID := range checkouts {
		all.Go(func() {
			a, err := b.customer.Send(http.MethodPost, "/checkout/"+checkoutID+"/attempts", handlerstest.Card(number), handlerstest.From(here))
			if err != nil {
				b.t.Error(err)
				return
			}
			answered(a)
		})
	}
	all.Wait()
}

// An outcome that comes later, and to another process, counts for those who tried.
func TestLateOutcomes(t *testing.T) {
	t.Parallel()
	b := setup(t, only(func(l *limits.Limits) { l.FailuresPerAddress = 2 }))
	elsewhere := b.customer.On(b.Process()) // the acquirer notifies the first
	for _, decision := range []string{"approve", "refuse", "approve", "refuse"} {
		sessionID, checkoutID := b.merchant.Create(10_000)
		a := elsewhere.Post("/checkout/"+checkoutID+"/attempts", handlerstest.Card(asks), handlerstest.From(here)).Is(http.StatusOK)
		b.Decide(t, a.Text("next_action.url"), decision)
		handlerstest.Eventually(t, "the bank's word is recorded", func() bool {
			s := b.merchant.Get(handlerstest.SessionsPath + "/" + sessionID).Is(http.StatusOK)
			return s.Text("payment_outcome") == "paid" || s.Text("last_payment_error.error_code") != ""
		})
	}
	// It is counted right after it is recorded.
	handlerstest.Eventually(t, "the second refusal counts", func() bool { return b.pays(visa, here).Status == http.StatusTooManyRequests })
	b.pays(visa, there).Is(http.StatusOK)
	if n := b.rows("outstanding_attempts"); n != 0 {
		t.Errorf("%d notes are left", n)
	}
}

// What fails on our side, or the acquirer's, counts against nobody.
func TestNobodysFault(t *testing.T) {
	t.Parallel()
	b := setup(t, only(func(l *limits.Limits) { l.FailuresPerAddress, l.SessionsPerCard = 1, 1 }))
	const fails = "4000000000000119" // processing_error
	for range 3 {
		b.pays(fails, here).Is(http.StatusOK).Shows(handlerstest.Object{"last_payment_error.error_code": "processing_error"})
	}
	b.pays(visa, here).Is(http.StatusOK).Shows(handlerstest.Object{"status": "completed"})
}

// Payments without the customer count for nobody, however they go.
func TestChargesDoNotCount(t *testing.T) {
	t.Parallel()
	b := setup(t, only(func(l *limits.Limits) { l.FailuresPerAddress, l.SessionsPerCard, l.AttemptsJudged = 1, 1, 1 }))
	series := b.merchant.Series(10_000, visa, nil)
	b.First.Line.Decline(handlerstest.CallAuthorise)
	for range 3 {
		b.merchant.Post(handlerstest.SessionsPath, series.Next(10_000)).Is(http.StatusCreated).Shows(handlerstest.Object{"payment_outcome": "unpaid"})
	}
	b.First.Line.Between(nil)
	if n := b.rows("failed_attempts"); n != 0 {
		t.Errorf("%d failures are counted", n)
	}
	b.pays(visa, here).Is(http.StatusOK).Shows(handlerstest.Object{"status": "completed"})
}

// Without its counts the guard lets everybody pass, and a session still takes only so
// many cards.
func TestWithoutCounts(t *testing.T) {
	t.Parallel()
	b := setup(t, limits.Live())
	b.exec(`DROP TABLE work_test.failed_attempts`)
	for range 25 {
		b.pays(declines, here).Is(http.StatusOK)
	}
	checkoutID := b.sells()
	for _, number := range []string{declines, "4000000000009995", "4000000000009987", "4000000000009979"} {
		b.tries(checkoutID, number, here).Is(http.StatusOK)
	}
	b.tries(checkoutID, visa, here).Problem(http.StatusUnprocessableEntity, "too_many_cards")
}

// exec changes the database, as the application's role.
func (b *bundle) exec(sql string) {
	b.t.Helper()
	if _, err := b.First.Test.Engine.Store.Pool().Exec(b.t.Context(), sql); err != nil {
		b.t.Fatal(err)
	}
}

// rows counts those of one of the tables of counts.
func (b *bundle) rows(table string) (n int) {
	b.t.Helper()
	err := b.First.Test.Engine.Store.Pool().QueryRow(b.t.Context(), `SELECT count(*) FROM work_test.`+table).Scan(&n)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}
