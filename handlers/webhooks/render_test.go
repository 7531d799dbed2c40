package webhooks_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain/codec"
	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/handlers/webhooks"
	"tender/projections/object"
)

var update = flag.Bool("update", false, "write the golden files anew")

const merchantID = "mer_01hzy3v7q8e4xk2m9c5b7d6f0b"

var storyBegins = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// story is the beginning of a stream: an event each second.
func story[E codec.Named](c codec.Codec[E], stream string, events ...E) []eventstore.Event {
	all := make([]eventstore.Event, len(events))
	for i, e := range events {
		encoded := c.Encode(e)
		all[i] = eventstore.Event{
			Position: int64(i + 1), Stream: stream, Version: i + 1, Type: encoded.Type, SchemaVersion: encoded.SchemaVersion,
			ID:         uuid.MustParse("01900000-0000-7000-8000-00000000000" + string(rune('1'+i))),
			MerchantID: merchantID, At: storyBegins.Add(time.Duration(i) * time.Second), Payload: encoded.Payload,
		}
	}
	return all
}

func sessionStory(events ...session.Event) []eventstore.Event {
	first := session.Created{
		CheckoutID: "ckt_1efmp07aagfbh6bv7npmtph1d5", Kind: session.TypeOneTime, Amount: 12345, Currency: "EUR", Country: "DE",
		CaptureMethod: payment.CaptureManual, ExternalReference: "order-1", Metadata: map[string]string{"b": "<2>", "a": "1"},
		Options:   &session.Options{CheckoutOptions: &session.CheckoutOptions{ReturnURL: "https://shop.example/back?a=1&b=2", Locale: "de"}},
		ReturnURL: "https://shop.example/back?a=1&b=2", SessionURL: "https://pay.example/checkout/ckt_1efmp07aagfbh6bv7npmtph1d5",
		ExpiresAt: storyBegins.Add(24 * time.Hour),
	}
	return story(session.Codec, "ps_01kjpy44hregxb31vmrnsbv2h5", append([]session.Event{first}, events...)...)
}

func paymentStory(events ...payment.Event) []eventstore.Event {
	first := []payment.Event{
		payment.Initiated{
			SessionID: "ps_01kjpy44hregxb31vmrnsbv2h5", Amount: 12345, Currency: "EUR", Country: "DE",
			CaptureMethod: payment.CaptureManual, Intent: payment.IntentPayment, Acquirer: "simulator", ExternalReference: "order-1",
		},
		payment.AttemptStarted{
			AttemptID: "att_1", Number: 1, Key: "key_1", AnswerBy: storyBegins.Add(15 * time.Second),
			Details: method.Details{Type: "card", Card: &method.CardDetails{Scheme: "VISA", Last4: "4242"}},
		},
	}
	return story(payment.Codec, "pay_01kjpy64c8ej6tkhd7mh6hksbc", append(first, events...)...)
}

// stories end with one public event of each type.
func stories() map[string][]eventstore.Event {
	refused := decline.New(decline.CardDeclined, decline.InsufficientFunds)
	authorised := payment.Authorised{
		AttemptID: "att_1", Amount: 12345, Reference: "sim_1", NetworkTransactionID: "nti_1", ThreeDSecure: "frictionless",
		ExpiresAt: storyBegins.Add(7 * 24 * time.Hour),
	}
	asked := payment.CaptureRequested{CaptureID: "cap_1", Amount: 345, Key: "key_2", AnswerBy: storyBegins, Metadata: map[string]string{"part": "1"}}
	void := payment.VoidRequested{VoidID: "voi_1", Amount: 12345, Key: "key_3", AnswerBy: storyBegins}
	paid := payment.Paid{AttemptID: "att_1", Amount: 12345, Reference: "sim_1"}
	refund := payment.RefundRequested{RefundID: "ref_1", Amount: 345, Key: "key_4", AnswerBy: storyBegins, Reason: "damaged", Metadata: map[string]string{"return": "1"}}
	refunded := payment.Refunded{RefundID: "ref_1", Amount: 345, Reference: "sim_4"}
	all := map[string][]eventstore.Event{
		"payment_session.created":           sessionStory(),
		"payment_session.completed":         sessionStory(session.AttemptStarted{PaymentID: "pay_1", AttemptID: "att_1", Number: 1}, session.Completed{PaymentID: "pay_1", Outcome: session.OutcomeReserved}),
		"payment_session.updated":           sessionStory(session.AttemptStarted{PaymentID: "pay_1", AttemptID: "att_1", Number: 1}, session.AttemptFailed{PaymentID: "pay_1", AttemptID: "att_1", Failure: refused}),
		"payment_session.updated.expired":   sessionStory(session.Expired{Reason: session.ExpiredByTime}),
		"payment_session.updated.cancelled": sessionStory(session.Cancelled{By: session.ByMerchant}),
		"payment.succeeded":                 paymentStory(authorised),
		"payment.succeeded.paid":            paymentStory(payment.Paid{AttemptID: "att_1", Amount: 12345, Reference: "sim_1"}),
		"payment.attempt_failed":            paymentStory(payment.AttemptFailed{AttemptID: "att_1", Failure: refused}),
		"payment.failed":                    paymentStory(payment.AttemptFailed{AttemptID: "att_1", Failure: refused, Final: true}),
		"payment.captured":                  paymentStory(authorised, asked, payment.Captured{CaptureID: "cap_1", Amount: 345, Reference: "sim_2"}),
		"payment.capture_failed":            paymentStory(authorised, asked, payment.CaptureFailed{CaptureID: "cap_1", Amount: 345, Failure: refused}),
		"payment.voided":                    paymentStory(authorised, void, payment.Voided{VoidID: "voi_1", Amount: 12345, Reference: "sim_3"}),
		"payment.void_failed":               paymentStory(authorised, void, payment.VoidFailed{VoidID: "voi_1", Amount: 12345, Failure: refused}),
		"payment.refunded":                  paymentStory(paid, refund, refunded),
		"payment.refund_failed":             paymentStory(paid, refund, payment.RefundFailed{RefundID: "ref_1", Amount: 345, Failure: refused}),
		"payment.refund_failed.late":        paymentStory(paid, refund, refunded, payment.RefundFailed{RefundID: "ref_1", Amount: 345, Failure: refused, Late: true}),
		"payment.authorisation_expired":     paymentStory(authorised, payment.AuthorisationExpired{Amount: 12345}),
	}
	maps.Copy(all, seriesStories())
	return all
}

// What is sent again is the same bytes, in this release and in later ones.
func TestMessagesKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for name, events := range stories() {
		message, err := webhooks.Render("test", events)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		path := filepath.Join("testdata", "messages", name+".json")
		if *update {
			if err := os.WriteFile(path, append(message.Body, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.TrimSuffix(golden, []byte("\n")), message.Body) {
			t.Errorf("%s is rendered as\n%s\nnot as\n%s", name, message.Body, golden)
		}
		var body struct {
			ID, Type, Timestamp, Mode string
			Data                      struct{ Version int }
		}
		last := events[len(events)-1]
		if err := json.Unmarshal(message.Body, &body); err != nil {
			t.Fatal(err)
		}
		if body.ID != message.ID || body.Type != message.Type || body.Mode != "test" || body.Data.Version != last.Version ||
			body.Timestamp != last.At.Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("%s: %+v", name, body)
		}
		if again, _ := webhooks.Render("test", events); !bytes.Equal(again.Body, message.Body) {
			t.Errorf("%s is rendered in two ways", name)
		}
	}
}

// Every type that can be told has its golden file.
func TestEveryPublicTypeIsRendered(t *testing.T) {
	t.Parallel()
	var types []string
	for _, events := range stories() {
		if m, err := webhooks.Render("test", events); err == nil {
			types = append(types, m.Type)
		}
	}
	for _, e := range []codec.Named{
		session.Created{}, session.Completed{}, session.AttemptFailed{}, session.Cancelled{}, session.Expired{},
		payment.Paid{}, payment.Authorised{}, payment.AttemptFailed{}, payment.AttemptFailed{Final: true}, payment.Captured{},
		payment.CaptureFailed{}, payment.Voided{}, payment.VoidFailed{}, payment.Refunded{}, payment.RefundFailed{}, payment.AuthorisationExpired{},
		mandate.Created{}, mandate.Revoked{}, mandate.Exhausted{}, mandate.Expired{}, method.Saved{}, method.Removed{},
		subscription.Created{}, subscription.ChargeFailed{}, subscription.PaymentMethodRequired{}, subscription.Completed{},
		subscription.BecamePastDue{}, subscription.Recovered{}, subscription.MethodReplaced{},
		subscription.Paused{}, subscription.Resumed{}, subscription.Cancelled{},
	} {
		if public, told := object.PublicType(e); !told || !slices.Contains(types, public) {
			t.Errorf("%s: told %v as %q, which no golden file shows", e.Type(), told, public)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	if _, err := webhooks.Render("test", paymentStory()); !errors.Is(err, webhooks.ErrNotPublic) {
		t.Errorf("a private event: %v", err)
	}
	whole := sessionStory(session.Expired{Reason: session.ExpiredByTime})
	if _, err := webhooks.Render("test", whole[1:]); err == nil {
		t.Error("a stream without its beginning is rendered")
	}
	endpoint := webhook.EndpointCreated{URL: "https://shop.example/", Events: []string{webhook.AllTypes}}
	if _, err := webhooks.Render("test", story[webhook.Event](webhook.Codec, "whe_1", endpoint)); !errors.Is(err, webhooks.ErrNotPublic) {
		t.Errorf("an endpoint's creation: %v", err)
	}
	if _, err := webhooks.Render("test", nil); err == nil {
		t.Error("nothing is rendered")
	}
	whole[1].SchemaVersion = 99
	if _, err := webhooks.Render("test", whole); !errors.As(err, new(*codec.NewerError)) {
		t.Errorf("a newer event: %v", err)
	}
}
