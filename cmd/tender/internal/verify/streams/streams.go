// Package streams audits what the log says, stream by stream: this build's domain
// folds each, the predicates of package invariants are asked about each event, and the
// rows that read models show are held against rows folded afresh.
//
// Unlike package verify it uses the store, the domain and the projections: those are
// what is audited here. That what they read is what was appended, verify says.
package streams

import (
	"context"

	"github.com/cockroachdb/errors"
	"golang.org/x/sync/errgroup"

	"tender/cmd/tender/internal/verify"
	"tender/cmd/tender/internal/verify/invariants"
	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/projections"
)

const (
	// pageEvents is how many events are read at a time. So many are in memory four
	// times: one page is read, one waits, and each of two readers has one in hand.
	pageEvents = 5000
	// afterAll sorts after the name of every stream.
	afterAll = "~"
)

// Log is what is read: its events by stream, as [eventstore.Store.ByStream] has them.
type Log interface {
	ByStream(ctx context.Context, after eventstore.Place, before string, upTo int64, limit int) ([]eventstore.Event, error)
}

// Audit says what is audited, and against what.
type Audit struct {
	Log   Log
	Steps *engine.Steps
	// Rows holds the read models against the log; nil: they are left alone.
	Rows *projections.Comparison
	UpTo int64 // the last position that counts
	// Found takes what is wrong.
	Found func(verify.Finding)
	// Progress, if any, is told how many events have been read, now and then.
	Progress func(events int64)
}

// Summary is what was audited.
type Summary struct {
	Events, Streams int64
}

// Run goes through the log. An error says that it could not; what is wrong with the
// log is no error, but found.
func (a Audit) Run(ctx context.Context) (Summary, error) {
	all, ctx := errgroup.WithContext(ctx)
	takers := []taker{&replay{audit: a}}
	if a.Rows != nil {
		takers = append(takers, rows{a.Rows})
	}
	pages := make([]chan []eventstore.Event, len(takers))
	for i, t := range takers {
		pages[i] = make(chan []eventstore.Event, 1)
		all.Go(func() error { return serve(ctx, t, pages[i]) })
	}
	if a.Rows != nil {
		all.Go(func() error { return a.Rows.InOrder(ctx) })
	}
	var sum Summary
	all.Go(func() (err error) {
		sum, err = a.read(ctx, pages)
		return err
	})
	return sum, all.Wait()
}

// taker takes the log's events, in the order of streams and versions.
type taker interface {
	take(ctx context.Context, page []eventstore.Event) error
	end(ctx context.Context) error
}

// serve gives a taker all pages. Only a log that was read to its end ends.
func serve(ctx context.Context, t taker, pages <-chan []eventstore.Event) error {
	for {
		select {
		case page, more := <-pages:
			if !more {
				return t.end(ctx)
			}
			if err := t.take(ctx, page); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read hands each page to every taker, who must not change it.
func (a Audit) read(ctx context.Context, pages []chan []eventstore.Event) (sum Summary, err error) {
	var at eventstore.Place
	for whole := true; whole; {
		page, err := a.Log.ByStream(ctx, at, afterAll, a.UpTo, pageEvents)
		if err != nil {
			return sum, err
		}
		whole = len(page) == pageEvents
		for _, e := range page {
			if e.Stream != at.Stream {
				sum.Streams++
			}
			at = eventstore.Place{Stream: e.Stream, Version: e.Version}
		}
		sum.Events += int64(len(page))
		for _, c := range pages {
			select {
			case c <- page:
			case <-ctx.Done():
				return sum, ctx.Err()
			}
		}
		if a.Progress != nil {
			a.Progress(sum.Events)
		}
	}
	for _, c := range pages {
		close(c)
	}
	return sum, nil
}

// replay folds each stream by the domain, and asks the predicates.
type replay struct {
	audit  Audit
	stream string
	step   engine.Step // nil: the stream can't be folded any further
	holds  *invariants.Stream
}

func (r *replay) end(context.Context) error { return nil }

func (r *replay) take(_ context.Context, page []eventstore.Event) error {
	for _, e := range page {
		if e.Stream != r.stream {
			if err := r.begin(e); err != nil {
				return err
			}
		}
		said, err := catalogue.Decode(e.Type, e.SchemaVersion, e.Payload)
		if errors.HasType(err, (*codec.NewerError)(nil)) {
			return errors.Wrapf(err, "position %d", e.Position) // a newer build has to say
		}
		if err != nil {
			r.unfoldable(e, err)
			continue
		}
		if r.step != nil {
			if err := r.step(e, said); err != nil {
				r.unfoldable(e, err)
			}
		}
		for _, b := range r.holds.Add(invariants.Event{Event: e, Said: said}) {
			r.audit.Found(verify.Finding{Position: b.Position, Check: verify.CheckInvariant, Name: b.Name, Subject: b.Stream, Detail: b.Detail})
		}
	}
	return nil
}

func (r *replay) begin(e eventstore.Event) (err error) {
	r.stream, r.holds = e.Stream, invariants.NewStream(e.Stream)
	r.step, err = r.audit.Steps.Begin(e.Stream)
	if errors.Is(err, engine.ErrUnknownKind) {
		r.unfoldable(e, err)
		err = nil
	}
	return err
}

// unfoldable tells of the first event of a stream that the domain can't take.
func (r *replay) unfoldable(e eventstore.Event, why error) {
	r.step = nil
	r.audit.Found(verify.Finding{Position: e.Position, Check: verify.CheckReplay, Subject: e.Stream, Detail: why.Error()})
}

// rows holds the read models against the log.
type rows struct{ *projections.Comparison }

func (r rows) take(ctx context.Context, page []eventstore.Event) error { return r.Add(ctx, page) }
func (r rows) end(ctx context.Context) error                           { return r.Finish(ctx) }
