package method_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tender/domain/decline"
	"tender/domain/method"
)

const (
	methodID   = "pmt_01hzy3v7q8e4xk2m9c5b7d6f0b"
	customerID = "cus_01hzy3v7q8e4xk2m9c5b7d6f0a"
	mandateID  = "mdt_01hzy3v7q8e4xk2m9c5b7d6f0c"
	sessionID  = "ps_01hzy3v7q8e4xk2m9c5b7d6f0d"
	paymentID  = "pay_01hzy3v7q8e4xk2m9c5b7d6f0e"
)

var kept = method.CardDetails{Type: method.TypeCredit, Scheme: "VISA", BIN: "424242", Last4: "4242", ExpMonth: 11, ExpYear: 2030}

// good is a time at which the card of these tests is good.
var good = time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC)

func saved() []method.Event {
	return []method.Event{method.Saved{
		CustomerID: customerID, Details: method.CardOf(kept), Fingerprint: "fp_1", VaultRef: "vault/1",
		SessionID: sessionID, NetworkTransactionID: "ntx_1", ClockID: "clk_1",
	}}
}

func fold(events ...method.Event) method.State {
	var s method.State
	for _, e := range events {
		s = method.Evolve(s, methodID, e)
	}
	return s
}

var unusable = method.BecameUnusable{PaymentID: paymentID, Failure: decline.New(decline.CardDeclined, decline.LostCard)}

func TestEvolve(t *testing.T) {
	t.Parallel()
	fresh := method.State{ID: methodID, CustomerID: customerID, ClockID: "clk_1", Details: method.CardOf(kept), VaultRef: "vault/1", SessionID: sessionID, NetworkTransactionID: "ntx_1"}
	with := func(change func(*method.State)) method.State {
		s := fresh
		change(&s)
		return s
	}
	added := method.MandateAdded{MandateID: mandateID}
	for _, c := range []struct {
		name  string
		given []method.Event
		want  method.State
	}{
		{"nothing", nil, method.State{}},
		{"saved", saved(), fresh},
		{"with a mandate", append(saved(), added), with(func(s *method.State) { s.Mandates = []string{mandateID} })},
		{"one of two mandates ended", append(saved(), added, method.MandateAdded{MandateID: "mdt_2"}, method.MandateEnded{MandateID: mandateID}),
			with(func(s *method.State) { s.Mandates = []string{"mdt_2"} })},
		{"unusable", append(saved(), unusable), with(func(s *method.State) { s.Unusable = true })},
		{"verified again", append(saved(), unusable, method.Verified{PaymentID: paymentID}), fresh},
		{"removed", append(saved(), added, unusable, method.Removed{}), with(func(s *method.State) { s.Removed, s.Unusable = true, true })},
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

// A card is good until its month has ended everywhere on Earth.
func TestUsableAlone(t *testing.T) {
	t.Parallel()
	over := time.Date(2030, time.December, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		given []method.Event
		at    time.Time
		want  error
	}{
		{"nothing", nil, good, method.ErrUnknown},
		{"saved", saved(), good, nil},
		{"an instant before the month is over", saved(), over.Add(-time.Nanosecond), nil},
		{"when the month is over", saved(), over, method.ErrExpired},
		{"a year later", saved(), over.AddDate(1, 0, 0), method.ErrExpired},
		{"in an earlier month of a later year", saved(), time.Date(2031, time.January, 15, 0, 0, 0, 0, time.UTC), method.ErrExpired},
		{"in a later month of an earlier year", saved(), time.Date(2029, time.December, 15, 0, 0, 0, 0, time.UTC), nil},
		{"in another zone's month", saved(), over.In(time.FixedZone("", -14*3600)), method.ErrExpired},
		{"unusable", append(saved(), unusable), good, method.ErrUnusable},
		{"unusable, and the month is over", append(saved(), unusable), over, method.ErrUnusable},
		{"verified again", append(saved(), unusable, method.Verified{}), good, nil},
		{"verified again, and the month is over", append(saved(), unusable, method.Verified{}), over, method.ErrExpired},
		{"removed", append(saved(), method.Removed{}), good, method.ErrUnknown},
		{"removed, and unusable", append(saved(), unusable, method.Removed{}), good, method.ErrUnknown},
	} {
		s := fold(c.given...)
		if err := s.UsableAlone(c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: the answer is %v, not %v", c.name, err, c.want)
		}
		if err := s.Available(); errors.Is(err, method.ErrUnknown) != errors.Is(c.want, method.ErrUnknown) {
			t.Errorf("%s: with the customer present the answer is %v", c.name, err)
		}
	}
	if method.ErrUnusable.Code != "payment_method_unusable" || method.ErrExpired.Code != "payment_method_unusable" || method.ErrUnknown.Code != "not_found" {
		t.Error("the codes are not the contract's")
	}
}

// Each reason for a failure forbids what the contract says, and nothing else.
func TestForbidsUse(t *testing.T) {
	t.Parallel()
	for f, want := range map[decline.Failure]bool{
		decline.New(decline.CardDeclined, decline.InsufficientFunds): false, decline.New(decline.CardDeclined, decline.DoNotHonor): false,
		decline.New(decline.CardDeclined, decline.GenericDecline): false, decline.New(decline.CardDeclined, decline.TryAgainLater): false,
		decline.New(decline.CardDeclined, decline.LostCard): true, decline.New(decline.CardDeclined, decline.StolenCard): true,
		decline.New(decline.CardDeclined, decline.PickupCard): true, decline.New(decline.CardDeclined, decline.InvalidAccount): true,
		decline.New(decline.CardDeclined, decline.ClosedAccount): true, decline.New(decline.CardDeclined, decline.TransactionNotAllowed): true,
		decline.New(decline.CardDeclined, decline.AuthenticationRequired): true,
		decline.New(decline.CardDeclined, decline.StopPayment):            false, decline.New(decline.CardDeclined, decline.RevocationOfAuthorisation): false,
		decline.New(decline.ExpiredCard, ""): true, decline.New(decline.IncorrectCVC, ""): false, decline.New(decline.AuthenticationFailed, ""): false,
		decline.New(decline.ProcessingError, ""): false, decline.New(decline.PaymentMethodUnavailable, ""): false,
		decline.New(decline.CustomerCancelled, ""): false, decline.New(decline.TimedOut, ""): false,
	} {
		if got := method.ForbidsUse(f); got != want {
			t.Errorf("%s %s forbids: %t", f.ErrorCode, f.DeclineCode, got)
		}
		events := fold(saved()...).Failed(paymentID, f)
		if wanted := []method.Event{method.BecameUnusable{PaymentID: paymentID, Failure: f}}; want != (len(events) > 0) || want && !reflect.DeepEqual(events, wanted) {
			t.Errorf("%s %s: what happens is %+v", f.ErrorCode, f.DeclineCode, events)
		}
	}
}

// What is said already is not said again, and nothing is to a method that is gone.
func TestWhatHappensOnce(t *testing.T) {
	t.Parallel()
	forbids := unusable.Failure
	fresh, bad := fold(saved()...), fold(append(saved(), method.MandateAdded{MandateID: mandateID}, unusable)...)
	gone := fold(append(saved(), method.MandateAdded{MandateID: mandateID}, unusable, method.Removed{})...)
	for name, c := range map[string]struct{ got, want []method.Event }{
		"unusable again":              {bad.Failed("pay_2", forbids), nil},
		"unusable, and gone":          {gone.Failed("pay_2", forbids), nil},
		"unusable, and never saved":   {method.State{}.Failed("pay_2", forbids), nil},
		"good, and used with success": {fresh.Succeeded(paymentID), nil},
		"bad, and used with success":  {bad.Succeeded(paymentID), []method.Event{method.Verified{PaymentID: paymentID}}},
		"gone, and used with success": {gone.Succeeded(paymentID), nil},
		"its mandate ends":            {bad.EndMandate(mandateID), []method.Event{method.MandateEnded{MandateID: mandateID}}},
		"another's mandate ends":      {fresh.EndMandate(mandateID), nil},
		"gone, and its mandate ends":  {gone.EndMandate(mandateID), nil},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: what happens is %v, not %v", name, c.got, c.want)
		}
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given []method.Event
		want  error
	}{
		{"nothing", nil, method.ErrUnknown},
		{"saved", saved(), nil},
		{"unusable", append(saved(), unusable), nil},
		{"removed", append(saved(), method.Removed{}), method.ErrUnknown},
	} {
		events, err := fold(c.given...).Remove()
		if !errors.Is(err, c.want) || (err == nil) != reflect.DeepEqual(events, []method.Event{method.Removed{}}) {
			t.Errorf("%s: the answer is %v, %v", c.name, events, err)
		}
	}
}

// States are shared between goroutines: what one of them makes of a state never
// shows in another's.
func TestStatesAreValues(t *testing.T) {
	t.Parallel()
	history := append(saved(), method.MandateAdded{MandateID: "1"}, method.MandateAdded{MandateID: "2"}, method.MandateAdded{MandateID: "3"})
	base := fold(history...)
	one := method.Evolve(base, methodID, method.MandateAdded{MandateID: "4"})
	method.Evolve(base, methodID, method.MandateAdded{MandateID: "5"})
	method.Evolve(base, methodID, method.MandateEnded{MandateID: "1"})
	if !reflect.DeepEqual(base, fold(history...)) || one.Mandates[3] != "4" {
		t.Errorf("the mandates are %v and %v", base.Mandates, one.Mandates)
	}
}

// alien stands for an event that was added and not handled.
type alien struct{ method.Event }

func TestWhatIsForgottenPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("an event that nobody handles goes unnoticed")
		}
	}()
	fold(alien{})
}
