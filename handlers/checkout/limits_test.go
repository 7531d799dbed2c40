package checkout_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tender/handlers/handlerstest"
	"tender/handlers/limits"
)

// decliningCards are different cards that are all declined: the same test cards for
// everybody.
var decliningCards = []string{
	declines, "4000000000009995", "4000000000009987", "4000000000009979", "4000000000000127",
}

// A session takes four different cards, each of them as often as it is tried. A fifth
// is refused before anything is sent, by JSON and on the page.
func TestTooManyCards(t *testing.T) {
	t.Parallel()
	h := open(t, handlerstest.Limits(limits.Live()))
	c := h.sells(t)
	for _, number := range []string{declines, decliningCards[1], declines, decliningCards[2], decliningCards[3]} {
		c.pays(c.attempt(number)).Is(http.StatusOK).Shows(object{"payment_outcome": "pending"})
	}
	asked := h.authorisations()
	c.pays(c.attempt(decliningCards[4])).Problem(http.StatusUnprocessableEntity, "too_many_cards")
	c.pays(c.attempt(visa)).Problem(http.StatusUnprocessableEntity, "too_many_cards")
	a := c.posts("attempts", c.form(visa)).Is(http.StatusBadRequest)
	if !strings.Contains(string(a.Body), "Too many different cards") {
		t.Errorf("the page does not say what is wrong: %s", a.Body)
	}
	if n := h.authorisations(); n != asked {
		t.Errorf("%d calls were made with a fifth card", n-asked)
	}
	c.leadsBack(c.posts("attempts", c.form(decliningCards[3])))
	if n := h.authorisations(); n != asked+1 {
		t.Errorf("%d calls were made with a card that was tried before", n-asked)
	}
}

// A saved card is a card like any other, and the same one as when it is typed in.
func TestTooManyCardsWithASavedOne(t *testing.T) {
	t.Parallel()
	h := open(t, handlerstest.Limits(limits.Live()))
	saved := h.merchant.Saved(10_000, visa)
	withSaved := savedCard(saved.MethodID, "737")

	c := h.sells(t, of(saved.CustomerID))
	for _, number := range decliningCards[:4] {
		c.pays(card(number)).Is(http.StatusOK)
	}
	c.pays(withSaved).Problem(http.StatusUnprocessableEntity, "too_many_cards")
	form := c.form("")
	form.Set("payment_method", saved.MethodID)
	if a := c.posts("attempts", form).Is(http.StatusBadRequest); !strings.Contains(string(a.Body), `id="payment_method-error">Too many different cards`) {
		t.Errorf("the page does not say what is wrong: %s", a.Body)
	}

	c = h.sells(t, of(saved.CustomerID))
	h.First.Line.Decline(handlerstest.CallAuthorise)
	c.pays(withSaved).Is(http.StatusOK)
	for _, number := range decliningCards[:3] {
		c.pays(card(number)).Is(http.StatusOK)
	}
	h.First.Line.Between(nil)
	c.pays(card(visa)).Is(http.StatusOK).Shows(object{"status": "completed"})
}

// The page says in words that too many have failed, and when to come back.
func TestTheFormHasToWait(t *testing.T) {
	t.Parallel()
	l := limits.Test()
	l.FailuresPerAddress = 1
	h := open(t, handlerstest.Limits(l))
	c := h.sells(t)
	c.pays(c.attempt(declines)).Is(http.StatusOK)
	asked := h.authorisations()
	a := c.posts("attempts", c.form(visa)).Is(http.StatusTooManyRequests)
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds < 3000 {
		t.Errorf("Retry-After is %q", a.Header.Get("Retry-After"))
	}
	says(t, a, "Too many tries")
	if h.authorisations() != asked {
		t.Error("the acquirer was asked all the same")
	}
}

// Two fifth cards that come together, each to another process, don't get past the
// limit; nor do two fourths.
func TestTwoCardsAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t, handlerstest.Limits(limits.Live()))
	other := h.Process()
	c := h.sells(t)
	for _, number := range decliningCards[:3] {
		c.pays(card(number)).Is(http.StatusOK)
	}
	var all sync.WaitGroup
	answers := make([]*handlerstest.Answer, 2)
	for i, at := range []*handlerstest.Process{h.First, other} {
		all.Go(func() {
			a, err := h.customer.On(at).Send(http.MethodPost, "/checkout/"+c.id+"/attempts", card(decliningCards[3+i]))
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	var said []string
	for _, a := range answers {
		said = append(said, strings.TrimSpace(fmt.Sprint(a.Status, " ", a.Text("code"))))
	}
	slices.Sort(said)
	// The other came while the first was in flight, or after it was declined.
	if said[0] != "200" || said[1] != "409 attempt_in_progress" && said[1] != "422 too_many_cards" {
		t.Errorf("the answers are %q", said)
	}
	if n := h.authorisations() + other.Line.Calls(handlerstest.CallAuthorise); n != 4 {
		t.Errorf("the acquirer was asked %d times", n)
	}
}

// Test mode bears a thousand times as much: a customer who has forgotten which card
// is good is not refused there.
func TestManyCardsInTestMode(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.sells(t)
	for _, number := range decliningCards {
		c.pays(card(number)).Is(http.StatusOK)
	}
	c.pays(card(visa)).Is(http.StatusOK).Shows(object{"status": "completed"})
}
