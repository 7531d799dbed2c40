package audit_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"tender/domain/merchant"
	"tender/domain/staff"
	"tender/projections"
)

// A payment is shown as it was, by position and by time.
func TestObjectsAsTheyWere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := b.head()
	paymentID, after := b.story()
	for step, want := range map[string]object{
		"reserved": {"object.paid_amount": 0, "object.capturable_amount": 10_000, "sums.capturable_amount": "10000"},
		"captured": {"object.paid_amount": 6_000, "object.capturable_amount": 4_000, "sums.paid_amount": "6000"},
		"voided":   {"object.voided_amount": 4_000, "object.capturable_amount": 0},
		"refunded": {"object.refunded_amount": 2_500, "object.refundable_amount": 3_500, "sums.refunded_amount": "2500"},
	} {
		at := strconv.FormatInt(after[step], 10)
		a := b.ask("objects/"+paymentID, "as_of", at).Is(200).Shows(want)
		a.Shows(object{"id": paymentID, "mode": "test", "merchant_id": b.shop.ID, "position": int(after[step]), "exists": true, "currency": "ZAR", "exponent": 2})
		// The time of the object's last event by then means the same.
		b.ask("objects/"+paymentID, "as_of", a.Text("recorded_at")).Is(200).Shows(want)
	}
	now := b.ask("objects/" + paymentID).Is(200).Shows(object{"object.version": int(b.calls.Payment(paymentID).Int("version"))})
	today := now.Text("recorded_at")[:len("2006-01-02")]
	b.ask("objects/"+paymentID, "as_of", today).Is(200).Shows(object{"version": int(now.Int("version"))})

	b.ask("objects/"+paymentID, "as_of", strconv.FormatInt(before, 10)).Problem(404, "not_found")
	b.ask("objects/"+paymentID, "as_of", "2020-01-01").Problem(404, "not_found")
	b.ask("objects/"+paymentID, "as_of", strconv.FormatInt(b.head()+1, 10)).Problem(400, "invalid_request")
	b.ask("objects/"+paymentID, "as_of", "soon").Problem(400, "invalid_request")
	b.ask("objects/pay_01hzy3v7q8e4xk2m9c5b7d6f0a").Problem(404, "not_found")
	b.ask("objects/whd_01hzy3v7q8e4xk2m9c5b7d6f0a").Problem(404, "not_found")
}

// What is gone is shown as gone, and as it was before.
func TestWhatIsGoneWasThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	endpoint := b.calls.Post("/webhooks/endpoints", object{"url": "http://127.0.0.1:1/", "events": []string{"*"}}).Is(201).Text("id")
	there := strconv.FormatInt(b.head(), 10)
	if _, err := b.calls.Send("DELETE", "/webhooks/endpoints/"+endpoint, nil); err != nil {
		t.Fatal(err)
	}
	b.ask("objects/" + endpoint).Is(200).Shows(object{"exists": false, "object": nil})
	b.ask("objects/"+endpoint, "as_of", there).Is(200).Shows(object{"exists": true, "object.id": endpoint})
	b.ask("objects/" + b.shop.ID).Is(200).Shows(object{"exists": true, "object.name": "Corner Shop"})
}

// A history says of each event what happened, by whom, why, what it changed, and what
// it did to the money.
func TestHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	endpoint := b.calls.Post("/webhooks/endpoints", object{"url": "http://127.0.0.1:1/", "events": []string{"payment.captured"}}).Is(201).Text("id")
	paymentID, after := b.story()
	b.must(b.First.Test.Cursors.WaitFor(t.Context(), projections.DeliveriesName, b.head()))
	a := b.ask("objects/" + paymentID + "/history").Is(200).Shows(object{"id": paymentID, "merchant_id": b.shop.ID, "currency": "ZAR", "exponent": 2})
	var words []string
	for i := range a.Len("events") {
		words = append(words, a.Text(fmt.Sprintf("events.%d.words", i)))
	}
	want := []string{
		"A payment of ZAR 100.00, with manual capture, was begun.", "Attempt 1 was sent to the acquirer.",
		"ZAR 100.00 was authorised, and is reserved.", "The acquirer was asked to capture ZAR 60.00.", "ZAR 60.00 was captured.",
		"The acquirer was asked to void ZAR 40.00.", "ZAR 40.00 was voided.",
		"The acquirer was asked to refund ZAR 25.00.", "ZAR 25.00 was refunded.",
	}
	if !slices.Equal(words, want) {
		t.Fatalf("it says %q", words)
	}
	a.Shows(object{
		"events.3.actor.kind": "merchant", "events.3.by": "the merchant, with key " + b.shop.SecretID,
		"events.4.actor.kind": "acquirer", "events.4.by": "the acquirer simulator",
		"events.4.cause.type": "payment.capture_requested", "events.4.cause.position": int(a.Int("events.3.position")),
		"events.4.sums.paid_amount": "6000", "events.4.sums.capturable_amount": "4000",
		"events.4.changes.paid_amount.before": 0, "events.4.changes.paid_amount.after": 6_000, "events.4.changes.version": nil,
		"events.4.webhooks.0.endpoint_id": endpoint, "events.4.webhooks.0.status": "pending", "events.4.webhooks.0.event_type": "payment.captured",
		"events.4.webhooks.1": nil, "events.6.webhooks.0": nil,
		"events.4.entries.0.account": "acquirer_receivable", "events.4.entries.0.side": "debit", "events.4.entries.0.amount": "60.00",
		"events.4.entries.1.account": "merchant_payable", "events.4.entries.1.side": "credit", "events.4.entries.1.amount_minor": "-6000",
		"events.4.entries.4": nil, "events.3.entries.0": nil,
	})
	if a.Text("events.4.references.reference") == "" || a.Text("events.3.references.key") == "" || a.Text("events.4.effective_at") == "" {
		t.Errorf("the acquirer's references are %v and %v", a.At("events.3.references"), a.At("events.4.references"))
	}
	half := b.ask("objects/"+paymentID+"/history", "as_of", strconv.FormatInt(after["captured"], 10)).Is(200)
	if n := half.Len("events"); n != 5 {
		t.Errorf("by then %d events had happened", n)
	}
	// What merchants see no object of has a history, too.
	b.ask("objects/"+half.Text("events.4.webhooks.0.delivery_id")+"/history").Problem(404, "not_found") // nothing became of it yet
	b.ask("objects/" + b.shop.ID + "/history").Is(200).Shows(object{"events.0.type": "merchant.created", "events.0.by": "a member of the staff, test"})
}

// The trial balance is in balance at every position, and says what the payments say.
func TestTrialBalance(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, after := b.story()
	balance := func(step, account string) string {
		a := b.ask("trial_balance", "as_of", strconv.FormatInt(after[step], 10)).Is(200)
		for i := range a.Len("currencies.0.accounts") {
			if at := fmt.Sprintf("currencies.0.accounts.%d.", i); a.Text(at+"account") == account {
				return a.Text(at + "balance")
			}
		}
		return ""
	}
	for step, want := range map[string]map[string]string{
		"reserved": {"memo_authorisations": "100.00", "memo_contra": "-100.00", "merchant_payable": ""},
		"captured": {"memo_authorisations": "40.00", "acquirer_receivable": "60.00", "merchant_payable": "-60.00"},
		"voided":   {"memo_authorisations": "0.00", "memo_contra": "0.00", "acquirer_receivable": "60.00"},
		"refunded": {"acquirer_receivable": "35.00", "merchant_payable": "-35.00", "refunds_in_transit": "0.00", "suspense": ""},
	} {
		for account, sum := range want {
			if got := balance(step, account); got != sum {
				t.Errorf("after it was %s, %s is %q, not %q", step, account, got, sum)
			}
		}
	}
	for position := range b.head() + 1 {
		a := b.ask("trial_balance", "as_of", strconv.FormatInt(position, 10)).Is(200)
		for i := range a.Len("currencies") {
			a.Shows(object{fmt.Sprintf("currencies.%d.sum_minor", i): "0", fmt.Sprintf("currencies.%d.balanced", i): true})
		}
	}
	b.ask("trial_balance").Is(200).Shows(object{"position": int(b.head()), "basis": "recorded"})
	b.ask("trial_balance", "basis", "effective").Is(200).Shows(object{"basis": "effective", "currencies.0.sum_minor": "0"})
	b.ask("trial_balance", "basis", "effective", "as_of", "2020-01-01").Is(200).Shows(object{"currencies.0": nil, "effective_before": "2020-01-02T00:00:00.000000Z"})
	b.ask("trial_balance", "merchant", b.other.ID).Is(200).Shows(object{"currencies.0": nil, "merchants.0": b.other.ID})
}

// A key for one merchant shows nothing of another.
func TestAKeyForOneMerchant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID, _ := b.story()
	b.First.Caller(t, b.other.Secret).Paid(500, goodCard)
	theirs := b.First.Caller(t, b.StaffKey(staff.RoleFinance, b.other.ID))
	theirs.Get("/audit/objects/"+paymentID).Problem(404, "not_found")
	theirs.Get("/audit/objects/"+paymentID+"/history").Problem(404, "not_found")
	theirs.Get("/audit/journal?merchant="+b.shop.ID).Problem(404, "not_found")
	theirs.Get("/audit/events?stream=" + paymentID).Is(200).Shows(object{"data.0": nil})
	for _, path := range []string{"/audit/events?limit=100", "/audit/journal?limit=100"} {
		a := theirs.Get(path).Is(200)
		if a.Len("data") == 0 {
			t.Errorf("%s shows nothing", path)
		}
		for i := range a.Len("data") {
			a.Shows(object{fmt.Sprintf("data.%d.merchant_id", i): b.other.ID})
		}
	}
	theirs.Get("/audit/trial_balance").Is(200).Shows(object{"currencies.0.accounts.0.balance": "5.00"})
	theirs.Get("/audit/statement?from=2020-01-01&to=2090-01-01").Is(200).Shows(object{"merchant_id": b.other.ID, "lines.1.balance": "5.00"})
	b.ask("statement", "from", "2020-01-01", "to", "2090-01-01").Problem(400, "invalid_request") // whose?
}

// A statement opens where the one before it closed.
func TestStatements(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, first := b.calls.Paid(10_000, goodCard)
	b.Clock.Advance(time.Second)
	middle := b.head()
	b.calls.Refund(first, 2_500).Is(200)
	b.calls.Paid(700, goodCard, object{"currency": "JPY"})
	at := strconv.FormatInt
	before := b.ask("statement", "merchant", b.shop.ID, "from", "1", "to", at(middle, 10)).Is(200)
	before.Shows(object{
		"merchant_id": b.shop.ID, "basis": "recorded", "time_zone": "UTC", "account": "merchant_payable",
		"lines.0.row": "opening_balance", "lines.0.balance": "0.00", "lines.0.currency": "ZAR",
		"lines.1.row": "movement", "lines.1.movement.amount": "100.00", "lines.1.balance": "100.00", "lines.1.movement.event_type": "payment.paid",
		"lines.2.row": "closing_balance", "lines.2.balance": "100.00", "lines.2.movement": nil, "lines.3": nil,
	})
	b.ask("statement", "merchant", b.shop.ID, "from", at(middle+1, 10), "to", at(b.head(), 10)).Is(200).Shows(object{
		"lines.0.currency": "JPY", "lines.0.balance": "0", "lines.1.movement.amount": "700", "lines.2.balance": "700",
		"lines.3.currency": "ZAR", "lines.3.balance": "100.00", "lines.4.movement.amount": "-25.00", "lines.4.balance": "75.00",
		"lines.5.row": "closing_balance", "lines.5.balance": "75.00", "lines.5.balance_minor": "7500",
	})
	// Days are days in the merchant's zone, unless another is named.
	b.shop.Change(merchant.Settings{Name: "Corner Shop", Country: "ZA", TimeZone: "Africa/Johannesburg", PublicKeys: true})
	for zone, before := range map[string]string{"": "2026-05-31T22:00:00.000000Z", "Asia/Tokyo": "2026-05-31T15:00:00.000000Z"} {
		pairs := []string{"merchant", b.shop.ID, "from", "2026-06-01", "to", "2026-06-30", "basis", "effective"}
		if zone != "" {
			pairs = append(pairs, "time_zone", zone)
		}
		a := b.ask("statement", pairs...).Is(200).Shows(object{"effective_from": before})
		if zone == "" {
			a.Shows(object{"time_zone": "Africa/Johannesburg"})
		}
	}
	b.ask("statement", "merchant", b.shop.ID, "from", "2026-06-30", "to", "2026-06-01").Problem(400, "invalid_request")
	b.ask("statement", "merchant", b.shop.ID, "from", "2026-06-30").Problem(400, "invalid_request")
	b.ask("statement", "merchant", b.shop.ID, "from", "1", "to", "2", "basis", "effective").Problem(400, "invalid_request")
	b.ask("statement", "merchant", b.shop.ID, "from", "1", "to", "2", "time_zone", "Mars/Base").Problem(400, "invalid_request")
}

// Pages follow one another without a gap, and come to an end.
func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.story()
	b.calls.Paid(500, goodCard)
	for _, path := range [][]string{
		{"events"}, {"events", "type", "payment.*"}, {"events", "merchant", b.shop.ID, "from", "5"},
		{"journal"}, {"journal", "basis", "effective"}, {"journal", "account", "merchant_payable"},
	} {
		whole := b.ask(path[0], append(path[1:], "limit", "100")...).Is(200)
		if whole.At("has_more") != false {
			t.Fatalf("%v has more than a page", path)
		}
		var all []any
		cursor := ""
		for range 200 {
			pairs := append(slices.Clone(path[1:]), "limit", "3")
			if cursor != "" {
				pairs = append(pairs, "cursor", cursor)
			}
			a := b.ask(path[0], pairs...).Is(200)
			for i := range a.Len("data") {
				all = append(all, a.At(fmt.Sprintf("data.%d", i)))
			}
			if cursor = a.Text("next_cursor"); cursor == "" {
				break
			}
		}
		if n := whole.Len("data"); n == 0 || fmt.Sprint(all) != fmt.Sprint(whole.At("data")) {
			t.Errorf("%v: the pages have %d entries, the whole %d", path, len(all), n)
		}
	}
	for _, wrong := range [][]string{{"cursor", "x"}, {"cursor", "1.2.0jane@example.com"}, {"stream", "jane@example.com"}, {"stream", "sk_live_1"}, {"limit", "0"}, {"type", "payment.nothing"}, {"from", "-1"}, {"format", "xml"}} {
		b.ask("events", wrong...).Problem(400, "invalid_request")
	}
	b.ask("journal", "account", "cash").Problem(400, "invalid_request")
	b.ask("events", "type", "payment.captured").Is(200).Shows(object{"data.0.type": "payment.captured", "data.1": nil})
	b.ask("events", "from", strconv.FormatInt(b.head(), 10)).Is(200).Shows(object{"data.0.position": int(b.head()), "data.1": nil})
}

// Each look leaves a record of its person and day, in the live log, which finance can
// read.
func TestLooksAreRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key, person, _ := b.Staff(staff.RoleFinance, time.Hour)
	c := b.First.Caller(t, key)
	c.Get("/audit/journal").Is(200)
	c.Get("/audit/trial_balance?as_of=1").Is(200)
	looks := staff.LooksStream(person, b.Clock.Now())
	b.ask("events", "mode", "live", "stream", looks).Is(200).Shows(object{
		"data.0.type": "staff.accessed", "data.1.type": "staff.accessed", "data.1.actor.id": person, "data.2": nil,
	})
	b.ask("objects/"+looks+"/history", "mode", "live").Is(200).Shows(object{"events.0.words": "The person looked at merchants' data, or steered the installation."})
	b.calls.Get("/audit/journal").Problem(403, "forbidden")
}
