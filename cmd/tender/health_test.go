package main_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/cmd/tender/internal/devenv"
)

type readiness struct {
	Status   string            `json:"status"`
	Roles    map[string]string `json:"roles"`
	Problems []string          `json:"problems"`
}

func ready(t *testing.T, url string) (int, readiness) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var out readiness
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, out
}

// A read model that has stopped makes the projector unready, and not the API beside
// it. A paused one is as its operator wants it.
func TestReadinessIsARolesOwn(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	url := i.env[devenv.URL] + "/readyz"
	i.eventually(startTimeout, "all is ready", func() bool {
		status, all := ready(t, url)
		return status == http.StatusOK && all.Status == "ready" && len(all.Problems) == 0 && all.Roles["projector"] == "ready" && all.Roles["relay"] == "ready"
	})
	set := func(state string) {
		conn, err := pgx.Connect(t.Context(), i.env[devenv.DatabaseURL])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		if _, err := conn.Exec(t.Context(), `UPDATE read_test.projections SET state = $1 WHERE name = 'payments' AND serving`, state); err != nil {
			t.Fatal(err)
		}
	}
	set("paused")
	if status, all := ready(t, url+"?role=projector"); status != http.StatusOK {
		t.Errorf("with a paused read model: %d %+v", status, all)
	}
	set("stopped")
	i.eventually(time.Minute, "the projector is not ready", func() bool {
		status, _ := ready(t, url+"?role=projector")
		return status == http.StatusServiceUnavailable
	})
	status, all := ready(t, url)
	if status != http.StatusOK || all.Status != "ready" || all.Roles["api"] != "ready" || all.Roles["projector"] != "unavailable" ||
		len(all.Problems) != 1 || all.Problems[0] != "projections test: payments has stopped" {
		t.Errorf("the API says %d %+v", status, all)
	}
	if status, _ := ready(t, url+"?role=cook"); status != http.StatusServiceUnavailable {
		t.Errorf("a role that isn't played: %d", status)
	}
	set("running")
	worker := i.beside("serve", "--roles", "worker")
	if status, all := ready(t, worker.url+"/readyz"); status != http.StatusOK || len(all.Roles) != 1 || all.Roles["worker"] != "ready" {
		t.Errorf("the worker says %d %+v", status, all)
	}
}
