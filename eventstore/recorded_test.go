package eventstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tender/eventstore"
)

// A time finds the last position that was recorded by then.
func TestPositionAt(t *testing.T) {
	b := setup(t)
	at := func(instant time.Time, want int64) {
		t.Helper()
		if got, err := b.store.PositionAt(b.ctx, instant); err != nil || got != want {
			t.Errorf("by %s it is position %d, %v; want %d", instant, got, err, want)
		}
	}
	at(time.Now(), 0)
	for i := range 9 {
		b.mustAppend(t, write(fmt.Sprint("ps_", i), 0, 1+i%3))
	}
	all := events(t, b.store)
	for _, e := range all {
		var by, before int64
		for _, other := range all {
			if !other.RecordedAt.After(e.RecordedAt) {
				by = other.Position
			}
			if other.RecordedAt.Before(e.RecordedAt) {
				before = other.Position
			}
		}
		at(e.RecordedAt, by)
		at(e.RecordedAt.Add(-time.Microsecond), before)
	}
	at(all[0].RecordedAt.Add(-time.Hour), 0)
	at(time.Now().Add(time.Hour), int64(len(all)))

	asSuper(t, b, `ALTER TABLE log_test.events DISABLE TRIGGER immutable; DELETE FROM log_test.events WHERE position < 17`)
	if _, err := b.store.PositionAt(b.ctx, all[0].RecordedAt); !errors.Is(err, eventstore.ErrGap) {
		t.Errorf("in a log with a gap: %v", err)
	}
}
