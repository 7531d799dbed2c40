// Package ops is what operators see and steer, under /ops: the read models, how far
// they are, and which stand still; and payments whose outcome the acquirer leaves
// unresolved.
//
// It decides nothing: what may be done is for the domain and the read models to say.
// Who asks, and what of, is found out by the desk that it is served at.
package ops

import (
	"net/http"

	"github.com/cockroachdb/errors"

	role "tender/domain/staff"
	"tender/handlers/engine"
	"tender/handlers/payments"
	"tender/handlers/problem"
	"tender/handlers/staff"
	"tender/projections"
)

// Mode is what of one log is steered.
type Mode struct {
	Engine  *engine.Engine
	Cursors *projections.Cursors
	Runner  *projections.Runner
	// Payments are asked about, and resolved by hand.
	Payments *payments.Service
}

// Server answers operators.
type Server struct{ modes map[string]Mode }

// New returns a server of the logs of these modes.
func New(modes map[string]Mode) *Server { return &Server{modes: modes} }

// Register adds what can be asked to the desk. Read models concern a log as a whole;
// what shows no merchant's data and changes nothing leaves no record.
func (s *Server) Register(desk *staff.Desk) {
	look := func(pattern string, h staff.Handler) {
		desk.Handle(staff.Route{Pattern: pattern, Role: role.RoleOperator, Wide: true, Unrecorded: true, Handler: h})
	}
	steer := func(pattern string, status int, change func(*staff.Request, Mode, string) error) {
		desk.Handle(staff.Route{Pattern: pattern, Role: role.RoleOperator, Wide: true, Handler: s.change(status, change)})
	}
	look("GET /ops/projections", s.list)
	look("GET /ops/projections/{name}", s.get)
	handle := func(pattern string, h staff.Handler) {
		desk.Handle(staff.Route{Pattern: pattern, Role: role.RoleOperator, Wide: true, Handler: h})
	}
	handle("GET /ops/projections/{name}/parked_events", s.listParked)
	handle("GET /ops/projections/{name}/parked_events/{position}", s.getParked)
	steer("POST /ops/projections/{name}/parked_events/{position}/retry", http.StatusOK, retry)
	handle("POST /ops/projections/{name}/parked_events/{position}/skip", s.skip)
	handle("GET /ops/projections/{name}/skipped_events", s.listSkipped)
	handle("POST /ops/projections/{name}/skipped_events/{position}/restore", s.restore)
	steer("POST /ops/projections/{name}/rebuild", http.StatusAccepted, begin)
	steer("POST /ops/projections/{name}/interrupt", http.StatusOK, interrupt)
	steer("POST /ops/projections/{name}/rollback", http.StatusOK, rollback)
	steer("POST /ops/projections/{name}/pause", http.StatusOK, pause)
	steer("POST /ops/projections/{name}/resume", http.StatusOK, resume)
	s.registerPayments(desk)
}

// refusal says what stands in an operator's way; other errors are passed on.
func refusal(err error) error {
	for _, r := range refusals {
		if errors.Is(err, r.is) {
			return r.problem
		}
	}
	return err
}

var refusals = []struct {
	is      error
	problem problem.Problem
}{
	{projections.ErrUnknown, problem.New(problem.NotFound, "There is no such read model.")},
	{projections.ErrRebuilding, problem.New(problem.RebuildRunning, "A new generation of the read model is being made already.")},
	{projections.ErrOtherBuild, problem.New(problem.RebuildRunning, "Another build is making a generation of the read model by its own definition.")},
	{projections.ErrPaused, problem.New(problem.ProjectionPaused, "The read model is paused; resume it first.")},
	{projections.ErrNotRebuilding, problem.New(problem.NoRebuild, "No new generation of the read model is being made.")},
	{projections.ErrNoPrevious, problem.New(problem.NoEarlierGeneration, "The read model has no earlier generation to go back to.")},
	{projections.ErrNotParked, problem.New(problem.NotFound, "The read model has not set that event aside.")},
	{projections.ErrNeedsRebuild, problem.New(problem.RebuildNeeded, "What this read model has set aside only a rebuild takes up again.")},
	{projections.ErrStillFails, problem.New(problem.StillFails, "The stream still can't be applied. It stays set aside.")},
	{projections.ErrNotCaughtUp, problem.New(problem.EarlierGenerationBehind, "The earlier generation lacks events that the present one shows, and nobody feeds it fast enough.")},
}

// answer answers with how the read model of the path stands now.
func (s *Server) answer(w http.ResponseWriter, r *staff.Request, status int) error {
	name := r.PathValue("name")
	all, err := s.modes[r.Mode].Cursors.Statuses(r.Context())
	if err != nil {
		return err
	}
	for _, p := range group(all) {
		if p.Name == name {
			return staff.JSON(w, status, p)
		}
	}
	return refusal(projections.ErrUnknown)
}
