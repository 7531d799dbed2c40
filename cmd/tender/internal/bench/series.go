package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// firstInSeries is paid with the customer present and makes an unconstrained mandate.
var firstInSeries = fmt.Sprintf(`{"type":"first_in_series","amount":%d,"currency":"ZAR","external_reference":"bench"}`, amount)

// Series measures payments without the customer, from this many clients at once, for
// about d: create a next_in_series session with manual capture, capture it. Each
// client charges a mandate of its own, made beforehand: one mandate's payments follow
// each other in its stream.
func (m *Merchant) Series(ctx context.Context, clients int, d time.Duration) (Figures, error) {
	first := make([]shownSession, clients)
	group, gctx := errgroup.WithContext(ctx)
	for client := range first {
		group.Go(func() (err error) {
			first[client], err = m.checkout(gctx, firstInSeries)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Figures{}, err
	}
	return m.measure(ctx, clients, d, func(ctx context.Context, client int) error {
		s, err := m.create(ctx, nextInSeries(first[client]))
		if err != nil {
			return err
		}
		return m.capture(ctx, s)
	})
}

// nextInSeries charges the mandate that first made, with manual capture.
func nextInSeries(first shownSession) string {
	return fmt.Sprintf(`{"type":"next_in_series","amount":%d,"currency":"ZAR","external_reference":"bench",
		"options":{"customer_id":%q,"payment_method_id":%q,"payment_method_options":{"card":{"capture_method":"manual"}}}}`,
		amount, first.CustomerID, first.PaymentMethodID)
}
