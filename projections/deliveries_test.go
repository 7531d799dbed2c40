package projections_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tender/domain"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/domain/session"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/projections"
)

// hooks is what the test's log holds of endpoints and deliveries, and what should
// be shown of it.
type hooks struct {
	*bundle
	versions  map[string]int
	endpoints map[string]*hook  // by id
	owners    map[string]string // of endpoints, deleted ones among them
	expected  map[string]string
}

type hook struct {
	merchantID string
	status     webhook.Status
	events     []string
}

func (h *hooks) say(merchantID, stream string, e codec.Encoded) uuid.UUID {
	h.t.Helper()
	eventID := uuid.Must(uuid.NewV7())
	_, err := h.store.Append(h.ctx, eventstore.Command{
		ID: uuid.Must(uuid.NewV7()), MerchantID: merchantID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "test"},
		Expect: []eventstore.Expectation{{Stream: stream, Version: h.versions[stream]}},
		Events: []eventstore.NewEvent{{
			Stream: stream, Type: e.Type, SchemaVersion: e.SchemaVersion, ID: eventID,
			At: time.Now().UTC().Truncate(time.Millisecond), Payload: e.Payload,
		}},
	})
	if err != nil {
		h.t.Fatalf("append: %v", err)
	}
	h.versions[stream]++
	return eventID
}

func (h *hooks) endpoint(merchantID string, events ...string) {
	endpointID := id.Format(id.Endpoint, uuid.Must(uuid.NewV7()))
	h.say(merchantID, endpointID, webhook.Codec.Encode(webhook.EndpointCreated{URL: "https://shop.example/", Events: events, SecretRef: "vlt_1"}))
	h.endpoints[endpointID] = &hook{merchantID: merchantID, status: webhook.StatusEnabled, events: events}
	h.owners[endpointID] = merchantID
}

func (h *hooks) change(endpointID string, e webhook.Event) {
	o := h.endpoints[endpointID]
	h.say(o.merchantID, endpointID, webhook.Codec.Encode(e))
	switch e := e.(type) {
	case webhook.EndpointUpdated:
		o.events = e.Events
	case webhook.EndpointPaused:
		o.status = webhook.StatusPaused
	case webhook.EndpointResumed:
		o.status = webhook.StatusEnabled
	case webhook.EndpointDisabled, webhook.EndpointDeleted:
		o.status = webhook.StatusDisabled
		for deliveryID, shown := range h.expected {
			if rest, pending := strings.CutPrefix(shown, endpointID+" pending "); pending {
				h.expected[deliveryID] = endpointID + " exhausted " + rest
			}
		}
		if _, deleted := e.(webhook.EndpointDeleted); deleted {
			delete(h.endpoints, endpointID)
		}
	}
}

// session says a public event, or a private one.
func (h *hooks) session(merchantID string) {
	stream := id.Format(id.Session, uuid.Must(uuid.NewV7()))
	eventID := h.say(merchantID, stream, session.Codec.Encode(session.Created{Kind: session.TypeOneTime, Amount: 1, Currency: "EUR"}))
	h.say(merchantID, stream, session.Codec.Encode(session.AttemptStarted{PaymentID: "pay_1", AttemptID: "att_1", Number: 1}))
	public := id.Format(id.Event, eventID)
	for endpointID, o := range h.endpoints {
		if o.merchantID == merchantID && o.status != webhook.StatusDisabled && webhook.Wants(o.events, webhook.PaymentSessionCreated) {
			h.expected[webhook.DeliveryID(public, endpointID)] = endpointID + " pending 0"
		}
	}
}

// test says that an endpoint is tested: whatever it asks for, and no other.
func (h *hooks) test(endpointID string) {
	o := h.endpoints[endpointID]
	eventID := h.say(o.merchantID, endpointID, webhook.Codec.Encode(webhook.EndpointTested{}))
	if o.status != webhook.StatusDisabled {
		h.expected[webhook.DeliveryID(id.Format(id.Event, eventID), endpointID)] = endpointID + " pending 0"
	}
}

// settle records an outcome of a delivery.
func (h *hooks) settle(deliveryID string, delivered bool) {
	var endpointID, before string
	var version int
	if _, err := fmt.Sscan(h.expected[deliveryID], &endpointID, &before, &version); err != nil {
		h.t.Fatal(err)
	}
	var e webhook.Event = webhook.Exhausted{EndpointID: endpointID}
	after := "exhausted"
	if delivered {
		e = webhook.Delivered{EndpointID: endpointID}
	}
	if delivered || before == "delivered" {
		after = "delivered"
	}
	h.say(h.owners[endpointID], deliveryID, webhook.Codec.Encode(e))
	h.expected[deliveryID] = fmt.Sprintf("%s %s %d", endpointID, after, version+1)
}

// resend has a delivery sent again, also one that nobody knows of.
func (h *hooks) resend(deliveryID, endpointID, eventID string) {
	var version int
	if shown, known := h.expected[deliveryID]; known {
		var before string
		if _, err := fmt.Sscan(shown, &endpointID, &before, &version); err != nil {
			h.t.Fatal(err)
		}
	}
	h.say(h.owners[endpointID], deliveryID, webhook.Codec.Encode(webhook.Resent{
		EndpointID: endpointID, EventID: eventID, EventType: webhook.PaymentSessionCreated, Source: "ps_1", SourceVersion: 1,
		EventAt: time.Now().UTC().Truncate(time.Millisecond),
	}))
	h.expected[deliveryID] = fmt.Sprintf("%s pending %d", endpointID, version+1)
}

// shown returns what the read model shows, and a fuller picture of its tables.
func (h *hooks) shown() (deliveries map[string]string, picture []string) {
	h.t.Helper()
	rows, err := h.store.Pool().Query(h.ctx, `SELECT id, endpoint_id || ' ' || status || ' ' || version, d::text
		FROM read_test.deliveries d ORDER BY id`)
	if err != nil {
		h.t.Fatal(err)
	}
	deliveries = map[string]string{}
	var deliveryID, shown, row string
	if _, err := pgx.ForEachRow(rows, []any{&deliveryID, &shown, &row}, func() error {
		deliveries[deliveryID] = shown
		picture = append(picture, row)
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
	rows, err = h.store.Pool().Query(h.ctx, `SELECT e::text FROM read_test.delivery_endpoints e
		UNION ALL SELECT p::text FROM read_test.public_events p ORDER BY 1`)
	if err != nil {
		h.t.Fatal(err)
	}
	endpoints, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return deliveries, append(picture, endpoints...)
}

func (h *hooks) caughtUp() {
	h.t.Helper()
	eventually(h.t, "the deliveries are caught up", func() bool {
		position, err := projections.NewCursors(h.store).Position(h.ctx, projections.DeliveriesName)
		return err == nil && position == int64(len(h.log()))
	})
}

// Whatever happens to endpoints and deliveries, and however the log is cut into
// batches, the read model shows what follows from the log.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	h := &hooks{bundle: setup(t), versions: map[string]int{}, endpoints: map[string]*hook{}, owners: map[string]string{}, expected: map[string]string{}}
	h.process(projections.Deliveries())
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	merchants := []string{"mer_1", "mer_2"}
	for range 600 {
		endpoints := make([]string, 0, len(h.endpoints))
		for endpointID := range h.endpoints {
			endpoints = append(endpoints, endpointID)
		}
		slices.Sort(endpoints)
		deliveries := make([]string, 0, len(h.expected))
		for deliveryID := range h.expected {
			deliveries = append(deliveries, deliveryID)
		}
		slices.Sort(deliveries)
		merchantID := merchants[random.IntN(2)]
		switch n := random.IntN(20); {
		case n < 8:
			h.session(merchantID)
		case n < 10 && len(endpoints) < 6:
			lists := [][]string{{webhook.AllTypes}, {webhook.PaymentSessionCreated}, {webhook.PaymentCaptured}}
			h.endpoint(merchantID, lists[random.IntN(len(lists))]...)
		case n < 14 && len(endpoints) > 0:
			changes := []webhook.Event{
				webhook.EndpointPaused{}, webhook.EndpointResumed{}, webhook.EndpointResumed{}, webhook.EndpointDisabled{Reason: webhook.DisabledGone},
				webhook.EndpointUpdated{Events: []string{webhook.PaymentSessionCreated}}, webhook.EndpointDeleted{},
				webhook.EndpointSecretRotated{SecretRef: "vlt_2"}, webhook.EndpointFailing{Since: time.Now().UTC()}, webhook.EndpointHealed{},
				webhook.EndpointRecoveryStarted{RecoveryID: "whr_1"},
			}
			h.change(endpoints[random.IntN(len(endpoints))], changes[random.IntN(len(changes))])
		case n < 15 && len(endpoints) > 0:
			h.test(endpoints[random.IntN(len(endpoints))])
			eventID := id.Format(id.Event, uuid.Must(uuid.NewV7()))
			h.resend(webhook.DeliveryID(eventID, endpoints[0]), endpoints[0], eventID)
		case n < 17 && len(deliveries) > 0:
			h.resend(deliveries[random.IntN(len(deliveries))], "", "evt_1")
		case len(deliveries) > 0:
			h.settle(deliveries[random.IntN(len(deliveries))], random.IntN(2) == 0)
		}
	}
	h.caughtUp()
	shown, picture := h.shown()
	if len(shown) < 50 {
		t.Errorf("only %d deliveries: the test tests little", len(shown))
	}
	for deliveryID, want := range h.expected {
		if shown[deliveryID] != want {
			t.Errorf("%s is shown as %q, want %q", deliveryID, shown[deliveryID], want)
		}
	}
	if len(shown) != len(h.expected) {
		t.Errorf("%d deliveries are shown, want %d", len(shown), len(h.expected))
	}
	var tests, public int
	if err := h.store.Pool().QueryRow(h.ctx, `SELECT
		(SELECT count(*) FROM read_test.deliveries WHERE event_type = 'webhook.test'),
		(SELECT count(*) FROM read_test.public_events WHERE event_type NOT LIKE 'payment_session.%')`).Scan(&tests, &public); err != nil {
		t.Fatal(err)
	}
	if tests == 0 || public > 0 {
		t.Errorf("%d tests are delivered, %d are told to everybody", tests, public)
	}

	// Made anew from the whole log, in batches as large as they get, it is the same.
	n := h.rebuild(h.runner(projections.Deliveries()), projections.DeliveriesName)
	if _, again := h.shown(); !slices.Equal(picture, again) {
		t.Errorf("made anew, the read model shows something else:\n%q\n%q", picture, again)
	}
	for _, table := range []string{projections.DeliveriesName, projections.DeliveryEndpointsName, projections.PublicEventsName} {
		if h.dump(table, 1) != h.dump(table, n) {
			t.Errorf("%s differs from what was kept", table)
		}
	}
}
