package engine

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/eventstore"
	"tender/handlers/problem"
)

// ErrBusy says that other commands came first as often as a command is tried.
var ErrBusy = errors.New("the streams changed again and again while the command was decided")

// Tx is one try to decide a command: what was read, and what shall be written.
type Tx struct {
	g      *Engine
	Origin Origin
	Now    domain.Moment

	reads  []read
	writes []write
	claims []eventstore.Claim
	answer *eventstore.Answer
}

// read is a stream whose version the append has to check.
type read interface {
	Ref
	expectation() eventstore.Expectation
	lastAt() time.Time
	fromCache() bool
	causedBy(name string) uuid.UUID
}

type write struct {
	stream      string
	events      []codec.Encoded
	effectiveAt time.Time
}

func (s *Stream[T]) expectation() eventstore.Expectation {
	return eventstore.Expectation{Stream: s.ID, Version: s.Version}
}
func (s *Stream[T]) lastAt() time.Time { return s.At }
func (s *Stream[T]) fromCache() bool   { return s.cached }

// Read returns the fold of a stream, from the cache where it is there. The
// append holds only if the stream is still at that version.
func Read[T any](ctx context.Context, tx *Tx, v *View[T], id string) (Loaded[T], error) {
	s := v.Ref(id)
	if !s.cached {
		if err := tx.g.Refresh(ctx, s); err != nil {
			return Loaded[T]{}, err
		}
	}
	tx.reads = append(tx.reads, s)
	return s.Loaded, nil
}

// Create returns nothing, and makes the append hold only if no such stream
// exists yet.
func Create[T any](tx *Tx, v *View[T], id string) {
	tx.reads = append(tx.reads, &Stream[T]{view: v, Loaded: Loaded[T]{ID: id}})
}

// Write adds events to a stream that was read or created in this try.
func Write[E codec.Named](tx *Tx, c codec.Codec[E], stream string, events ...E) {
	WriteAt(tx, c, stream, time.Time{}, events...)
}

// WriteAt is [Write] for what the outside world dates itself.
func WriteAt[E codec.Named](tx *Tx, c codec.Codec[E], stream string, effectiveAt time.Time, events ...E) {
	if len(events) == 0 {
		return
	}
	w := write{stream: stream, effectiveAt: effectiveAt}
	for _, e := range events {
		w.events = append(w.events, c.Encode(e))
	}
	tx.writes = append(tx.writes, w)
}

// Claim takes a look-up key for a stream.
func (tx *Tx) Claim(c eventstore.Claim) { tx.claims = append(tx.claims, c) }

// Version is the version that a stream will have after this try.
func (tx *Tx) Version(stream string) int {
	version := 0
	for _, r := range tx.reads {
		if e := r.expectation(); e.Stream == stream {
			version = e.Version
		}
	}
	for _, w := range tx.writes {
		if w.stream == stream {
			version += len(w.events)
		}
	}
	return version
}

// Answer settles the idempotency key of command with the object in stream, as
// this try leaves it. It does nothing where that command carried no key.
func (tx *Tx) Answer(command uuid.UUID, status int, stream string) {
	tx.answer = &eventstore.Answer{CommandID: command, Status: status, Stream: stream, Version: tx.Version(stream)}
}

// AnswerProblem settles the idempotency key of command with a problem.
func (tx *Tx) AnswerProblem(command uuid.UUID, p problem.Problem, stream string) {
	record, err := json.Marshal(p)
	if err != nil {
		panic(err) // a struct of strings and numbers
	}
	tx.answer = &eventstore.Answer{
		CommandID: command, Status: p.Status(), Stream: stream, Version: tx.Version(stream), Refusal: record,
	}
}

// Command is what is decided, and how often.
type Command struct {
	Origin Origin
	// Key, if any, is the idempotency key that the command takes once decided.
	Key *eventstore.IdempotencyKey
	// Subject is the stream that a refusal is about.
	Subject string
	// Unbounded: what happened outside is recorded, however often others come first.
	Unbounded bool
	// Decide reads, lets the domain decide, and writes. It may run several times.
	Decide func(ctx context.Context, tx *Tx) error
	// Explain turns a refusal into what the caller is shown; nil: [problem.From].
	Explain func(err error) problem.Problem
}

// Done is what a command came to.
type Done struct {
	Position int64 // of its last event; 0: it had none
	// Duplicate: a command with the same id was appended before, by somebody else.
	Duplicate bool
	Taken     []eventstore.Claim
	Versions  map[string]int // of each stream written
}

// Do decides c and appends what was decided. A refusal comes back as the error,
// after the log has confirmed the versions that it rests on.
func (g *Engine) Do(ctx context.Context, c Command) (Done, error) {
	var turn string // the stream at which this command has its turn
	end := func() {}
	defer func() { end() }()
	for try := 0; c.Unbounded || try < triesMax; try++ {
		tx := &Tx{g: g, Origin: c.Origin, Now: g.Now()}
		refusal := c.Decide(ctx, tx)
		if refusal != nil && !errors.As(refusal, new(*domain.Refusal)) {
			return Done{}, refusal
		}
		done, err := g.commit(ctx, tx, c, refusal)
		var conflict *eventstore.VersionConflict
		if !errors.As(err, &conflict) {
			return done, err
		}
		if conflict.Stream != turn {
			// One turn at a time: who held one while waiting for another could wait
			// for ever.
			end()
			end = func() {}
			next, err := g.turns.take(ctx, conflict.Stream)
			if err != nil {
				return Done{}, err
			}
			end, turn = next, conflict.Stream
		}
		if err := g.catchUp(ctx, tx); err != nil {
			return Done{}, err
		}
	}
	return Done{}, errors.Mark(&eventstore.VersionConflict{Stream: c.Subject}, ErrBusy)
}

// catchUp brings everything that a lost try had read up to the log.
func (g *Engine) catchUp(ctx context.Context, tx *Tx) error {
	refs := make([]Ref, len(tx.reads))
	for i, r := range tx.reads {
		refs[i] = r
	}
	return g.Refresh(ctx, refs...)
}

func (g *Engine) commit(ctx context.Context, tx *Tx, c Command, refusal error) (Done, error) {
	if refusal != nil {
		return Done{}, g.commitRefusal(ctx, tx, c, refusal)
	}
	cmd := tx.command(tx.Origin)
	if len(cmd.Events) == 0 && c.Key == nil && cmd.Answer == nil && !slices.ContainsFunc(tx.reads, read.fromCache) {
		return Done{}, nil // nothing to do, and the log itself said so
	}
	cmd.Key = c.Key
	result, err := g.append(ctx, cmd)
	if err != nil {
		return Done{}, err
	}
	g.remember(cmd, result)
	done := Done{Position: result.Last, Duplicate: result.Duplicate, Taken: result.Taken, Versions: map[string]int{}}
	for _, w := range tx.writes {
		done.Versions[w.stream] = tx.Version(w.stream)
	}
	return done, nil
}

// append hands cmd to the log. What was handed over can't be taken back, and an
// intent that nobody knows of stays without its call: so whoever leaves from now
// on is waited for a little longer, and what follows the append takes place.
func (g *Engine) append(ctx context.Context, cmd eventstore.Command) (eventstore.Result, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Result{}, err
	}
	waiting, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(appendLinger, giveUp) })()
	return g.Store.Append(waiting, cmd)
}

// commitRefusal has the log confirm what a refusal rests on, and keeps it for
// the idempotency key if it was decided: if neither time nor another request,
// corrected, can lift it.
func (g *Engine) commitRefusal(ctx context.Context, tx *Tx, c Command, refusal error) error {
	tx.writes, tx.claims, tx.answer = nil, nil, nil
	cmd := tx.command(tx.Origin)
	shown := problem.From(refusal)
	if c.Explain != nil {
		shown = c.Explain(refusal)
	}
	switch {
	case c.Key == nil:
	case remembered(refusal, shown):
		cmd.Key = c.Key
		tx.AnswerProblem(cmd.ID, shown, c.Subject)
		cmd.Answer = tx.answer
	default:
		// The key is not used up, but it may have been used before.
		record, taken, err := g.Store.KeyRecord(ctx, c.Origin.MerchantID, c.Key.Kind, c.Key.Key)
		if err != nil || taken {
			return errors.CombineErrors(err, keyTaken(record, taken))
		}
	}
	if len(cmd.Expect) > 0 {
		if _, err := g.Store.Append(ctx, cmd); err != nil {
			return err
		}
	}
	return shown
}

// remembered reports whether a refusal is the answer to its request for good.
func remembered(refusal error, shown problem.Problem) bool {
	var r *domain.Refusal
	if errors.As(refusal, &r) && r.Transient {
		return false
	}
	switch shown.Status() {
	case http.StatusPaymentRequired, http.StatusConflict, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

func keyTaken(record eventstore.KeyRecord, taken bool) error {
	if !taken {
		return nil
	}
	return &eventstore.KeyTaken{Record: record}
}

// command builds what is appended.
func (tx *Tx) command(o Origin) eventstore.Command {
	cmd := eventstore.Command{
		ID: o.CommandID, MerchantID: o.MerchantID, RequestID: o.RequestID,
		Causation: o.Causation, Actor: o.Actor, Claims: tx.claims, Answer: tx.answer,
	}
	at := tx.Now.At
	for _, r := range tx.reads {
		e := r.expectation()
		if !slices.ContainsFunc(cmd.Expect, func(x eventstore.Expectation) bool { return x.Stream == e.Stream }) {
			cmd.Expect = append(cmd.Expect, e)
		}
		if r.lastAt().After(at) && tx.writesTo(e.Stream) {
			at = r.lastAt() // another process's clock is ahead: a stream's time never runs backwards
		}
	}
	for _, w := range tx.writes {
		for _, e := range w.events {
			cmd.Events = append(cmd.Events, eventstore.NewEvent{
				Stream: w.stream, Type: e.Type, SchemaVersion: e.SchemaVersion, ID: NewID(),
				At: at, EffectiveAt: w.effectiveAt, Payload: e.Payload,
			})
		}
	}
	return cmd
}

func (tx *Tx) writesTo(stream string) bool {
	return slices.ContainsFunc(tx.writes, func(w write) bool { return w.stream == stream })
}

// remember folds what was appended into the caches, so that the next command
// finds it without asking.
func (g *Engine) remember(cmd eventstore.Command, result eventstore.Result) {
	if result.Duplicate {
		return
	}
	version := map[string]int{}
	for _, e := range cmd.Expect {
		version[e.Stream] = e.Version
	}
	byStream := map[string][]eventstore.Event{}
	for i, e := range cmd.Events {
		version[e.Stream]++
		byStream[e.Stream] = append(byStream[e.Stream], eventstore.Event{
			Position: result.First + int64(i), Stream: e.Stream, Version: version[e.Stream], Type: e.Type,
			SchemaVersion: e.SchemaVersion, ID: e.ID, CommandID: cmd.ID, MerchantID: cmd.MerchantID,
			At: e.At, EffectiveAt: e.EffectiveAt, RequestID: cmd.RequestID, Causation: cmd.Causation,
			Actor: cmd.Actor, Payload: e.Payload,
		})
	}
	for stream, events := range byStream {
		for i := range events {
			// Each of the stream's views folds it; one that can't be decoded says so there.
			events[i].Said, _ = catalogue.Decode(events[i].Type, events[i].SchemaVersion, events[i].Payload)
		}
		g.advance(stream, events)
	}
}

// advance brings the views of a stream's kind forward.
func (g *Engine) advance(stream string, events []eventstore.Event) {
	switch id.PrefixOf(stream) {
	case id.Session:
		g.Sessions.advance(events)
		g.SessionObjects.advance(events)
	case id.Payment:
		g.Payments.advance(events)
		g.PaymentObjects.advance(events)
		g.Actions.advance(events)
	case id.Merchant:
		g.Merchants.advance(events)
		g.BrandObjects.advance(events)
	case id.Staff:
		g.Staff.advance(events)
	case id.Access:
		g.Looks.advance(events)
	case id.Logo:
		g.Logos.advance(events)
	case id.Endpoint:
		g.Endpoints.advance(events)
		g.EndpointObjects.advance(events)
	case id.Customer:
		g.Customers.advance(events)
		g.CustomerObjects.advance(events)
	case id.Method:
		g.Methods.advance(events)
		g.MethodObjects.advance(events)
	case id.Mandate:
		g.Mandates.advance(events)
		g.MandateObjects.advance(events)
	case id.Subscription:
		g.Subscriptions.advance(events)
		g.SubscriptionObjects.advance(events)
	case id.Clock:
		g.Clocks.advance(events)
		g.ClockObjects.advance(events)
	case id.Recovery:
		g.Recoveries.advance(events)
		g.RecoveryObjects.advance(events)
	case id.ReadModel:
		g.ReadModels.advance(events)
	default: // of the other kinds nothing is remembered
	}
}
