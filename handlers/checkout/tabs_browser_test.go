//go:build browser

package checkout_test

import (
	"context"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/acquirers"
	"tender/acquirers/simulator"
	"tender/domain/session"
	"tender/handlers/checkout/browsertest"
)

// sales are what the simulator's book holds of a payment's attempts that were approved.
func (s sale) sales(t *testing.T) []simulator.Entry {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.db.SimulatorURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	var all []simulator.Entry
	ours := s.session(t).PaymentID // none: whatever there is is wrong
	for e, err := range simulator.Book(t.Context(), conn, "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(e.Key, ours) && e.Kind == "authorisation" && e.Status == acquirers.StatusApproved {
			all = append(all, e)
		}
	}
	return all
}

// events are the names of what the payment's stream holds.
func (s sale) events(t *testing.T) string {
	t.Helper()
	events, err := s.service.Engine.Store.Stream(t.Context(), s.session(t).PaymentID)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range events {
		all = append(all, strings.TrimPrefix(e.Type, "payment."))
	}
	return strings.Join(all, " ")
}

// meet has the next two forms be taken at the same moment, whichever comes first.
func (b *bundle) meet() {
	var both sync.WaitGroup
	both.Add(2)
	b.meeting.Store(&both)
}

// typeCard fills the form in, and does not send it.
func typeCard(tab *browsertest.Tab, number string) {
	tab.Type("#number", number)
	tab.Type("#exp", "1230")
	tab.Type("#cvc", "123")
}

// TestTwoTabsPayOnce has two windows send the same session's form at the same moment,
// with the same card and with another.
func TestTwoTabsPayOnce(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]string{"the same card": goodCard, "another card": otherGoodCard} {
		t.Run(name, func(t *testing.T) {
			b, browser := setup(t), browsertest.Start(t)
			s := b.sell(t)
			one, two := browser.Open(t, browsertest.Look{}), browser.Open(t, browsertest.Look{NoScript: true})
			for tab, card := range map[*browsertest.Tab]string{one: goodCard, two: second} {
				tab.Go(s.url)
				tab.WaitState("form")
				typeCard(tab, card)
			}
			b.meet()
			one.Click("#submit")
			two.Click("#submit")
			s.ends(one, "succeeded")
			s.ends(two, "succeeded")
			wantSession(t, s, session.StatusCompleted, 1)
			if all := s.sales(t); len(all) != 1 || all[0].Captured != 124900 {
				t.Errorf("the bank has taken %+v", all)
			}
			if got := s.events(t); strings.Count(got, "attempt_started") != 1 {
				t.Errorf("the payment tells %q", got)
			}
			b.quiet(t, one)
		})
	}
}

// ends waits for what the tab's own form has come to: a page of the end, or the shop,
// to which that leads on; and then looks at the page of the end.
func (s sale) ends(tab *browsertest.Tab, state string) {
	tab.Wait(`["` + state + `", "shop"].includes(document.body.dataset.state)`)
	tab.Go(s.url + "?stay=1")
	tab.WaitState(state)
}

// payAndCancel opens the session in two tabs: one has a card typed in, the other is
// about to cancel.
func payAndCancel(t *testing.T) (s sale, pays, cancels *browsertest.Tab) {
	t.Helper()
	b, browser := setup(t), browsertest.Start(t)
	s, pays, cancels = b.sell(t), browser.Open(t, browsertest.Look{}), browser.Open(t, browsertest.Look{Phone: true, NoScript: true})
	for _, tab := range []*browsertest.Tab{pays, cancels} {
		tab.Go(s.url)
		tab.WaitState("form")
	}
	typeCard(pays, goodCard)
	cancels.Click(".cancel summary")
	return s, pays, cancels
}

// TestOneTabPaysTheOtherCancels has both forms taken at the same moment. Which is first
// is open; what both windows say in the end is what has become of the money.
func TestOneTabPaysTheOtherCancels(t *testing.T) {
	t.Parallel()
	s, pays, cancels := payAndCancel(t)
	s.meet()
	cancels.Click("#cancel button")
	pays.Click("#submit")
	wait(t, "the session ends", func() bool { return s.session(t).Status != session.StatusActive })
	state, taken := "succeeded", 1
	if s.session(t).Status != session.StatusCompleted {
		state, taken = "cancelled", 0
	}
	s.ends(pays, state)
	s.ends(cancels, state)
	if all := s.sales(t); len(all) != taken {
		t.Errorf("the payment has %s, and the bank has taken %+v", state, all)
	}
}

// TestPayingWhatWasCancelled sends the card off from a window that still shows the form.
func TestPayingWhatWasCancelled(t *testing.T) {
	t.Parallel()
	s, pays, cancels := payAndCancel(t)
	cancels.Click("#cancel button")
	s.ends(cancels, "cancelled")
	pays.Click("#submit")
	s.ends(pays, "cancelled")
	wantSession(t, s, session.StatusCancelled, 0)
	if all := s.sales(t); len(all) != 0 {
		t.Errorf("the bank has taken %+v", all)
	}
}

// overtaking is of a form that pays by one that cancels: the first is taken and finds the
// session open, the second is answered meanwhile.
type overtaking struct {
	begun, passed chan struct{}
	once          sync.Once
}

// held is the body of the form that is overtaken.
type held struct {
	io.ReadCloser

	by *overtaking
}

func (h held) Read(p []byte) (int, error) {
	h.by.once.Do(func() { close(h.by.begun) })
	<-h.by.passed
	return h.ReadCloser.Read(p)
}

// overtake hands a request on, in the order that a test asks for. The checkout looks at
// the session before it reads a form.
func (b *bundle) overtake(w http.ResponseWriter, r *http.Request, to http.Handler) {
	if o := b.overtaking.Load(); o != nil && r.Method == http.MethodPost {
		switch path.Base(r.URL.Path) {
		case "attempts":
			r.Body = held{r.Body, o}
		case "cancel":
			<-o.begun
			defer close(o.passed)
		}
	}
	to.ServeHTTP(w, r)
}

// TestCancellingOvertakesPaying has the cancel win while the other tab's payment is on
// its way: the checkout has found the session open, and pays nothing all the same.
func TestCancellingOvertakesPaying(t *testing.T) {
	t.Parallel()
	s, pays, cancels := payAndCancel(t)
	s.overtaking.Store(&overtaking{begun: make(chan struct{}), passed: make(chan struct{})})
	pays.Click("#submit")
	cancels.Click("#cancel button")
	s.ends(cancels, "cancelled")
	s.ends(pays, "cancelled")
	wantSession(t, s, session.StatusCancelled, 0)
	if all := s.sales(t); len(all) != 0 {
		t.Errorf("the bank has taken %+v", all)
	}
}
