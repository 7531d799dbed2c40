package checkout_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tender/handlers/handlerstest"
)

type object = handlerstest.Object

var card, eventually = handlerstest.Card, handlerstest.Eventually

// The test cards that most of these tests are about.
const (
	visa     = "4242424242424242"
	declines = "4000000000000002"
	asks     = "4000000000003220" // for 3-D Secure
)

// house is an installation with a merchant who sells, and a customer who pays.
type house struct {
	*handlerstest.House
	merchant, customer *handlerstest.Caller
}

func open(t *testing.T, options ...handlerstest.Option) *house {
	t.Helper()
	h := &house{House: handlerstest.New(t, options...)}
	h.merchant = h.First.Caller(t, h.Merchant("test").Secret)
	h.customer = h.First.Caller(t, "")
	return h
}

// purchase is one session's, as its customer has it in a browser.
type purchase struct {
	*house
	t         *testing.T
	sessionID string
	id        string
}

// sells makes a session to pay.
func (h *house) sells(t *testing.T, more ...object) *purchase {
	t.Helper()
	return h.asks(t, 10_000, more...)
}

// asks makes a session over an amount.
func (h *house) asks(t *testing.T, amount int64, more ...object) *purchase {
	t.Helper()
	sessionID, checkoutID := h.merchant.Create(amount, more...)
	return &purchase{house: h, t: t, sessionID: sessionID, id: checkoutID}
}

// attempt is a card with the attempt's id that the state names.
func (c *purchase) attempt(number string) object {
	c.t.Helper()
	return card(number, object{"attempt_id": c.state().Text("attempt_id")})
}

func (c *purchase) pays(body any, headers ...handlerstest.Header) *handlerstest.Answer {
	c.t.Helper()
	return c.customer.Post("/checkout/"+c.id+"/attempts", body, headers...)
}

func (c *purchase) state() *handlerstest.Answer {
	c.t.Helper()
	return c.customer.Get("/checkout/" + c.id + "/state").Is(200)
}

// session is what the merchant sees.
func (c *purchase) session() *handlerstest.Answer {
	c.t.Helper()
	return c.merchant.Get(handlerstest.SessionsPath + "/" + c.sessionID).Is(200)
}

// payment is what the merchant sees of the payment.
func (c *purchase) payment() *handlerstest.Answer {
	c.t.Helper()
	return c.merchant.Payment(c.session().Text("payment_id"))
}

// page opens the page.
func (c *purchase) page() *handlerstest.Answer {
	c.t.Helper()
	return c.customer.Get("/checkout/" + c.id)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)">`)

// form is the page's form with a card filled in.
func (c *purchase) form(number string) url.Values {
	c.t.Helper()
	v := url.Values{"number": {number}, "exp": {"12 / 31"}, "cvc": {"737"}, "name": {"A Customer"}}
	for _, field := range hidden.FindAllStringSubmatch(string(c.page().Is(200).Body), -1) {
		v.Set(field[1], html.UnescapeString(field[2]))
	}
	for _, name := range []string{"csrf_token", "attempt_id"} {
		if v.Get(name) == "" {
			c.t.Fatalf("the page's form has no %s", name)
		}
	}
	return v
}

// posts sends a form.
func (c *purchase) posts(what string, form url.Values, headers ...handlerstest.Header) *handlerstest.Answer {
	c.t.Helper()
	headers = append([]handlerstest.Header{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}}, headers...)
	return c.customer.Post("/checkout/"+c.id+"/"+what, form.Encode(), headers...)
}

// leadsBack fails the test unless a form is answered with the way to our page.
func (c *purchase) leadsBack(a *handlerstest.Answer) {
	c.t.Helper()
	if a.Is(http.StatusSeeOther).Header.Get("Location") != "/checkout/"+c.id {
		c.t.Errorf("it leads to %q", a.Header.Get("Location"))
	}
}

// authorisations is how often the acquirer was asked for this house's money.
func (h *house) authorisations() int64 { return h.First.Line.Calls(handlerstest.CallAuthorise) }

// settles lets a worker find out what became of the attempt in flight.
func (c *purchase) settles() {
	c.t.Helper()
	defer c.First.Work()()
	eventually(c.t, "the attempt has ended", func() bool { return c.payment().Text("status") != "processing" })
}

// wrong lists what an answer blames, in order.
func wrong(a *handlerstest.Answer) []string {
	var all []string
	for i := range a.Len("errors") {
		at := fmt.Sprintf("errors.%d.", i)
		all = append(all, a.Text(at+"pointer")+": "+a.Text(at+"code"))
	}
	slices.Sort(all)
	return all
}

// discreet fails the test if an answer to a customer shows what only the
// merchant may know, or a card.
func discreet(t *testing.T, a *handlerstest.Answer) {
	t.Helper()
	for _, secret := range []string{
		"decline_code", "generic_decline", "insufficient_funds", "lost_card", "stolen_card", "do_not_honor", "invalid_account",
		visa, declines, asks, "4000000000009987", "4000000000009979",
	} {
		if strings.Contains(string(a.Body), secret) {
			t.Errorf("the customer is shown %q: %s", secret, a.Body)
		}
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}
