package demo

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
)

// snapshot is what an action acts on, as it was when it began.
func (s *Shop) snapshot(o *order) (first session, p payment, later, visits int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.refused = wish{}
	return o.first(), o.payment(), len(o.later()), len(o.visits())
}

// operate asks for a capture, a void or a refund. The key is made of the order and
// the turn: who clicks twice asks once.
func (s *Shop) operate(ctx context.Context, o *order, says, operation, what string, amount int64, turn int) error {
	_, p, _, _ := s.snapshot(o)
	body := object{}
	if amount > 0 {
		body["amount"] = amount
	}
	return s.do(ctx, o, call{
		says: says, operation: operation, method: http.MethodPost, path: "/collect/payments/" + p.ID + "/" + what,
		body: body, key: o.ref + "-" + what + "-" + strconv.Itoa(turn),
	}, nil)
}

func (s *Shop) capture(ctx context.Context, o *order) error {
	_, p, _, _ := s.snapshot(o)
	return s.operate(ctx, o, "Capture half", "capturePayment", "captures", p.Authorised/2, len(p.Captures))
}

func (s *Shop) void(ctx context.Context, o *order) error {
	return s.operate(ctx, o, "Void the rest", "voidPayment", "voids", 0, 0)
}

func (s *Shop) refund(ctx context.Context, o *order) error {
	_, p, _, _ := s.snapshot(o)
	return s.operate(ctx, o, "Refund a part", "refundPayment", "refunds", dentDiscount, len(p.Refunds))
}

func (s *Shop) refundRest(ctx context.Context, o *order) error {
	_, p, _, _ := s.snapshot(o)
	return s.operate(ctx, o, "Refund the rest", "refundPayment", "refunds", 0, len(p.Refunds))
}

func (s *Shop) charge(ctx context.Context, o *order) error {
	_, _, later, _ := s.snapshot(o)
	return s.next(ctx, o, "Charge the saved card", priceCup, "charge-"+strconv.Itoa(later))
}

func (s *Shop) overcharge(ctx context.Context, o *order) error {
	_, _, later, _ := s.snapshot(o)
	return s.next(ctx, o, "Try more than was agreed", tooMuch, "overcharge-"+strconv.Itoa(later))
}

// next is a payment without the customer. Whether it went well stands in the answer:
// a declined one is an answer like any other.
func (s *Shop) next(ctx context.Context, o *order, says string, amount int64, wish string) error {
	first, _, _, _ := s.snapshot(o)
	body := s.request(o, amount, object{"customer_id": first.CustomerID, "payment_method_id": first.MethodID})
	delete(body["options"].(object), "checkout_options")
	body["type"] = "next_in_series"
	return s.createSession(ctx, o, says, body, wish)
}

// visit has the customer come back: the checkout knows them, and offers their card.
func (s *Shop) visit(ctx context.Context, o *order) error {
	first, _, _, visits := s.snapshot(o)
	body := s.request(o, priceBag, object{"customer_id": first.CustomerID})
	return s.createSession(ctx, o, "Create a session for a known customer", body, "visit-"+strconv.Itoa(visits))
}

func (s *Shop) endSubscription(ctx context.Context, o *order) error {
	first, _, _, _ := s.snapshot(o)
	return s.do(ctx, o, call{
		says: "Cancel the subscription", operation: "cancelSubscription", method: http.MethodPost,
		path: "/collect/subscriptions/" + first.SubscriptionID + "/cancel", body: object{}, key: o.ref + "-cancel",
	}, nil)
}

// turnClock lets time pass until the next payment falls due. It comes back at once;
// the page shows how the clock goes on.
func (s *Shop) turnClock(ctx context.Context, o *order) error {
	first, _, _, _ := s.snapshot(o)
	var to time.Time
	s.update(func() {
		if to = o.nextTurn(); !to.IsZero() {
			o.turning = true
		}
	})
	if to.IsZero() {
		return nil
	}
	c := call{
		says: "Turn the clock", operation: "advanceTestClock", method: http.MethodPost, path: "/test/clocks/" + first.Metadata[metaClock] + "/advance",
		body: object{"to": to.Format(time.RFC3339)}, key: o.ref + "-" + to.Format("20060102-1504"),
	}
	if err := s.do(ctx, o, c, nil); err != nil {
		s.update(func() { o.turning = false })
		return err
	}
	go func() {
		ctx, cancel := context.WithTimeout(s.ctx, clockTurnMax)
		defer cancel()
		err := s.awaitClock(ctx, o, first)
		if err != nil && s.ctx.Err() == nil {
			s.refuse(o, "clock", err)
		}
		s.update(func() { o.turning = false })
	}()
	return nil
}

// awaitClock asks for the clock until all that fell due has been done, then for what
// has become of the subscription.
func (s *Shop) awaitClock(ctx context.Context, o *order, first session) error {
	c := call{says: "Wait until everything has happened", operation: "getTestClock", method: http.MethodGet, path: "/test/clocks/" + first.Metadata[metaClock]}
	e := s.entry(o, c)
	tick := time.NewTicker(clockPoll)
	defer tick.Stop()
	for at := (clock{}); at.Status != "ready"; {
		select {
		case <-ctx.Done():
			return errors.New("The clock has not arrived yet; it goes on by itself.")
		case <-tick.C:
		}
		if err := s.again(ctx, o, e, c, &at); err != nil {
			return err
		}
	}
	return s.do(ctx, o, call{
		says: "Read the subscription", operation: "getSubscription", method: http.MethodGet, path: "/collect/subscriptions/" + first.SubscriptionID,
	}, nil)
}

// nextTurn is where the clock goes next: to the day of the next payment. Zero: it
// stays. s.mu is held.
func (o *order) nextTurn() time.Time {
	sub, at := o.subscription(), o.clock().At
	if o.turning || at.IsZero() || sub.ID == "" {
		return time.Time{}
	}
	for _, due := range sub.Upcoming {
		if due.After(at) {
			return due
		}
	}
	return at.AddDate(0, 1, 0)
}
