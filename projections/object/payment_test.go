package object_test

import (
	"slices"
	"testing"
	"time"

	"tender/domain/payment"
	"tender/domain/session"
	"tender/projections/object"
)

// after returns a history that goes on.
func after(history []payment.Event, more ...payment.Event) []payment.Event {
	return append(slices.Clone(history), more...)
}

// paying is the history of a payment whose first attempt is with the acquirer.
func paying(method payment.CaptureMethod) []payment.Event {
	return []payment.Event{
		payment.Initiated{
			SessionID: sessionID, Amount: amount, Currency: "ZAR", Country: "ZA", CaptureMethod: method,
			Intent: payment.IntentPayment, Acquirer: "simulator",
			ExternalReference: "ORDER-10442", Metadata: map[string]string{"basket": "7"},
		},
		payment.AttemptStarted{AttemptID: attemptID, Number: 1, Key: paymentID + "-1", AnswerBy: noon.Add(15 * time.Second), Details: visa},
	}
}

// reserved is the history of a payment that waits for captures.
func reserved(more ...payment.Event) []payment.Event {
	return after(after(paying(payment.CaptureManual), payment.Authorised{
		AttemptID: attemptID, Amount: amount, Currency: "ZAR", Reference: "auth_1", NetworkTransactionID: "ntx_1",
		ThreeDSecure: "authenticated", ExpiresAt: noon.Add(7 * 24 * time.Hour),
	}), more...)
}

func capturing(sum int64) payment.CaptureRequested {
	return payment.CaptureRequested{
		CaptureID: captureID, Amount: sum, Currency: "ZAR", Key: paymentID + "-" + captureID,
		AnswerBy: noon.Add(time.Hour), Metadata: map[string]string{"parcel": "1"},
	}
}

func captured(sum int64) []payment.Event {
	return []payment.Event{capturing(sum), payment.Captured{CaptureID: captureID, Amount: sum, Currency: "ZAR", Reference: "cap_1"}}
}

func voiding(sum int64) payment.VoidRequested {
	return payment.VoidRequested{VoidID: voidID, Amount: sum, Currency: "ZAR", Key: paymentID + "-" + voidID, AnswerBy: noon.Add(time.Hour)}
}

// sold is the history of a payment that was captured at once.
func sold(more ...payment.Event) []payment.Event {
	return after(after(paying(payment.CaptureAutomatic), payment.Paid{AttemptID: attemptID, Amount: amount, Currency: "ZAR", Reference: "auth_1"}), more...)
}

func refunding(sum int64) payment.RefundRequested {
	return payment.RefundRequested{
		RefundID: refundID, Amount: sum, Currency: "ZAR", Key: paymentID + "-" + refundID,
		AnswerBy: noon.Add(time.Hour), Reason: "damaged", Metadata: map[string]string{"return": "1"},
	}
}

func refunded(sum int64) []payment.Event {
	return []payment.Event{refunding(sum), payment.Refunded{RefundID: refundID, Amount: sum, Currency: "ZAR", Reference: "ref_1"}}
}

// paymentStates has a history for each state in which clients may see a payment.
func paymentStates() map[string][]payment.Event {
	failed := payment.AttemptFailed{AttemptID: attemptID, Failure: declined}
	final := failed
	final.Final = true
	again := payment.AttemptStarted{AttemptID: "att_2", Number: 2, Key: paymentID + "-2", AnswerBy: noon.Add(time.Hour), Details: visa}
	manual := paying(payment.CaptureManual)
	reversal := payment.ReversalRequested{ReversalID: reversalID, Amount: 40_000, Currency: "ZAR", Reference: "auth_1", Key: paymentID + "-" + reversalID, AnswerBy: noon.Add(time.Hour)}
	expired := reserved(append(captured(60_000), payment.AuthorisationExpired{Amount: 40_000, Currency: "ZAR"}, reversal)...)
	return map[string][]payment.Event{
		"processing":     manual,
		"pending_action": after(manual, payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionRedirect, URL: "https://acs.example/1", ActionBy: noon.Add(15 * time.Minute)}),
		"draft":          after(manual, failed),
		"tried_again":    after(manual, failed, again),
		"failed":         after(manual, final),
		"cancelled":      after(manual, failed, payment.Cancelled{}),
		"expired":        after(manual, failed, payment.Expired{}),
		"paid":           after(paying(payment.CaptureAutomatic), payment.Paid{AttemptID: attemptID, Amount: amount, Currency: "ZAR", Reference: "auth_1"}),
		"reserved":       reserved(),
		"paid_at_second": after(paying(payment.CaptureAutomatic), failed, again, payment.Paid{AttemptID: "att_2", Amount: amount, Currency: "ZAR", Reference: "auth_2"}),

		"capturing":              reserved(capturing(60_000)),
		"captured":               reserved(captured(60_000)...),
		"capture_failed":         reserved(capturing(60_000), payment.CaptureFailed{CaptureID: captureID, Amount: 60_000, Currency: "ZAR", Failure: declined}),
		"voiding":                reserved(voiding(amount)),
		"voided":                 reserved(voiding(amount), payment.Voided{VoidID: voidID, Amount: amount, Currency: "ZAR", Reference: "voi_1"}),
		"void_failed":            reserved(voiding(amount), payment.VoidFailed{VoidID: voidID, Amount: amount, Currency: "ZAR", Failure: declined}),
		"captured_and_voided":    reserved(append(captured(60_000), voiding(40_000), payment.Voided{VoidID: voidID, Amount: 40_000, Currency: "ZAR", Reference: "voi_1"})...),
		"refunding":              sold(refunding(60_000)),
		"refunded":               sold(refunded(60_000)...),
		"refund_failed":          sold(refunding(60_000), payment.RefundFailed{RefundID: refundID, Amount: 60_000, Currency: "ZAR", Failure: declined}),
		"refund_failed_late":     sold(append(refunded(60_000), payment.RefundFailed{RefundID: refundID, Amount: 60_000, Currency: "ZAR", Failure: declined, Late: true})...),
		"captured_and_refunded":  reserved(append(captured(60_000), refunded(60_000)...)...),
		"captured_and_expired":   expired,
		"reversed":               after(expired, payment.Reversed{ReversalID: reversalID, Amount: 40_000, Currency: "ZAR", Reference: "rev_1"}),
		"reversal_failed":        after(expired, payment.ReversalFailed{ReversalID: reversalID, Amount: 40_000, Currency: "ZAR", Failure: declined}),
		"draft_and_contradicted": after(manual, failed, payment.Contradicted{Key: paymentID + "-1", Performed: true, Amount: amount, Currency: "ZAR", Reference: "auth_late"}),
	}
}

func TestPaymentsAsClientsSeeThem(t *testing.T) {
	t.Parallel()
	for name, events := range paymentStates() {
		checkGolden(t, "payment_"+name, show[object.Payment](paymentID, events))
	}
}

// What was to pay is no card, and nobody speaks of one.
func TestAccountDeclined(t *testing.T) {
	t.Parallel()
	refused := declined
	refused.Account = true
	const want = "The payment was declined: the account's funds or its limit do not suffice."
	p := show[object.Payment](paymentID, after(paying(payment.CaptureAutomatic), payment.AttemptFailed{AttemptID: attemptID, Failure: refused}))
	s := show[object.Session](sessionID, []session.Event{
		session.Created{Kind: session.TypeOneTime, Amount: amount, Currency: "ZAR", Country: "ZA"},
		session.AttemptStarted{PaymentID: paymentID, AttemptID: attemptID, Number: 1},
		session.AttemptFailed{PaymentID: paymentID, AttemptID: attemptID, Failure: refused},
	})
	for name, e := range map[string]*object.PaymentError{"payment": p.LastPaymentError, "session": s.LastPaymentError} {
		if e == nil || e.Message != want || e.ErrorCode != "card_declined" || e.DeclineCode != "insufficient_funds" {
			t.Errorf("the %s's error is %+v", name, e)
		}
	}
}

// The table of the contract.
func TestSums(t *testing.T) {
	t.Parallel()
	events := reserved(append(captured(60_000), voiding(40_000), payment.Voided{VoidID: voidID, Amount: 40_000, Currency: "ZAR"})...)
	for _, c := range []struct {
		step                                                        string
		events                                                      int
		authorised, paid, voided, expired, pending, capturable, sum int64
	}{
		{"before", 2, 0, 0, 0, 0, 0, 0, 0},
		{"authorise 100000 (manual)", 3, 100_000, 0, 0, 0, 0, 100_000, 100_000},
		{"capture 60000, asked for", 4, 100_000, 0, 0, 0, 60_000, 40_000, 100_000},
		{"capture 60000", 5, 100_000, 60_000, 0, 0, 0, 40_000, 100_000},
		{"void, asked for", 6, 100_000, 60_000, 0, 0, 40_000, 0, 100_000},
		{"void", 7, 100_000, 60_000, 40_000, 0, 0, 0, 100_000},
	} {
		p := show[object.Payment](paymentID, events[:c.events])
		got := [...]int64{
			p.AuthorisedAmount, p.PaidAmount, p.VoidedAmount, p.ExpiredAmount, p.PendingAmount, p.CapturableAmount,
			p.PaidAmount + p.VoidedAmount + p.ExpiredAmount + p.PendingAmount + p.CapturableAmount,
		}
		if want := [...]int64{c.authorised, c.paid, c.voided, c.expired, c.pending, c.capturable, c.sum}; got != want {
			t.Errorf("%s: the amounts are %v, not %v", c.step, got, want)
		}
	}
}

// What was refunded may come back; it is refundable then.
func TestRefundSums(t *testing.T) {
	t.Parallel()
	failed := payment.RefundFailed{RefundID: refundID, Amount: 60_000, Currency: "ZAR", Failure: declined}
	late := failed
	late.Late = true
	for name, c := range map[string]struct {
		events                     []payment.Event
		paid, refunded, refundable int64
	}{
		"before the attempt":      {paying(payment.CaptureAutomatic), 0, 0, 0},
		"sold":                    {sold(), amount, 0, amount},
		"reserved":                {reserved(), 0, 0, 0},
		"capturing":               {reserved(capturing(60_000)), 0, 0, 0},
		"captured":                {reserved(captured(60_000)...), 60_000, 0, 60_000},
		"refunding":               {sold(refunding(60_000)), amount, 0, 40_000},
		"refunded":                {sold(refunded(60_000)...), amount, 60_000, 40_000},
		"declined":                {sold(refunding(60_000), failed), amount, 0, amount},
		"failed late":             {sold(append(refunded(60_000), late)...), amount, 0, amount},
		"captured, then refunded": {reserved(append(captured(60_000), refunded(60_000)...)...), 60_000, 60_000, 0},
	} {
		p := show[object.Payment](paymentID, c.events)
		got := [...]int64{p.PaidAmount, p.RefundedAmount, p.RefundableAmount}
		if want := [...]int64{c.paid, c.refunded, c.refundable}; got != want {
			t.Errorf("%s: paid, refunded and refundable are %v, not %v", name, got, want)
		}
	}
}

// Each operation is found by its id, and keeps its place and its own time.
func TestOperationsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	first, second := capturing(60_000), capturing(30_000)
	second.CaptureID = "cap_2"
	p := show[object.Payment](paymentID, reserved(first, second,
		payment.Captured{CaptureID: "cap_2", Amount: 30_000, Currency: "ZAR"},
		payment.CaptureFailed{CaptureID: captureID, Amount: 60_000, Currency: "ZAR", Failure: declined},
		voiding(70_000),
	))
	metadata := map[string]string{"parcel": "1"}
	want := []object.Operation{
		{ID: captureID, Amount: 60_000, Status: "failed", Metadata: metadata, CreatedAt: object.Time(noon.Add(3 * time.Minute))},
		{ID: "cap_2", Amount: 30_000, Status: "succeeded", Metadata: metadata, CreatedAt: object.Time(noon.Add(4 * time.Minute))},
	}
	if got, want := string(marshal(t, p.Captures)), string(marshal(t, want)); got != want {
		t.Errorf("the captures are\n%s, not\n%s", got, want)
	}
	wantVoid := []object.Operation{{ID: voidID, Amount: 70_000, Status: "pending", CreatedAt: object.Time(noon.Add(7 * time.Minute))}}
	if got, want := string(marshal(t, p.Voids)), string(marshal(t, wantVoid)); got != want {
		t.Errorf("the voids are\n%s, not\n%s", got, want)
	}
}

// Objects are shared between goroutines: what one of them makes of an object
// never shows in another's.
func TestPaymentsAreValues(t *testing.T) {
	t.Parallel()
	base := show[object.Payment](paymentID, reserved(capturing(60_000)))
	before := string(marshal(t, base))
	base.Apply("test", envelope(paymentID, 5), payment.Captured{CaptureID: captureID, Amount: 60_000, Currency: "ZAR"})
	other := capturing(10)
	other.CaptureID = "cap_2"
	one := base.Apply("test", envelope(paymentID, 5), other)
	other.CaptureID = "cap_3"
	two := base.Apply("test", envelope(paymentID, 5), other)
	if got := string(marshal(t, base)); got != before {
		t.Errorf("the object that others were made from is now\n%s, not\n%s", got, before)
	}
	if one.Captures[1].ID != "cap_2" || two.Captures[1].ID != "cap_3" {
		t.Errorf("the second captures are %s and %s", one.Captures[1].ID, two.Captures[1].ID)
	}
}

func TestEventsOfOthersChangeNothing(t *testing.T) {
	t.Parallel()
	p := show[object.Payment](paymentID, reserved())
	before := string(marshal(t, p))
	if got := string(marshal(t, p.Apply("test", envelope(sessionID, 99), session.Cancelled{}))); got != before {
		t.Errorf("a session's event makes it\n%s, not\n%s", got, before)
	}
	s := show[object.Session](sessionID, ending())
	before = string(marshal(t, s))
	if got := string(marshal(t, s.Apply("test", envelope(paymentID, 99), payment.Cancelled{}))); got != before {
		t.Errorf("a payment's event makes it\n%s, not\n%s", got, before)
	}
}

func TestAction(t *testing.T) {
	t.Parallel()
	manual := paying(payment.CaptureManual)
	away := after(manual, payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionRedirect, URL: "https://acs.example/1", ActionBy: noon.Add(15 * time.Minute)})
	there := object.Action{Kind: payment.ActionRedirect, URL: "https://acs.example/1", By: noon.Add(15 * time.Minute)}
	for name, c := range map[string]struct {
		events []payment.Event
		want   object.Action
	}{
		"with the acquirer": {manual, object.Action{}},
		"with the customer": {away, there},
		"authorised":        {after(away, payment.Authorised{AttemptID: attemptID, Amount: amount, Currency: "ZAR"}), object.Action{}},
		"paid":              {after(away, payment.Paid{AttemptID: attemptID, Amount: amount, Currency: "ZAR"}), object.Action{}},
		"failed":            {after(away, payment.AttemptFailed{AttemptID: attemptID, Failure: timedOut}), object.Action{}},
		"another reversed":  {after(away, payment.Contradicted{Key: "k"}, payment.ReversalRequested{Key: "k2"}), there},
	} {
		if got := show[object.Action](paymentID, c.events); got != c.want {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
	}
}
