package audit

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tender/handlers/problem"
	desk "tender/handlers/staff"
)

// dateLayout is that of a bare date.
const dateLayout = "2006-01-02"

// when is a moment that a request names: by position, by time, or as a whole day. The
// zero when is not named at all.
type when struct {
	name, text string // of the parameter; what it says
	counted    bool   // it is a position
	position   int64
	day        bool      // it is a date
	from       time.Time // inclusive: the time, or the beginning of the day
	before     time.Time // exclusive: just after the time, or after the day
}

func (w when) named() bool { return w.text != "" }

// readWhen reads a parameter that names a moment. Days are days in UTC, until [when.in]
// says otherwise.
func readWhen(r *desk.Request, name string) when {
	w := when{name: name, text: r.Query.Text(name)}
	if w.text == "" {
		return w
	}
	if n, err := strconv.ParseInt(w.text, 10, 64); err == nil {
		if n < 0 {
			r.Query.Wrong(name, problem.TooSmall, "Positions count from 1.")
		}
		w.counted, w.position = true, n
		return w
	}
	if day, err := time.Parse(dateLayout, w.text); err == nil {
		w.day, w.from, w.before = true, day, day.AddDate(0, 0, 1)
		return w
	}
	t, err := time.Parse(time.RFC3339, w.text)
	if err != nil {
		r.Query.Wrong(name, problem.InvalidFormat, "It must be a position, a time like 2026-10-31T09:30:00Z, or a date like 2026-10-31.")
		return when{name: name}
	}
	// The log counts in microseconds: what was recorded at t was recorded by t.
	w.from, w.before = t.UTC(), t.UTC().Truncate(time.Microsecond).Add(time.Microsecond)
	return w
}

// in returns w with its day being one in a time zone.
func (w when) in(zone *time.Location) when {
	if w.day {
		y, m, d := w.from.Date()
		w.from, w.before = time.Date(y, m, d, 0, 0, 0, 0, zone).UTC(), time.Date(y, m, d+1, 0, 0, 0, 0, zone).UTC()
	}
	return w
}

// last is the last position by w; the head of the log where w is not named. One that
// the log has not reached can't be answered for.
func (m *mode) last(ctx context.Context, r *desk.Request, w when) (int64, error) {
	head, _, err := m.Store.Head(ctx)
	switch {
	case err != nil:
		return 0, err
	case !w.named():
		return head, nil
	case w.position > head:
		r.Query.Wrong(w.name, problem.TooLarge, fmt.Sprintf("The log ends at position %d.", head))
		return 0, r.Query.Err()
	case w.counted:
		return w.position, nil
	}
	return m.Store.PositionAt(ctx, w.before.Add(-time.Microsecond))
}

// first is the first position of w; 1 where w is not named.
func (m *mode) first(ctx context.Context, w when) (int64, error) {
	switch {
	case !w.named():
		return 1, nil
	case w.counted:
		return max(w.position, 1), nil
	}
	before, err := m.Store.PositionAt(ctx, w.from.Add(-time.Microsecond))
	return before + 1, err
}
