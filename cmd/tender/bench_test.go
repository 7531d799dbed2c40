package main_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tender/cmd/tender/internal/bench"
	"tender/cmd/tender/internal/devenv"
	"tender/domain/payment"
)

// cpu is the processor time that i has used.
func (i *installation) cpu() (time.Duration, error) { return bench.CPUOf(i.cmd.Process.Pid) }

func TestWhatIsMeasuredWasPaid(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	m := bench.NewMerchant(i.env[devenv.URL], i.env[devenv.SecretKey], i.cpu)
	const clients = 3
	paid, err := m.Payments(t.Context(), clients, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	series, err := m.Series(t.Context(), clients, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	captured, charged := 0, 0
	for _, p := range i.states() {
		if p.CaptureMethod == payment.CaptureManual && p.Captured == p.Amount {
			captured++
			if p.MandateID != "" {
				charged++
			}
		}
	}
	if charged != series.Count || captured != paid.Count+series.Count || paid.Count == 0 || series.Count == 0 {
		t.Errorf("%d captured, %d of them without the customer, but %d and %d were measured", captured, charged, paid.Count, series.Count)
	}
	for _, f := range []bench.Figures{paid, series} {
		if f.Clients != clients || f.CPU <= 0 || f.P50 <= 0 || f.P99 < f.P50 {
			t.Errorf("figures %+v", f)
		}
	}
}

// The scheduler is measured with two workers beside an installation that leaves the
// work to them: each subscription falls due at its minute, and nobody else has done
// anything about webhooks.
func TestWorkersBesideWhatHasNone(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start("--roles", "api,checkout,relay,projector")
	arrived := make(chan struct{}, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} }))
	t.Cleanup(receiver.Close)
	i.must(http.StatusCreated, http.MethodPost, "/webhooks/endpoints", "hook", `{"url":"`+receiver.URL+`/","events":["subscription.created"]}`)
	m := bench.NewMerchant(i.env[devenv.URL], i.env[devenv.SecretKey], i.cpu)
	first := time.Now().Add(5 * time.Hour).Truncate(time.Minute)
	made, err := m.Subscribe(t.Context(), 2, 3, first)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range made {
		shown := i.must(http.StatusOK, http.MethodGet, "/collect/subscriptions/"+id, "", "")
		if at := shown.text("next_payment_at"); at != first.UTC().Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("subscription %s is due at %q, not at %s", id, at, first)
		}
	}
	i.eventually(startTimeout, "the messages are listed", func() bool {
		list := i.must(http.StatusOK, http.MethodGet, "/webhooks/deliveries?status=pending", "", "")
		waiting, _ := list["data"].([]any)
		return len(waiting) == len(made)
	})
	if len(arrived) != 0 {
		t.Errorf("%d messages were sent without a worker", len(arrived))
	}
	for range 2 {
		i.beside("serve", "--roles", "worker")
	}
	for range made {
		select {
		case <-arrived:
		case <-time.After(startTimeout):
			t.Fatal("the workers send nothing")
		}
	}
}
