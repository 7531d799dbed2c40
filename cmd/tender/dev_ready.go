package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"tender/cmd/tender/internal/devenv"
	"tender/handlers/demo"
)

// issueKeys finds the keys of dev.env again, or makes new ones.
func (d *dev) issueKeys(ctx context.Context) error {
	kept, err := devenv.Read(d.envFile())
	if err != nil {
		kept = nil // it is written anew
	}
	d.keys, err = d.findKeys(ctx, kept)
	return err
}

// openShop puts the demo shop beside everything else that is served. It is a client
// of the API, so it needs one here.
func (d *dev) openShop(ctx context.Context) error {
	if !d.app.config.plays(roleAPI) {
		return nil
	}
	key, _ := devenv.Lookup(d.keys, devenv.SecretKey)
	shop := demo.New(ctx, demo.Config{
		URL: d.app.config.baseURL, API: d.app.config.baseURL, Key: key, File: filepath.Join(d.dir, "demo-shop.json"), Log: d.log,
	})
	everything := d.app.handler
	d.app.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == demo.Path || strings.HasPrefix(r.URL.Path, demo.Path+"/") {
			shop.ServeHTTP(w, r)
			return
		}
		everything.ServeHTTP(w, r)
	})
	return nil
}

func (d *dev) envFile() string { return filepath.Join(d.dir, devenv.FileName) }

// announce writes dev.env and says how to begin. It comes when requests are taken.
func (d *dev) announce() error {
	c := d.app.config
	err := devenv.Write(d.envFile(), append(d.keys, []devenv.Entry{
		{Name: devenv.URL, Value: c.baseURL},
		{Name: devenv.DatabaseURL, Value: c.databaseURL},
		{Name: devenv.DatabaseAdminURL, Value: d.url("tender_admin", credAdmin)},
		{Name: devenv.NATSURL, Value: c.natsURL},
		{Name: "TENDER_RELAY_NATS_URL", Value: c.relayNATSURL},
		{Name: "TENDER_VAULT_URL", Value: c.vaultURL},
		{Name: "TENDER_MASTER_KEY_FILE", Value: c.masterKey},
		{Name: "TENDER_SEAL_KEY_FILE", Value: c.sealKey},
		{Name: "TENDER_CHECKPOINT_DIR", Value: c.checkpointDir},
		{Name: "TENDER_SIMULATOR_URL", Value: c.simulatorURL},
		{Name: "TENDER_SIMULATOR_KEY", Value: c.simulatorKey},
		{Name: "TENDER_SIMULATOR_SECRET", Value: c.simulatorSecret},
		{Name: "TENDER_SIMULATOR_DATABASE_URL", Value: d.url("tender_simulator", credSimulator)},
		{Name: "TENDER_LOOPBACK_WEBHOOKS", Value: "true"},
		{Name: envLiveLimits, Value: strconv.FormatBool(c.liveLimits)},
	}...))
	if err != nil {
		return err
	}
	secret, _ := devenv.Lookup(d.keys, devenv.SecretKey)
	d.say(fmt.Sprintf(`
Tender is ready at %[1]s

  begin here: a demo shop  %[1]s%[4]s
  the API, explained       %[1]s/docs
  secret key (test mode)   %[2]s
  everything else          %[3]s

Take a payment:

  curl -s %[1]s/collect/payment_sessions \
    -H 'Authorization: Bearer %[2]s' -H 'Idempotency-Key: my-first' \
    -H 'Content-Type: application/json' -d '{"amount": 10000, "currency": "ZAR"}'

and open the session_url of the answer. Ctrl-C stops.`, c.baseURL, secret, d.envFile(), demo.Path))
	return nil
}
