package merchant_test

import (
	"reflect"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/merchant"
)

func slowed() merchant.Slowed {
	return merchant.Slowed{Attempts: 120, Failed: 61, PerMinute: 10, SlowedAt: noon, SlowedUntil: noon.Add(10 * time.Minute)}
}

func released() merchant.Released { return merchant.Released{Attempts: 80, Failed: 40} }

// A merchant is slowed when more than half of enough attempts have failed, and released
// when no more than half of those have that were let through since.
func TestJudge(t *testing.T) {
	t.Parallel()
	free, slow := withKeys(1), withKeys(1, slowed())
	for _, c := range []struct {
		name             string
		given            []merchant.Event
		attempts, failed int
		after            time.Duration
		then             []merchant.Event
	}{
		{"nothing happened", free, 0, 0, 0, nil},
		{"too few to judge", free, 99, 99, 0, nil},
		{"half of them failed", free, 100, 50, 0, nil},
		{"more than half", free, 120, 61, 0, []merchant.Event{slowed()}},
		{"all of the fewest", free, 100, 100, 0, []merchant.Event{merchant.Slowed{
			Attempts: 100, Failed: 100, PerMinute: 10, SlowedAt: noon, SlowedUntil: noon.Add(10 * time.Minute),
		}}},
		{"one more than half of an odd number", free, 101, 51, 0, []merchant.Event{merchant.Slowed{
			Attempts: 101, Failed: 51, PerMinute: 10, SlowedAt: noon, SlowedUntil: noon.Add(10 * time.Minute),
		}}},
		{"slowed already", slow, 120, 61, 0, nil},
		{"slowed already, by another process a moment later", slow, 200, 150, time.Second, nil},
		{"better, and too soon", slow, 80, 40, 10*time.Minute - time.Millisecond, nil},
		{"better", slow, 80, 40, 10 * time.Minute, []merchant.Event{released()}},
		{"nobody came", slow, 0, 0, 10 * time.Minute, []merchant.Event{merchant.Released{}}},
		{"few came and failed", slow, 3, 2, time.Hour, nil},
		{"no better", slow, 100, 51, time.Hour, nil},
		{"released already", withKeys(1, slowed(), released()), 80, 40, time.Hour, nil},
		{"slowed again", withKeys(1, slowed(), released()), 120, 61, 0, []merchant.Event{slowed()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := noon.Add(c.after)
			got, err := merchant.Decide(fold(c.given...), merchant.Judge{
				Attempts: c.attempts, Failed: c.failed, AttemptsJudged: 100, Window: 10 * time.Minute, PerMinute: 10,
				Now: domain.Moment{At: at, Wall: at},
			})
			if err != nil || !reflect.DeepEqual(got, c.then) && len(got)+len(c.then) > 0 {
				t.Errorf("what happens is %+v, %v, not %+v", got, err, c.then)
			}
		})
	}
	if fold(free...).Slowed() || !fold(slow...).Slowed() || fold(withKeys(1, slowed(), released())...).Slowed() {
		t.Error("a merchant is slowed from one turn to the next")
	}
}
