package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tender/cmd/tender/internal/devenv"
	"tender/domain"
	"tender/domain/id"
	"tender/domain/payment"
	"tender/eventstore"
	"tender/handlers/engine"
)

// TestPaymentsAreResolvedByCommand goes the way of the runbook: what has been unresolved
// for a day is looked at, asked about, and resolved by two people.
func TestPaymentsAreResolvedByCommand(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	i.says([]string{"No payment is unresolved."}, "payments", "unresolved")
	i.fails("use tender payments", "payments")
	i.fails("use tender payments", "payments", "confirm", "pay_1")
	i.fails("There is no such payment", "payments", "show", "pay_1")
	first, capture := i.forgotten()
	second, other := i.forgotten()
	i.eventually(time.Minute, "both are listed", func() bool {
		out := i.mustRun("payments", "unresolved", "--mode", "test")
		return strings.Contains(out, first) && strings.Contains(out, second)
	})
	if _, text := scraped(t, i.env[devenv.URL], i.env[devenv.OperatorKey]); value(text, `tender_payments_unresolved{mode="test"}`) != 2 {
		t.Error("two are unresolved, and the metric doesn't say so")
	}
	i.says([]string{capture, "capture of 60.00 ZAR: unresolved, unanswered since", "the acquirer knows it as " + first + "-" + capture}, "payments", "show", first)

	i.says([]string{other + ": the acquirer has not performed it, and never will", "Nothing waits for the acquirer."}, "payments", "ask", second)
	i.fails("overdue", "payments", "ask", second)

	i.fails("say either", "payments", "resolve", first, "--operation", capture, "--reason", "x")
	i.fails("Say why", "payments", "resolve", first, "--operation", capture, "--succeeded", "cap-17", "--reason", " ")
	out := i.says([]string{"says: it took place, under cap-17 (line 17 of their file)", "tender payments confirm " + first},
		"payments", "resolve", first, "--operation", capture, "--succeeded", "cap-17", "--effective-at", "2026-01-02T03:04:05Z", "--reason", "line 17 of their file")
	_, rest, _ := strings.Cut(out, "payments confirm "+first+" ")
	resolution, _, _ := strings.Cut(rest, ",")
	i.fails("second_person_needed", "payments", "confirm", first, resolution)
	grace := strings.Fields(i.mustRun("keys", "create", "--staff", "Grace", "--kind", "operator"))
	as := func(args ...string) []string { return append(args, "--key", grace[len(grace)-1]) }
	i.says([]string{resolution + ": rejected by stf_"}, as("payments", "reject", first, resolution, "--reason", "another payment's line")...)
	out = i.says([]string{"it did not take place (card_declined/do_not_honor)"},
		"payments", "resolve", first, "--operation", capture, "--failed", "card_declined/do_not_honor", "--reason", "their support, ticket 4411")
	_, rest, _ = strings.Cut(out, "payments confirm "+first+" ")
	resolution, _, _ = strings.Cut(rest, ",")
	i.says([]string{"Nothing waits for the acquirer.", resolution + ": confirmed by stf_"}, as("payments", "confirm", first, resolution)...)
	i.says([]string{"People resolved it by hand: their support, ticket 4411."}, "audit", "history", first)
	if p := i.must(http.StatusOK, http.MethodGet, "/collect/payments/"+first, "", ""); fmt.Sprint(p["capturable_amount"]) != "10000" {
		t.Errorf("the payment is %v", p)
	}
}

// forgotten is a payment of 100.00 with a capture of 60.00 that the acquirer was asked
// for more than a day ago, and that no worker asks about.
func (i *installation) forgotten() (paymentID, captureID string) {
	i.t.Helper()
	paymentID = i.pay(i.session(engine.NewID().String(), 10_000), "4242424242424242")
	i.sql(`WITH held AS (INSERT INTO work_test.leases (kind, id, owner, until)
		VALUES ('due', '` + paymentID + `', 'test', now() + interval '1 hour') RETURNING 1) SELECT count(*)::text FROM held`)
	store, err := eventstore.Open(i.t.Context(), eventstore.Log{Mode: "test"}, i.env[devenv.DatabaseURL])
	if err != nil {
		i.t.Fatal(err)
	}
	defer store.Close()
	events, err := store.Stream(i.t.Context(), paymentID)
	if err != nil {
		i.t.Fatal(err)
	}
	captureID = id.Format(id.Capture, engine.NewID())
	e := payment.Codec.Encode(payment.CaptureRequested{
		CaptureID: captureID, Amount: 6_000, Currency: "ZAR", Key: paymentID + "-" + captureID,
		AnswerBy: time.Now().Add(-payment.UnresolvedAfter - time.Minute).UTC(),
	})
	_, err = store.Append(i.t.Context(), eventstore.Command{
		ID: engine.NewID(), MerchantID: events[0].MerchantID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "test"},
		Expect: []eventstore.Expectation{{Stream: paymentID, Version: len(events)}},
		Events: []eventstore.NewEvent{{
			Stream: paymentID, Type: e.Type, SchemaVersion: e.SchemaVersion, ID: engine.NewID(), At: events[len(events)-1].At, Payload: e.Payload,
		}},
	})
	if err != nil {
		i.t.Fatal(err)
	}
	return paymentID, captureID
}
