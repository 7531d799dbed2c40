package bench

import (
	"context"
	"encoding/json"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain"
	"tender/eventstore"
)

// What every measured row carries, about as much as a small event does.
const (
	merchant  = "mer_01hzy3v7q8e4xk2m9c5b7d6f0a"
	request   = "req_01hzy3v7q8e4xk2m9c5b7d6f0b"
	eventType = "payment.authorised"
	payload   = `{"attempt_id":"att_01hzy3v7q8e4xk2m9c5b7d6f0c","amount":12500,"currency":"ZAR","reference":"acq-8814-2231-77","scheme":"VISA","last4":"4242"}`
)

var fingerprints = json.RawMessage(`{"path":"hWk0o1mVvC8=","amount":"1b3tGqVb4xk=","currency":"k0cQmVv8o1h="}`)

// Appends measures appends with all their guarantees: each command has one event
// and an idempotency key; every first one creates a stream and names its
// merchant's version too, every second one adds to that stream.
func Appends(ctx context.Context, store *eventstore.Store, callers int, d time.Duration) (Figures, error) {
	streams := make([]string, callers)
	f, err := Measure(ctx, callers, d, func(ctx context.Context, caller, turn int) error {
		id := uuid.Must(uuid.NewV7())
		expect := []eventstore.Expectation{{Stream: streams[caller], Version: 1}}
		if turn%2 == 0 {
			streams[caller] = "pay_" + id.String()
			expect = []eventstore.Expectation{{Stream: streams[caller]}, {Stream: merchant}}
		}
		_, err := store.Append(ctx, command(id, streams[caller], expect))
		return err
	})
	return f, errors.Wrap(err, "appends")
}

func command(id uuid.UUID, stream string, expect []eventstore.Expectation) eventstore.Command {
	return eventstore.Command{
		ID: id, MerchantID: merchant, RequestID: request,
		Actor:  domain.Actor{Kind: domain.ActorMerchant, ID: "key_01hzy3v7q8e4xk2m9c5b7d6f0d"},
		Expect: expect,
		Events: []eventstore.NewEvent{{
			Stream: stream, Type: eventType, SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()),
			At: time.Now().Truncate(time.Millisecond), Payload: json.RawMessage(payload),
		}},
		Key: &eventstore.IdempotencyKey{Kind: "secret", Key: id.String(), Fingerprints: fingerprints, Stream: stream},
	}
}
