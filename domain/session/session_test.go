package session_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/money"
	"tender/domain/payment"
	"tender/domain/session"
)

const (
	sessionID  = "ps_01hzy3v7q8e4xk2m9c5b7d6f0b"
	merchantID = "mer_01hzy3v7q8e4xk2m9c5b7d6f0d"
	paymentID  = "pay_01hzy3v7q8e4xk2m9c5b7d6f0a"
	attemptID  = "att_01hzy3v7q8e4xk2m9c5b7d6f0c"
	checkoutID = "ckt_7v3k9m2x5q8w1r4t6y0zabcdef"

	customerID     = "cus_01hzy3v7q8e4xk2m9c5b7d6f0e"
	methodID       = "pmt_01hzy3v7q8e4xk2m9c5b7d6f0f"
	mandateID      = "mdt_01hzy3v7q8e4xk2m9c5b7d6f0g"
	subscriptionID = "sub_01hzy3v7q8e4xk2m9c5b7d6f0h"
	clockID        = "clk_01hzy3v7q8e4xk2m9c5b7d6f0j"
)

// noon is when the commands of these tests are given.
var noon = time.Date(2026, time.May, 4, 12, 0, 0, 123e6, time.UTC)

// create asks for a session with everything in it.
func create() session.Create {
	expires := noon.Add(time.Hour)
	return session.Create{
		ID: uuid.MustParse("01900000-0000-7000-8000-000000000001"), CheckoutID: checkoutID, Type: session.TypeOneTime,
		Amount: 100_000, Currency: "ZAR", Country: "ZA", CaptureMethod: payment.CaptureManual,
		ExternalReference: "ORDER-10442", Metadata: map[string]string{"basket": "7"},
		Options: &session.Options{
			CheckoutOptions: &session.CheckoutOptions{
				ReturnURL: "https://shop.example/thanks", SavePaymentMethod: "never",
				PresentationMode: &session.PresentationMode{Mode: session.PresentInline, DisplayPayButton: new(bool)}, ExpiresAt: &expires, Locale: "en-ZA",
			},
			PaymentMethodOptions: &session.PaymentMethodOptions{Card: &session.CardOptions{CaptureMethod: payment.CaptureManual}},
		},
		ReturnURL: "https://shop.example/thanks", SessionURL: "https://pay.example/checkout/" + checkoutID,
		ExpiresAt: expires, Now: domain.Moment{At: noon, Wall: noon.Add(-time.Hour)},
	}
}

func created() session.Created {
	c := create()
	return session.Created{
		CheckoutID: c.CheckoutID, Kind: c.Type, Amount: c.Amount, Currency: c.Currency, Country: c.Country,
		CaptureMethod: c.CaptureMethod, ExternalReference: c.ExternalReference, Metadata: c.Metadata,
		Options: c.Options, ReturnURL: c.ReturnURL, SessionURL: c.SessionURL, ExpiresAt: c.ExpiresAt,
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		change  func(*session.Create)
		then    func(*session.Created)
		refused string // the refusal's field or detail; "": none
	}{
		{"with everything", func(*session.Create) {}, func(*session.Created) {}, ""},
		{"the least amount", func(c *session.Create) { c.Amount = 1 }, func(e *session.Created) { e.Amount = 1 }, ""},
		{
			"the greatest amount", func(c *session.Create) { c.Amount = money.AmountMax },
			func(e *session.Created) { e.Amount = money.AmountMax }, "",
		},
		{"an amount below nothing", func(c *session.Create) { c.Amount = -1 }, nil, "A session's amount is between 0 and 999999999999."},
		{"an amount that is too high", func(c *session.Create) { c.Amount = money.AmountMax + 1 }, nil, "A session's amount is between 0 and 999999999999."},

		{
			"an expiry by default", func(c *session.Create) { c.ExpiresAt = time.Time{} },
			func(e *session.Created) { e.ExpiresAt = noon.Add(24 * time.Hour) }, "",
		},
		{
			"the nearest expiry", func(c *session.Create) { c.ExpiresAt = noon.Add(5 * time.Minute) },
			func(e *session.Created) { e.ExpiresAt = noon.Add(5 * time.Minute) }, "",
		},
		{
			"the farthest expiry", func(c *session.Create) { c.ExpiresAt = noon.Add(30 * 24 * time.Hour) },
			func(e *session.Created) { e.ExpiresAt = noon.Add(30 * 24 * time.Hour) }, "",
		},
		{"an expiry that is too near", func(c *session.Create) { c.ExpiresAt = noon.Add(5*time.Minute - time.Millisecond) }, nil, "/options/checkout_options/expires_at"},
		{"an expiry that is too far", func(c *session.Create) { c.ExpiresAt = noon.Add(30*24*time.Hour + time.Millisecond) }, nil, "/options/checkout_options/expires_at"},
		{"an expiry in the past", func(c *session.Create) { c.ExpiresAt = noon.Add(-time.Hour) }, nil, "/options/checkout_options/expires_at"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			command := create()
			c.change(&command)
			got, err := session.DecideCreate(command)
			if c.refused == "" {
				want := created()
				c.then(&want)
				if err != nil || !reflect.DeepEqual(got, []session.Event{want}) {
					t.Fatalf("what happens is\n%#v, %v, not\n%#v", got, err, want)
				}
				return
			}
			if refusal := refusalOf(t, err); got != nil || refusal.Code != "invalid_request" || refusal.Transient ||
				refusal.Field != c.refused && refusal.Detail != c.refused {
				t.Fatalf("the answer is %v, %v", got, err)
			}
		})
	}
}

func refusalOf(t *testing.T, err error) *domain.Refusal {
	t.Helper()
	var refusal *domain.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("the answer is %v", err)
	}
	return refusal
}

func TestSessionID(t *testing.T) {
	t.Parallel()
	c := create()
	if got := c.SessionID(); got != "ps_01j0000000e008000000000001" {
		t.Errorf("the session's id is %s", got)
	}
	if u, ok := id.Parse(id.Session, c.SessionID()); !ok || u != c.ID {
		t.Errorf("the session's id holds %s", u)
	}
}

func TestLimitsAreTheContracts(t *testing.T) {
	t.Parallel()
	if session.ExpiresAfterMin != 5*time.Minute || session.ExpiresAfterMax != 720*time.Hour || session.ExpiresAfterDefault != 24*time.Hour {
		t.Errorf("a session lives %v to %v, by default %v", session.ExpiresAfterMin, session.ExpiresAfterMax, session.ExpiresAfterDefault)
	}
}

func fold(events ...session.Event) session.State {
	var s session.State
	for _, e := range events {
		s = session.Evolve(s, sessionID, merchantID, e)
	}
	return s
}

func TestEvolve(t *testing.T) {
	t.Parallel()
	attempt := func(n int) session.AttemptStarted {
		return session.AttemptStarted{PaymentID: paymentID, AttemptID: fmt.Sprint("att_", n), Number: n}
	}
	failed := session.AttemptFailed{PaymentID: paymentID, AttemptID: "att_1", Failure: decline.New(decline.TimedOut, "")}
	active := session.State{
		ID: sessionID, CheckoutID: checkoutID, MerchantID: merchantID, Type: session.TypeOneTime,
		Amount: 100_000, Currency: "ZAR", Country: "ZA", CaptureMethod: payment.CaptureManual,
		ExternalReference: "ORDER-10442", Metadata: map[string]string{"basket": "7"},
		Status: session.StatusActive, ExpiresAt: noon.Add(time.Hour),
	}
	with := func(change func(*session.State)) session.State {
		s := active
		change(&s)
		return s
	}
	once := func(s *session.State) { s.PaymentID, s.AttemptIDs = paymentID, []string{"att_1"} }

	for _, c := range []struct {
		name  string
		given []session.Event
		want  session.State
	}{
		{"nothing", nil, session.State{}},
		{"created", []session.Event{created()}, active},
		{"attempted", []session.Event{created(), attempt(1)}, with(once)},
		{"failed", []session.Event{created(), attempt(1), failed}, with(once)},
		{"tried again", []session.Event{created(), attempt(1), failed, attempt(2)}, with(func(s *session.State) {
			s.PaymentID, s.AttemptIDs = paymentID, []string{"att_1", "att_2"}
		})},
		{"completed", []session.Event{created(), attempt(1), session.Completed{PaymentID: paymentID, Outcome: session.OutcomePaid}}, with(func(s *session.State) {
			once(s)
			s.Status = session.StatusCompleted
		})},
		{"a cancel asked for", []session.Event{created(), attempt(1), session.CancelRequested{By: session.ByMerchant, CommandID: "c1"}}, with(func(s *session.State) {
			once(s)
			s.CancelRequested, s.CancelCommand = session.ByMerchant, "c1"
		})},
		{"cancelled", []session.Event{created(), session.Cancelled{By: session.ByCustomer}}, with(func(s *session.State) { s.Status = session.StatusCancelled })},
		{"expired", []session.Event{created(), session.Expired{Reason: session.ExpiredByTime}}, with(func(s *session.State) { s.Status = session.StatusExpired })},
	} {
		got := fold(c.given...)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: the state is\n%+v, not\n%+v", c.name, got, c.want)
		}
		if got.Exists() != (c.given != nil) {
			t.Errorf("%s: it exists: %t", c.name, got.Exists())
		}
	}
}

func TestAttempted(t *testing.T) {
	t.Parallel()
	s := fold(created(), session.AttemptStarted{PaymentID: paymentID, AttemptID: "att_1", Number: 1}, session.AttemptStarted{PaymentID: paymentID, AttemptID: "att_2", Number: 2})
	for attempt, want := range map[string]bool{"att_1": true, "att_2": true, "att_3": false, "": false} {
		if got := s.Attempted(attempt); got != want {
			t.Errorf("%q was attempted: %t", attempt, got)
		}
	}
}

// States are shared between goroutines: what one of them makes of a state never
// shows in another's.
func TestStatesAreValues(t *testing.T) {
	t.Parallel()
	started := func(attempt string) session.AttemptStarted {
		return session.AttemptStarted{PaymentID: paymentID, AttemptID: attempt}
	}
	base := fold(created(), started("1"), started("2"), started("3"))
	one := session.Evolve(base, sessionID, merchantID, started("4"))
	other := session.Evolve(base, sessionID, merchantID, started("5"))
	if base.Attempted("4") || one.Attempted("5") || !one.Attempted("4") || !other.Attempted("5") {
		t.Errorf("attempts are %v, %v and %v", base.AttemptIDs, one.AttemptIDs, other.AttemptIDs)
	}
}

// alien stands for an event that was added and not handled.
type alien struct{ session.Event }

func TestWhatIsForgottenPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("an event that nobody handles goes unnoticed")
		}
	}()
	fold(alien{})
}
