package ops

import (
	"context"
	"net/http"
	"slices"

	"github.com/cockroachdb/errors"

	"tender/domain/readmodel"
	"tender/handlers/body"
	"tender/handlers/engine"
	"tender/handlers/staff"
	"tender/projections"
)

// skipped is an event that a read model leaves out.
type skipped struct {
	Position  int64  `json:"position"`
	Stream    string `json:"stream"`
	Type      string `json:"type"`
	Reason    string `json:"reason"`
	SkippedBy string `json:"skipped_by"`
	SkippedAt string `json:"skipped_at"`
}

// listSkipped lists what is left out, in the log's order.
func (s *Server) listSkipped(w http.ResponseWriter, r *staff.Request) error {
	limit, after := r.Query.Limit(), readCursor(r)
	if err := r.Done(); err != nil {
		return err
	}
	m, name := s.modes[r.Mode], r.PathValue("name")
	if _, err := m.Cursors.Position(r.Context(), name); err != nil {
		return refusal(err)
	}
	events, err := m.Engine.Store.Stream(r.Context(), readmodel.Stream(name))
	if err != nil {
		return err
	}
	left := map[int64]skipped{}
	for _, e := range events {
		d, err := readmodel.Codec.Decode(e.Type, e.SchemaVersion, e.Payload)
		if err != nil {
			return errors.Wrapf(err, "event %d", e.Position)
		}
		switch d := d.(type) {
		case readmodel.EventSkipped:
			left[d.Position] = skipped{
				Position: d.Position, Stream: d.Stream, Type: d.EventType, Reason: d.Reason,
				SkippedBy: e.Actor.ID, SkippedAt: e.RecordedAt.UTC().Format(timeFormat),
			}
		case readmodel.EventRestored:
			delete(left, d.Position)
		}
	}
	list := make([]skipped, 0, len(left))
	for _, e := range left {
		if e.Position > after {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b skipped) int { return int(a.Position - b.Position) })
	return staff.JSON(w, http.StatusOK, pageOf(list, limit, func(e skipped) int64 { return e.Position }))
}

// skip leaves out an event that the read model has set aside. One that it leaves out
// already it may be told again.
func (s *Server) skip(w http.ResponseWriter, r *staff.Request) error {
	return s.decide(w, r, func(ctx context.Context, m Mode, position int64, reason string) (readmodel.Command, error) {
		e, err := m.Cursors.ParkedAt(ctx, r.PathValue("name"), position)
		if errors.Is(err, projections.ErrNotParked) {
			left, err := projections.Skipped(ctx, m.Engine.Store, r.PathValue("name"))
			if already, is := left[position]; is || err != nil {
				return readmodel.Skip{Position: position, Stream: already.Stream, EventType: already.EventType, Reason: reason}, err
			}
		}
		return readmodel.Skip{Position: position, Stream: e.Stream, EventType: e.Type, Reason: reason}, refusal(err)
	})
}

// restore takes in again what is left out.
func (s *Server) restore(w http.ResponseWriter, r *staff.Request) error {
	return s.decide(w, r, func(_ context.Context, _ Mode, position int64, reason string) (readmodel.Command, error) {
		return readmodel.Restore{Position: position, Reason: reason}, nil
	})
}

// decide appends what an operator decides about an event, and answers once the read
// model that is served has followed, or [projections.WaitMax] later.
func (s *Server) decide(
	w http.ResponseWriter, r *staff.Request,
	command func(ctx context.Context, m Mode, position int64, reason string) (readmodel.Command, error),
) error {
	position, err := positionOf(r)
	if err != nil {
		return err
	}
	in, err := body.Read(w, r.Request)
	if err != nil {
		return err
	}
	reason, _ := in.Text("reason") // without one, the rules refuse
	if err := in.Done(); err != nil {
		return err
	}
	if err := r.Done(); err != nil {
		return err
	}
	m, name := s.modes[r.Mode], r.PathValue("name")
	if _, err := m.Cursors.Position(r.Context(), name); err != nil {
		return refusal(err)
	}
	c, err := command(r.Context(), m, position, reason)
	if err != nil {
		return err
	}
	done, err := appendDecision(r, m.Engine, name, c)
	if err != nil {
		return err
	}
	if err := m.follow(r.Context(), name, position, done); err != nil {
		return err
	}
	return s.answer(w, r, http.StatusOK)
}

func appendDecision(r *staff.Request, g *engine.Engine, name string, c readmodel.Command) (engine.Done, error) {
	stream := readmodel.Stream(name)
	return g.Do(r.Context(), engine.Command{
		Origin:  engine.Origin{CommandID: engine.NewID(), Actor: r.Actor, RequestID: engine.RequestID(r.Context())},
		Subject: stream,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			l, err := engine.Read(ctx, tx, g.ReadModels, stream)
			if err != nil {
				return err
			}
			events, err := readmodel.Decide(l.Value, c)
			if err != nil {
				return err
			}
			engine.Write(tx, readmodel.Codec, stream, events...)
			return nil
		},
	})
}

// follow has a read model that has stopped at the event go on, and waits for it. One
// that is paused will follow once it is resumed.
func (m Mode) follow(ctx context.Context, name string, position int64, done engine.Done) error {
	all, err := m.Cursors.Statuses(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(s projections.Status) bool { return s.Name == name && s.Serving })
	if i >= 0 && all[i].State == projections.Paused {
		return nil
	}
	if i >= 0 && all[i].State == projections.Stopped && all[i].Position == position-1 {
		if err := m.Cursors.Resume(ctx, name); err != nil {
			return err
		}
	}
	err = m.Cursors.WaitFor(ctx, name, max(position, done.Position))
	if errors.Is(err, projections.ErrBehind) {
		return nil // the answer shows how far it is
	}
	return err
}
