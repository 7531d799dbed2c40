package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/handlers/query"
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
		if err := query.Readable(r); err != nil {
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
	if err := query.None(r.URL.Query()); err != nil {
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

// listing is one kind of list: its read model, and what it may be narrowed by
// besides the time of creation.
type listing struct {
	name     string
	statuses []string // nil: objects of this kind have none
	// Which other filters make sense.
	reference, customer, metadata bool
	// show turns rows' objects into what is shown; nil: they are shown as they are.
	show func(ctx context.Context, r *readRequest, rows []json.RawMessage) ([]json.RawMessage, error)
}

var (
	sessionList = listing{
		name: projections.SessionsName, reference: true, customer: true, metadata: true,
		statuses: []string{"active", "completed", "expired", "cancelled"},
	}
	paymentList = listing{
		name: projections.PaymentsName, reference: true, customer: true, metadata: true,
		statuses: []string{"draft", "initiating", "pending_action", "processing", "succeeded", "failed", "cancelled", "expired"},
	}
	endpointList = listing{name: projections.EndpointsName, statuses: []string{"enabled", "paused", "disabled"}}
	mandateList  = listing{name: projections.MandatesName, customer: true, statuses: []string{"active", "revoked", "expired", "exhausted"}}
	// subscriptionList narrows by where a subscription stands and whose it is.
	subscriptionList = listing{
		name: projections.SubscriptionsName, customer: true,
		statuses: []string{"active", "past_due", "paused", "cancelled", "completed"},
	}
)

// list serves lists of one kind.
func (s *Server) list(l listing) readHandler {
	return func(ctx context.Context, r *readRequest) (shown, error) {
		p := query.New(r.URL.Query())
		return s.page(ctx, r, l, p, l.query(r, p))
	}
}

// query reads what a list is narrowed by.
func (l listing) query(r *readRequest, p *query.Parameters) projections.Query {
	q := projections.Query{
		MerchantID: r.merchant.ID, Limit: p.Limit(),
		CreatedFrom: p.Instant("created[gte]"), CreatedBefore: p.Instant("created[lt]"),
	}
	if l.statuses != nil {
		q.Status = p.Option("status", l.statuses)
	}
	if l.reference {
		q.ExternalReference = p.Reference("external_reference")
	}
	if l.customer {
		q.CustomerID = p.ID("customer_id", id.Customer)
	}
	if l.metadata {
		q.Metadata = p.Metadata()
	}
	return q
}

// filterOf says which list a cursor belongs to.
func filterOf(l listing, q projections.Query) token.Filter {
	parts := []string{
		l.name, q.Status, q.ExternalReference, q.CustomerID, q.CreatedFrom.UTC().String(), q.CreatedBefore.UTC().String(),
	}
	for _, key := range slices.Sorted(maps.Keys(q.Metadata)) {
		parts = append(parts, key, q.Metadata[key])
	}
	return token.NewFilter(parts...)
}

// page shows one page of a read model.
func (s *Server) page(ctx context.Context, r *readRequest, l listing, p *query.Parameters, q projections.Query) (shown, error) {
	filter := filterOf(l, q)
	q.Before = s.cursor(p, r, filter).BeforePosition
	if err := s.readyToList(ctx, r, p, l.name); err != nil {
		return shown{}, err
	}
	page, err := r.account.Lists.Page(ctx, l.name, q)
	if err != nil {
		return shown{}, err
	}
	if l.show != nil {
		if page.Objects, err = l.show(ctx, r, page.Objects); err != nil {
			return shown{}, err
		}
	}
	out := list{Data: page.Objects, HasMore: page.More}
	if page.More {
		out.NextCursor = s.Sealer.Cursor(r.merchant.ID, r.mode, token.Cursor{BeforePosition: page.Last, Filter: filter})
	}
	return shown{object: out, position: max(page.Position, 1)}, nil
}

// readyToList finishes reading a list's parameters, and makes sure that the key
// is still good and the read model as far as the caller wants it.
func (s *Server) readyToList(ctx context.Context, r *readRequest, p *query.Parameters, name string) error {
	least := s.leastPosition(p, r)
	if err := p.Done(); err != nil {
		return err
	}
	if err := r.account.Engine.Refresh(ctx, r.merchant); err != nil {
		return err
	}
	if err := r.stillGood(); err != nil {
		return err
	}
	return reach(ctx, r, name, least)
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

func (s *Server) cursor(p *query.Parameters, r *readRequest, filter token.Filter) token.Cursor {
	raw := p.Text("cursor")
	if raw == "" {
		return token.Cursor{}
	}
	c, err := s.Sealer.OpenCursor(r.merchant.ID, r.mode, filter, raw)
	if err != nil {
		p.Wrong("cursor", problem.InvalidToken, "The cursor was not issued for this list.")
	}
	return c
}

func (s *Server) leastPosition(p *query.Parameters, r *readRequest) int64 {
	raw := p.Text("min_position")
	if raw == "" {
		return 0
	}
	n, err := s.Sealer.OpenPosition(r.merchant.ID, r.mode, raw)
	if err != nil {
		p.Wrong("min_position", problem.InvalidToken, "The token was not issued to this merchant.")
	}
	return n
}
