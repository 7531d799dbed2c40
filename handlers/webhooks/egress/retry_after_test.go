package egress_test

import (
	"net/http"
	"testing"
	"time"

	"tender/handlers/webhooks/egress"
)

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, " 5 ": 5 * time.Second,
		"86400": 24 * time.Hour, "86401": 24 * time.Hour, "9223372036854775807": 24 * time.Hour,
		"99999999999999999999999": 0, "-5": 0, "1.5": 0, "soon": 0,
		now.Add(time.Hour).Format(http.TimeFormat):       time.Hour,
		now.Add(-time.Hour).Format(http.TimeFormat):      0,
		now.Add(48 * time.Hour).Format(http.TimeFormat):  24 * time.Hour,
		now.Add(90 * time.Second).Format(time.RFC850):    90 * time.Second,
		"Mon, 04 May 9999 12:00:00 GMT":                  24 * time.Hour,
		now.Add(time.Minute).Format(time.RFC3339) + "\n": 0,
	} {
		if got := egress.ParseRetryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Mon, 04 May 2026 12:00:00 GMT")
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		if d := egress.ParseRetryAfter(value, now); d < 0 || d > egress.RetryAfterMax {
			t.Fatalf("%q: %v", value, d)
		}
	})
}
