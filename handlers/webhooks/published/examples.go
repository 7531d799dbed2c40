package published

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tender/domain/codec"
	"tender/domain/decline"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/webhook"
	"tender/eventstore"
)

// What examples are about. All of it is fixed, so that an example stays the same.
const (
	exampleMode = "test"

	merchantID     = "mer_01kjpwd6m0fy9r6scr1j4y7zrv"
	sessionID      = "ps_01kjpy44hregxb31vmrnsbv2h5"
	nextSessionID  = "ps_01kjq8m2tbf0w7zc5d9x4y6kna"
	checkoutID     = "ckt_1efmp07aagfbh6bv7npmtph1d5"
	paymentID      = "pay_01kjpy64c8ej6tkhd7mh6hksbc"
	nextPaymentID  = "pay_01kjq8m2tbf0w7zc5d9x4y6knb"
	customerID     = "cus_01kjpy64c8ej6tkhd7mh6hksbd"
	methodID       = "pmt_01kjpy64c8ej6tkhd7mh6hksbe"
	newMethodID    = "pmt_01kjqh3r5ve8m2s6d0tc9w4ygp"
	mandateID      = "mdt_01kjpy64c8ej6tkhd7mh6hksbf"
	newMandateID   = "mdt_01kjqh3r5ve8m2s6d0tc9w4ygq"
	subscriptionID = "sub_01kjpy64c8ej6tkhd7mh6hksbg"
	captureID      = "cap_01kjpyzxbaeqm8cddw901wbk2x"
	voidID         = "voi_01kjpz8ra0e268t9wtfz0nvjrp"
	refundID       = "ref_01kjq02v8ke3p9m5t0xw7gq4zn"
	endpointID     = "whe_01kjpwe6m0fy9r6scr1j4y7zrw"
	attemptID      = "att_01kjpy64c8ej6tkhd7mh6hksbh"
)

var begins = time.Date(2026, time.March, 2, 9, 30, 0, 120e6, time.UTC)

// example is the beginning of a stream whose last event is told. One that is named
// as the type is the type's example; the others are further cases of it.
type example struct {
	name, told string
	events     []eventstore.Event
}

// examples has one of each type of message, and one of each case that it may tell of.
func examples() []example {
	all := slices.Concat(sessionExamples(), paymentExamples(), operationExamples(), mandateExamples(), subscriptionExamples(), paceExamples(), testExamples())
	slices.SortFunc(all, func(a, b example) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return all
}

// stream is the beginning of a stream: an event each minute.
func stream[E codec.Named](c codec.Codec[E], name string, events []E) []eventstore.Event {
	all := make([]eventstore.Event, len(events))
	for i, e := range events {
		encoded := c.Encode(e)
		all[i] = eventstore.Event{
			Position: int64(i + 1), Stream: name, Version: i + 1, Type: encoded.Type, SchemaVersion: encoded.SchemaVersion,
			ID: uuid.MustParse(fmt.Sprintf("019caa61-d300-7000-8000-%012d", i+1)), MerchantID: merchantID,
			At: begins.Add(time.Duration(i) * time.Minute), Payload: encoded.Payload,
		}
	}
	return all
}

var (
	insufficient = decline.New(decline.CardDeclined, decline.InsufficientFunds)
	unconfirmed  = decline.New(decline.CardDeclined, decline.AuthenticationRequired)
	phone        = method.AccountDetails{Phone: method.MaskPhone("+27825550100")}
	visa         = method.CardDetails{Type: method.TypeCredit, Scheme: "VISA", BIN: "424242", Last4: "4242", ExpMonth: 12, ExpYear: 2030}
)

func sessionExamples() []example {
	started := session.AttemptStarted{PaymentID: paymentID, AttemptID: attemptID, Number: 1}
	of := func(name, told string, first session.Created, events ...session.Event) example {
		return example{name, told, stream(session.Codec, sessionID, append([]session.Event{first}, events...))}
	}
	const created, updated, completed = "payment_session.created", "payment_session.updated", "payment_session.completed"
	return []example{
		of(created, created, order()),
		of(created+".first_in_series", created, firstInSeries()),
		of(updated, updated, order(), started, session.AttemptFailed{PaymentID: paymentID, AttemptID: attemptID, Failure: insufficient}),
		of(updated+".expired", updated, order(), session.Expired{Reason: session.ExpiredByTime}),
		of(updated+".cancelled", updated, order(), session.Cancelled{By: session.ByMerchant}),
		of(completed, completed, order(), started, session.Completed{PaymentID: paymentID, Outcome: session.OutcomeReserved}),
		of(completed+".first_in_series", completed, firstInSeries(), started, session.Completed{
			PaymentID: paymentID, Outcome: session.OutcomePaid, CustomerID: customerID, PaymentMethodID: methodID,
			MandateID: mandateID, SubscriptionID: subscriptionID,
		}),
		of(completed+".unpaid", completed, nextInSeries(),
			session.AttemptStarted{PaymentID: nextPaymentID, AttemptID: attemptID, Number: 1},
			session.Completed{PaymentID: nextPaymentID, Outcome: session.OutcomeUnpaid, Failure: &insufficient, CustomerID: customerID}),
	}
}

func paceExamples() []example {
	account := merchant.Created{Settings: merchant.Settings{Name: "Karoo Coffee Roasters", Country: "ZA", TimeZone: "Africa/Johannesburg"}}
	slowed := merchant.Slowed{
		Attempts: 212, Failed: 148, PerMinute: 10, SlowedAt: begins.Add(time.Minute), SlowedUntil: begins.Add(11 * time.Minute),
	}
	return []example{
		{webhook.CheckoutSlowed, webhook.CheckoutSlowed, stream(merchant.Codec, merchantID, []merchant.Event{account, slowed})},
		{webhook.CheckoutReleased, webhook.CheckoutReleased, stream(merchant.Codec, merchantID, []merchant.Event{
			account, slowed, merchant.Released{Attempts: 31, Failed: 4},
		})},
	}
}

func testExamples() []example {
	return []example{{webhook.TestType, webhook.TestType, stream(webhook.Codec, endpointID, []webhook.Event{
		webhook.EndpointCreated{URL: "https://shop.example/hooks", Events: []string{webhook.AllTypes}, SecretRef: "vlt_01kjpwf0cdefghjkmnpqrstvwx"},
		webhook.EndpointTested{},
	})}}
}

func order() session.Created {
	return session.Created{
		CheckoutID: checkoutID, Kind: session.TypeOneTime, Amount: 100_000, Currency: "ZAR", Country: "ZA",
		CaptureMethod: payment.CaptureManual, ExternalReference: "order-1042", Metadata: map[string]string{"basket": "b-77"},
		Options: &session.Options{
			CheckoutOptions: &session.CheckoutOptions{
				ReturnURL: "https://shop.example/thanks?order=1042", SavePaymentMethod: string(session.SavePrompt), Locale: "en-ZA",
			},
			PaymentMethodOptions: &session.PaymentMethodOptions{Card: &session.CardOptions{CaptureMethod: payment.CaptureManual}},
		},
		ReturnURL: "https://shop.example/thanks?order=1042", SessionURL: "https://pay.example/checkout/" + checkoutID,
		ExpiresAt: begins.Add(24 * time.Hour),
	}
}

func firstInSeries() session.Created {
	c := order()
	c.Kind, c.Amount, c.CaptureMethod = session.TypeFirstInSeries, 2500, payment.CaptureAutomatic
	c.Options = &session.Options{
		CustomerID: customerID,
		MandateOptions: json.RawMessage(`{"type":"scheduled","amount":{"max":2500},` +
			`"recurrence":{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1],"adjustment":"nearest_weekday"}},` +
			`"period_limits":{"period":"month","max_count":2,"window":{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}}}`),
		SubscriptionOptions: json.RawMessage(`{"amount":2500,"scheduled_time":"08:00","retry":{"days":[2]}}`),
	}
	c.CustomerID = customerID
	return c
}

// nextInSeries is a try of a subscription's occurrence.
func nextInSeries() session.Created {
	tried := firstTry()
	return session.Created{
		Kind: session.TypeNextInSeries, Amount: 2500, Currency: "ZAR", Country: "ZA", CaptureMethod: payment.CaptureAutomatic,
		CustomerID: customerID, Options: &session.Options{CustomerID: customerID, PaymentMethodID: methodID, MandateID: mandateID},
		Charge: &session.Charge{PaymentMethodID: methodID, MandateID: mandateID, SubscriptionID: subscriptionID, Occurrence: &tried},
	}
}
