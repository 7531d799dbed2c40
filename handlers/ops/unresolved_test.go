package ops_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"tender/acquirers"
	"tender/domain/id"
	"tender/domain/payment"
	"tender/domain/staff"
	"tender/eventstore"
	house "tender/handlers/handlerstest"
)

const (
	unresolvedPath = "/ops/payments/unresolved"
	goodCard       = "4242424242424242"
	aDay           = payment.UnresolvedAfter + payment.AnswerWindow + time.Minute
	why            = "Line 17 of their settlement file."
)

// desk is an installation whose acquirer has fallen silent.
type desk struct {
	*house.House
	*house.Caller // the merchant
	t             *testing.T
	merchant      *house.Merchant
	// thandi and pieter are operators; thandi has the id of the first.
	thandi, pieter *house.Caller
	thandiID       string
}

// silent is an installation with a payment that has an operation whose answer nobody
// has had for a day: the acquirer performs what it is asked, and all of its answers
// are lost since. Operate is what is asked of it then.
func silent(t *testing.T, operate func(*desk) (paymentID string)) (*desk, string) {
	t.Helper()
	h := house.New(t, house.At(-3*aDay)) // by PostgreSQL's clock all of it is long due
	h.First.Project()
	d := &desk{House: h, t: t, merchant: h.Merchant("test")}
	d.Caller = h.First.Caller(t, d.merchant.Secret)
	paymentID := operate(d)
	h.Clock.Advance(aDay)
	var secret string
	secret, d.thandiID, _ = h.Staff(staff.RoleOperator, time.Hour)
	d.thandi = h.First.Caller(t, secret)
	d.pieter = h.First.Caller(t, h.StaffKey(staff.RoleOperator))
	return d, paymentID
}

// lose lets the acquirer perform what is asked, and loses all that it says.
func (d *desk) lose() {
	d.First.Line.Between(func(_ context.Context, kind string, send house.Send) (acquirers.Answer, error) {
		if kind != house.CallSettle {
			if _, err := send(); err != nil {
				return acquirers.Answer{}, err
			}
		}
		return acquirers.Answer{}, house.ErrLost
	})
}

// captured captures 60.00 of 100.00, and hears nothing of it.
func captured(d *desk) string {
	paymentID := d.Reserved(10_000, goodCard)
	d.lose()
	d.Capture(paymentID, 6_000, house.Key("k-"+paymentID)).Is(202)
	return paymentID
}

// attempted has a customer pay a session with these options, and hears nothing of it.
func attempted(amount int64, options ...house.Object) func(*desk) string {
	return func(d *desk) string {
		sessionID, checkoutID := d.Create(amount, options...)
		d.lose()
		d.First.Caller(d.t, "").Post("/checkout/"+checkoutID+"/attempts", house.Card(goodCard, house.Object{"accept_mandate": true})).Is(200)
		return d.Get(house.SessionsPath + "/" + sessionID).Is(200).Text("payment_id")
	}
}

func (d *desk) operation(paymentID string) string {
	d.t.Helper()
	return d.thandi.Get("/ops/payments/" + paymentID).Is(200).Text("operations.0.operation_id")
}

// says is what somebody says of a payment's operation.
func (d *desk) says(paymentID string, more house.Object) house.Object {
	o := house.Object{"operation_id": d.operation(paymentID), "reason": why}
	for name, value := range more {
		o[name] = value
	}
	return o
}

func succeeded(reference string) house.Object {
	return house.Object{"outcome": "succeeded", "reference": reference}
}

func failed() house.Object {
	return house.Object{"outcome": "failed", "error_code": "processing_error"}
}

// propose has Thandi say what became of a payment's operation, and returns the path of
// the resolution.
func (d *desk) propose(paymentID string, more house.Object) string {
	d.t.Helper()
	a := d.thandi.Post("/ops/payments/"+paymentID+"/resolutions", d.says(paymentID, more)).Is(201)
	return "/ops/payments/" + paymentID + "/resolutions/" + a.Text("operations.0.resolution.id")
}

// tells returns the types of a stream's events from version on, with who caused them.
func (d *desk) tells(stream string, version int) []string {
	d.t.Helper()
	var out []string
	for _, e := range d.events(stream) {
		if e.Version >= version {
			out = append(out, e.Type+" by "+string(e.Actor.Kind))
		}
	}
	return out
}

func (d *desk) events(stream string) []eventstore.Event {
	d.t.Helper()
	events, err := d.First.Test.Engine.Store.Stream(d.t.Context(), stream)
	if err != nil {
		d.t.Fatal(err)
	}
	return events
}

func (d *desk) told(got []string, want ...string) {
	d.t.Helper()
	if len(got) != len(want) {
		d.t.Fatalf("the log tells %q, not %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			d.t.Fatalf("the log tells %q, not %q", got, want)
		}
	}
}

// hears records what the acquirer says of a key when it can be asked again.
func (d *desk) hears(key string) {
	d.t.Helper()
	d.First.Line.Between(nil)
	answer, err := d.First.Line.Settle(d.t.Context(), key)
	if err != nil {
		d.t.Fatal(err)
	}
	answer.Key = key
	if _, _, err := d.First.Test.Payments.Record(d.t.Context(), answer); err != nil {
		d.t.Fatal(err)
	}
	d.First.Test.Payments.Drain()
}

func TestUnresolvedPaymentsAreListed(t *testing.T) {
	t.Parallel()
	d, first := silent(t, captured)
	d.First.Line.Between(nil)
	second := d.Reserved(5_000, goodCard)
	d.lose()
	d.Void(second).Is(202)
	other := d.Merchant("test")
	of := d.First.Caller(t, other.Secret)
	d.First.Line.Between(nil)
	third := of.Reserved(7_000, goodCard)
	d.lose()
	of.Capture(third, 0).Is(202)

	d.caughtUp()
	d.listed(first)
	d.thandi.Get("/ops/payments/" + second).Is(200).Shows(house.Object{
		"operations.0.kind": "void", "operations.0.amount_minor": "5000", "operations.0.amount": "50.00", "operations.0.unresolved": false,
	})
	d.Clock.Advance(aDay)
	secret, _, _ := d.Staff(staff.RoleOperator, time.Hour)
	d.thandi = d.First.Caller(t, secret)
	d.listed(first, second, third)
	d.thandi.Get(unresolvedPath).Is(200).Shows(house.Object{
		"data.0.merchant_id": d.merchant.ID, "data.0.acquirer": "simulator", "data.0.operations.0.kind": "capture",
		"data.0.operations.0.amount": "60.00", "data.0.operations.0.currency": "ZAR", "data.0.operations.0.unresolved": true,
		"data.0.operations.0.asked_count": 0,
	})
	theirs := d.First.Caller(t, d.StaffKey(staff.RoleOperator, other.ID))
	if a := theirs.Get(unresolvedPath).Is(200); a.Len("data") != 1 || a.Text("data.0.payment_id") != third {
		t.Errorf("a key for one merchant is shown %s", a.Body)
	}
	for _, path := range []string{"", "/ask", "/resolutions", "/resolutions/res_01m8h3705ffa1ssbxn952rzmna/confirm"} {
		if path == "" {
			theirs.Get("/ops/payments/"+first).Problem(404, "not_found")
			continue
		}
		theirs.Post("/ops/payments/"+first+path, d.says(first, succeeded("r"))).Problem(404, "not_found")
	}
	if a := d.thandi.Get(unresolvedPath + "?merchant=" + other.ID).Is(200); a.Len("data") != 1 {
		t.Errorf("of one merchant are shown %s", a.Body)
	}
	d.thandi.Get(unresolvedPath+"?cursor=nonsense").Problem(400, "invalid_request")
	d.thandi.Get("/ops/payments/"+first+"?mode=live").Problem(404, "not_found")
	d.thandi.Get("/ops/payments/pay_nonsense").Problem(404, "not_found")
	d.First.Caller(t, d.StaffKey(staff.RoleFinance)).Get(unresolvedPath).Problem(403, "forbidden")

	// A rebuild shows the same.
	d.thandi.Post("/ops/projections/due/rebuild", nil).Is(202)
	house.Eventually(t, "generation 2 is served", func() bool {
		return d.thandi.Get("/ops/projections/due").Is(200).Int("generation") == 2
	})
	d.listed(first, second, third)
}

// caughtUp waits until the read model knows all that has happened.
func (d *desk) caughtUp() {
	d.t.Helper()
	house.Eventually(d.t, "the read model has caught up", func() bool {
		return d.thandi.Get("/ops/projections/due").Is(200).Int("lag_events") == 0
	})
}

// listed fails the test unless these are unresolved, in pages of any size.
func (d *desk) listed(want ...string) {
	d.t.Helper()
	for _, limit := range []string{"1", "2", "100"} {
		var got []string
		path := unresolvedPath + "?limit=" + limit
		for next := path; ; {
			a := d.thandi.Get(next).Is(200)
			for i := range a.Len("data") {
				got = append(got, a.Text("data."+string(rune('0'+i))+".payment_id"))
			}
			if more, _ := a.At("has_more").(bool); !more {
				break
			}
			next = path + "&cursor=" + a.Text("next_cursor")
		}
		d.told(got, want...)
	}
}

func TestAskingEndsTheDoubt(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, captured)
	path := "/ops/payments/" + paymentID
	for n := range 2 {
		d.thandi.Post(path+"/ask", nil).Is(200).Shows(house.Object{
			"asked.0.answer": "none", "operations.0.asked_count": n + 1, "operations.0.last_answer": "none", "operations.0.unresolved": true,
		})
	}
	d.propose(paymentID, succeeded("by-hand"))
	d.First.Line.Between(nil)
	a := d.thandi.Post(path+"/ask", nil).Is(200).Shows(house.Object{"asked.0.answer": "approved", "resolutions.0.status": "lapsed"})
	if a.Len("operations") != 0 {
		t.Errorf("after the answer there is %s", a.Body)
	}
	if n := d.First.Line.Calls(house.CallCapture); n != 1 {
		t.Errorf("the acquirer was told %d times to capture", n)
	}
	d.Payment(paymentID).Shows(house.Object{"paid_amount": 6_000, "capturable_amount": 4_000})
	d.pieter.Post(path+"/resolutions/"+a.Text("resolutions.0.id")+"/confirm", nil).Problem(409, "resolution_over")
	d.thandi.Post(path+"/ask", nil).Problem(409, "not_unresolved")
	d.caughtUp()
	d.listed()
	d.told(d.tells(paymentID, 4), "payment.capture_requested by merchant", "payment.resolution_proposed by staff", "payment.captured by acquirer")
}

func TestTwoPeopleResolveByHand(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, captured)
	path := d.propose(paymentID, succeeded("by-hand"))
	if again := d.propose(paymentID, succeeded("by-hand")); again != path {
		t.Errorf("the same again is %s, not %s", again, path)
	}
	resolutions := "/ops/payments/" + paymentID + "/resolutions"
	d.pieter.Post(resolutions, d.says(paymentID, succeeded("by-hand"))).Problem(409, "resolution_pending")
	d.thandi.Post(path+"/confirm", nil).Problem(409, "second_person_needed")
	d.First.Caller(t, d.AnotherStaffKey(d.thandiID, staff.RoleOperator)).Post(path+"/confirm", nil).Problem(409, "second_person_needed")
	d.pieter.Post(resolutions+"/res_01m8h3705ffa1ssbxn952rzmna/confirm", nil).Problem(404, "not_found")
	d.Capture(paymentID, 1).Problem(409, "operation_in_progress")

	for range 2 { // whoever sends it again hears the same
		a := d.pieter.Post(path+"/confirm", house.Object{}).Is(200).Shows(house.Object{"resolutions.0.status": "confirmed", "resolutions.0.reference": "by-hand"})
		if a.Len("operations") != 0 {
			t.Errorf("it is resolved, and there is %s", a.Body)
		}
	}
	d.told(d.tells(paymentID, 5), "payment.resolution_proposed by staff", "payment.resolution_confirmed by staff", "payment.captured by staff")
	d.Payment(paymentID).Shows(house.Object{"paid_amount": 6_000, "capturable_amount": 4_000, "captures.0.status": "succeeded"})
	d.Capture(paymentID, 6_000, house.Key("k-"+paymentID)).Is(200) // the merchant's request is answered, too
	d.First.Line.Between(nil)
	d.Capture(paymentID, 4_000).Is(200)
	d.Refund(paymentID, 10_000).Is(200)
	events := d.events(paymentID)
	if proposed := events[4]; events[6].Causation != proposed.ID || events[6].Actor.ID == proposed.Actor.ID || proposed.Causation != events[3].ID {
		t.Errorf("the outcome's cause is %s, by %s", events[6].Causation, events[6].Actor.ID)
	}
}

func TestWhatIsResolvedAsFailed(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, captured)
	path := d.propose(paymentID, failed())
	d.pieter.Post(path+"/confirm", nil).Is(200)
	d.Payment(paymentID).Shows(house.Object{"paid_amount": 0, "capturable_amount": 10_000, "captures.0.status": "failed"})
	d.Capture(paymentID, 6_000, house.Key("k-"+paymentID)).Problem(402, "capture_declined")
	key := paymentID + "-" + d.Payment(paymentID).Text("captures.0.id")
	d.hears(key) // it was captured after all
	d.told(d.tells(paymentID, 7), "payment.capture_failed by staff", "payment.contradicted by acquirer", "payment.reversal_requested by acquirer", "payment.reversed by acquirer")
	d.Payment(paymentID).Shows(house.Object{"paid_amount": 0, "capturable_amount": 10_000})
}

func TestWhatIsRejectedComesToNothing(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, captured)
	path := d.propose(paymentID, succeeded("by-hand"))
	d.pieter.Post(path+"/reject", house.Object{"reason": "call me at anna@example.com"}).Problem(400, "invalid_request")
	for range 2 {
		d.pieter.Post(path+"/reject", house.Object{"reason": "It is another payment's."}).Is(200).Shows(house.Object{
			"resolutions.0.status": "rejected", "operations.0.unresolved": true, "operations.0.resolution": nil,
		})
	}
	d.pieter.Post(path+"/confirm", nil).Problem(409, "resolution_over")
	second := d.propose(paymentID, failed())
	d.thandi.Post(second+"/reject", nil).Is(200).Shows(house.Object{"resolutions.1.status": "rejected"})
	d.Payment(paymentID).Shows(house.Object{"pending_amount": 6_000})
}

func TestReferencesOfOtherPaymentsAreRefused(t *testing.T) {
	t.Parallel()
	var taken string
	d, paymentID := silent(t, func(d *desk) string {
		taken = d.Payment(d.Reserved(1_000, goodCard)).Text("reconciliation_reference")
		return captured(d)
	})
	resolutions := "/ops/payments/" + paymentID + "/resolutions"
	d.thandi.Post(resolutions, d.says(paymentID, succeeded(taken))).Problem(409, "reference_taken")
	// It may be taken after it was proposed.
	path := d.propose(paymentID, succeeded("late"))
	d.First.Line.Between(nil)
	d.First.Line.Between(func(_ context.Context, kind string, send house.Send) (acquirers.Answer, error) {
		answer, err := send()
		if kind == house.CallAuthorise {
			answer.Reference = "late"
		}
		return answer, err
	})
	d.Paid(1_000, goodCard)
	d.pieter.Post(path+"/confirm", nil).Problem(409, "reference_taken")
	d.Payment(paymentID).Shows(house.Object{"pending_amount": 6_000, "captures.0.status": "pending"})
	d.told(d.tells(paymentID, 5), "payment.resolution_proposed by staff")
}

func TestWhatCantBeSaid(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, captured)
	resolutions := "/ops/payments/" + paymentID + "/resolutions"
	operation := d.operation(paymentID)
	for _, c := range []struct {
		body    house.Object
		pointer string
	}{
		{house.Object{"outcome": "succeeded", "reference": "r", "reason": why}, "/operation_id"},
		{house.Object{"operation_id": operation, "reference": "r", "reason": why}, "/outcome"},
		{house.Object{"operation_id": operation, "outcome": "perhaps", "reason": why}, "/outcome"},
		{house.Object{"operation_id": operation, "outcome": "succeeded", "reference": "r"}, "/reason"},
		{house.Object{"operation_id": operation, "outcome": "succeeded", "reason": why}, "/reference"},
		{house.Object{"operation_id": operation, "outcome": "failed", "reason": why}, "/error_code"},
		{house.Object{"operation_id": operation, "outcome": "failed", "error_code": "bad_luck", "reason": why}, "/error_code"},
		{house.Object{"operation_id": operation, "outcome": "failed", "error_code": "card_declined", "reason": why}, "/decline_code"},
		{house.Object{"operation_id": operation, "outcome": "succeeded", "reference": "r", "reason": "4242 4242 4242 4242"}, "/reason"},
		{house.Object{"operation_id": operation, "outcome": "succeeded", "reference": "r", "reason": why, "colour": "red"}, "/colour"},
		{house.Object{"operation_id": operation, "outcome": "succeeded", "reference": "r", "reason": why, "expires_at": "2027-01-01T00:00:00Z"}, "/expires_at"},
		{house.Object{"operation_id": operation, "outcome": "succeeded", "reference": "r", "reason": why, "effective_at": "2097-01-01T00:00:00Z"}, "/effective_at"},
	} {
		a := d.thandi.Post(resolutions, c.body).Problem(400, "invalid_request")
		if a.Text("errors.0.pointer") != c.pointer {
			t.Errorf("%v: blamed is %s", c.body, a.Body)
		}
	}
	other := d.says(paymentID, succeeded("r"))
	other["operation_id"] = id.Format(id.Capture, d.events(paymentID)[0].ID)
	d.thandi.Post(resolutions, other).Problem(409, "not_unresolved")
	d.told(d.tells(paymentID, 5))
}

// Whoever comes first counts; the other hears of it.
func TestAnAnswerAndAConfirmationAtOnce(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, captured)
	payments := []string{paymentID}
	for range 5 {
		d.First.Line.Between(nil)
		payments = append(payments, captured(d))
	}
	d.Clock.Advance(aDay)
	d.thandi, d.pieter = d.First.Caller(t, d.StaffKey(staff.RoleOperator)), d.First.Caller(t, d.StaffKey(staff.RoleOperator))
	second := d.Process()
	for i, paymentID := range payments {
		path := d.propose(paymentID, succeeded("by-hand-"+paymentID))
		key := paymentID + "-" + d.operation(paymentID)
		var both sync.WaitGroup
		both.Go(func() {
			answer := acquirers.Answer{Key: key, Status: acquirers.StatusApproved, Reference: "late-" + paymentID}
			if i%2 == 1 {
				answer = acquirers.Answer{Key: key, Status: acquirers.StatusDeclined, ErrorCode: "processing_error"}
			}
			_, _, _ = second.Test.Payments.Record(t.Context(), answer)
		})
		var confirmed *house.Answer
		both.Go(func() { confirmed, _ = d.pieter.Send("POST", path+"/confirm", nil) })
		both.Wait()
		second.Test.Payments.Drain()
		outcomes := map[string]int{}
		for _, e := range d.events(paymentID) {
			outcomes[e.Type]++
		}
		byHand := outcomes["payment.resolution_confirmed"] == 1
		if outcomes["payment.captured"]+outcomes["payment.capture_failed"] != 1 {
			t.Errorf("it has the outcomes %v", outcomes)
		}
		if byHand && confirmed.Status != 200 || !byHand && confirmed.Status != 409 {
			t.Errorf("confirmed is %t, and the answer %d", byHand, confirmed.Status)
		}
		if byHand && i%2 == 1 && outcomes["payment.contradicted"] != 1 {
			t.Errorf("the acquirer says something else, and %v", outcomes)
		}
		a := d.Payment(paymentID)
		if a.Int("paid_amount")+a.Int("capturable_amount") != 10_000 || a.Int("pending_amount") != 0 {
			t.Errorf("the sums are %s", a.Body)
		}
	}
}
