package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
)

// Cards of test mode, by what becomes of them; the API's description lists them all.
const (
	cardGood           = "4242424242424242"
	cardDeclined       = "4000000000000002"
	cardAbsentDeclined = "4000000000000341" // with the customer it is good
	cardAbsentRefused  = "4000000000000473" // with the customer it is good; without, never again
	cardCaptureFails   = "4000000000000457"
	cardRefundFails    = "4000000000000507"
)

// What a scene costs, in minor units, and when it plays where it needs a clock.
const (
	sceneAmount   = 10_000
	scenePart     = 6_000
	sceneCurrency = "ZAR"
	sceneBegin    = "2026-01-01T09:00:00Z"
)

// runTrigger makes real things happen in test mode, so that their webhooks come.
func runTrigger(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var types []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		types, args = append(types, args[0]), args[1:]
	}
	s := scene{ctx: ctx}
	if err := parseSettings(newFlags("trigger", stderr), args, s.client.settings()); err != nil {
		return err
	}
	if len(types) == 0 {
		return usageError("tender: use tender trigger TYPE [TYPE…]. Why it can't make " + strings.Join(slices.Sorted(maps.Keys(unplayed)), ", ") +
			" happen it says if you try. There are types out of:\n  " + strings.Join(triggers(), "\n  "))
	}
	for _, name := range types {
		if why := unplayed[name]; why != "" {
			return usageError(fmt.Sprintf("tender: %q can't be made to happen: %s", name, why))
		}
		if plays[name] == nil {
			return usageError(fmt.Sprintf("tender: there is no way to make %q happen; there is for:\n  %s", name, strings.Join(triggers(), "\n  ")))
		}
	}
	for _, name := range types {
		object, err := plays[name](&s)
		if err != nil {
			return errors.Wrapf(err, "%s did not happen", name)
		}
		fmt.Fprintf(stdout, "%-36s %s\n", name, object)
	}
	return nil
}

func triggers() []string { return slices.Sorted(maps.Keys(plays)) }

// play makes a thing happen, and returns the object that the webhook tells of.
type play func(*scene) (object string, err error)

// plays are what it takes to bring about each public type.
var plays = map[string]play{
	"payment_session.created":   func(s *scene) (string, error) { o, err := s.session(nil); return o.ID, err },
	"payment_session.completed": func(s *scene) (string, error) { o, err := s.paid(nil, cardGood); return o.ID, err },
	"payment_session.updated":   func(s *scene) (string, error) { o, err := s.paid(nil, cardDeclined); return o.ID, err },
	"payment.succeeded":         func(s *scene) (string, error) { o, err := s.paid(nil, cardGood); return o.PaymentID, err },
	"payment.attempt_failed":    func(s *scene) (string, error) { o, err := s.paid(nil, cardDeclined); return o.PaymentID, err },
	"payment.failed":            playFailed,
	"payment.captured":          playCaptured,
	"payment.capture_failed":    playCaptureFailed,
	"payment.voided":            playVoided,
	"payment.refunded":          playRefunded,
	"payment.refund_failed":     playRefundFailed,

	"payment.authorisation_expired": playAuthorisationExpired,

	"payment_method.saved":   func(s *scene) (string, error) { o, err := s.first(object{}, cardGood); return o.PaymentMethodID, err },
	"payment_method.removed": playMethodRemoved,
	"mandate.created":        func(s *scene) (string, error) { o, err := s.first(object{}, cardGood); return o.MandateID, err },
	"mandate.revoked":        playMandateRevoked,
	"mandate.exhausted":      playMandateExhausted,
	"mandate.expired":        playMandateExpired,

	"subscription.created":        func(s *scene) (string, error) { o, err := s.subscribed(nil, cardGood); return o.SubscriptionID, err },
	"subscription.updated":        playSubscriptionPaused,
	"subscription.payment_failed": playSubscriptionFails,
	"subscription.completed":      playSubscriptionCompletes,

	"subscription.payment_method_required": playSubscriptionStands,

	"webhook.test": playTest,
}

// unplayed are the public types that nothing which this command could do brings
// about, and why.
var unplayed = map[string]string{
	"checkout.slowed": "it takes 100 attempts of which most fail, with live mode's limits, from so many addresses that none of them has to wait; " +
		"docs/abuse-limits.md shows how with tender dev --live-limits",
	"checkout.released":   "a merchant that was slowed is released after 10 minutes of the wall's clock, which no test clock shortens; see checkout.slowed",
	"payment.void_failed": "in test mode no acquirer refuses a void",
}

// object is a JSON object on its way to the API.
type object map[string]any

// sceneSession is what a scene reads of a session.
type sceneSession struct {
	ID              string `json:"id"`
	Checkout        string `json:"checkout_session_id"`
	PaymentID       string `json:"payment_id"`
	CustomerID      string `json:"customer_id"`
	PaymentMethodID string `json:"payment_method_id"`
	MandateID       string `json:"mandate_id"`
	SubscriptionID  string `json:"subscription_id"`
}

// scene is where things are made to happen: a client like any other.
type scene struct {
	ctx    context.Context
	client client
}

func (s *scene) post(path string, body, into any) error {
	return s.client.call(s.ctx, http.MethodPost, path, body, into)
}

// session creates a session; change may alter what is asked for.
func (s *scene) session(change func(body, options object)) (made sceneSession, err error) {
	options := object{}
	body := object{"amount": sceneAmount, "currency": sceneCurrency, "options": options}
	if change != nil {
		change(body, options)
	}
	err = s.post("/collect/payment_sessions", body, &made)
	return made, err
}

// pay is the customer's try at the checkout.
func (s *scene) pay(made sceneSession, number string) error {
	return s.post("/checkout/"+made.Checkout+"/attempts", object{
		"accept_mandate": true,
		"payment_method": object{"type": "card", "card": object{
			"number": number, "exp_month": 12, "exp_year": time.Now().Year() + 3, "cvc": "123",
		}},
	}, nil)
}

// paid creates a session, has a customer try to pay it, and returns what it has become.
func (s *scene) paid(change func(body, options object), number string) (sceneSession, error) {
	made, err := s.session(change)
	if err != nil {
		return made, err
	}
	if err := s.pay(made, number); err != nil {
		return made, err
	}
	err = s.client.call(s.ctx, http.MethodGet, "/collect/payment_sessions/"+made.ID, nil, &made)
	return made, err
}

// reserved pays a session with manual capture.
func (s *scene) reserved(number string) (sceneSession, error) {
	return s.paid(manual, number)
}

func manual(_, options object) {
	options["payment_method_options"] = object{"card": object{"capture_method": "manual"}}
}

// first pays the first of a series under a mandate with these terms.
func (s *scene) first(terms object, number string) (sceneSession, error) {
	return s.paid(func(body, options object) {
		body["type"] = "first_in_series"
		if len(terms) > 0 {
			options["mandate_options"] = terms
		}
	}, number)
}

// subscribed pays the first of a monthly subscription, which may live on a clock.
func (s *scene) subscribed(change func(body, options object), number string) (sceneSession, error) {
	return s.paid(func(body, options object) {
		body["type"] = "first_in_series"
		options["mandate_options"] = object{
			"type": "scheduled", "amount": sceneAmount, "recurrence": object{"type": "monthly", "interval_count": 1},
		}
		options["subscription_options"] = object{}
		if change != nil {
			change(body, options)
		}
	}, number)
}

// clock makes a test clock, and says how a session's customer lives on it.
func (s *scene) clock() (clockID string, onIt func(body, options object), err error) {
	var made clockShown
	err = s.post("/test/clocks", object{"frozen_time": sceneBegin, "name": "tender trigger"}, &made)
	return made.ID, func(_, options object) { options["customer"] = object{"test_clock_id": made.ID} }, err
}

// advance lets a clock's time pass, and waits until all that fell due has been done.
func (s *scene) advance(clockID, to string) error {
	target, err := instantOf(to)
	if err != nil {
		return err
	}
	return advanceTo(s.ctx, &s.client, clockID, target, io.Discard)
}
