package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"tender/cmd/tender/internal/bench"
	"tender/cmd/tender/internal/devenv"
	"tender/domain/merchant"
	"tender/domain/webhook"
	"tender/handlers/engine"
)

// shopsAtOnce is how many merchants are set up side by side.
const shopsAtOnce = 16

// shop is a merchant with one endpoint, for which every event of theirs is.
type shop struct{ merchantID, endpointID string }

type shops []shop

func (s shops) merchants() []string {
	ids := make([]string, len(s))
	for i, one := range s {
		ids[i] = one.merchantID
	}
	return ids
}

func (s shops) endpoints() []string {
	ids := make([]string, len(s))
	for i, one := range s {
		ids[i] = one.endpointID
	}
	return ids
}

// setUp starts a receiver, and makes a merchant for each of its endpoints. The first
// of them hang.
func (b *webhookBench) setUp(ctx context.Context, endpoints, hanging int) (*receiver, shops, error) {
	r, err := b.startReceiver(endpoints, hanging)
	if err != nil {
		return nil, nil, err
	}
	all := make(shops, endpoints)
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(shopsAtOnce)
	for i, url := range r.urls {
		group.Go(func() (err error) {
			all[i], err = b.openShop(gctx, url)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		r.kill()
		return nil, nil, err
	}
	return r, all, nil
}

// openShop makes a merchant whose endpoint leads to url, over the API.
func (b *webhookBench) openShop(ctx context.Context, url string) (shop, error) {
	merchantID, err := createMerchant(ctx, b.engine, merchant.Settings{Name: "Bench", Country: "ZA", TimeZone: "UTC"})
	if err != nil {
		return shop{}, err
	}
	_, key, err := issueMerchantKey(ctx, b.engine, merchantID, merchant.KeySecret)
	if err != nil {
		return shop{}, err
	}
	var made struct{ ID string }
	c := client{base: b.name(devenv.URL), key: key}
	body := map[string]any{"url": url, "events": []string{webhook.AllTypes}}
	err = c.call(ctx, http.MethodPost, endpointsPath, body, &made)
	return shop{merchantID: merchantID, endpointID: made.ID}, err
}

// closeDown deletes the endpoints, so that what hangs is not tried again, and ends
// the receiver.
func (b *webhookBench) closeDown(ctx context.Context, r *receiver, all shops) (*bench.Arrivals, time.Duration, error) {
	if err := b.change(ctx, all, webhook.DeleteEndpoint{}); err != nil {
		return nil, 0, err
	}
	return r.finish()
}

func (b *webhookBench) pauseAll(ctx context.Context, all shops) error {
	status := webhook.StatusPaused
	if err := b.change(ctx, all, webhook.UpdateEndpoint{Status: &status}); err != nil {
		return err
	}
	return b.caughtUp(ctx) // workers learn it from the read model
}

func (b *webhookBench) resumeAll(ctx context.Context, all shops) error {
	status := webhook.StatusEnabled
	return b.change(ctx, all, webhook.UpdateEndpoint{Status: &status})
}

// change does the same to every endpoint at once, past HTTP: it is to take no time.
func (b *webhookBench) change(ctx context.Context, all shops, c webhook.EndpointCommand) error {
	group, gctx := errgroup.WithContext(ctx)
	for _, one := range all {
		group.Go(func() error {
			_, err := b.engine.Do(gctx, engine.Command{
				Origin:  engine.Origin{CommandID: engine.NewID(), MerchantID: one.merchantID, Actor: operator},
				Subject: one.endpointID,
				Decide: func(ctx context.Context, tx *engine.Tx) error {
					e, err := engine.Read(ctx, tx, b.engine.Endpoints, one.endpointID)
					if err != nil {
						return err
					}
					events, err := webhook.DecideEndpoint(e.Value, c)
					if err != nil {
						return fmt.Errorf("endpoint %s: %w", one.endpointID, err)
					}
					engine.Write(tx, webhook.Codec, one.endpointID, events...)
					return nil
				},
			})
			return err
		})
	}
	return group.Wait()
}
