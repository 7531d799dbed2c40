// Package audit is what finance asks: what any object was at any moment, what every
// event did to the money, and files of it that prove to be complete. docs/finance.md
// says what must hold.
//
// It changes nothing and decides nothing. Who may ask, and the record that they did,
// is the desk's business: see package staff of the handlers.
package audit

import (
	"context"
	"net/http"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/staff"
	"tender/eventstore"
	"tender/eventstore/seal"
	"tender/handlers/problem"
	desk "tender/handlers/staff"
	"tender/projections"
)

// Mode is what is asked about: one log, and what is derived from it.
type Mode struct {
	Store   *eventstore.Store
	Cursors *projections.Cursors
	Proofs  *seal.Proofs
}

// Audit answers finance.
type Audit struct {
	modes map[string]*mode
}

// mode is a Mode with its readers.
type mode struct {
	Mode
	name    string
	entries *projections.JournalReader
	lists   *projections.Lists
}

// New returns what answers about these modes.
func New(modes map[string]Mode) *Audit {
	a := &Audit{modes: map[string]*mode{}}
	for name, m := range modes {
		a.modes[name] = &mode{
			Mode: m, name: name,
			entries: projections.NewJournalReader(m.Store.Pool(), m.Store.Log()),
			lists:   projections.NewLists(m.Store.Pool(), m.Store.Log()),
		}
	}
	return a
}

// Register adds all that can be asked to the desk.
func (a *Audit) Register(d *desk.Desk) {
	routes := map[string]handler{
		"GET /audit/objects/{id}":         a.object,
		"GET /audit/objects/{id}/history": a.history,
		"GET /audit/trial_balance":        a.trialBalance,
	}
	for name, open := range sheets {
		routes["GET /audit/"+name] = a.show(open)
		routes["GET /audit/"+name+"/manifest"] = a.manifest(name, open)
	}
	for pattern, h := range routes {
		d.Handle(desk.Route{Pattern: pattern, Role: staff.RoleFinance, Handler: func(w http.ResponseWriter, r *desk.Request) error {
			m := a.modes[r.Mode]
			if m == nil {
				return errors.AssertionFailedf("mode %q is served and not audited", r.Mode)
			}
			return h(w, r, m)
		}})
	}
}

// handler answers about one mode.
type handler func(w http.ResponseWriter, r *desk.Request, m *mode) error

// reach waits until the journal shows the log up to a position.
func (m *mode) reach(ctx context.Context, position int64) error {
	err := m.Cursors.WaitFor(ctx, projections.JournalName, position)
	if errors.Is(err, projections.ErrBehind) {
		return problem.New(problem.PositionNotReached, "The journal has not come that far yet.")
	}
	return err
}

// timeLayout keeps the microseconds that the log does, so that a time which is sent
// back as as_of means the same event.
const timeLayout = "2006-01-02T15:04:05.000000Z"

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// actor is who or what caused an event, on the wire.
type actor struct {
	Kind domain.ActorKind `json:"kind"`
	ID   string           `json:"id"`
}

func eventIDOf(e eventstore.Event) string { return id.Format(id.Event, e.ID) }
