package biglog

import (
	"time"

	"tender/domain"
	"tender/domain/merchant"
	"tender/domain/recovery"
	"tender/domain/webhook"
)

// opens makes an endpoint.
func (l *lane) opens(types ...string) string {
	by := l.command(l.asMerchant())
	c := webhook.CreateEndpoint{ID: by.ID, URL: "https://shop.example/hooks/" + l.digits(8), Events: types, SecretRef: l.vaultRef()}
	events, err := webhook.DecideEndpoint(webhook.Endpoint{}, c)
	l.must(err)
	l.changes(by, merchant.AddEndpoint{EndpointID: c.EndpointID()})
	writes(by, l.endpoints, c.EndpointID(), events...)
	by.send()
	return c.EndpointID()
}

// endpoint has something happen to one.
func (l *lane) endpoint(by domain.Actor, endpointID string, c webhook.EndpointCommand) {
	l.pass(time.Duration(l.between(1, 600)) * time.Second)
	cmd := l.command(by)
	events, err := webhook.DecideEndpoint(l.endpoints.of(endpointID), c)
	l.must(err)
	if _, deletes := c.(webhook.DeleteEndpoint); deletes {
		l.changes(cmd, merchant.RemoveEndpoint{EndpointID: endpointID})
	}
	writes(cmd, l.endpoints, endpointID, events...)
	cmd.send()
	if _, tests := c.(webhook.TestEndpoint); tests {
		l.mail = append(l.mail, letter{
			event: cmd.Events[0], version: cmd.Expect[len(cmd.Expect)-1].Version + 1, public: webhook.TestType, endpointID: endpointID,
		})
	}
}

// visiting has the merchant open an endpoint of its own for everything, and delete it
// in the end, whatever happens to it meanwhile.
func (l *lane) visiting(f func(endpointID string)) {
	endpointID := l.opens("*")
	l.hooks = append(l.hooks, endpointID)
	f(endpointID)
	l.hooks = l.hooks[:len(l.hooks)-1]
	l.endpoint(l.asMerchant(), endpointID, webhook.DeleteEndpoint{})
	l.deliver(1)
}

// endpointLives is all that a merchant does with an endpoint.
func (l *lane) endpointLives() {
	l.visiting(func(endpointID string) {
		by := l.asMerchant()
		description := "staging " + l.digits(4)
		paused, enabled := webhook.StatusPaused, webhook.StatusEnabled
		l.endpoint(by, endpointID, webhook.UpdateEndpoint{Description: &description, Events: webhook.Types()})
		l.endpoint(by, endpointID, webhook.TestEndpoint{})
		l.sale()
		l.endpoint(by, endpointID, webhook.RotateSecret{SecretRef: l.vaultRef(), Overlap: time.Hour, At: l.now.At})
		l.endpoint(by, endpointID, webhook.UpdateEndpoint{Status: &paused})
		l.captureAll()
		l.endpoint(by, endpointID, webhook.UpdateEndpoint{Status: &enabled})
		l.deliver(1)
	})
}

// endpointFails for some time and heals, and fails until it is disabled.
func (l *lane) endpointFails() {
	l.visiting(func(endpointID string) {
		by := asSystem("webhooks")
		url := l.endpoints.of(endpointID).URL
		l.sale()
		failures := func(since time.Time) webhook.RecordFailures {
			return webhook.RecordFailures{URL: url, Run: webhook.Run{Since: since, Until: l.now.Wall, Tries: 20}}
		}
		fails := func() time.Time {
			l.pass(time.Minute)
			since := l.now.Wall
			l.pass(10 * time.Minute)
			l.endpoint(by, endpointID, failures(since))
			return since
		}
		fails()
		l.endpoint(by, endpointID, webhook.RecordArrival{URL: url})
		since := fails()
		l.pass(6 * 24 * time.Hour)
		l.endpoint(by, endpointID, failures(since))
	})
}

// misses makes a public event, and returns the letter of it to an endpoint that nobody
// else looks after.
func (l *lane) misses(endpointID string) letter {
	l.session(of(l.amount()), nil)
	t := l.told[0]
	t.endpointID = endpointID
	return t
}

// recovers begins a recovery, and returns its id.
func (l *lane) recovers(endpointID string) string {
	by := l.command(l.asMerchant())
	c := recovery.Start{ID: by.ID, EndpointID: endpointID, Since: l.now.Wall.Add(-24 * time.Hour), Now: l.now.Wall}
	events, err := recovery.Decide(recovery.State{}, c)
	l.must(err)
	started, err := webhook.DecideEndpoint(l.endpoints.of(endpointID), webhook.StartRecovery{RecoveryID: c.RecoveryID()})
	l.must(err)
	writes(by, l.endpoints, endpointID, started...)
	writes(by, l.recoveries, c.RecoveryID(), events...)
	by.send()
	return c.RecoveryID()
}

// resent has a letter sent again: by a recovery, or, without one, by the merchant.
func (l *lane) resent(t letter, recoveryID string) {
	c := l.asMail(t)
	c.Actor = asSystem("recovery")
	if recoveryID == "" {
		c.Actor = l.asMerchant()
	} else {
		c.ID = recovery.CommandID(recoveryID, t.deliveryID())
	}
	events, err := webhook.DecideDelivery(l.deliveries.of(t.deliveryID()), webhook.Resend{Endpoint: l.endpoints.of(t.endpointID), Of: webhook.Resent{
		EndpointID: t.endpointID, EventID: t.eventID(), EventType: t.public, Source: t.event.Stream, SourceVersion: t.version,
		EventAt: t.event.At, Attempts: 10, RecoveryID: recoveryID,
	}})
	l.must(err)
	writes(c, l.deliveries, t.deliveryID(), events...)
	c.send()
}

// ended says what a recovery came to.
func (l *lane) ended(endpointID, recoveryID string, c recovery.Command) {
	by := l.command(asSystem("recovery"))
	noted, err := webhook.DecideEndpoint(l.endpoints.of(endpointID), webhook.EndRecovery{RecoveryID: recoveryID})
	l.must(err)
	writes(by, l.endpoints, endpointID, noted...)
	events, err := recovery.Decide(l.recoveries.of(recoveryID), c)
	l.must(err)
	writes(by, l.recoveries, recoveryID, events...)
	by.send()
}

// recover sends again what was given up, and what was never made because the endpoint
// was disabled.
func (l *lane) recover() {
	endpointID := l.opens(webhook.AllTypes)
	arrived, lost := l.misses(endpointID), l.misses(endpointID)
	l.append(l.delivered(arrived), l.exhausted(lost))
	disabled, enabled := webhook.StatusDisabled, webhook.StatusEnabled
	l.endpoint(l.asMerchant(), endpointID, webhook.UpdateEndpoint{Status: &disabled})
	unmade := l.misses(endpointID)
	l.endpoint(l.asMerchant(), endpointID, webhook.UpdateEndpoint{Status: &enabled})
	recoveryID := l.recovers(endpointID)
	for _, t := range []letter{lost, unmade} {
		l.resent(t, recoveryID)
		l.append(l.delivered(t))
	}
	l.ended(endpointID, recoveryID, recovery.Complete{Sums: recovery.Sums{Examined: 3, Resent: 2}})
	l.resent(arrived, "")
	l.append(l.delivered(arrived))
	l.endpoint(l.asMerchant(), endpointID, webhook.DeleteEndpoint{})
}

// recoveryStops because the endpoint says that it is gone. What was on its way is given
// up with it.
func (l *lane) recoveryStops() {
	endpointID := l.opens(webhook.AllTypes)
	lost := l.misses(endpointID)
	l.misses(endpointID)
	l.append(l.exhausted(lost))
	recoveryID := l.recovers(endpointID)
	l.resent(lost, recoveryID)
	url := l.endpoints.of(endpointID).URL
	l.endpoint(asSystem("webhooks"), endpointID, webhook.DisableEndpoint{URL: url, Reason: webhook.DisabledGone})
	l.ended(endpointID, recoveryID, recovery.Stop{Reason: recovery.StoppedDisabled, Sums: recovery.Sums{Examined: 2, Resent: 1}})
	l.endpoint(l.asMerchant(), endpointID, webhook.DeleteEndpoint{})
}
