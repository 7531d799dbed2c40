package subscription

import "slices"

// CheckReplacement refuses a session of this amount, in minor units, that is to
// give the subscription another method: it must collect nothing, or what is
// overdue.
func (s State) CheckReplacement(amount int64) error {
	switch {
	case !s.Exists():
		return ErrNotFound
	case s.Ended != "":
		return ErrEnded
	case amount != 0 && amount != s.OverdueAmount():
		return ErrAmountNotOverdue
	}
	return nil
}

// claimOverdue reserves what is overdue for one session. What is in flight can't
// be: it may be paid already.
func (s State) claimOverdue(c ClaimOverdue) ([]Event, error) {
	if s.Hold.SessionID == c.SessionID {
		return nil, nil
	}
	if err := s.CheckReplacement(c.Amount); err != nil || c.Amount == 0 {
		return nil, err
	}
	if s.Hold.SessionID != "" {
		return nil, ErrOverdueInFlight
	}
	claimed := OverdueClaimed{SessionID: c.SessionID}
	for _, o := range s.Overdue {
		if open, ok := s.open(o.Number); ok && open.InFlight {
			return nil, ErrOverdueInFlight
		}
		claimed.Numbers = append(claimed.Numbers, o.Number)
	}
	return []Event{claimed}, nil
}

// releaseOverdue leaves what was claimed to the schedule again, which has ended
// meanwhile if the subscription has.
func (s State) releaseOverdue(c ReleaseOverdue) []Event {
	if s.Hold.SessionID != c.SessionID {
		return nil
	}
	events := []Event{OverdueReleased{SessionID: c.SessionID}}
	if s.Ended == "" {
		return events
	}
	for _, o := range s.Open {
		if !o.InFlight {
			events = append(events, OccurrenceUncollected{Number: o.Number, ScheduledFor: o.ScheduledFor})
		}
	}
	return events
}

// replaceMethod puts the new method in the old one's place. What fell due while
// there was none is skipped.
func (s State) replaceMethod(c ReplaceMethod) []Event {
	replaced := MethodReplaced{PaymentMethodID: c.PaymentMethodID, MandateID: c.MandateID, SessionID: c.SessionID}
	if s.Hold.SessionID == c.SessionID {
		replaced.Settled = slices.Clone(s.Hold.Numbers)
	}
	if s.Ended != "" {
		if len(replaced.Settled) == 0 {
			return nil
		}
		return []Event{replaced}
	}
	var events []Event
	if s.MethodRequired && !s.Paused {
		events = s.skippedBy(c.Now.At, SkippedMethodMissing)
	}
	events = append(events, replaced)
	if s.recovers(c.Now.At, events) {
		events = append(events, Recovered{})
	}
	return s.finish(c.Now.At, events...)
}
