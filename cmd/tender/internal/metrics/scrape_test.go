package metrics_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tender/cmd/tender/internal/metrics"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/storetest"
	"tender/handlers/api"
	"tender/projections"
)

func TestMain(m *testing.M) { os.Exit(m.Run()) }

// scrapeMax is longer than a scrape takes that nothing answers, and shorter than
// Prometheus waits by default.
const scrapeMax = 8 * time.Second

// scrape returns what a scrape shows, which has to come in time.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scrapeMax)
	defer cancel()
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("the scrape got no answer in time: %v", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v: %s", answer.StatusCode, err, text)
	}
	return string(text)
}

// holds fails the test unless the scrape has all the lines.
func holds(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the scrape lacks %s:\n%s", line, ours(text))
		}
	}
}

// ours are the lines that are no library's.
func ours(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "tender_") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func watched(t *testing.T, db storetest.DB) *metrics.Metrics {
	t.Helper()
	m := metrics.New("test")
	store := storetest.Open(t, db, "test")
	m.Watch(metrics.Log{Store: store, Cursors: projections.NewCursors(store), Relay: func() feed.RelayState {
		return feed.RelayState{Condition: feed.RelayFailing, Position: 0}
	}})
	return m
}

// A log that somebody has locked keeps nobody waiting, and neither does a server that
// is gone. When it is back, so is what it said.
func TestPostgreSQLThatDoesNotAnswerHangsNoScrape(t *testing.T) {
	t.Parallel()
	server := storetest.Server(t)
	m := watched(t, server.DB)
	good := []string{`tender_log_readable{mode="test"} 1`, `tender_log_position{mode="test"} 0`}
	holds(t, scrape(t, m), good...)

	conn, err := pgx.Connect(t.Context(), server.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE log_test.events IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	locked := scrape(t, m)
	holds(t, locked, `tender_log_readable{mode="test"} 0`, `tender_relay_state{mode="test",state="failing"} 1`)
	if strings.Contains(locked, "tender_log_position{") {
		t.Error("a position is shown that can't be known")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context())
	holds(t, scrape(t, m), good...)

	server.Kill(t)
	holds(t, scrape(t, m), `tender_log_readable{mode="test"} 0`)
	server.Start(t)
	var last string
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		if last = scrape(t, m); strings.Contains(last, good[0]) {
			break
		}
	}
	holds(t, last, good...)
}

// How far the log is sealed is said as soon as it was; without that nobody is alarmed.
func TestSealingThatIsBehind(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t)
	m := watched(t, db)
	holds(t, scrape(t, m), `tender_seal_position{mode="test"} 0`, `tender_seal_lag_events{mode="test"} 0`, `tender_seal_lag_seconds{mode="test"} 0`, `tender_seal_stopped{mode="test"} 0`)
	store := storetest.Open(t, db, "test")
	for n := range 3 {
		c := eventstore.Command{ID: uuid.Must(uuid.NewV7()), Expect: []eventstore.Expectation{{Stream: "x_1", Version: n}}, Events: []eventstore.NewEvent{{
			Stream: "x_1", Type: "x.happened", SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()), At: time.Now().Truncate(time.Millisecond), Payload: []byte(`{}`),
		}}}
		if _, err := store.Append(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, scrape(t, m), `tender_seal_lag_events{mode="test"} 0`)
	for _, sql := range []string{
		`INSERT INTO work_test.checkpoints (number, size, note, sealed_at, handover, leaves) VALUES (1, 1, '', now() - interval '1 hour', false, '')`,
		`INSERT INTO work_test.seal_alarm (since, size, reason) VALUES (now(), 1, 'x')`,
	} {
		if _, err := store.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	text := scrape(t, m)
	holds(t, text, `tender_seal_position{mode="test"} 1`, `tender_seal_lag_events{mode="test"} 2`, `tender_seal_stopped{mode="test"} 1`)
	if strings.Contains(text, `tender_seal_lag_seconds{mode="test"} 0`+"\n") || !strings.Contains(text, `tender_seal_checkpoint_age_seconds{mode="test"} 360`) {
		t.Errorf("how late it is, and how old:\n%s", ours(text))
	}
}

func TestNATSThatIsGoneIsSaid(t *testing.T) {
	t.Parallel()
	server, err := feed.StartServer(feed.ServerConfig{StoreDir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := feed.Connect(server.ReaderURL(), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	lost := nc.StatusChanged()
	m := metrics.New("test")
	m.WatchConnection("feed", nc)
	holds(t, scrape(t, m), `tender_nats_connected{connection="feed"} 1`)
	server.Stop()
	select {
	case <-lost:
	case <-time.After(time.Minute):
		t.Fatal("the connection doesn't notice")
	}
	holds(t, scrape(t, m), `tender_nats_connected{connection="feed"} 0`)
}

// What a client makes up is no label.
func TestLabelsHaveAnEnd(t *testing.T) {
	t.Parallel()
	m := metrics.New("test")
	m.Served(api.Served{Method: api.Method("BREW"), Status: 405})
	m.Served(api.Served{Method: "GET", Route: "/checkout/{id}", Status: 200})
	text := scrape(t, m)
	holds(t, text,
		`tender_http_request_seconds_count{method="other",route="other",status="4xx"} 1`,
		`tender_http_request_seconds_count{method="GET",route="/checkout/{id}",status="2xx"} 1`)
	if strings.Contains(text, "BREW") {
		t.Error("a made-up method is shown")
	}
}
