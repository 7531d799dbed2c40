package biglog

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/clock"
	"tender/domain/customer"
	"tender/domain/id"
	"tender/domain/logo"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/readmodel"
	"tender/domain/recovery"
	"tender/domain/session"
	"tender/domain/staff"
	"tender/domain/subscription"
	"tender/domain/webhook"
	"tender/eventstore"
)

// epoch is when the first plays begin.
var epoch = time.Date(2025, time.January, 6, 8, 0, 0, 0, time.UTC)

// lane is a merchant's life: one play after the other, each append after the one
// before. No other lane writes its streams, so that it knows them without reading.
type lane struct {
	ctx    context.Context //nolint:containedctx // a lane lives as long as one call
	store  *eventstore.Store
	number int
	random *rand.Rand
	types  map[string]int64 // events that were appended, by type
	public int64            // those that merchants are told of

	merchantID, keyID string
	market            market
	hooks             []string // its endpoints
	mail              []letter // what they are to be told
	told              []letter // the public events of the last command

	now     domain.Moment
	clockID string // that the present play's customer lives on
	causes  map[string]uuid.UUID

	// These outlive a play.
	merchants book[merchant.State, merchant.Event]
	endpoints book[webhook.Endpoint, webhook.Event]
	logos     book[logo.State, logo.Event]
	// These are forgotten with it.
	sessions      book[session.State, session.Event]
	payments      book[payment.State, payment.Event]
	customers     book[customer.State, customer.Event]
	methods       book[method.State, method.Event]
	mandates      book[mandate.State, mandate.Event]
	subscriptions book[subscription.State, subscription.Event]
	clocks        book[clock.State, clock.Event]
	deliveries    book[webhook.Delivery, webhook.Event]
	recoveries    book[recovery.State, recovery.Event]
	people        book[staff.State, staff.Event]
	looks         book[staff.Looks, staff.Event]
	readModels    book[readmodel.State, readmodel.Event]
}

func newLane(ctx context.Context, store *eventstore.Store, number int, random *rand.Rand) *lane {
	l := &lane{
		ctx: ctx, store: store, number: number, random: random, types: map[string]int64{},
		market: markets[number%len(markets)], now: domain.Moment{At: epoch, Wall: epoch},
	}
	l.merchantID = id.Format(id.Merchant, l.draw())
	l.merchants = newBook(merchant.Codec, timeless(merchant.Evolve))
	l.endpoints = newBook(webhook.Codec, func(s webhook.Endpoint, id string, at time.Time, e webhook.Event) webhook.Endpoint {
		return webhook.EvolveEndpoint(s, id, l.merchantID, at, e)
	})
	l.logos = newBook(logo.Codec, func(s logo.State, _ string, _ time.Time, e logo.Event) logo.State { return logo.Evolve(s, e) })
	l.forget()
	return l
}

// forget ends a play: what was in it is never written again.
func (l *lane) forget() {
	l.clockID, l.causes = "", map[string]uuid.UUID{}
	l.sessions = newBook(session.Codec, func(s session.State, id string, _ time.Time, e session.Event) session.State {
		return session.Evolve(s, id, l.merchantID, e)
	})
	l.payments = newBook(payment.Codec, timeless(payment.Evolve))
	l.customers = newBook(customer.Codec, timeless(customer.Evolve))
	l.methods = newBook(method.Codec, timeless(method.Evolve))
	l.mandates = newBook(mandate.Codec, mandate.Evolve)
	l.subscriptions = newBook(subscription.Codec, subscription.Evolve)
	l.clocks = newBook(clock.Codec, timeless(clock.Evolve))
	l.deliveries = newBook(webhook.Codec, timeless(webhook.EvolveDelivery))
	l.recoveries = newBook(recovery.Codec, timeless(recovery.Evolve))
	l.people = newBook(staff.Codec, timeless(staff.Evolve))
	l.looks = newBook(staff.Codec, func(s staff.Looks, _ string, _ time.Time, e staff.Event) staff.Looks { return staff.EvolveLooks(s, e) })
	l.readModels = newBook(readmodel.Codec, func(s readmodel.State, _ string, _ time.Time, e readmodel.Event) readmodel.State {
		return readmodel.Evolve(s, e)
	})
}

// fault is what ends a lane: the log's refusal of an append, or the domain's of what a
// play asks for, which is a mistake in it.
type fault struct{ err error }

// live lives until so many events are appended, and each play that falls to this one of
// so many lanes has taken place.
func (l *lane) live(lanes int, events int64) (err error) {
	defer func() {
		switch f := recover().(type) {
		case nil:
		case fault:
			err = f.err
		default:
			panic(f)
		}
	}()
	l.open()
	for n := l.number; n < len(plays) || l.made() < events; n += lanes {
		next := chosen(l.random)
		if n < len(plays) {
			next = plays[n]
		}
		begin := l.now.Wall.Add(time.Duration(1+l.random.IntN(1800)) * time.Second)
		l.now = domain.Moment{At: begin, Wall: begin}
		next.take(l)
		l.deliver(1)
		l.forget()
		l.now = domain.Moment{At: begin, Wall: begin}
	}
	return nil
}

func (l *lane) made() (n int64) {
	for _, of := range l.types {
		n += of
	}
	return n
}

// must ends the lane with a fault.
func (l *lane) must(err error) {
	if err != nil {
		panic(fault{errors.WithStack(err)})
	}
}

// draw returns a UUIDv7 of the present time.
func (l *lane) draw() uuid.UUID {
	u := l.drawRandom()
	ms := uint64(l.now.Wall.UnixMilli()) //nolint:gosec // long after 1970
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], ms<<16)
	copy(u[:6], stamp[:6])
	u[6], u[8] = u[6]&0x0f|0x70, u[8]&0x3f|0x80
	return u
}

func (l *lane) drawRandom() (u uuid.UUID) {
	binary.BigEndian.PutUint64(u[:8], l.random.Uint64())
	binary.BigEndian.PutUint64(u[8:], l.random.Uint64())
	return u
}

// pass lets time pass. For who lives on a clock only the clock's job does that.
func (l *lane) pass(d time.Duration) {
	l.now.Wall = l.now.Wall.Add(d)
	if l.clockID == "" {
		l.now.At = l.now.Wall
	}
}

// between draws a number from one to another, both included.
func (l *lane) between(least, most int) int { return least + l.random.IntN(most-least+1) }

// once says yes so many times of a hundred.
func (l *lane) once(ofHundred int) bool { return l.random.IntN(100) < ofHundred }

func (l *lane) digits(n int) string {
	s := ""
	for range n {
		s += strconv.Itoa(l.random.IntN(10))
	}
	return s
}
