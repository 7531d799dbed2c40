package subscriptions_test

import (
	"slices"
	"testing"
	"time"
)

// A subscription that a customer has agreed to at the checkout is collected by the
// worker: each occurrence once, when it falls due, and as a session of its own.
func TestAWorkerCollects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribed(goodCard, object{"type": "first_in_series", "options": object{
		"mandate_options": object{
			"type": "scheduled", "amount": 2000,
			"recurrence": object{"type": "monthly", "interval_count": 1, "on": object{"type": "day_of_month", "days": []int{1}}},
		},
		"subscription_options": object{"scheduled_time": "08:30"},
	}})
	first := nextMonth(b.Clock.Now()).Add(8*time.Hour + 30*time.Minute)
	b.subscription(id).Shows(object{
		"status": "active", "amount": 2000, "currency": "ZAR", "scheduled_time": "08:30", "time_zone": "UTC", "version": 1,
		"next_payment_at": instant(first), "upcoming.0": instant(first), "upcoming.1": instant(first.AddDate(0, 1, 0)),
	})

	b.Clock.Advance(first.Sub(b.Clock.Now()) + time.Second)
	b.First.Project()
	b.First.Work()
	eventually(t, "the first occurrence is paid", func() bool { return len(b.events(t, id)) == 3 })
	want := []string{"subscription.created", "subscription.charge_started", "subscription.charge_succeeded"}
	if got := b.types(t, id); !slices.Equal(got, want) {
		t.Errorf("the subscription's events are %q", got)
	}
	b.subscription(id).Shows(object{"status": "active", "next_payment_at": instant(first.AddDate(0, 1, 0))})
	b.Get(sessionsPath + "/" + b.lastSession(t, id)).Is(200).Shows(object{
		"type": "next_in_series", "subscription_id": id, "status": "completed", "payment_outcome": "paid",
		"occurrence.number": 1, "occurrence.attempt": 1, "occurrence.scheduled_for": instant(first),
		"occurrence.will_retry": false,
	})
	eventually(t, "the list shows it", func() bool {
		return b.Get(subscriptionsPath+"?status=active").Is(200).Text("data.0.next_payment_at") == instant(first.AddDate(0, 1, 0))
	})
	if n := b.Get(subscriptionsPath + "?status=paused").Is(200).Len("data"); n != 0 {
		t.Errorf("%d subscriptions are paused", n)
	}
}

func nextMonth(t time.Time) time.Time {
	return time.Date(t.UTC().Year(), t.UTC().Month()+1, 1, 0, 0, 0, 0, time.UTC)
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
