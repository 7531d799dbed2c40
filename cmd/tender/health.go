package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"tender/eventstore/feed"
	"tender/projections"
)

// healthTimeout bounds what a question after readiness may cost.
const healthTimeout = 2 * time.Second

// What readiness says.
const (
	isReady       = "ready"
	isUnavailable = "unavailable"
	isDraining    = "draining"
)

// readiness is the answer to whether a process can do its work.
type readiness struct {
	Status string `json:"status"`
	// Roles says the same of each role that the process plays.
	Roles map[string]string `json:"roles,omitempty"`
	// Problems are what stands in the way, in words that tell nothing of what lies
	// behind: anybody may read them.
	Problems []string `json:"problems,omitempty"`
}

// health serves what load balancers and supervisors ask: whether the process lives,
// and whether it can do its work, or with role= that of one role.
func (a *app) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, http.StatusOK, readiness{Status: "ok"}) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if a.draining.Load() {
			answerHealth(w, http.StatusServiceUnavailable, readiness{Status: isDraining})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
		defer cancel()
		found := a.ready(ctx, r.URL.Query().Get("role"))
		status := http.StatusOK
		if found.Status != isReady {
			status = http.StatusServiceUnavailable
		}
		answerHealth(w, status, found)
	})
}

func answerHealth(w http.ResponseWriter, status int, says readiness) {
	body, err := json.Marshal(says)
	if err != nil {
		panic(err) // texts can always be encoded
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// ready says how the process stands. What decides is the role that was asked for,
// else those that take requests: a process that serves merchants must not be taken
// out of the way because its projector stands still. One that takes none is ready if
// all its roles are.
func (a *app) ready(ctx context.Context, asked string) readiness {
	out := readiness{Status: isReady, Roles: map[string]string{}}
	for _, role := range a.config.roles {
		out.Roles[role] = isReady
	}
	for role, problems := range a.problems(ctx) {
		if _, played := out.Roles[role]; !played || len(problems) == 0 {
			continue
		}
		out.Roles[role] = isUnavailable
		out.Problems = append(out.Problems, problems...)
	}
	slices.Sort(out.Problems)
	out.Problems = slices.Compact(out.Problems)
	decisive := []string{asked}
	if asked == "" {
		decisive = slices.DeleteFunc(slices.Clone(a.config.roles), func(role string) bool { return role != roleAPI && role != roleCheckout })
		if len(decisive) == 0 {
			decisive = a.config.roles
		}
	}
	for _, role := range decisive {
		if out.Roles[role] != isReady { // or isn't played here
			out.Status = isUnavailable
		}
	}
	return out
}

// problems are what keeps each role from its work.
func (a *app) problems(ctx context.Context) map[string][]string {
	found := map[string][]string{}
	var mu sync.Mutex
	add := func(problem string, roles ...string) {
		mu.Lock()
		defer mu.Unlock()
		for _, role := range roles {
			found[role] = append(found[role], problem)
		}
	}
	if !a.nats.IsConnected() {
		add("feed: not connected", roleProjector)
	}
	if a.relay != nil && !a.relay.IsConnected() {
		add("feed: the relay is not connected", roleRelay)
	}
	var asked sync.WaitGroup
	for mode, l := range a.logs {
		if l.relay != nil && l.relay.State().Condition == feed.RelayStopped {
			add("feed "+mode+": the relay has stopped", roleRelay)
		}
		asked.Go(func() {
			if err := l.store.Pool().Ping(ctx); err != nil {
				add("database "+mode+": not reachable", allRoles...)
				return
			}
			if a.config.plays(roleProjector) {
				l.stopped(ctx, func(problem string) { add("projections "+mode+": "+problem, roleProjector) })
			}
		})
	}
	asked.Wait()
	return found
}

// stopped tells of read models that stand still by themselves. One that an operator
// has paused is as it should be.
func (l *logApp) stopped(ctx context.Context, tell func(problem string)) {
	all, err := l.cursors.Statuses(ctx)
	if err != nil {
		tell("their state can't be read")
		return
	}
	for _, s := range all {
		if s.Serving && s.State == projections.Stopped {
			tell(s.Name + " has stopped")
		}
	}
}
