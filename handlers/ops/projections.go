package ops

import (
	"math"
	"net/http"

	"tender/handlers/staff"
	"tender/projections"
)

// projection is a read model as operators see it: the generation that is served, and
// what there is beside it.
type projection struct {
	Name string `json:"name"`
	generation
	// Rebuild is a generation that is being made.
	Rebuild *rebuild `json:"rebuild,omitempty"`
	// Previous is what a rollback serves again.
	Previous *generation `json:"previous,omitempty"`
}

type generation struct {
	Generation int               `json:"generation"`
	State      projections.State `json:"state"`
	Error      string            `json:"error,omitempty"`
	Position   int64             `json:"position"`
	LagEvents  int64             `json:"lag_events"`
	LagSeconds float64           `json:"lag_seconds"`
	Rate       float64           `json:"events_per_second"`
	SetAside   int64             `json:"set_aside_events"`
}

type rebuild struct {
	generation
	BegunAt string `json:"begun_at"`
	Target  int64  `json:"target_position"`
	Done    int64  `json:"done_events"`
	Total   int64  `json:"total_events"`
}

// timeFormat is RFC 3339 with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

func show(s projections.Status) generation {
	return generation{
		Generation: s.Generation, State: s.State, Error: s.Error, Position: s.Position,
		LagEvents: s.Lag, LagSeconds: rounded(s.LagTime.Seconds()), Rate: rounded(s.Rate), SetAside: s.Parked,
	}
}

// rounded keeps what a person reads of a measurement.
func rounded(f float64) float64 { return math.Round(f*1000) / 1000 }

// group puts the generations of each read model together. They come by name and number.
func group(all []projections.Status) []projection {
	list := []projection{}
	for _, s := range all {
		if len(list) == 0 || list[len(list)-1].Name != s.Name {
			list = append(list, projection{Name: s.Name})
		}
		p := &list[len(list)-1]
		switch g := show(s); {
		case s.Serving:
			p.generation = g
		case s.Retired && p.Generation > 0: // a rollback has left it behind
		case s.Retired:
			p.Previous = &g
		default:
			done, total := s.Done, s.Total
			if s.State != projections.Filling && s.State != projections.Interrupted {
				done, total = s.Position, s.Position+s.Lag
			}
			p.Rebuild = &rebuild{generation: g, BegunAt: s.BeganAt.UTC().Format(timeFormat), Target: s.Target, Done: done, Total: max(done, total)}
		}
	}
	return list
}

func (s *Server) list(w http.ResponseWriter, r *staff.Request) error {
	if err := r.Done(); err != nil {
		return err
	}
	all, err := s.modes[r.Mode].Cursors.Statuses(r.Context())
	if err != nil {
		return err
	}
	return staff.JSON(w, http.StatusOK, map[string]any{"data": group(all)})
}

func (s *Server) get(w http.ResponseWriter, r *staff.Request) error {
	if err := r.Done(); err != nil {
		return err
	}
	return s.answer(w, r, http.StatusOK)
}

// change answers a request that changes how a read model is kept, with status.
func (s *Server) change(status int, change func(*staff.Request, Mode, string) error) staff.Handler {
	return func(w http.ResponseWriter, r *staff.Request) error {
		if err := r.Done(); err != nil {
			return err
		}
		if err := change(r, s.modes[r.Mode], r.PathValue("name")); err != nil {
			return refusal(err)
		}
		return s.answer(w, r, status)
	}
}

// begin begins a new generation. Whoever runs projectors makes it.
func begin(r *staff.Request, m Mode, name string) error {
	_, err := m.Runner.Rebuild(r.Context(), name)
	return err
}

func interrupt(r *staff.Request, m Mode, name string) error {
	return m.Cursors.Interrupt(r.Context(), name)
}

func pause(r *staff.Request, m Mode, name string) error { return m.Cursors.Pause(r.Context(), name) }

func resume(r *staff.Request, m Mode, name string) error { return m.Cursors.Resume(r.Context(), name) }

func rollback(r *staff.Request, m Mode, name string) error {
	_, err := m.Runner.Rollback(r.Context(), name)
	return err
}
