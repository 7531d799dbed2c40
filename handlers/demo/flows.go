package demo

import (
	"context"
	"net/http"
	"time"
)

// What things cost, in cents.
const (
	currency     = "ZAR"
	priceBag     = 189_00
	priceCup     = 45_00
	tabMax       = 500_00 // what a tab at the counter may be charged at a time
	tooMuch      = 600_00
	priceMonth   = 320_00
	priceCups    = 640_00
	priceKettle  = 890_00
	dentDiscount = 150_00
)

// flow is a thing on the shelf, and the way in which it is paid.
type flow struct {
	name   string
	title  string // what a shop does
	item   string // with what
	pitch  string
	amount int64
	each   string // what the amount is for, if not for the item
	cards  []testCard
	// metered says that the amount comes and goes in parts, which the page draws.
	metered bool

	begin   func(*Shop, context.Context, *order) error
	actions map[string]func(*Shop, context.Context, *order) error
	story   func(*order) []step
}

// testCard is a card of test mode that shows something in a flow.
type testCard struct{ Number, Does string }

var (
	goodCard = testCard{"4242 4242 4242 4242", "is paid"}
	declined = testCard{"4000 0000 0000 0002", "is declined; another may be tried"}
	secured  = testCard{"4000 0000 0000 3220", "asks the customer for 3-D Secure"}
)

// flows are the shelf.
var flows = []*flow{
	{
		name: "pay", title: "Pay once", item: "House blend, 250 g", amount: priceBag,
		pitch: "The simplest sale: one call, one page, one webhook.",
		cards: []testCard{goodCard, declined, secured},
		begin: (*Shop).sell, story: storyOfPaying,
	},
	{
		name: "save", title: "Save a card", item: "A tab at the counter", amount: priceCup, each: "the first cup",
		pitch: "The first cup is paid at the checkout. The next are charged without it.",
		cards: []testCard{goodCard, {"4000 0000 0000 0341", "is paid now, and declined without the customer"}, secured},
		begin: (*Shop).openTab, story: storyOfSaving,
		actions: map[string]func(*Shop, context.Context, *order) error{
			"charge": (*Shop).charge, "overcharge": (*Shop).overcharge, "visit": (*Shop).visit,
		},
	},
	{
		name: "subscribe", title: "Subscribe", item: "A bag every month", amount: priceMonth, each: "a month",
		pitch: "They agree once, Tender collects each month. Here the months pass at a button.",
		cards: []testCard{goodCard, {"4000 0000 0000 0432", "fails twice without the customer, then pays"}, {"4000 0000 0000 0341", "is declined without the customer"}},
		begin: (*Shop).subscribe, story: storyOfSubscribing,
		actions: map[string]func(*Shop, context.Context, *order) error{"clock": (*Shop).turnClock, "cancel": (*Shop).endSubscription},
	},
	{
		name: "reserve", title: "Reserve and capture", item: "Two cups, one still in the kiln", amount: priceCups,
		pitch:   "Hold the money. Take half when the first cup ships, let go of the rest.",
		cards:   []testCard{goodCard, {"4000 0000 0000 0457", "reserves; every capture is declined"}, {"4000 0000 0000 0440", "reserves; the capture’s answer is lost"}},
		metered: true, begin: (*Shop).reserve, story: storyOfReserving,
		actions: map[string]func(*Shop, context.Context, *order) error{"capture": (*Shop).capture, "void": (*Shop).void},
	},
	{
		name: "verify", title: "Verify a card", item: "The tasting club, free for now", amount: 0,
		pitch: "Check that a card is good, and keep it, without taking a cent.",
		cards: []testCard{{goodCard.Number, "is good"}, {declined.Number, "is declined"}, secured},
		begin: (*Shop).verify, story: storyOfVerifying,
		actions: map[string]func(*Shop, context.Context, *order) error{"visit": (*Shop).visit},
	},
	{
		name: "refund", title: "Refund", item: "A kettle that arrived with a dent", amount: priceKettle,
		pitch:   "Give back a part, then the rest, and keep the books even.",
		cards:   []testCard{goodCard, {"4000 0000 0000 0507", "is paid; every refund is declined"}, {"4000 0000 0000 0523", "is paid; refunds fail half a minute later"}},
		metered: true, begin: (*Shop).sell, story: storyOfRefunding,
		actions: map[string]func(*Shop, context.Context, *order) error{"refund": (*Shop).refund, "refund-rest": (*Shop).refundRest},
	},
}

// flowNamed returns a flow; nil: there is none of that name.
func flowNamed(name string) *flow {
	for _, f := range flows {
		if f.name == name {
			return f
		}
	}
	return nil
}

// object is a JSON object on its way to the API.
type object map[string]any

// thandi is the shop's one customer. She is made anew for each order.
func thandi() object { return object{"name": "Thandi Nkosi", "email": "thandi@example.com"} }

// request is what a session begins with. The order's reference, and what the shop
// wants to know of it after a restart, go with it; the customer is led back to us.
func (s *Shop) request(o *order, amount int64, options object) object {
	if options == nil {
		options = object{}
	}
	options["checkout_options"] = object{"return_url": s.URL + o.path()}
	return object{
		"amount": amount, "currency": currency, "external_reference": o.ref,
		"metadata": object{metaShop: shopName, metaFlow: o.flow.name}, "options": options,
	}
}

// createSession asks for a session. Its idempotency key is the order's: sent twice,
// it is made once.
func (s *Shop) createSession(ctx context.Context, o *order, says string, body object, wish string) error {
	return s.do(ctx, o, call{
		says: says, operation: "createPaymentSession", method: http.MethodPost, path: "/collect/payment_sessions",
		body: body, key: o.ref + "-" + wish,
	}, nil)
}

func (s *Shop) sell(ctx context.Context, o *order) error {
	return s.createSession(ctx, o, "Create a session", s.request(o, o.flow.amount, nil), "session")
}

func (s *Shop) reserve(ctx context.Context, o *order) error {
	manual := object{"payment_method_options": object{"card": object{"capture_method": "manual"}}}
	return s.createSession(ctx, o, "Create a session that only reserves", s.request(o, o.flow.amount, manual), "session")
}

func (s *Shop) verify(ctx context.Context, o *order) error {
	return s.createSession(ctx, o, "Create a session over nothing", s.request(o, 0, object{"customer": thandi()}), "session")
}

// openTab asks for more than a payment: for the consent to later ones, up to a limit.
func (s *Shop) openTab(ctx context.Context, o *order) error {
	body := s.request(o, o.flow.amount, object{
		"customer": thandi(), "mandate_options": object{"type": "on_demand", "amount": object{"max": tabMax}},
	})
	body["type"] = "first_in_series"
	return s.createSession(ctx, o, "Create the first session of a series", body, "session")
}

// subscribe makes a clock, and a customer who lives on it and is to pay every month.
func (s *Shop) subscribe(ctx context.Context, o *order) error {
	var made clock
	err := s.do(ctx, o, call{
		says: "Make a clock that can be turned", operation: "createTestClock", method: http.MethodPost, path: "/test/clocks",
		body: object{"frozen_time": time.Now().UTC().Format(time.RFC3339), "name": o.ref}, key: o.ref + "-clock",
	}, &made)
	if err != nil {
		return err
	}
	customer := thandi()
	customer["test_clock_id"] = made.ID
	body := s.request(o, o.flow.amount, object{
		"customer": customer, "subscription_options": object{},
		"mandate_options": object{"type": "scheduled", "amount": o.flow.amount, "recurrence": object{"type": "monthly", "interval_count": 1}},
	})
	body["type"] = "first_in_series"
	body["metadata"] = object{metaShop: shopName, metaFlow: o.flow.name, metaClock: made.ID}
	return s.createSession(ctx, o, "Create the first session of a subscription", body, "session")
}
