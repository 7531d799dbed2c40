package ops

import (
	"encoding/json"
	"net/http"
	"strconv"

	"tender/handlers/problem"
	"tender/handlers/staff"
	"tender/projections"
)

// parked is an event that a read model has set aside, or stopped at.
type parked struct {
	Position int64  `json:"position"`
	Stream   string `json:"stream"`
	Type     string `json:"type"`
	// Error is why; absent: because an earlier event of its stream is.
	Error    string `json:"error,omitempty"`
	ParkedAt string `json:"parked_at"`
	Event    *event `json:"event,omitempty"`
}

// event is what the log has at that position.
type event struct {
	ID            string          `json:"id"`
	Version       int             `json:"version"`
	SchemaVersion int             `json:"schema_version"`
	MerchantID    string          `json:"merchant_id,omitempty"`
	At            string          `json:"at"`
	RecordedAt    string          `json:"recorded_at"`
	Payload       json.RawMessage `json:"payload"`
}

func showParked(e projections.ParkedEvent) parked {
	return parked{Position: e.Position, Stream: e.Stream, Type: e.Type, Error: e.Error, ParkedAt: e.ParkedAt.UTC().Format(timeFormat)}
}

// listParked lists what is set aside, the first first: those that follow are there
// because of it.
func (s *Server) listParked(w http.ResponseWriter, r *staff.Request) error {
	limit, after := r.Query.Limit(), readCursor(r)
	if err := r.Done(); err != nil {
		return err
	}
	all, err := s.modes[r.Mode].Cursors.Parked(r.Context(), r.PathValue("name"), after, limit+1)
	if err != nil {
		return refusal(err)
	}
	list := []parked{}
	for _, e := range all {
		list = append(list, showParked(e))
	}
	return staff.JSON(w, http.StatusOK, pageOf(list, limit, func(e parked) int64 { return e.Position }))
}

// page is a page of a list by position.
type page[T any] struct {
	Data       []T    `json:"data"`
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor,omitempty"`
}

// pageOf cuts a list, of which there is one more than the limit if there are more, to a
// page. Operators may see positions, so a cursor is one.
func pageOf[T any](all []T, limit int, position func(T) int64) page[T] {
	p := page[T]{Data: all[:min(len(all), limit)], HasMore: len(all) > limit}
	if p.HasMore {
		p.NextCursor = strconv.FormatInt(position(p.Data[limit-1]), 10)
	}
	return p
}

// readCursor reads behind which position a page begins.
func readCursor(r *staff.Request) int64 {
	raw := r.Query.Text("cursor")
	if raw == "" {
		return 0
	}
	position, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || position < 1 {
		r.Query.Wrong("cursor", problem.InvalidToken, "This is no cursor of a page.")
	}
	return position
}

// getParked shows one of them, with what the log has there.
func (s *Server) getParked(w http.ResponseWriter, r *staff.Request) error {
	if err := r.Done(); err != nil {
		return err
	}
	position, err := positionOf(r)
	if err != nil {
		return err
	}
	m := s.modes[r.Mode]
	e, err := m.Cursors.ParkedAt(r.Context(), r.PathValue("name"), position)
	if err != nil {
		return refusal(err)
	}
	found, err := m.Engine.Store.After(r.Context(), position-1, 1)
	if err != nil {
		return err
	}
	p := showParked(e)
	for _, e := range found {
		p.Event = &event{
			ID: e.ID.String(), Version: e.Version, SchemaVersion: e.SchemaVersion, MerchantID: e.MerchantID,
			At: e.At.UTC().Format(timeFormat), RecordedAt: e.RecordedAt.UTC().Format(timeFormat), Payload: e.Payload,
		}
	}
	return staff.JSON(w, http.StatusOK, p)
}

func retry(r *staff.Request, m Mode, name string) error {
	position, err := positionOf(r)
	if err != nil {
		return err
	}
	return m.Runner.Retry(r.Context(), name, position)
}

func positionOf(r *staff.Request) (int64, error) {
	position, err := strconv.ParseInt(r.PathValue("position"), 10, 64)
	if err != nil || position < 1 {
		return 0, problem.New(problem.NotFound, "There is no such position.")
	}
	return position, nil
}
