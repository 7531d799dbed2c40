package api_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tender/handlers/api"
	"tender/handlers/handlerstest"
	"tender/handlers/token"
	"tender/projections"
)

// A list that is not far enough yet is what the caller asked to be told; nobody
// is to be woken for it.
func TestAListThatIsBehindIsNoErrorOfOurs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stop := b.First.Project()
	b.sessions(t, 1)
	stop()
	sealer, err := token.NewSealer(bytes.Repeat([]byte{7}, 32))
	must(t, err)
	var log bytes.Buffer
	m := b.First.Test
	server := api.New(api.Config{
		Accounts: map[string]*api.Account{"test": {
			Engine: m.Engine, Payments: m.Payments, Cursors: m.Cursors, Lists: projections.NewLists(m.Engine.Store.Pool(), m.Engine.Store.Log()),
		}},
		BaseURL: handlerstest.BaseURL, Sealer: sealer, FingerprintKey: []byte("key"), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	head, _, err := m.Engine.Store.Head(t.Context())
	must(t, err)
	r := httptest.NewRequest(http.MethodGet, sessions+"?min_position="+sealer.Position(b.merchant.ID, "test", head+1000), nil)
	r.Header.Set("Authorization", "Bearer "+b.merchant.Secret)
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "position_not_reached") {
		t.Fatalf("the answer is %d: %s", w.Code, w.Body)
	}
	if said := log.String(); !strings.Contains(said, "level=INFO") || strings.Contains(said, "level=ERROR") || !strings.Contains(said, "code=position_not_reached") {
		t.Errorf("the log says %q", said)
	}
}
