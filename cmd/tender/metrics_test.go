package main_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tender/cmd/tender/internal/devenv"
)

// scraped asks for metrics, with a key if there is one.
func scraped(t *testing.T, url, key string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// value is what a scrape says of one series; 0 where it says nothing.
func value(text, series string) float64 {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	v, _ := strconv.ParseFloat(m[1], 64)
	return v
}

// A payment from outside moves every counter that it should, and leaves no trace of
// whose it was. Only operators see them, but on an address of its own.
func TestMetrics(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	url, key := i.env[devenv.URL], i.env[devenv.OperatorKey]
	for name, k := range map[string]string{"nobody": "", "a merchant": i.env[devenv.SecretKey], "finance": i.env[devenv.FinanceKey]} {
		if status, text := scraped(t, url, k); status != http.StatusUnauthorized && status != http.StatusForbidden || strings.Contains(text, "tender_") {
			t.Errorf("%s gets %d %s", name, status, text)
		}
	}
	_, before := scraped(t, url, key)
	arrived := make(chan struct{}, 16)
	receiver := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} })}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = receiver.Serve(listener) }()
	t.Cleanup(func() { _ = receiver.Close() })
	i.must(http.StatusCreated, http.MethodPost, "/webhooks/endpoints", "endpoint", fmt.Sprintf(`{"url":"http://%s/","events":["payment.succeeded"]}`, listener.Addr()))
	s := i.session("counted", 4_200)
	paymentID := i.pay(s, "4242424242424242")

	calls := `tender_acquirer_call_seconds_count{acquirer="simulator",mode="test",operation="authorise",outcome="approved"}`
	sessions := `tender_http_request_seconds_count{method="POST",route="/collect/payment_sessions",status="2xx"}`
	var after string
	moved := map[string]float64{
		sessions: 1, calls: 1, `tender_append_seconds_count{mode="test"}`: 3, `tender_append_batch_commands_count{mode="test"}`: 3,
		`tender_log_position{mode="test"}`: 4, `tender_webhook_delivery_seconds_count{mode="test",outcome="succeeded"}`: 1,
		`tender_projection_position{mode="test",projection="payments"}`: 4, `tender_seal_position{mode="test"}`: 4, `tender_pool_acquires_total{pool="test work"}`: 1,
	}
	stuck := "the scrape itself"
	t.Cleanup(func() {
		if stuck != "" {
			t.Logf("%s has not moved", stuck)
		}
	})
	i.eventually(30*time.Second, "every counter has moved", func() bool {
		_, after = scraped(t, url, key)
		for series, by := range moved {
			if value(after, series)-value(before, series) < by {
				stuck = series
				return false
			}
		}
		stuck = ""
		return value(after, `tender_projection_lag_events{mode="test",projection="payments"}`) == 0
	})
	for series, want := range map[string]float64{
		`tender_log_readable{mode="live"}`: 1, `tender_relay_state{mode="test",state="running"}`: 1, `tender_relay_lag_events{mode="test"}`: 0,
		`tender_nats_connected{connection="relay"}`: 1, `tender_projection_state{mode="test",projection="payments",state="running"}`: 1,
		`tender_sealer_state{mode="test",state="running"}`: 1, `tender_seal_stopped{mode="test"}`: 0, `tender_pool_connections_max{pool="vault"}`: 4,
		`tender_append_failures_total{mode="test"}`: 0, `tender_due_oldest_seconds{mode="test"}`: 0,
	} {
		if !strings.Contains(after, series) || value(after, series) != want {
			t.Errorf("%s is not %v", series, want)
		}
	}
	for _, secret := range []string{s.text("id"), s.text("checkout_session_id"), paymentID, "mer_", "4242"} {
		if strings.Contains(after, secret) {
			t.Errorf("the metrics hold %q", secret)
		}
	}

	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := own.Addr().String()
	_ = own.Close()
	worker := i.beside("serve", "--roles", "worker", "--metrics-listen", address)
	if status, text := scraped(t, "http://"+address, ""); status != http.StatusOK || value(text, `tender_log_position{mode="test"}`) == 0 {
		t.Errorf("on its own address: %d %s", status, text)
	}
	if status, text := scraped(t, worker.url, ""); status == http.StatusOK {
		t.Errorf("the public address shows metrics: %s", text)
	}
}
