package customer_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/customer"
)

const (
	customerID     = "cus_01hzy3v7q8e4xk2m9c5b7d6f0a"
	methodID       = "pmt_01hzy3v7q8e4xk2m9c5b7d6f0b"
	mandateID      = "mdt_01hzy3v7q8e4xk2m9c5b7d6f0c"
	subscriptionID = "sub_01hzy3v7q8e4xk2m9c5b7d6f0d"
	paymentID      = "pay_01hzy3v7q8e4xk2m9c5b7d6f0e"
	clockID        = "clk_01hzy3v7q8e4xk2m9c5b7d6f0f"
)

func fold(events ...customer.Event) customer.State {
	var s customer.State
	for _, e := range events {
		s = customer.Evolve(s, customerID, e)
	}
	return s
}

// everything is what may come of a payment.
var everything = customer.Brings{Method: true, Mandate: true, Subscription: true}

// having is the history of a customer who has one of everything.
func having(more ...customer.Event) []customer.Event {
	return append([]customer.Event{
		customer.Created{ProfileRef: "vault/1", ClockID: clockID},
		customer.MethodSaved{PaymentMethodID: methodID},
		customer.MandateAdded{MandateID: mandateID, PaymentMethodID: methodID},
		customer.SubscriptionAdded{SubscriptionID: subscriptionID},
	}, more...)
}

func TestCreate(t *testing.T) {
	t.Parallel()
	c := customer.Create{ID: uuid.MustParse("01900000-0000-7000-8000-000000000001"), ProfileRef: "vault/1", ClockID: clockID}
	if got := c.CustomerID(); got != "cus_01j0000000e008000000000001" {
		t.Errorf("the customer's id is %s", got)
	}
	want := []customer.Event{customer.Created{ProfileRef: "vault/1", ClockID: clockID}}
	if got := customer.DecideCreate(c); !reflect.DeepEqual(got, want) {
		t.Errorf("what happens is %+v", got)
	}
}

func TestEvolve(t *testing.T) {
	t.Parallel()
	all := customer.State{
		ID: customerID, ClockID: clockID, Methods: []string{methodID}, Subscriptions: []string{subscriptionID},
		Mandates: []customer.Mandate{{ID: mandateID, PaymentMethodID: methodID}},
	}
	with := func(change func(*customer.State)) customer.State {
		s := all
		change(&s)
		return s
	}
	for _, c := range []struct {
		name  string
		given []customer.Event
		want  customer.State
	}{
		{"nothing", nil, customer.State{}},
		{"created", having()[:1], customer.State{ID: customerID, ClockID: clockID}},
		{"with everything", having(), all},
		{"two methods", having(customer.MethodSaved{PaymentMethodID: "pmt_2"}), with(func(s *customer.State) { s.Methods = []string{methodID, "pmt_2"} })},
		{"a method removed", having(customer.MethodRemoved{PaymentMethodID: methodID}), with(func(s *customer.State) { s.Methods = []string{} })},
		{"a mandate ended", having(customer.MandateEnded{MandateID: mandateID}), with(func(s *customer.State) { s.Mandates = []customer.Mandate{} })},
		{"another mandate ended", having(customer.MandateEnded{MandateID: "mdt_2"}), all},
		{"a subscription ended", having(customer.SubscriptionEnded{SubscriptionID: subscriptionID}), with(func(s *customer.State) { s.Subscriptions = []string{} })},
		{"a payment opened", having(customer.PaymentOpened{PaymentID: paymentID, Brings: everything}), with(func(s *customer.State) {
			s.Open = []customer.OpenPayment{{ID: paymentID, Brings: everything}}
		})},
		{"one of two payments closed", having(
			customer.PaymentOpened{PaymentID: paymentID}, customer.PaymentOpened{PaymentID: "pay_2"}, customer.PaymentClosed{PaymentID: paymentID},
		), with(func(s *customer.State) { s.Open = []customer.OpenPayment{{ID: "pay_2"}} })},
		{"erased", having(customer.Erased{}), customer.State{ID: customerID, ClockID: clockID, Erased: true}},
	} {
		got := fold(c.given...)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: the state is\n%+v, not\n%+v", c.name, got, c.want)
		}
		if got.Exists() != (c.given != nil) {
			t.Errorf("%s: it exists: %t", c.name, got.Exists())
		}
	}
}

func TestWhatIsTheirs(t *testing.T) {
	t.Parallel()
	s := fold(having(customer.MandateAdded{MandateID: "mdt_2", PaymentMethodID: "pmt_2"}, customer.MandateAdded{MandateID: "mdt_3", PaymentMethodID: methodID})...)
	if !s.HasMethod(methodID) || s.HasMethod("pmt_3") {
		t.Errorf("their methods are %v", s.Methods)
	}
	if got := s.MandatesOf(methodID); !reflect.DeepEqual(got, []string{mandateID, "mdt_3"}) {
		t.Errorf("the method's mandates are %v", got)
	}
	if got := s.MandatesOf("pmt_3"); got != nil {
		t.Errorf("the mandates of another's method are %v", got)
	}
}

// Who was never created or has been erased, nothing new is done for.
func TestAvailable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given []customer.Event
		want  error
	}{
		{"unknown", nil, customer.ErrUnknown},
		{"known", having(), nil},
		{"erased", having(customer.Erased{}), customer.ErrErased},
	} {
		s := fold(c.given...)
		if err := s.Available(); !errors.Is(err, c.want) {
			t.Errorf("%s: the answer is %v", c.name, err)
		}
		if events, err := s.OpenPayment(paymentID, customer.Brings{}); !errors.Is(err, c.want) || (err == nil) != (len(events) == 1) {
			t.Errorf("%s: a payment comes to %v, %v", c.name, events, err)
		}
		if events, err := s.Erase(); !errors.Is(err, c.want) || err == nil && !reflect.DeepEqual(events, []customer.Event{customer.Erased{}}) {
			t.Errorf("%s: an erasure comes to %v, %v", c.name, events, err)
		}
	}
}

func TestOpenPayment(t *testing.T) {
	t.Parallel()
	opened := customer.PaymentOpened{PaymentID: paymentID, Brings: everything}
	s := fold(having()...)
	if events, err := s.OpenPayment(paymentID, everything); err != nil || !reflect.DeepEqual(events, []customer.Event{opened}) {
		t.Errorf("what happens is %v, %v", events, err)
	}
	if events := s.ClosePayment(paymentID); events != nil {
		t.Errorf("what was never opened is closed: %v", events)
	}
	s = fold(having(opened)...)
	if events, err := s.OpenPayment(paymentID, customer.Brings{}); err != nil || events != nil {
		t.Errorf("opened again, there happens %v, %v", events, err)
	}
	if events := s.ClosePayment(paymentID); !reflect.DeepEqual(events, []customer.Event{customer.PaymentClosed{PaymentID: paymentID}}) {
		t.Errorf("closed, there happens %v", events)
	}
	if _, err := s.Erase(); !errors.Is(err, customer.ErrHasOpenPayments) {
		t.Errorf("an erasure comes to %v", err)
	}
	s = fold(having(opened, customer.PaymentClosed{PaymentID: paymentID})...)
	if events := s.ClosePayment(paymentID); events != nil {
		t.Errorf("closed again, there happens %v", events)
	}
	if _, err := s.Erase(); err != nil {
		t.Errorf("an erasure comes to %v", err)
	}
}

// repeated is a history with so many events that differ in their number.
func repeated(n int, one func(id string) customer.Event) []customer.Event {
	events := having()[:1]
	for i := range n {
		events = append(events, one(fmt.Sprint("id_", i)))
	}
	return events
}

func TestLimits(t *testing.T) {
	t.Parallel()
	opened := func(b customer.Brings) func(string) customer.Event {
		return func(id string) customer.Event { return customer.PaymentOpened{PaymentID: id, Brings: b} }
	}
	for _, c := range []struct {
		name   string
		most   int
		have   func(id string) customer.Event
		gone   customer.Event
		brings customer.Brings
		want   error
	}{
		{
			"methods", customer.MethodsMax, func(id string) customer.Event { return customer.MethodSaved{PaymentMethodID: id} },
			customer.MethodRemoved{PaymentMethodID: "id_0"}, customer.Brings{Method: true}, customer.ErrTooManyMethods,
		},
		{
			"mandates", customer.MandatesMax, func(id string) customer.Event { return customer.MandateAdded{MandateID: id} },
			customer.MandateEnded{MandateID: "id_0"}, customer.Brings{Mandate: true}, customer.ErrTooManyMandates,
		},
		{
			"subscriptions", customer.SubscriptionsMax, func(id string) customer.Event { return customer.SubscriptionAdded{SubscriptionID: id} },
			customer.SubscriptionEnded{SubscriptionID: "id_0"}, customer.Brings{Subscription: true}, customer.ErrTooManySubscriptions,
		},
	} {
		onItsWay := opened(c.brings)
		for name, of := range map[string]struct {
			given []customer.Event
			want  error
		}{
			"almost as many":                         {repeated(c.most-1, c.have), nil},
			"as many":                                {repeated(c.most, c.have), c.want},
			"as many, and one is gone":               {append(repeated(c.most, c.have), c.gone), nil},
			"as many on their way":                   {repeated(c.most, onItsWay), c.want},
			"as many, one on its way":                {append(repeated(c.most-1, c.have), onItsWay("pay_1")), c.want},
			"as many, and what was on its way is no": {append(repeated(c.most-1, c.have), onItsWay("pay_1"), customer.PaymentClosed{PaymentID: "pay_1"}), nil},
			"beside payments that bring nothing":     {append(repeated(c.most-1, c.have), opened(customer.Brings{})("pay_1")), nil},
		} {
			s := fold(of.given...)
			if _, err := s.OpenPayment(paymentID, c.brings); !errors.Is(err, of.want) {
				t.Errorf("%s %s: one more comes to %v, not %v", name, c.name, err, of.want)
			}
			if _, err := s.OpenPayment(paymentID, customer.Brings{}); err != nil {
				t.Errorf("%s %s: a payment that brings nothing comes to %v", name, c.name, err)
			}
			if err := s.HasRoom(customer.Brings{}); err != nil {
				t.Errorf("%s %s: there is no room for nothing: %v", name, c.name, err)
			}
		}
	}
	for n, want := range map[int]error{customer.OpenPaymentsMax - 1: nil, customer.OpenPaymentsMax: customer.ErrTooManyOpenPayments} {
		if _, err := fold(repeated(n, opened(customer.Brings{}))...).OpenPayment(paymentID, customer.Brings{}); !errors.Is(err, want) {
			t.Errorf("beside %d open payments one more comes to %v", n, err)
		}
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	s := fold(having()...)
	for name, c := range map[string]struct{ got, want []customer.Event }{
		"a mandate":               {s.EndMandate(mandateID), []customer.Event{customer.MandateEnded{MandateID: mandateID}}},
		"a mandate of another's":  {s.EndMandate("mdt_2"), nil},
		"a subscription":          {s.EndSubscription(subscriptionID), []customer.Event{customer.SubscriptionEnded{SubscriptionID: subscriptionID}}},
		"another's subscription":  {s.EndSubscription("sub_2"), nil},
		"of one who is not there": {customer.State{}.EndMandate(mandateID), nil},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: what happens is %v, not %v", name, c.got, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		refusal *domain.Refusal
		code    domain.Code
		passes  bool
	}{
		{customer.ErrUnknown, "not_found", false},
		{customer.ErrErased, "erased", false},
		{customer.ErrHasOpenPayments, "customer_has_open_payments", false},
		{customer.ErrTooManyMethods, "customer_limit_reached", false},
		{customer.ErrTooManyMandates, "customer_limit_reached", false},
		{customer.ErrTooManySubscriptions, "customer_limit_reached", false},
		{customer.ErrTooManyOpenPayments, "customer_limit_reached", true},
	} {
		if c.refusal.Code != c.code || c.refusal.Transient != c.passes || c.refusal.Detail == "" {
			t.Errorf("the refusal is %+v", *c.refusal)
		}
	}
}

// States are shared between goroutines: what one of them makes of a state never
// shows in another's.
func TestStatesAreValues(t *testing.T) {
	t.Parallel()
	history := having(customer.PaymentOpened{PaymentID: "pay_1"}, customer.PaymentOpened{PaymentID: "pay_2"}, customer.MethodSaved{PaymentMethodID: "pmt_2"},
		customer.MandateAdded{MandateID: "mdt_2"}, customer.SubscriptionAdded{SubscriptionID: "sub_2"})
	base := fold(history...)
	for _, e := range []customer.Event{
		customer.MethodSaved{PaymentMethodID: "a"}, customer.MethodRemoved{PaymentMethodID: methodID},
		customer.MandateAdded{MandateID: "a"}, customer.MandateEnded{MandateID: mandateID},
		customer.SubscriptionAdded{SubscriptionID: "a"}, customer.SubscriptionEnded{SubscriptionID: subscriptionID},
		customer.PaymentOpened{PaymentID: "a"}, customer.PaymentClosed{PaymentID: "pay_1"}, customer.Erased{},
	} {
		customer.Evolve(base, customerID, e)
		if want := fold(history...); !reflect.DeepEqual(base, want) {
			t.Errorf("after %s the state that another was made from is\n%+v, not\n%+v", e.Type(), base, want)
		}
	}
}

// alien stands for an event that was added and not handled.
type alien struct{ customer.Event }

func TestWhatIsForgottenPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("an event that nobody handles goes unnoticed")
		}
	}()
	fold(alien{})
}
