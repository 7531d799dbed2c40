package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/handlers/token"
	"tender/projections"
)

// readRequest is one request that changes nothing.
type readRequest struct {
	caller
	*http.Request
}

// shown is what a read came to.
type shown struct {
	object   any
	position int64 // a list's; 0: a single object
}

type readHandler func(ctx context.Context, r *readRequest) (shown, error)

func (s *Server) read(h readHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		c, err := s.authenticate(ctx, r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if err := c.secretOnly(); err != nil {
			s.fail(w, r, err)
			return
		}
		if err := readableQuery(r); err != nil {
			s.fail(w, r, err)
			return
		}
		req := &readRequest{caller: c, Request: r}
		out, err := h(ctx, req)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if out.position > 0 {
			w.Header().Set("Projection-Position", s.Sealer.Position(c.merchant.ID, c.mode, out.position))
		}
		s.encode(w, r, req.caller, http.StatusOK, out.object, 0)
	})
}

// one shows a single object as the log has it now. The query that asks for its
// head asks for the merchant's, too, so that a revoked key reads nothing.
func one[T any](ctx context.Context, r *readRequest, prefix id.Prefix, kind string, ref *engine.Stream[T]) (shown, error) {
	missing := problem.New(problem.NotFound, "There is no such "+kind+".")
	if !id.Valid(prefix, ref.ID) {
		return shown{}, missing
	}
	if err := unknownParameters(r.URL.Query()); err != nil {
		return shown{}, err
	}
	if err := r.account.Engine.Refresh(ctx, ref, r.merchant); err != nil {
		return shown{}, err
	}
	if err := r.stillGood(); err != nil {
		return shown{}, err
	}
	if ref.Version == 0 || ref.MerchantID != r.merchant.ID {
		return shown{}, missing
	}
	return shown{object: ref.Value}, nil
}

// stillGood judges the key by the merchant's state, once that is fresh.
func (r *readRequest) stillGood() error {
	if err := r.check(); err != nil {
		return err
	}
	return r.secretOnly()
}

// list is one page on the wire.
type list struct {
	Data       []json.RawMessage `json:"data"`
	HasMore    bool              `json:"has_more"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

// Limits of a list.
const (
	pageDefault = 20
	pageMax     = 100
)

func (s *Server) listSessions(ctx context.Context, r *readRequest) (shown, error) {
	return s.list(ctx, r, projections.SessionsName, []string{"active", "completed", "expired", "cancelled"})
}

func (s *Server) listPayments(ctx context.Context, r *readRequest) (shown, error) {
	return s.list(ctx, r, projections.PaymentsName, []string{
		"draft", "initiating", "pending_action", "processing", "succeeded", "failed", "cancelled", "expired",
	})
}

// list shows one page of a read model.
func (s *Server) list(ctx context.Context, r *readRequest, name string, statuses []string) (shown, error) {
	p := newParameters(r.URL.Query())
	q := projections.Query{
		MerchantID: r.merchant.ID, Limit: p.limit(),
		Status:            p.option("status", statuses),
		ExternalReference: p.reference("external_reference"),
		CreatedFrom:       p.instant("created[gte]"), CreatedBefore: p.instant("created[lt]"),
	}
	filter := token.NewFilter(name, q.Status, q.ExternalReference, p.text("created[gte]"), p.text("created[lt]"))
	q.Before = s.cursor(p, r, filter)
	least := s.leastPosition(p, r)
	if err := p.done(); err != nil {
		return shown{}, err
	}
	if err := r.account.Engine.Refresh(ctx, r.merchant); err != nil {
		return shown{}, err
	}
	if err := r.stillGood(); err != nil {
		return shown{}, err
	}
	if err := reach(ctx, r, name, least); err != nil {
		return shown{}, err
	}
	page, err := r.account.Lists.Page(ctx, name, q)
	if err != nil {
		return shown{}, err
	}
	out := list{Data: page.Objects, HasMore: page.More}
	if page.More {
		out.NextCursor = s.Sealer.Cursor(r.merchant.ID, r.mode, token.Cursor{BeforePosition: page.Last, Filter: filter})
	}
	return shown{object: out, position: max(page.Position, 1)}, nil
}

// reach waits until the read model has reached a position.
func reach(ctx context.Context, r *readRequest, name string, least int64) error {
	if least == 0 {
		return nil
	}
	err := r.account.Cursors.WaitFor(ctx, name, least)
	if errors.Is(err, projections.ErrBehind) {
		return problem.New(problem.PositionNotReached, "The list has not reached min_position yet.")
	}
	return err
}

func (s *Server) cursor(p *parameters, r *readRequest, filter token.Filter) int64 {
	raw := p.text("cursor")
	if raw == "" {
		return 0
	}
	c, err := s.Sealer.OpenCursor(r.merchant.ID, r.mode, filter, raw)
	if err != nil {
		p.wrong("cursor", problem.InvalidToken, "The cursor was not issued for this list.")
	}
	return c.BeforePosition
}

func (s *Server) leastPosition(p *parameters, r *readRequest) int64 {
	raw := p.text("min_position")
	if raw == "" {
		return 0
	}
	n, err := s.Sealer.OpenPosition(r.merchant.ID, r.mode, raw)
	if err != nil {
		p.wrong("min_position", problem.InvalidToken, "The token was not issued to this merchant.")
	}
	return n
}
