package api

import (
	"context"
	"encoding/json"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/handlers/problem"
	"tender/handlers/query"
	"tender/handlers/token"
	"tender/handlers/webhooks"
	"tender/projections"
)

func (s *Server) listEvents(ctx context.Context, r *readRequest) (shown, error) {
	p := query.New(r.URL.Query())
	q := projections.PublicEventQuery{
		MerchantID: r.merchant.ID, Limit: p.Limit(), EventType: p.Option("type", webhook.Types()),
		CreatedFrom: p.Instant("created[gte]"), CreatedBefore: p.Instant("created[lt]"),
	}
	filter := token.NewFilter(projections.PublicEventsName, q.EventType, q.CreatedFrom.UTC().String(), q.CreatedBefore.UTC().String())
	q.Before = s.cursor(p, r, filter).BeforePosition
	if err := s.readyToList(ctx, r, p, projections.DeliveriesName); err != nil {
		return shown{}, err
	}
	page, err := r.account.Lists.PublicEvents(ctx, q)
	if err != nil {
		return shown{}, err
	}
	out := list{HasMore: page.More}
	if out.Data, err = r.messages(ctx, page.Rows); err != nil {
		return shown{}, err
	}
	if page.More {
		last := page.Rows[len(page.Rows)-1].Position
		out.NextCursor = s.Sealer.Cursor(r.merchant.ID, r.mode, token.Cursor{BeforePosition: last, Filter: filter})
	}
	return shown{object: out, position: max(page.Position, 1)}, nil
}

func (s *Server) getEvent(ctx context.Context, r *readRequest) (shown, error) {
	missing := problem.New(problem.NotFound, "There is no such event.")
	if err := query.None(r.URL.Query()); err != nil {
		return shown{}, err
	}
	if !id.Valid(id.Event, r.PathValue("id")) {
		return shown{}, missing
	}
	if err := r.account.Engine.Refresh(ctx, r.merchant); err != nil {
		return shown{}, err
	}
	if err := r.stillGood(); err != nil {
		return shown{}, err
	}
	row, known, err := r.account.Lists.PublicEvent(ctx, r.merchant.ID, r.PathValue("id"))
	if err != nil {
		return shown{}, err
	}
	if !known {
		return shown{}, missing
	}
	bodies, err := r.messages(ctx, []projections.PublicEventRow{row})
	if err != nil {
		return shown{}, err
	}
	return shown{object: bodies[0]}, nil
}

// messages renders public events from the log, by the function that renders what
// webhooks send: to the same bytes.
func (r *readRequest) messages(ctx context.Context, rows []projections.PublicEventRow) ([]json.RawMessage, error) {
	bodies := make([]json.RawMessage, 0, len(rows))
	if len(rows) == 0 {
		return bodies, nil
	}
	sources := map[string][]eventstore.Event{}
	var after []eventstore.StreamAfter
	for _, row := range rows {
		if _, asked := sources[row.Source]; !asked {
			sources[row.Source] = nil
			after = append(after, eventstore.StreamAfter{Stream: row.Source})
		}
	}
	tails, err := r.account.Engine.Store.Streams(ctx, after...)
	if err != nil {
		return nil, err
	}
	for i, a := range after {
		sources[a.Stream] = tails[i].Events
	}
	for _, row := range rows {
		events := sources[row.Source]
		if len(events) < row.SourceVersion {
			return nil, errors.AssertionFailedf("stream %s ends at version %d, not %d", row.Source, len(events), row.SourceVersion)
		}
		message, err := webhooks.Render(r.mode, events[:row.SourceVersion])
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, message.Body)
	}
	return bodies, nil
}
