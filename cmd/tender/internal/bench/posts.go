package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tender/domain/id"
	"tender/eventstore/bench"
	"tender/handlers/webhooks"
	"tender/handlers/webhooks/egress"
)

// postBytes is about as much as a small message has.
const postBytes = 600

// Posts measures messages that are signed and sent and nothing else, from this many
// clients at once to the receivers in turn, for about d: what delivering costs
// without a log that says what is to be sent, and that it was.
func Posts(ctx context.Context, urls []string, clients int, d time.Duration) (bench.Figures, error) {
	egress := egress.New(egress.Policy{AllowLoopback: true})
	defer egress.Close()
	secret := webhooks.NewSecret()
	body := []byte(strings.Repeat("x", postBytes))
	return bench.Measure(ctx, clients, d, func(ctx context.Context, client, turn int) error {
		url := urls[(client+turn)%len(urls)]
		eventID := id.Format(id.Event, uuid.Must(uuid.NewV7()))
		answer := egress.Post(ctx, url, webhooks.Sign(eventID, time.Now(), body, secret), body)
		if !answer.Class.Success() {
			return fmt.Errorf("a message to %s came to %s %s", url, answer.Class, answer.Detail)
		}
		return nil
	})
}
