package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

const replayedHeader = "Idempotent-Replayed"

func replayed(a *handlerstest.Answer) bool { return a.Header.Get(replayedHeader) == "true" }

// same fails the test unless a says what first said, and says that it does so
// again. A problem has its own request id each time.
func same(t *testing.T, first, a *handlerstest.Answer) {
	t.Helper()
	if a.Status != first.Status || said(t, a) != said(t, first) || !replayed(a) {
		t.Errorf("replayed (%t) it is %d\n%s\nnot %d\n%s", replayed(a), a.Status, a.Body, first.Status, first.Body)
	}
	if a.Header.Get("Request-Id") == first.Header.Get("Request-Id") {
		t.Error("two requests have one Request-Id")
	}
}

// said is a body without its request id.
func said(t *testing.T, a *handlerstest.Answer) string {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(a.Body, &body); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	delete(body, "request_id")
	text, _ := json.Marshal(body)
	return string(text)
}

func TestIdempotencyKeysForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Post(sessions, with(nil), key("")).Problem(400, "idempotency_key_missing")
	for _, path := range []string{sessions + "/ps_01hzy3v7q8e4xk2m9c5b7d6f0a/cancel", payments + "/pay_01hzy3v7q8e4xk2m9c5b7d6f0a/captures", payments + "/pay_01hzy3v7q8e4xk2m9c5b7d6f0a/voids"} {
		a := b.Post(path, nil, key("")).Problem(400, "idempotency_key_missing")
		blames(t, a, "Idempotency-Key: required")
	}
	for _, good := range []string{"1", strings.Repeat("k", 255), "a key with blanks, \"quotes\" and ~"} {
		b.Post(sessions, with(nil), key(good)).Is(201)
	}
	for _, bad := range []string{strings.Repeat("k", 256), "ключ", "tab\there"} {
		a := b.Post(sessions, with(nil), key(bad)).Problem(400, "idempotency_key_invalid")
		blames(t, a, "Idempotency-Key: invalid_format")
	}
	twice, err := http.NewRequest("POST", b.First.URL+sessions, strings.NewReader(text(with(nil))))
	if err != nil {
		t.Fatal(err)
	}
	twice.Header = http.Header{
		"Authorization": {"Bearer " + b.merchant.Secret}, "Content-Type": {"application/json"}, handlerstest.KeyHeader: {"one", "two"},
	}
	a, err := b.Exchange(twice)
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(400, "idempotency_key_invalid")
}

// Each merchant has keys of its own.
func TestMerchantsKeysAreApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.First.Caller(t, b.Merchant("test").Secret)
	one, two := b.Post(sessions, with(nil), key("k")).Is(201), other.Post(sessions, with(object{"amount": 1}), key("k")).Is(201)
	if one.Text("id") == two.Text("id") || replayed(two) {
		t.Errorf("the other merchant is told %s", two.Body)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	request := `{"amount":10000,"currency":"ZAR","metadata":{"a":"1","b":"2"},"options":{"payment_method_options":{"card":{"capture_method":"manual"}}}}`
	first := b.Post(sessions, request, key("k")).Is(201)
	if replayed(first) {
		t.Error("the first answer says that it is a replay")
	}
	for name, again := range map[string]string{
		"the same bytes":      request,
		"other white space":   strings.ReplaceAll(request, ",", " ,\n\t"),
		"another order":       `{"options":{"payment_method_options":{"card":{"capture_method":"manual"}}},"metadata":{"b":"2","a":"1"},"currency":"ZAR","amount":10000}`,
		"escaped differently": strings.ReplaceAll(request, "ZAR", "\\u005aAR"),
		"small letters":       strings.ReplaceAll(request, "ZAR", "zar"),
		"the default, said":   strings.ReplaceAll(request, `"amount"`, `"type":"one_time","amount"`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := b.of(t)
			same(t, first, c.Post(sessions, again, key("k")))
			same(t, first, c.On(b.Process()).Post(sessions, again, key("k")))
		})
	}
}

// What is replayed is the first answer, not the object as it is now.
func TestReplayShowsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	customer := b.First.Caller(t, "")
	created := b.Post(sessions, handlerstest.Session(10_000, manual()), key("create")).Is(201)
	customer.Pay(created.Text("checkout_session_id"), goodCard).Is(200)
	paymentID := b.Get(sessions + "/" + created.Text("id")).Text("payment_id")
	capture := b.Capture(paymentID, 6_000, key("capture")).Is(200)
	void := b.Void(paymentID, key("void")).Is(200)
	capture.Shows(object{"paid_amount": 6_000, "voided_amount": 0, "capturable_amount": 4_000, "captures.0.status": "succeeded"})
	void.Shows(object{"paid_amount": 6_000, "voided_amount": 4_000, "capturable_amount": 0, "voids.0.status": "succeeded"})
	for _, p := range []*handlerstest.Process{b.First, b.Process()} {
		c := b.On(p)
		same(t, created, c.Post(sessions, handlerstest.Session(10_000, manual()), key("create")))
		again := c.Capture(paymentID, 6_000, key("capture"))
		same(t, capture, again)
		if again.Header.Get("Event-Position") == "" {
			t.Error("a replay has no Event-Position")
		}
		same(t, void, c.Void(paymentID, key("void")))
	}
	b.Payment(paymentID).Shows(object{"paid_amount": 6_000, "voided_amount": 4_000})
	if n := b.First.Line.Calls(handlerstest.CallCapture); n != 1 {
		t.Errorf("the acquirer was asked to capture %d times", n)
	}
}

func TestReusedKeysNameTheDifference(t *testing.T) {
	t.Parallel()
	b := setup(t)
	expires := ahead(time.Hour)
	body := object{
		"amount": 10_000, "currency": "ZAR", "external_reference": "a", "metadata": object{"k": "v"},
		"options": object{
			"checkout_options":       object{"return_url": "https://shop.example/", "expires_at": expires, "locale": "en"},
			"payment_method_options": object{"card": object{"capture_method": "manual"}},
		},
	}
	first := b.Post(sessions, body, key("k")).Is(201)
	const checkout = "/options/checkout_options/"
	for _, c := range []struct {
		name string
		body string
		at   string
	}{
		{"the amount", strings.Replace(text(body), "10000", "10001", 1), "/amount"},
		{"the currency", strings.Replace(text(body), "ZAR", "USD", 1), "/currency"},
		{"the reference", strings.Replace(text(body), `"external_reference":"a"`, `"external_reference":"b"`, 1), "/external_reference"},
		{"no reference", strings.Replace(text(body), `"external_reference":"a",`, "", 1), "/external_reference"},
		{"a value", strings.Replace(text(body), `{"k":"v"}`, `{"k":"w"}`, 1), "/metadata/k"},
		{"a pair more", strings.Replace(text(body), `{"k":"v"}`, `{"k":"v","a/b":"w"}`, 1), "/metadata/a~1b"},
		{"the URL", strings.Replace(text(body), "shop.example/", "shop.example/2", 1), checkout + "return_url"},
		{"the expiry", strings.Replace(text(body), expires, ahead(2*time.Hour), 1), checkout + "expires_at"},
		{"the locale", strings.Replace(text(body), `"en"`, `"fr"`, 1), checkout + "locale"},
		{"the capture method", strings.Replace(text(body), `"manual"`, `"automatic"`, 1), "/options/payment_method_options/card/capture_method"},
		{"several: the first", strings.NewReplacer("10000", "1", "ZAR", "USD").Replace(text(body)), "/amount"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := b.of(t).Post(sessions, c.body, key("k")).Problem(422, "idempotency_key_reused")
			a.Shows(object{"conflicting_resource_id": first.Text("id")})
			if got := wrong(a); len(got) != 1 || got[0] != c.at+": differs" {
				t.Errorf("it blames %q, not %s", got, c.at)
			}
		})
	}
	t.Run("another operation", func(t *testing.T) {
		t.Parallel()
		c := b.of(t)
		paymentID := c.Reserved(10_000, goodCard)
		a := c.Capture(paymentID, 1, key("k")).Problem(422, "idempotency_key_reused")
		a.Shows(object{"conflicting_resource_id": first.Text("id")})
		if got := wrong(a); len(got) != 1 || got[0] != "path: differs" {
			t.Errorf("it blames %q", got)
		}
		c.Payment(paymentID).Shows(object{"paid_amount": 0})
		c.Capture(paymentID, 1, key("a capture")).Is(200)
		other := c.Reserved(10_000, goodCard)
		c.Capture(other, 1, key("a capture")).Problem(422, "idempotency_key_reused").Shows(object{"conflicting_resource_id": paymentID})
		c.Capture(paymentID, 2, key("a capture")).Problem(422, "idempotency_key_reused").Shows(object{"errors.0.pointer": "/amount"})
		c.Capture(paymentID, 0, key("a capture")).Problem(422, "idempotency_key_reused").Shows(object{"errors.0.pointer": "/amount"})
		c.Void(paymentID, key("a capture")).Problem(422, "idempotency_key_reused").Shows(object{"conflicting_resource_id": paymentID})
		c.Payment(paymentID).Shows(object{"paid_amount": 1})
		c.Payment(other).Shows(object{"paid_amount": 0})
	})
}

// What was decided is remembered: refusals by a rule, and the acquirer's no.
func TestDecisionsAreReplayed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.Process()
	t.Run("a refusal", func(t *testing.T) {
		t.Parallel()
		c := b.of(t)
		paymentID := c.Reserved(10_000, goodCard)
		first := c.Capture(paymentID, 10_001, key("too much")).Problem(409, "capture_amount_too_high")
		c.Capture(paymentID, 4_000).Is(200)
		same(t, first, c.Capture(paymentID, 10_001, key("too much"))) // with the sums of then
		same(t, first, c.On(other).Capture(paymentID, 10_001, key("too much")))
		c.Capture(paymentID, 1, key("too much")).Problem(422, "idempotency_key_reused").Shows(object{"conflicting_resource_id": paymentID})
	})
	t.Run("a session that is not active", func(t *testing.T) {
		t.Parallel()
		c := b.of(t)
		sessionID, _ := c.Paid(10_000, goodCard)
		first := c.Post(sessions+"/"+sessionID+"/cancel", nil, key("late")).Problem(409, "session_not_active")
		same(t, first, c.Post(sessions+"/"+sessionID+"/cancel", nil, key("late")))
	})
	t.Run("a decline", func(t *testing.T) {
		t.Parallel()
		c := b.of(t)
		paymentID := c.Reserved(10_000, "4000000000000457")
		first := c.Capture(paymentID, 4_000, key("declined")).Problem(402, "capture_declined")
		before := c.Payment(paymentID)
		same(t, first, c.Capture(paymentID, 4_000, key("declined")))
		same(t, first, c.On(other).Capture(paymentID, 4_000, key("declined")))
		before.Shows(object{"capturable_amount": 10_000, "pending_amount": 0, "captures.0.status": "failed", "captures.0.amount": 4_000})
		if after := c.Payment(paymentID); string(after.Body) != string(before.Body) {
			t.Errorf("a replay changed the payment to %s", after.Body)
		}
	})
	t.Run("a cancel", func(t *testing.T) {
		t.Parallel()
		c := b.of(t)
		sessionID, _ := c.Create(10_000)
		first := c.Post(sessions+"/"+sessionID+"/cancel", nil, key("cancel")).Is(200).Shows(object{"status": "cancelled", "payment_outcome": "unpaid"})
		same(t, first, c.Post(sessions+"/"+sessionID+"/cancel", nil, key("cancel")))
		same(t, first, c.On(other).Post(sessions+"/"+sessionID+"/cancel", object{}, key("cancel")))
	})
}

// An expiry that was far enough ahead when it was first sent is so again, however
// late the repetition comes.
func TestReplayAfterTheExpiryHasComeNear(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := with(checkoutOptions(object{"expires_at": ahead(10 * time.Minute)}))
	first := b.Post(sessions, body, key("k")).Is(201)
	b.Clock.Advance(9 * time.Minute)
	same(t, first, b.Post(sessions, body, key("k")))
	same(t, first, b.On(b.Process()).Post(sessions, body, key("k")))
	blames(t, b.Post(sessions, body, key("another")), expiryPointer+": too_small")
	b.Post(sessions, with(object{"amount": 1, "options": body["options"]}), key("k")).Problem(422, "idempotency_key_reused")
}

const expiryPointer = "/options/checkout_options/expires_at"
