// Package proofs hands out what proves the log: signed checkpoints, proofs that an
// event is under one and that a later log begins with an earlier one, and events with
// what leads from them to a checkpoint. tender-verify verifies each with no database.
//
// It decides nothing and computes nothing: that is the work of package seal.
package proofs

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/mod/sumdb/tlog"

	"tender/domain/staff"
	"tender/eventstore"
	"tender/eventstore/seal"
	"tender/handlers/problem"
	"tender/handlers/query"
	desk "tender/handlers/staff"
)

// pageTimeout is how long a reader may take over each page of an export.
const pageTimeout = time.Minute

// Handlers answers finance, by mode.
type Handlers map[string]*seal.Proofs

// Register adds what can be asked to the desk.
func (h Handlers) Register(d *desk.Desk) {
	d.Handle(desk.Route{Pattern: "GET /audit/checkpoint", Role: staff.RoleFinance, Unrecorded: true, Handler: h.checkpoint})
	d.Handle(desk.Route{Pattern: "GET /audit/proof/consistency", Role: staff.RoleFinance, Unrecorded: true, Handler: h.consistency})
	d.Handle(desk.Route{Pattern: "GET /audit/proof/inclusion", Role: staff.RoleFinance, Handler: h.inclusion})
	d.Handle(desk.Route{Pattern: "GET /audit/proof/events", Role: staff.RoleFinance, Wide: true, Handler: h.events})
}

// checkpointJSON is a checkpoint as the API shows it.
type checkpointJSON struct {
	Size int64     `json:"size"`
	Root tlog.Hash `json:"root"`
	Time time.Time `json:"time"`
	Note string    `json:"note"`
}

func (h Handlers) checkpoint(w http.ResponseWriter, r *desk.Request) error {
	if err := r.Done(); err != nil {
		return err
	}
	c, err := h[r.Mode].Latest(r.Context())
	if err != nil {
		return refuse(err)
	}
	return desk.JSON(w, http.StatusOK, checkpointJSON{c.Size, c.Root, c.Time, c.Note})
}

func (h Handlers) inclusion(w http.ResponseWriter, r *desk.Request) error {
	position := number(r.Query, "position", true)
	if err := r.Done(); err != nil {
		return err
	}
	p, err := h[r.Mode].Inclusion(r.Context(), position)
	if err != nil {
		return refuse(err)
	}
	if !r.Covers(p.Event.MerchantID) {
		return errNotThere
	}
	return desk.JSON(w, http.StatusOK, p)
}

func (h Handlers) consistency(w http.ResponseWriter, r *desk.Request) error {
	from, to, err := span(r)
	if err != nil {
		return err
	}
	p, err := h[r.Mode].Consistency(r.Context(), from, to)
	if err != nil {
		return refuse(err)
	}
	return desk.JSON(w, http.StatusOK, p)
}

func (h Handlers) events(w http.ResponseWriter, r *desk.Request) error {
	from, to, err := span(r)
	if err != nil {
		return err
	}
	proofs := h[r.Mode]
	proof, err := proofs.Range(r.Context(), from, to)
	if err != nil {
		return refuse(err)
	}
	w.Header().Set("Content-Type", "application/jsonl")
	writer := http.NewResponseController(w)
	return proofs.Export(r.Context(), w, proof, func() {
		_ = writer.SetWriteDeadline(time.Now().Add(pageTimeout)) // where it can't be, the server's own holds
	})
}

var errNotThere = problem.New(problem.NotFound, "There is no such position in what is sealed. What is new is sealed within a second or two.")

// refuse says what is asked for in vain.
func refuse(err error) error {
	switch {
	case errors.Is(err, seal.ErrNotSealed):
		return errNotThere
	case errors.IsAny(err, seal.ErrBroken, eventstore.ErrGap):
		return errors.WithSecondaryError(problem.New(problem.InternalError,
			"The log is not what was sealed, and can't be proven. Run tender audit verify, which names the first position that is wrong."), err)
	}
	return err
}

// span reads from and to; to may be absent.
func span(r *desk.Request) (from, to int64, err error) {
	from, to = number(r.Query, "from", true), number(r.Query, "to", false)
	if to > 0 && from > to {
		r.Query.Wrong("to", problem.TooSmall, "It must not be smaller than from.")
	}
	return from, to, r.Done()
}

// number reads a position; 0 where it is absent and may be.
func number(q *query.Parameters, name string, required bool) int64 {
	raw := q.Text(name)
	if raw == "" {
		if required {
			q.Wrong(name, problem.Required, "The parameter is missing: a position, from 1.")
		}
		return 0
	}
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || n < 1 {
		q.Wrong(name, problem.InvalidFormat, "The parameter must be a position: a whole number from 1.")
		return 0
	}
	return n
}
