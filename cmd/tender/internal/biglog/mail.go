package biglog

import (
	"time"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/webhook"
	"tender/eventstore"
)

const (
	// mailMin is how many letters gather before they are delivered, and mailAtOnce how
	// many of them are on their way at a time.
	mailMin    = 6
	mailAtOnce = 16
)

// letter is a public event, on its way to an endpoint.
type letter struct {
	event      eventstore.NewEvent
	version    int    // of its stream
	public     string // its type
	endpointID string
}

func (t letter) eventID() string    { return id.Format(id.Event, t.event.ID) }
func (t letter) deliveryID() string { return webhook.DeliveryID(t.eventID(), t.endpointID) }

// tell puts a public event into the mail of all who asked for it.
func (l *lane) tell(t letter) {
	for _, endpointID := range l.hooks {
		e := l.endpoints.of(endpointID)
		if !e.Deleted && e.Status != webhook.StatusDisabled && e.Wants(t.public) {
			t.endpointID = endpointID
			l.mail = append(l.mail, t)
		}
	}
}

// deliver delivers what can be, once there are so many.
func (l *lane) deliver(least int) {
	if len(l.mail) < least {
		return
	}
	var sent []*command
	waiting := l.mail[:0:0]
	for _, t := range l.mail {
		switch e := l.endpoints.of(t.endpointID); {
		case e.Deleted || e.Status == webhook.StatusDisabled: // given up
		case e.Status == webhook.StatusPaused:
			waiting = append(waiting, t)
		case l.once(1): // nothing is known of it yet
		case l.once(1):
			sent = append(sent, l.exhausted(t))
		default:
			sent = append(sent, l.delivered(t))
		}
	}
	l.mail = waiting
	for ; len(sent) > mailAtOnce; sent = sent[mailAtOnce:] {
		l.append(sent[:mailAtOnce]...)
	}
	l.append(sent...)
}

// asMail begins a command about a delivery. Whatever clock others live on, deliveries
// live by the wall's.
func (l *lane) asMail(t letter) *command {
	return &command{lane: l, at: l.now.Wall, Command: eventstore.Command{
		ID: l.draw(), MerchantID: l.merchantID, Causation: t.event.ID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "webhooks"},
	}}
}

func (l *lane) delivered(t letter) *command {
	attempts := 1
	if l.once(4) {
		attempts = l.between(2, 5)
	}
	return l.outcome(t, webhook.RecordDelivered{
		EndpointID: t.endpointID, EventID: t.eventID(), Attempts: l.deliveries.of(t.deliveryID()).Attempts + attempts, Status: 204,
		DeliveredAt: l.now.Wall.Add(time.Duration(l.between(20, 900)) * time.Millisecond),
	})
}

func (l *lane) exhausted(t letter) *command {
	return l.outcome(t, webhook.RecordExhausted{
		EndpointID: t.endpointID, EventID: t.eventID(), Attempts: l.deliveries.of(t.deliveryID()).Attempts + 10, Status: 503,
		ExhaustedAt: l.now.Wall.Add(77 * time.Hour),
	})
}

func (l *lane) outcome(t letter, d webhook.DeliveryCommand) *command {
	c := l.asMail(t)
	events, err := webhook.DecideDelivery(l.deliveries.of(t.deliveryID()), d)
	l.must(err)
	writes(c, l.deliveries, t.deliveryID(), events...)
	return c
}
