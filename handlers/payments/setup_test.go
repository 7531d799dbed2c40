package payments_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/method"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/handlerstest"
	"tender/handlers/payments"
)

const (
	sessionsPath = handlerstest.SessionsPath

	goodCard      = "4242424242424242"
	declinedCard  = "4000000000000002"
	challengeCard = "4000000000003220"
)

var eventually = handlerstest.Eventually

// bundle is an installation with a merchant, who calls its first process.
type bundle struct {
	*handlerstest.House
	*handlerstest.Caller
	merchant *handlerstest.Merchant
	customer *handlerstest.Caller
}

func setup(t *testing.T, options ...handlerstest.Option) *bundle {
	t.Helper()
	h := handlerstest.New(t, options...)
	m := h.Merchant("test")
	return &bundle{House: h, merchant: m, Caller: h.First.Caller(t, m.Secret), customer: h.First.Caller(t, "")}
}

// events are those of a stream, as the log holds them.
func (b *bundle) events(t *testing.T, stream string) []eventstore.Event {
	t.Helper()
	events, err := b.First.Test.Engine.Store.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// story lists the events of streams, each stream's in order, as "pay 3
// payment.authorised" with " of pay 2" where that is the event that it names as
// its cause. What another stream's event is called, its prefix says.
func (b *bundle) story(t *testing.T, streams ...string) []string {
	t.Helper()
	var lines []string
	names := map[[16]byte]string{}
	var all []eventstore.Event
	for _, stream := range streams {
		all = append(all, b.events(t, stream)...)
	}
	for _, e := range all {
		names[e.ID] = fmt.Sprintf("%s %d", id.PrefixOf(e.Stream), e.Version)
	}
	for _, e := range all {
		line := names[e.ID] + " " + e.Type
		if e.Causation != [16]byte{} {
			cause, known := names[e.Causation]
			if !known {
				cause = "nothing that there is"
			}
			line += " of " + cause
		}
		lines = append(lines, line)
	}
	return lines
}

// service is what requests to the first process are carried out by.
func (b *bundle) service() *payments.Service { return b.First.Test.Payments }

// asMerchant is a command that comes with the merchant's key.
func (b *bundle) asMerchant() engine.Origin {
	return engine.Origin{
		CommandID: engine.NewID(), MerchantID: b.merchant.ID,
		Actor: domain.Actor{Kind: domain.ActorMerchant, ID: b.merchant.SecretID},
	}
}

// pays has a customer pay a session with a card that is otherwise in order.
func (b *bundle) pays(ctx context.Context, t *testing.T, sessionID, number string) error {
	t.Helper()
	card, details, wrong := method.CheckCard(method.CardInput{
		Number: number, ExpMonth: 12, ExpYear: 2031, CVC: "737", Name: "A Customer",
	}, b.Clock.Now())
	if len(wrong) > 0 {
		t.Fatalf("the card is wrong: %v", wrong)
	}
	origin := engine.Origin{CommandID: engine.NewID(), Actor: domain.Actor{Kind: domain.ActorCustomer, ID: sessionID}}
	return b.service().Pay(ctx, origin, payments.Attempt{SessionID: sessionID, Card: card, Details: method.CardOf(details)})
}

// holdAppends makes appends of test mode wait inside PostgreSQL until release is
// called; reads go on. Waiting tells whether one has come so far.
func (b *bundle) holdAppends(t *testing.T) (waiting func() bool, release func()) {
	t.Helper()
	table := b.First.Test.Engine.Store.Log().Schema() + ".events"
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), b.DB.SuperURL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
		return conn
	}
	holder, watcher := connect(), connect()
	tx, err := holder.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE `+table+` IN EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	waiting = func() bool {
		var waits bool
		err := watcher.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
			WHERE l.relation = $1::regclass AND NOT l.granted)`, table).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		return waits
	}
	return waiting, func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Errorf("let the appends go: %v", err)
		}
	}
}
