package engine

import (
	"context"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	lru "github.com/hashicorp/golang-lru/v2"

	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/eventstore"
)

// Loaded is the fold of a stream up to a version. Version 0: no such stream.
type Loaded[T any] struct {
	ID         string
	Version    int
	Position   int64 // of its last event
	MerchantID string
	At         time.Time // of its last event
	Value      T

	causes []cause
}

// View is one fold over streams of one kind, with the latest folds cached.
type View[T any] struct {
	fold  func(T, eventstore.Event, codec.Named) T
	cache *lru.Cache[string, Loaded[T]]
	// causes: the ids of events that others may come of are kept with the fold.
	causes bool
}

func newView[T any](fold func(T, eventstore.Event, codec.Named) T) *View[T] {
	cache, err := lru.New[string, Loaded[T]](cachedMax)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return &View[T]{fold: fold, cache: cache}
}

// withCauses makes v keep what [Tx.Because] looks for.
func (v *View[T]) withCauses() *View[T] {
	v.causes = true
	return v
}

// Ref is a stream that a request shows or decides about, as far as it is known.
type Ref interface {
	after() eventstore.StreamAfter
	extend(tail eventstore.StreamTail) error
}

// Stream is a [Ref] with its fold.
type Stream[T any] struct {
	view *View[T]
	Loaded[T]
	// cached: the fold comes from the cache and was not compared with the log.
	cached bool
}

// Ref returns the stream with this id, with what the cache has of it.
func (v *View[T]) Ref(id string) *Stream[T] {
	if l, ok := v.cache.Get(id); ok {
		return &Stream[T]{view: v, Loaded: l, cached: true}
	}
	return &Stream[T]{view: v, Loaded: Loaded[T]{ID: id}}
}

// Fold returns the fold of events, which begin with their stream's first.
func (v *View[T]) Fold(events []eventstore.Event) (Loaded[T], error) {
	var l Loaded[T]
	for _, e := range events {
		var err error
		if l, err = v.step(l, e); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (v *View[T]) step(l Loaded[T], e eventstore.Event) (Loaded[T], error) {
	d, ok := e.Said.(codec.Named)
	if !ok {
		var err error
		if d, err = catalogue.Decode(e.Type, e.SchemaVersion, e.Payload); err != nil {
			return l, err
		}
	}
	value, err := v.folded(l.Value, e, d)
	if err != nil {
		return l, err
	}
	next := Loaded[T]{
		ID: e.Stream, Version: e.Version, Position: e.Position, MerchantID: e.MerchantID, At: e.At,
		Value: value, causes: l.causes,
	}
	if name := causeName(d); v.causes && name != "" {
		// A slice of its own, because folds are values that several holders share.
		next.causes = append(slices.Clip(l.causes), cause{name, e.ID})
	}
	return next, nil
}

// folded calls the fold. An event that breaks an invariant stops whoever needs
// its stream, and not the process.
func (v *View[T]) folded(value T, e eventstore.Event, d codec.Named) (next T, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			next, err = value, errors.AssertionFailedf("event %d of stream %s can't be folded: %v", e.Version, e.Stream, fault)
		}
	}()
	return v.fold(value, e, d), nil
}

func (g *Engine) at(ctx context.Context, stream string, version int) ([]eventstore.Event, error) {
	events, err := g.Store.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	if len(events) < version {
		return nil, errors.AssertionFailedf("stream %s ends at version %d, not %d", stream, len(events), version)
	}
	return events[:version], nil
}

// At returns the fold of a stream as it was at a version, from the cache or from
// the log.
func At[T any](ctx context.Context, g *Engine, v *View[T], stream string, version int) (Loaded[T], error) {
	if l, ok := v.cache.Get(stream); ok && l.Version == version {
		return l, nil
	}
	events, err := g.at(ctx, stream, version)
	if err != nil {
		return Loaded[T]{}, err
	}
	return v.Fold(events)
}

func (s *Stream[T]) after() eventstore.StreamAfter {
	return eventstore.StreamAfter{Stream: s.ID, Version: s.Version}
}

func (s *Stream[T]) extend(tail eventstore.StreamTail) error {
	s.cached = false
	for _, e := range tail.Events {
		l, err := s.view.step(s.Loaded, e)
		if err != nil {
			return err
		}
		s.Loaded = l
	}
	if len(tail.Events) > 0 {
		s.view.remember(s.Loaded)
	}
	return nil
}

// remember keeps l, unless a later fold is kept already.
func (v *View[T]) remember(l Loaded[T]) {
	if known, ok := v.cache.Peek(l.ID); ok && known.Version >= l.Version {
		return
	}
	v.cache.Add(l.ID, l)
}

// advance folds events that were just appended into the cache, where it holds
// the version before them.
func (v *View[T]) advance(events []eventstore.Event) {
	l, ok := v.cache.Get(events[0].Stream)
	if !ok && events[0].Version == 1 {
		l = Loaded[T]{ID: events[0].Stream}
		ok = true
	}
	if !ok || l.Version != events[0].Version-1 {
		return
	}
	for _, e := range events {
		var err error
		if l, err = v.step(l, e); err != nil {
			return // the next read says so
		}
	}
	v.remember(l)
}
