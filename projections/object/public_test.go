package object_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tender/domain/catalogue"
	"tender/domain/webhook"
	"tender/projections/object"
)

// Each log event is told to merchants as the contract says, or not at all.
func TestPublicTypes(t *testing.T) {
	t.Parallel()
	told := map[string]string{
		"session.created":               "payment_session.created",
		"session.completed":             "payment_session.completed",
		"session.attempt_failed":        "payment_session.updated",
		"session.cancelled":             "payment_session.updated",
		"session.expired":               "payment_session.updated",
		"payment.authorised":            "payment.succeeded",
		"payment.paid":                  "payment.succeeded",
		"payment.verified":              "payment.succeeded",
		"payment.attempt_failed":        "payment.attempt_failed",
		"payment.captured":              "payment.captured",
		"payment.capture_failed":        "payment.capture_failed",
		"payment.voided":                "payment.voided",
		"payment.void_failed":           "payment.void_failed",
		"payment.refunded":              "payment.refunded",
		"payment.refund_failed":         "payment.refund_failed",
		"payment.authorisation_expired": "payment.authorisation_expired",

		"merchant.slowed":   "checkout.slowed",
		"merchant.released": "checkout.released",

		"mandate.created":   "mandate.created",
		"mandate.revoked":   "mandate.revoked",
		"mandate.exhausted": "mandate.exhausted",
		"mandate.expired":   "mandate.expired",
		"method.saved":      "payment_method.saved",
		"method.removed":    "payment_method.removed",

		"subscription.created":                 "subscription.created",
		"subscription.charge_failed":           "subscription.payment_failed",
		"subscription.payment_method_required": "subscription.payment_method_required",
		"subscription.completed":               "subscription.completed",
		"subscription.became_past_due":         "subscription.updated",
		"subscription.recovered":               "subscription.updated",
		"subscription.method_replaced":         "subscription.updated",
		"subscription.paused":                  "subscription.updated",
		"subscription.resumed":                 "subscription.updated",
		"subscription.cancelled":               "subscription.updated",
	}
	for _, name := range catalogue.Names() {
		d, err := catalogue.Decode(name, 1, json.RawMessage(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		got, public := object.PublicType(d)
		if want := told[name]; got != want || public != (want != "") {
			t.Errorf("%s is told as %q, %t, not as %q", name, got, public, want)
		}
		if public && !webhook.KnownType(got) {
			t.Errorf("%s is told as %q, which no endpoint can ask for", name, got)
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("%s is no event", name)
	}

	final, err := catalogue.Decode("payment.attempt_failed", 1, json.RawMessage(`{"final":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, public := object.PublicType(final); got != "payment.failed" || !public {
		t.Errorf("the last failure is told as %q, %t", got, public)
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]time.Time{
		`"2026-05-04T12:00:00.123Z"`: noon,
		`"2026-05-04T12:00:00.000Z"`: noon.Truncate(time.Second),
		`"2026-05-04T10:00:00.123Z"`: time.Date(2026, time.May, 4, 12, 0, 0, 123e6, time.FixedZone("SAST", 2*60*60)),
		`"2026-05-04T12:00:00.999Z"`: time.Date(2026, time.May, 4, 12, 0, 0, 999_999_999, time.UTC),
	} {
		if got := string(marshal(t, object.Time(v))); got != want {
			t.Errorf("%v is written as %s, not as %s", v, got, want)
		}
		var back object.Time
		if err := json.Unmarshal([]byte(want), &back); err != nil || !time.Time(back).Equal(v.Truncate(time.Millisecond)) {
			t.Errorf("%s is read as %v, %v", want, time.Time(back), err)
		}
	}
	for _, wrong := range []string{`"2026-05-04T12:00:00Z"`, `"2026-05-04T12:00:00.123+02:00"`, `"yesterday"`, `""`, `12`} {
		var v object.Time
		err := json.Unmarshal([]byte(wrong), &v)
		var parse *time.ParseError
		if !errors.As(err, &parse) {
			t.Errorf("%s is read as %v, %v", wrong, time.Time(v), err)
		}
	}
}

// Whether an event is told its type alone says: who looks for public events need not
// read the others.
func TestWhetherAnEventIsToldItsTypeSays(t *testing.T) {
	t.Parallel()
	samples, err := filepath.Glob(filepath.Join("..", "..", "domain", "*", "testdata", "*.v1*.json"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, path := range samples {
		name, _, _ := strings.Cut(filepath.Base(path), ".v1")
		aggregate, rest, _ := strings.Cut(name, ".")
		rest, _, _ = strings.Cut(rest, ".") // which of several samples it is
		name = aggregate + "." + rest
		full, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bare, err := catalogue.Decode(name, 1, json.RawMessage(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		said, err := catalogue.Decode(name, 1, full)
		if err != nil {
			t.Fatal(err)
		}
		_, always := object.PublicType(bare)
		if _, told := object.PublicType(said); told != always {
			t.Errorf("%s is told: %t; without anything in it: %t", path, told, always)
		}
		seen[name] = true
	}
	for _, name := range catalogue.Names() {
		if !seen[name] {
			t.Errorf("there is no sample of %s", name)
		}
	}
}
