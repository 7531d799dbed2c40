package subscription

import (
	"math"
	"time"
)

// UpcomingCount is how many of the next occurrences a subscription shows.
const UpcomingCount = 5

// Upcoming returns the next occurrences that the schedule will begin, as things
// stand at a moment, and no more than limit of them: none while nothing is begun
// at all, because the subscription has ended, is paused or has no usable method.
// One that is due and was not got to yet is among them, unless it will be skipped.
//
// They are no more than the mandate still lets succeed, if all that is in flight does
// and nothing fails. The subscription knows its own payments alone: what the merchant
// charges under the same mandate, or gives back whole, only the mandate counts, and
// nor are its limits by period asked; so it may let fewer through, or more.
func (s State) Upcoming(now time.Time, limit int) []Scheduled {
	if !s.Exists() || s.Ended != "" || s.blocked() || s.Schedule().Over(now) {
		return nil
	}
	n := s.Next
	if s.Plan.Missed == MissedSkip {
		n = max(n, s.Schedule().Through(now.Add(-LateAfter-1))+1)
	}
	var upcoming []Scheduled
	for limit = min(limit, s.paymentsLeft()); len(upcoming) < limit; n++ {
		o, ok := s.Schedule().Occurrence(n)
		if !ok {
			break
		}
		upcoming = append(upcoming, o)
	}
	return upcoming
}

// NextPaymentAt returns when the next try is made, as things stand at a moment: of
// an occurrence or, if that comes first, of one that failed. Zero: none is planned.
func (s State) NextPaymentAt(now time.Time) time.Time {
	if s.Ended != "" || s.blocked() || s.paymentsLeft() == 0 {
		return time.Time{}
	}
	var next time.Time
	if upcoming := s.Upcoming(now, 1); len(upcoming) > 0 {
		next = s.beginAt(upcoming[0])
	}
	for _, o := range s.Open {
		if !o.InFlight && !s.held(o.Number) && !dueBy(s.Schedule().bound(o.Number), now) {
			next = earlier(next, o.RetryAt)
		}
	}
	return next
}

// paymentsLeft is how many more payments the mandate lets begin, as far as the
// subscription knows. As under the mandate, one that is in flight counts until it fails.
func (s State) paymentsLeft() int {
	if s.Plan.PaymentsMax == 0 {
		return math.MaxInt
	}
	left := s.Plan.PaymentsMax - s.Payments
	for _, o := range s.Open {
		if o.InFlight {
			left--
		}
	}
	return max(left, 0)
}
