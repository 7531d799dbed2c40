package main_test

import (
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
