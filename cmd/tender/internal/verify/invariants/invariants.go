// Package invariants says once more what has to hold in a log, apart from the code
// that decides and folds it.
//
// Each predicate looks at the facts of one stream, in their order, and at sums that
// are made of them here by plain addition. It calls no rule of the domain and reads no
// state of it: of the domain it knows what events are made of, how many payments terms
// come to, and the calendar. So a rule that decided wrongly, and an event that nobody
// decided, are found alike.
//
// Predicates are about what is recorded, not about what was refused; and they leave
// alone what is a matter of taste, such as how long a name may be.
package invariants

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tender/domain/codec"
	"tender/domain/id"
	"tender/eventstore"
)

// skewMax is how far ahead of its decision an event may be dated: where another
// process's clock was ahead, so that the stream's time would have run backwards.
const skewMax = time.Minute

// Event is an event of the log with what it says.
type Event struct {
	eventstore.Event
	Said codec.Named
}

// Predicate is something that has to hold.
type Predicate struct {
	Name string // as findings name it, such as "payment-sums"
	Says string // a sentence
}

// Broken says that a predicate doesn't hold from an event on.
type Broken struct {
	Predicate
	Position int64
	Stream   string
	Version  int
	Detail   string // what is wrong with this event, without its position
}

func (b Broken) String() string {
	return fmt.Sprintf("position %d: %s version %d: %s (%s)", b.Position, b.Stream, b.Version, b.Detail, b.Name)
}

// rule is a predicate over a stream; N is what is noted of the stream's events. One of
// the two functions is there; it returns what is wrong, and "" if nothing is.
type rule[N any] struct {
	Predicate
	// comes is asked of an event before it is noted.
	comes func(n *N, e *Event) string
	// stands is asked of what is noted once the event is.
	stands func(n *N) string
}

// when makes a rule of what may come when.
func when[N any](name, says string, comes func(*N, *Event) string) rule[N] {
	return rule[N]{Predicate: Predicate{name, says}, comes: comes}
}

// always makes a rule of what has to be true after each event.
func always[N any](name, says string, stands func(*N) string) rule[N] {
	return rule[N]{Predicate: Predicate{name, says}, stands: stands}
}

// book is what is noted of a stream, and the rules that it is held to.
type book[N any] struct {
	notes N
	note  func(*N, *Event)
	rules []rule[N]
	found uint64 // the rules that were broken already, by bit
}

// reader is a [book] of any kind.
type reader interface {
	read(e *Event, found func(Predicate, string))
}

// read holds an event to the rules, and notes it. A rule that is broken once tells
// nothing more: what follows is wrong for the same reason.
func (b *book[N]) read(e *Event, found func(Predicate, string)) {
	ask := func(i int, wrong string) {
		if wrong != "" && b.found&(1<<i) == 0 {
			b.found |= 1 << i
			found(b.rules[i].Predicate, wrong)
		}
	}
	for i := range b.rules {
		if b.rules[i].comes != nil {
			ask(i, b.rules[i].comes(&b.notes, e))
		}
	}
	b.note(&b.notes, e)
	for i := range b.rules {
		if b.rules[i].stands != nil {
			ask(i, b.rules[i].stands(&b.notes))
		}
	}
}

// Stream holds the events of one stream to every predicate about its kind.
type Stream struct {
	name  string
	books [2]reader // of any stream, and of its kind
	lost  bool      // an event was not readable
}

// NewStream returns the beginning of a stream.
func NewStream(name string) *Stream {
	s := &Stream{name: name}
	kind, known := kinds[id.PrefixOf(name)]
	s.books[0] = &book[anyNotes]{notes: anyNotes{stream: name, kind: kind, known: known}, note: noteAny, rules: anyRules}
	if known {
		s.books[1] = kind.open(name)
	}
	return s
}

// readable is broken by an event that holds something of which no sense can be made,
// such as a period that windows don't have.
var readable = Predicate{"event-readable", "What an event says can be made sense of: its days, periods and zones exist."}

// Add takes the stream's next event, and returns which predicates don't hold from it
// on. Each is told of once.
func (s *Stream) Add(e Event) (all []Broken) {
	defer func() {
		if fault := recover(); fault != nil && !s.lost {
			s.lost = true
			all = append(all, Broken{Predicate: readable, Position: e.Position, Stream: e.Stream, Version: e.Version, Detail: fmt.Sprint(fault)})
		}
	}()
	for _, b := range s.books {
		if b == nil {
			continue
		}
		b.read(&e, func(p Predicate, detail string) {
			all = append(all, Broken{Predicate: p, Position: e.Position, Stream: e.Stream, Version: e.Version, Detail: detail})
		})
	}
	return all
}

// kind is a kind of streams.
type kind struct {
	aggregate string // what the types of its events begin with
	first     string // the type of the first event; "": any
	open      func(stream string) reader
	rules     []Predicate
}

func kindOf[N any](aggregate, first string, note func(*N, *Event), rules []rule[N], begin func(stream string) N) kind {
	k := kind{aggregate: aggregate + ".", first: first}
	k.open = func(stream string) reader { return &book[N]{notes: begin(stream), note: note, rules: rules} }
	for _, r := range rules {
		k.rules = append(k.rules, r.Predicate)
	}
	return k
}

// empty begins a book without any notes.
func empty[N any](string) (n N) { return n }

var kinds = map[id.Prefix]kind{
	id.Payment:      kindOf("payment", "payment.initiated", notePayment, slices.Concat(paymentRules, resolutionRules), empty[paymentNotes]),
	id.Session:      kindOf("session", "session.created", noteSession, sessionRules, empty[sessionNotes]),
	id.Mandate:      kindOf("mandate", "mandate.created", noteMandate, mandateRules, empty[mandateNotes]),
	id.Subscription: kindOf("subscription", "subscription.created", noteSubscription, subscriptionRules, empty[subscriptionNotes]),
	id.Customer:     kindOf("customer", "customer.created", noteCustomer, customerRules, empty[customerNotes]),
	id.Method:       kindOf("method", "method.saved", noteMethod, methodRules, empty[methodNotes]),
	id.Endpoint:     kindOf("webhook", "webhook.endpoint_created", noteEndpoint, endpointRules, empty[endpointNotes]),
	id.Delivery:     kindOf("webhook", "", noteDelivery, deliveryRules, empty[deliveryNotes]),
	id.Recovery:     kindOf("recovery", "recovery.started", noteRecovery, recoveryRules, empty[recoveryNotes]),
	id.Clock:        kindOf("clock", "clock.created", noteClock, clockRules, empty[clockNotes]),
	id.Merchant:     kindOf("merchant", "merchant.created", noteMerchant, merchantRules, empty[merchantNotes]),
	id.Access:       kindOf("staff", "", noteAccess, accessRules, empty[accessNotes]),
	id.Staff:        kindOf("staff", "staff.added", noteStaff, staffRules, empty[staffNotes]),
	id.ReadModel:    kindOf("read_model", "", noteReadModel, readModelRules, empty[readModelNotes]),
	id.Logo:         kindOf("logo", "logo.stored", noteLogo, logoRules, empty[logoNotes]),
}

// All lists every predicate, by name.
func All() []Predicate {
	all := []Predicate{readable}
	for _, r := range anyRules {
		all = append(all, r.Predicate)
	}
	for _, k := range kinds {
		all = append(all, k.rules...)
	}
	slices.SortFunc(all, func(a, b Predicate) int { return strings.Compare(a.Name, b.Name) })
	return all
}
