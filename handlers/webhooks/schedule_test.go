package webhooks_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/handlers/webhooks"
)

var contract = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

func TestWait(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`whd_[0-9a-z]{26}`).Draw(t, "delivery")
		for i, nominal := range contract {
			wait, again := webhooks.Wait(id, i+1)
			if low, high := nominal*8/10, nominal*12/10; !again || wait < low || wait > high {
				t.Fatalf("after try %d: %v, %v; want %v to %v", i+1, wait, again, low, high)
			}
			if repeated, _ := webhooks.Wait(id, i+1); repeated != wait {
				t.Fatalf("after try %d: %v, then %v", i+1, wait, repeated)
			}
		}
		for _, try := range []int{-1, 0, webhooks.TriesMax, webhooks.TriesMax + 1} {
			if _, again := webhooks.Wait(id, try); again {
				t.Fatalf("a try follows try %d", try)
			}
		}
	})
}

// The draw is spread over the whole range, and differs between tries.
func TestWaitIsSpread(t *testing.T) {
	t.Parallel()
	const deliveries = 2000
	var low, high int
	var sum time.Duration
	for i := range deliveries {
		wait, _ := webhooks.Wait("whd_"+time.Duration(i).String(), 9)
		sum += wait
		switch {
		case wait < 24*time.Hour*85/100:
			low++
		case wait > 24*time.Hour*115/100:
			high++
		}
	}
	// An eighth lies in each of the outer eighths; 5 standard deviations are 75.
	if low < deliveries/8-75 || low > deliveries/8+75 || high < deliveries/8-75 || high > deliveries/8+75 {
		t.Errorf("%d of %d low, %d high", low, deliveries, high)
	}
	if mean := sum / deliveries; mean < 24*time.Hour*99/100 || mean > 24*time.Hour*101/100 {
		t.Errorf("the mean is %v", mean)
	}
	// Pinned: another release must not move the tries that are planned.
	if wait, _ := webhooks.Wait("whd_7a7xnvwewa39pypbeh8nfjfc0q", 1); wait.Round(time.Microsecond) != 4443032*time.Microsecond {
		t.Errorf("the pinned wait is %v", wait.Round(time.Microsecond))
	}
}

func TestNextTry(t *testing.T) {
	t.Parallel()
	const id = "whd_7a7xnvwewa39pypbeh8nfjfc0q"
	ended := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	wait, _ := webhooks.Wait(id, 1)
	for _, c := range []struct {
		asked, want time.Duration
	}{
		{0, wait}, {time.Second, wait}, {time.Hour, time.Hour}, {24 * time.Hour, 24 * time.Hour}, {25 * time.Hour, 24 * time.Hour}, {-time.Hour, wait},
	} {
		if next, again := webhooks.NextTry(id, 1, ended, c.asked); !again || next.Sub(ended) != c.want {
			t.Errorf("asked for %v: after %v, %v; want %v", c.asked, next.Sub(ended), again, c.want)
		}
	}
	if long, _ := webhooks.Wait(id, 9); long > 20*time.Hour {
		if next, _ := webhooks.NextTry(id, 9, ended, time.Minute); next.Sub(ended) != long {
			t.Errorf("a short Retry-After brings a late try forward to %v", next.Sub(ended))
		}
	}
	if _, again := webhooks.NextTry(id, webhooks.TriesMax, ended, time.Minute); again {
		t.Error("Retry-After gives a try beyond the last")
	}
}
