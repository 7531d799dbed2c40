package api_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"tender/handlers/webhooks"
	"tender/projections"
)

const events = "/webhooks/events"

func TestEventsAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, projections.Deliveries())
	paymentID := b.Reserved(10_000, goodCard)
	position := b.Capture(paymentID, 4_000).Is(200).Header.Get(positionHeader)

	all := b.list(t, events, "min_position", position).Is(200).Shows(object{"data.0.type": "payment.captured", "has_more": false})
	var page struct{ Data []json.RawMessage }
	must(t, json.Unmarshal(all.Body, &page))
	var types []string
	for i, body := range page.Data {
		types = append(types, all.Text("data."+text(i)+".type"))
		one := b.Get(events + "/" + ids(all)[i]).Is(200)
		if string(one.Body) != string(body) {
			t.Errorf("alone it is\n%s\nnot\n%s", one.Body, body)
		}
	}
	if want := []string{"payment.captured", "payment_session.completed", "payment_session.created", "payment.succeeded"}; len(types) != 4 || !sameSet(types, want) {
		t.Fatalf("the events are %q", types)
	}
	// To the byte as a webhook tells it.
	stream, err := b.First.Test.Engine.Store.Stream(t.Context(), paymentID)
	must(t, err)
	for n := range stream {
		if m, err := webhooks.Render("test", stream[:n+1]); err == nil && m.ID == ids(all)[0] && string(m.Body) != string(page.Data[0]) {
			t.Errorf("shown is\n%s\nsent\n%s", page.Data[0], m.Body)
		}
	}

	// Page by page, each once, whatever comes meanwhile.
	var seen []string
	cursor := ""
	for range 10 {
		query := []string{"limit", "1"}
		if cursor != "" {
			query = append(query, "cursor", cursor)
		}
		a := b.list(t, events, query...).Is(200)
		seen = append(seen, ids(a)...)
		if cursor = a.Text("next_cursor"); cursor == "" {
			break
		}
		b.Create(100)
	}
	if !slices.Equal(seen, ids(all)) {
		t.Errorf("page by page they are %q, not %q", seen, ids(all))
	}
	if got := ids(b.list(t, events, "type", "payment.captured").Is(200)); !slices.Equal(got, ids(all)[:1]) {
		t.Errorf("captured are %q", got)
	}
	hourAgo, hourAhead := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for query, want := range map[[2]string]int{
		{"created[gte]", hourAgo}: 1, {"created[gte]", hourAhead}: 0, {"created[lt]", hourAgo}: 0, {"created[lt]", hourAhead}: 1,
	} {
		if got := len(ids(b.list(t, events, "type", "payment.captured", query[0], query[1]).Is(200))); got != want {
			t.Errorf("%v: %d events, want %d", query, got, want)
		}
	}
	blames(t, b.list(t, events, "type", "webhook.test", "status", "pending").Problem(400, "invalid_request"), "type: not_an_option", "status: unknown")

	stranger := b.First.Caller(t, b.Merchant("test").Secret)
	stranger.Get(events+"/"+ids(all)[0]).Problem(404, "not_found")
	stranger.Get(events).Is(200).Shows(object{"data.0": nil, "has_more": false})
	b.First.Caller(t, b.merchant.Public).Get(events).Problem(403, "forbidden")
	for _, nothing := range []string{"evt_01hzy3v7q8e4xk2m9c5b7d6f0c", paymentID, "nonsense"} {
		b.Get(events+"/"+nothing).Problem(404, "not_found")
	}
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
