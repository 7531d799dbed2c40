package main

import (
	"net/http"

	"tender/handlers/api"
	"tender/handlers/brand"
	"tender/handlers/checkout"
	"tender/handlers/embed"
	"tender/handlers/openapi"
	"tender/handlers/payments"
	"tender/handlers/token"
	"tender/handlers/webhooks"
	"tender/handlers/webhooks/egress"
	"tender/handlers/worker"
	"tender/projections"
)

// routes puts the handlers of the roles together.
func (a *app) routes() (http.Handler, error) {
	sealer, err := token.NewSealer(a.keys.Derive("tokens"))
	if err != nil {
		return nil, err
	}
	clientTokens, err := token.NewSigner(a.keys.Derive("client tokens"))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	accounts, services := map[string]*api.Account{}, map[string]*payments.Service{}
	for mode, l := range a.logs {
		services[mode] = l.payments
		accounts[mode] = &api.Account{
			Engine: l.engine, Payments: l.payments, People: l.people, Subscriptions: l.subs, Clocks: l.clocks, Secrets: a.secrets, Cursors: l.cursors,
			Lists:         projections.NewLists(l.store.Pool(), l.store.Log()),
			WebhookPolicy: a.webhookPolicy(mode), Resends: webhooks.NewResends(l.engine), Recoveries: l.recovers,
			Brands: &brand.Service{Engine: l.engine, Permit: l.payments.Permitted},
		}
	}
	merchants := api.New(api.Config{
		Accounts: accounts, BaseURL: a.config.baseURL, Sealer: sealer, ClientTokens: clientTokens,
		FingerprintKey: a.keys.Derive("idempotency fingerprints"), Log: a.log, Root: mux,
	})
	a.health(mux)
	if a.config.plays(roleAPI) {
		notices := worker.NewNotifications(services, a.config.baseURL, a.log)
		mux.Handle("POST /acquirers/{name}/notifications", notices)
		a.loops = append(a.loops, loop{"notifications", notices.Run})
		pages, err := openapi.New()
		if err != nil {
			return nil, err
		}
		pages.Register(mux)
		mux.Handle("/", merchants)
		if err := a.serveStaff(mux); err != nil {
			return nil, err
		}
	}
	if a.config.plays(roleCheckout) {
		checkout.New(checkout.Config{
			Modes: services, BaseURL: a.config.baseURL, FormKey: a.keys.Derive("checkout forms"), Proxies: a.config.proxies, Log: a.log,
		}).Register(mux)
		embed.New(embed.Config{Modes: services, Tokens: clientTokens, BaseURL: a.config.baseURL, Log: a.log}).Register(mux)
	}
	return api.Middleware(a.log, a.config.baseURL, a.metrics.Served, mux), nil
}

// webhookPolicy says where a mode's webhooks may go: never to this machine in
// live mode.
func (a *app) webhookPolicy(mode string) egress.Policy {
	return egress.Policy{AllowLoopback: a.config.loopbackWebhooks && mode == "test"}
}
