package bench

import (
	"context"
	"fmt"
	"time"
)

// amount is what every payment takes, in cents.
const amount = 10_000

// oneTime is a session that is paid once, with manual capture.
var oneTime = fmt.Sprintf(`{"amount":%d,"currency":"ZAR","external_reference":"bench",
	"options":{"payment_method_options":{"card":{"capture_method":"manual"}}}}`, amount)

// Payments measures whole payments from this many clients at once, for about d:
// create a session with manual capture, pay it at the checkout with a card, capture
// it.
func (m *Merchant) Payments(ctx context.Context, clients int, d time.Duration) (Figures, error) {
	return m.measure(ctx, clients, d, func(ctx context.Context, _ int) error {
		s, err := m.checkout(ctx, oneTime)
		if err != nil {
			return err
		}
		return m.capture(ctx, s)
	})
}
