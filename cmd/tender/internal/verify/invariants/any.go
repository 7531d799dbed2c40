package invariants

import (
	"fmt"
	"strings"
	"time"

	"tender/domain/mandate"
	"tender/domain/money"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// anyNotes is what is noted of every stream.
type anyNotes struct {
	stream   string
	kind     kind
	known    bool
	events   int
	merchant string
	at       time.Time
}

func noteAny(n *anyNotes, e *Event) {
	n.events, n.merchant, n.at = n.events+1, e.MerchantID, e.At
}

var anyRules = []rule[anyNotes]{
	when("stream-version", "The versions of a stream are 1, 2, 3 … without a gap.", func(n *anyNotes, e *Event) string {
		if e.Version != n.events+1 {
			return fmt.Sprintf("version %d follows version %d", e.Version, n.events)
		}
		return ""
	}),
	when("stream-kind", "Every event of a stream is of the kind that the stream's name says.", func(n *anyNotes, e *Event) string {
		switch {
		case !n.known:
			return "nothing is known of streams with such a name"
		case !strings.HasPrefix(e.Type, n.kind.aggregate), firstKind(e.Type) != (n.kind.first != ""):
			return e.Type + " does not belong here"
		}
		return ""
	}),
	when("stream-first", "The first event of a stream makes its object, and no later one does.", func(n *anyNotes, e *Event) string {
		switch {
		case !n.known, n.kind.first == "":
		case n.events == 0 && e.Type != n.kind.first:
			return "the stream begins with " + e.Type
		case n.events > 0 && e.Type == n.kind.first:
			return "the object is made a second time"
		}
		return ""
	}),
	when("stream-time", "The time of a stream's events never runs backwards.", func(n *anyNotes, e *Event) string {
		if e.At.Before(n.at) {
			return fmt.Sprintf("it is dated %s, and the event before it %s", instant(e.At), instant(n.at))
		}
		return ""
	}),
	when("stream-merchant", "All events of a stream are of one merchant.", func(n *anyNotes, e *Event) string {
		if n.events > 0 && e.MerchantID != n.merchant {
			return fmt.Sprintf("it is of %q, and the events before it of %q", e.MerchantID, n.merchant)
		}
		return ""
	}),
	when("amount-range", "Every amount is between 0 and 999999999999 minor units, and what is asked for, taken or given back is more than 0.", func(_ *anyNotes, e *Event) string {
		least, amount, holds := amountOf(e.Said)
		if holds && (amount < least || amount > money.AmountMax) {
			return fmt.Sprintf("the amount is %d", amount)
		}
		return ""
	}),
}

// firstKind reports whether a type is of those streams of its aggregate that one event
// makes. Deliveries, looks and decisions about read models are only ever added to.
func firstKind(eventType string) bool {
	switch {
	case strings.HasPrefix(eventType, "webhook."):
		return strings.HasPrefix(eventType, "webhook.endpoint_")
	case strings.HasPrefix(eventType, "read_model."), eventType == "staff.accessed":
		return false
	}
	return true
}

// instant writes a time for people.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// amountOf returns the amount that an event holds, and the least that it may be.
func amountOf(said any) (least, amount int64, holds bool) {
	switch d := said.(type) {
	case session.Created:
		return 0, d.Amount, true
	case payment.Initiated:
		return 0, d.Amount, true
	case payment.Event:
		amount, holds = paymentAmount(d)
		return 1, amount, holds
	case mandate.ChargeStarted:
		return 1, d.Amount, true
	case mandate.ChargeSucceeded:
		return 0, d.Amount, true
	case mandate.ChargeFailed:
		return 1, d.Amount, true
	case mandate.ChargeReduced:
		return 0, d.Amount, true
	case subscription.ChargeStarted:
		return 1, d.Amount, true
	case subscription.ChargeSucceeded:
		return 1, d.Amount, true
	case subscription.ChargeFailed:
		return 1, d.Amount, true
	}
	return 0, 0, false
}

// once notes ids that come and go.
type once map[string]bool

// add notes that an id is there, and reports whether it was before.
func (o *once) add(s string) {
	if *o == nil {
		*o = once{}
	}
	(*o)[s] = true
}

// end notes that it is there no more, but was.
func (o *once) end(s string) {
	if *o == nil {
		*o = once{}
	}
	(*o)[s] = false
}

// live reports whether it is there, and known whether it ever was.
func (o once) live(s string) bool { return o[s] }

func (o once) known(s string) bool { _, known := o[s]; return known }

// count is how many are there.
func (o once) count() (n int) {
	for _, live := range o {
		if live {
			n++
		}
	}
	return n
}

// joins and leaves say what is wrong with an id that comes, or goes.
func (o once) joins(what, s string) string {
	if o.known(s) {
		return fmt.Sprintf("%s %s is there already, or was", what, s)
	}
	return ""
}

func (o once) leaves(what, s string) string {
	if !o.live(s) {
		return fmt.Sprintf("%s %s is not there", what, s)
	}
	return ""
}
