package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the shop writes into the metadata of its sessions: all that it remembers.
const (
	metaShop  = "shop"
	metaFlow  = "flow"
	metaClock = "clock"
	shopName  = "tender-demo"
)

// order is one run of a flow: everything that happened since somebody chose it from
// the shelf. The shop's mutex guards it.
type order struct {
	ref  string // the external_reference of its sessions
	flow *flow
	at   time.Time
	timeline

	sessions      map[string]version[session]
	payments      map[string]version[payment]
	subscriptions map[string]version[subscription]
	clocks        map[string]version[clock]

	turning bool // the clock is on its way
	whole   bool // nothing of it must be read from the API again
	again   bool // it was read from there, after a restart
	refused wish // the last one, if it was not done
}

// wish is what somebody asked for, by a button, and why it was not done.
type wish struct{ action, why string }

var refPattern = regexp.MustCompile(`^demo-[a-z2-7]{8}$`)

func (o *order) path() string { return Path + "/orders/" + o.ref }

// bySession are the sessions that the customer is sent to, or those made without
// them, oldest first.
func (o *order) bySession(withCustomer bool) []session {
	var all []session
	for _, v := range o.sessions {
		if (v.value.Type != "next_in_series") == withCustomer {
			all = append(all, v.value)
		}
	}
	slices.SortFunc(all, func(a, b session) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return all
}

// first is the session that the order began with.
func (o *order) first() session {
	if all := o.bySession(true); len(all) > 0 {
		return all[0]
	}
	return session{}
}

// visits are the later sessions to which the customer came back.
func (o *order) visits() []session {
	if all := o.bySession(true); len(all) > 0 {
		return all[1:]
	}
	return nil
}

// later are the payments without the customer.
func (o *order) later() []session { return o.bySession(false) }

// payment is what the first session's payment has become.
func (o *order) payment() payment { return o.payments[o.first().PaymentID].value }

func (o *order) subscription() subscription { return o.subscriptions[o.first().SubscriptionID].value }

func (o *order) clock() clock { return o.clocks[o.first().Metadata[metaClock]].value }

// newOrder makes room for an order, and writes it into the book.
func (s *Shop) newOrder(f *flow) *order {
	ref := "demo-" + strings.ToLower(rand.Text()[:8])
	var o *order
	s.update(func() {
		o = s.enter(ref, f, time.Now())
		o.whole = true
	})
	return o
}

// enter writes an order into the book. s.mu is held.
func (s *Shop) enter(ref string, f *flow, at time.Time) *order {
	o := &order{
		ref: ref, flow: f, at: at, sessions: map[string]version[session]{}, payments: map[string]version[payment]{},
		subscriptions: map[string]version[subscription]{}, clocks: map[string]version[clock]{},
	}
	s.orders[ref] = o
	for len(s.orders) > ordersMax {
		s.forget(s.recent()[len(s.orders)-1])
	}
	return o
}

// forget drops what is kept of an order. s.mu is held.
func (s *Shop) forget(o *order) {
	delete(s.orders, o.ref)
	for id, ref := range s.owners {
		if ref == o.ref {
			delete(s.owners, id)
		}
	}
}

// recent are the orders, newest first. s.mu is held.
func (s *Shop) recent() []*order {
	var all []*order
	for _, o := range s.orders {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b *order) int { return cmp.Or(b.at.Compare(a.at), strings.Compare(b.ref, a.ref)) })
	return all
}

// adopt finds the order that an object belongs to: by the reference that the shop
// gave it, or by what it hangs on. One from before a restart is written into the
// book again. s.mu is held.
func (s *Shop) adopt(h heading) *order {
	for _, ref := range []string{h.Reference, s.owners[h.ID], s.owners[h.SessionID], s.owners[h.SubscriptionID], s.owners[h.CustomerID]} {
		if o := s.orders[ref]; o != nil {
			return o
		}
	}
	f := flowNamed(h.Metadata[metaFlow])
	if h.Metadata[metaShop] != shopName || f == nil || !refPattern.MatchString(h.Reference) {
		return nil
	}
	return s.enter(h.Reference, f, h.CreatedAt)
}

// recall reads earlier orders from the API, their sessions and what became of them:
// once, or until the lists of Tender, which was started with the shop, must have caught
// up.
func (s *Shop) recall(ctx context.Context) {
	s.mu.Lock()
	done := s.recalled.After(s.begun.Add(recallFor))
	s.recalled = time.Now()
	s.mu.Unlock()
	if done {
		return
	}
	ours := url.Values{"limit": {strconv.Itoa(recalledMax)}, "metadata[" + metaShop + "]": {shopName}}
	for _, c := range []call{
		{says: "Look for earlier orders", operation: "listPaymentSessions", path: "/collect/payment_sessions", query: ours},
		{says: "And for their payments", operation: "listPayments", path: "/collect/payments", query: ours},
		{says: "And for subscriptions", operation: "listSubscriptions", path: "/collect/subscriptions", query: url.Values{"limit": {strconv.Itoa(recalledMax)}}},
	} {
		c.method = http.MethodGet
		s.list(ctx, nil, c)
	}
}

// list reads a list, and takes in what belongs to orders of the shop's.
func (s *Shop) list(ctx context.Context, o *order, c call) {
	var found struct{ Data []json.RawMessage }
	if err := s.do(ctx, o, c, &found); err != nil {
		s.Log.WarnContext(ctx, "the demo shop can't look up orders", "error", err)
		return
	}
	s.update(func() { s.enterAll(found.Data) })
}

// find returns an order, as whole as the API can make it. Nil: there is none.
func (s *Shop) find(ctx context.Context, ref string) *order {
	s.mu.Lock()
	o := s.orders[ref]
	whole := o != nil && o.whole
	s.mu.Unlock()
	if whole || !refPattern.MatchString(ref) {
		return o
	}
	if o == nil {
		s.list(ctx, nil, call{
			says: "Look an order up", operation: "listPaymentSessions", method: http.MethodGet, path: "/collect/payment_sessions",
			query: url.Values{"external_reference": {ref}},
		})
		s.mu.Lock()
		o = s.orders[ref]
		s.mu.Unlock()
	}
	if o != nil {
		s.complete(ctx, o)
	}
	return o
}

// enterAll writes the orders that sessions belong to into the book. s.mu is held.
func (s *Shop) enterAll(found []json.RawMessage) {
	for _, one := range slices.Backward(found) { // oldest first
		var h heading
		if json.Unmarshal(one, &h) != nil {
			continue
		}
		if o := s.adopt(h); o != nil {
			s.keepObject(o, h, one)
		}
	}
}

// complete reads what belongs to an order's sessions. The first is read by itself: the
// list that it was found in may be behind, and not know its payment yet.
func (s *Shop) complete(ctx context.Context, o *order) {
	s.note(o, "The shop was started again, and asks Tender what it knows")
	s.mu.Lock()
	sessionID := o.first().ID
	s.mu.Unlock()
	whole := s.do(ctx, o, call{
		says: "Read its first session", operation: "getPaymentSession", method: http.MethodGet, path: "/collect/payment_sessions/" + sessionID,
	}, nil) == nil
	s.mu.Lock()
	first, clockID := o.first(), o.first().Metadata[metaClock]
	s.mu.Unlock()
	var calls []call
	get := func(id, operation, says, path string) {
		if id != "" {
			calls = append(calls, call{says: says, operation: operation, method: http.MethodGet, path: path + id})
		}
	}
	calls = append(calls, call{
		says: "Read its sessions", operation: "listPaymentSessions", method: http.MethodGet, path: "/collect/payment_sessions",
		query: url.Values{"external_reference": {o.ref}},
	})
	get(first.PaymentID, "getPayment", "Read its payment", "/collect/payments/")
	get(first.SubscriptionID, "getSubscription", "Read its subscription", "/collect/subscriptions/")
	get(clockID, "getTestClock", "Read its clock", "/test/clocks/")
	if first.CustomerID != "" {
		calls = append(calls, call{
			says: "Read what the customer paid since", operation: "listPaymentSessions", method: http.MethodGet,
			path: "/collect/payment_sessions", query: url.Values{"customer_id": {first.CustomerID}, "limit": {"50"}},
		})
	}
	for _, c := range calls {
		if err := s.do(ctx, o, c, nil); err != nil {
			whole = false
		}
	}
	s.update(func() { o.whole, o.again = whole, true })
}
