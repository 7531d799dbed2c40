package api

import (
	"context"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"tender/domain/clock"
	"tender/domain/id"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/projections"
)

// clockList lists test clocks.
var clockList = listing{name: projections.ClocksName, statuses: []string{string(clock.StatusReady), string(clock.StatusAdvancing)}}

func (s *Server) clockRoutes() {
	s.mux.Handle("POST /test/clocks", s.write(s.createClock))
	s.mux.Handle("GET /test/clocks", s.read(s.listClocks))
	s.mux.Handle("GET /test/clocks/{id}", s.read(s.getClock))
	s.mux.Handle("POST /test/clocks/{id}/advance", s.write(s.advanceClock))
	s.mux.Handle("DELETE /test/clocks/{id}", s.writeKeyless(s.deleteClock))
}

// testOnly refuses a key of another mode, where time can't be played with.
func (c caller) testOnly() error {
	if c.mode != "test" {
		return problem.New(problem.NotFound, "Live mode has no test clocks. Use a test key.")
	}
	return nil
}

// clockRequest is a new test clock.
type clockRequest struct {
	FrozenTime time.Time `json:"frozen_time"`
	Name       string    `json:"name,omitempty"`
}

func (s *Server) createClock(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.mayClock(); err != nil {
		return written{}, err
	}
	in := clockRequest{FrozenTime: r.clockTime("frozen_time")}
	if name, ok := r.body.Text("name"); ok {
		in.Name = name
		if utf8.RuneCountInString(name) > clock.NameRunesMax {
			r.body.Wrong("name", problem.TooLong, fmt.Sprintf("A name has at most %d characters.", clock.NameRunesMax))
		}
	}
	if err := r.body.Done(); err != nil {
		return written{}, err
	}
	fingerprint(in)
	done, clockID, err := r.account.Clocks.Create(ctx, r.origin, r.key, clock.Create{Name: in.Name, FrozenTime: in.FrozenTime})
	return written{status: http.StatusCreated, stream: clockID, done: done}, err
}

// advanceRequest is where a clock is to go.
type advanceRequest struct {
	To time.Time `json:"to"`
}

func (s *Server) advanceClock(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.mayClock(); err != nil {
		return written{}, err
	}
	in := advanceRequest{To: r.clockTime("to")}
	if err := r.body.Done(); err != nil {
		return written{}, err
	}
	clockID := r.PathValue("id")
	if !id.Valid(id.Clock, clockID) {
		return written{}, noClock()
	}
	fingerprint(in)
	done, err := r.account.Clocks.Advance(ctx, r.origin, r.key, clockID, clock.Advance{To: in.To})
	return written{status: http.StatusOK, stream: clockID, done: done}, err
}

func (s *Server) deleteClock(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.mayClock(); err != nil {
		return written{}, err
	}
	clockID, err := r.named(id.Clock, "test clock", fingerprint)
	if err != nil {
		return written{}, err
	}
	done, err := r.account.Clocks.Delete(ctx, r.origin, r.key, clockID)
	return written{status: http.StatusNoContent, stream: clockID, done: done}, err
}

// mayClock refuses callers who have no test clocks.
func (r *writeRequest) mayClock() error {
	if err := r.testOnly(); err != nil {
		return err
	}
	return r.secretOnly()
}

// clockTime reads an instant that a clock may show. It must be given.
func (r *writeRequest) clockTime(name string) time.Time {
	if !r.body.Has(name) {
		r.body.Wrong(name, problem.Required, "The time must be given, RFC 3339.")
		return time.Time{}
	}
	t, ok := r.body.Instant(name)
	switch {
	case !ok:
	case t.Before(clock.TimeMin):
		r.body.Wrong(name, problem.TooSmall, "A test clock begins at "+clock.TimeMin.Format(time.RFC3339)+".")
	case t.After(clock.TimeMax):
		r.body.Wrong(name, problem.TooLarge, "A test clock ends at "+clock.TimeMax.Format(time.RFC3339)+".")
	}
	return t
}

func noClock() error { return problem.New(problem.NotFound, clock.ErrNotFound.Detail) }

func (s *Server) getClock(ctx context.Context, r *readRequest) (shown, error) {
	if err := r.testOnly(); err != nil {
		return shown{}, err
	}
	ref := r.account.Engine.ClockObjects.Ref(r.PathValue("id"))
	out, err := one(ctx, r, id.Clock, "test clock", ref)
	if err == nil && ref.Value.ID == "" {
		return shown{}, noClock()
	}
	return out, err
}

func (s *Server) listClocks(ctx context.Context, r *readRequest) (shown, error) {
	if err := r.testOnly(); err != nil {
		return shown{}, err
	}
	return s.list(clockList)(ctx, r)
}

// clockAt is a clock as a write left it; see [Server.objectAt].
func (s *Server) clockAt(ctx context.Context, r *writeRequest, stream string, version int) (any, int64, error) {
	l, err := engine.At(ctx, r.account.Engine, r.account.Engine.ClockObjects, stream, version)
	if err != nil || r.Method == http.MethodDelete {
		return nil, l.Position, err
	}
	return l.Value, l.Position, err
}

// presentOf is the time that a request for a session is judged at: that of the clock
// which its customer lives on, or shall live on, if any; else the wall's. Whose the
// customer and the clock are is judged later, with everything else.
func (r *writeRequest) presentOf(ctx context.Context, in sessionRequest) (time.Time, error) {
	g := r.account.Engine
	var clockID string
	switch {
	case in.Customer != nil:
		clockID = in.Customer.TestClockID
	case in.Options != nil && id.Valid(id.Customer, in.Options.CustomerID):
		// Which clock a customer lives on never changes.
		c := g.Customers.Ref(in.Options.CustomerID)
		if c.Version == 0 {
			if err := g.Refresh(ctx, c); err != nil {
				return time.Time{}, err
			}
		}
		if c.MerchantID == r.merchant.ID {
			clockID = c.Value.ClockID
		}
	}
	now := g.Now().Wall
	if !id.Valid(id.Clock, clockID) {
		return now, nil
	}
	ref := g.ClockObjects.Ref(clockID)
	if err := g.Refresh(ctx, ref); err != nil {
		return time.Time{}, err
	}
	if ref.Value.ID == "" && ref.Version == 0 || ref.MerchantID != r.merchant.ID {
		return now, nil
	}
	return time.Time(ref.Value.FrozenTime), nil
}
