package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Subscribe makes n subscriptions from this many clients at once, each with a customer
// of its own, and returns their ids. They collect the same amount every day at the
// minute of first, UTC, which is to lie ahead.
func (m *Merchant) Subscribe(ctx context.Context, clients, n int, first time.Time) ([]string, error) {
	body := fmt.Sprintf(`{"type":"first_in_series","amount":%d,"currency":"ZAR","external_reference":"bench","options":{
		"mandate_options":{"type":"scheduled","amount":%[1]d,"recurrence":{"type":"daily","interval_count":1},"time_zone":"UTC"},
		"subscription_options":{"scheduled_time":%q}}}`, amount, first.UTC().Format("15:04"))
	made := make([]string, n)
	var taken atomic.Int64
	group, gctx := errgroup.WithContext(ctx)
	for range clients {
		group.Go(func() error {
			for i := taken.Add(1); i <= int64(n); i = taken.Add(1) {
				s, err := m.checkout(gctx, body)
				if err != nil {
					return err
				}
				made[i-1] = s.SubscriptionID
			}
			return nil
		})
	}
	return made, group.Wait()
}
