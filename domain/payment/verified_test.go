package payment_test

import (
	"reflect"
	"testing"
	"time"

	"tender/domain/method"
	"tender/domain/payment"
)

// verifying is the history of a payment that only checks a method.
func verifying(more ...payment.Event) []payment.Event {
	history := started(payment.CaptureManual, 0)
	first := history[0].(payment.Initiated)
	first.Intent = payment.IntentVerification
	return append([]payment.Event{first, history[1]}, more...)
}

// A verification succeeds without a sum: nothing is captured or given back of it.
func TestVerified(t *testing.T) {
	t.Parallel()
	verified := verifying(payment.Verified{AttemptID: attemptID, Reference: reference})
	s := fold(verified)
	if s.Status != payment.StatusSucceeded || !s.Verifies() || sumsOf(s) != (sums{}) || !s.Attempt.Approved || s.Attempt.Reference != reference {
		t.Errorf("the state is %+v", s)
	}
	if fold(authorised(100)).Verifies() {
		t.Error("a payment that moves money verifies")
	}
	check(t, []rule{
		{"capture", verified, capture(0), nil, payment.ErrCaptureNotAllowed},
		{"void", verified, void(), nil, payment.ErrVoidNotAllowed},
		{"expire", verified, payment.ExpireAuthorisation{ID: commandID(9), Now: now(100 * later)}, nil, nil},
		{"refund", verified, payment.Refund{ID: commandID(9), Now: now(time.Second)}, nil, payment.ErrNothingToRefund},
	})
}

// Open is what may still cost or give back money that was promised; what is paid,
// or released on our own account, is at rest.
func TestOpen(t *testing.T) {
	t.Parallel()
	action := payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionRedirect, URL: "https://acs.example", ActionBy: noon.Add(15 * time.Minute)}
	over := payment.AuthorisationExpired{Amount: 100, Currency: "ZAR"}
	for _, c := range []struct {
		name  string
		given []payment.Event
		want  bool
	}{
		{"no payment", nil, false},
		{"with the acquirer", started(payment.CaptureAutomatic, 100), true},
		{"with the customer", after(started(payment.CaptureManual, 100), action), true},
		{"failed", failed(false), false},
		{"failed for good", failed(true), false},
		{"sold", sold(100), false},
		{"reserved", authorised(100), true},
		{"part captured", authorised(100, wholly(1, 60)...), true},
		{"all captured", authorised(100, wholly(1, 100)...), false},
		{"all of it asked for", authorised(100, captureRequested(1, 100)), true},
		{"all of it asked for, in vain", authorised(100, captureRequested(1, 100), captureFailed(1, 100)), true},
		{"being voided", authorised(100, voidRequested(1, 100)), true},
		{"voided", authorised(100, voidRequested(1, 100), voided(1, 100)), false},
		{"expired, and being reversed", authorised(100, over, reversalRequested(1, 100, reference)), false},
		{"expired, and not reversed", authorised(100, over, reversalRequested(1, 100, reference), reversalFailed(1, 100)), false},
		{"failed, and being reversed", failed(true, reversalRequested(1, 100, "auth_late")), false},
		{"verifying", verifying(), true},
		{"verified", verifying(payment.Verified{AttemptID: attemptID, Reference: reference}), false},
		{"cancelled", failed(false, payment.Cancelled{}), false},
	} {
		if got := fold(c.given).Open(); got != c.want {
			t.Errorf("%s: open is %t", c.name, got)
		}
	}
}

// Whose payment it is, is known from the beginning, or from the moment on that
// makes its customer.
func TestWhoseItIs(t *testing.T) {
	t.Parallel()
	card := &method.CardDetails{Scheme: "VISA"}
	first := payment.Initiated{SessionID: sessionID, Amount: 100, Currency: "ZAR", CaptureMethod: payment.CaptureManual, CustomerID: customerID, MandateID: mandateID}
	ofNobody := first
	ofNobody.CustomerID, ofNobody.MandateID = "", ""
	saving := payment.AttemptStarted{
		AttemptID: attemptID, Number: 1, Key: paymentID + "-1", Details: method.Details{Type: "card", Card: card},
		Save: &payment.Save{CustomerID: "cus_new", NewCustomer: true, PaymentMethodID: "pmt_new"},
	}
	again := saving
	again.Save = nil
	withSaved := again
	withSaved.PaymentMethodID = methodID
	fails := payment.AttemptFailed{AttemptID: attemptID, Failure: declined}
	succeeds := payment.Authorised{AttemptID: attemptID, Amount: 100, Currency: "ZAR", Reference: reference}
	for _, c := range []struct {
		name             string
		given            []payment.Event
		customer, method string
	}{
		{"a customer's", []payment.Event{first, again}, customerID, ""},
		{"a customer's, with a saved method", []payment.Event{first, withSaved}, customerID, methodID},
		{"a customer's, and it saves", []payment.Event{first, saving, succeeds}, customerID, "pmt_new"},
		{"nobody's, before it saves", []payment.Event{ofNobody, saving}, "", ""},
		{"nobody's, and it saved nothing", []payment.Event{ofNobody, saving, fails}, "", ""},
		{"nobody's, and it saved nothing, and then nothing was to be saved", []payment.Event{ofNobody, saving, fails, again, succeeds}, "", ""},
		{"nobody's, until it has saved", []payment.Event{ofNobody, saving, succeeds}, "cus_new", "pmt_new"},
	} {
		s := fold(c.given)
		if s.CustomerID != c.customer || s.PaymentMethodID() != c.method {
			t.Errorf("%s: it is that of %q, made with %q", c.name, s.CustomerID, s.PaymentMethodID())
		}
	}
	if s := fold([]payment.Event{first, saving}); s.MandateID != mandateID || s.Attempt.Details.Card != card || !reflect.DeepEqual(s.Attempt.Save, saving.Save) {
		t.Errorf("the state is %+v", s)
	}
}
