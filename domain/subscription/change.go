package subscription

import "fmt"

func (s State) pause(c Pause) ([]Event, error) {
	switch {
	case s.Ended != "":
		return nil, ErrEnded
	case s.Paused:
		return nil, ErrPaused
	}
	if err := checkReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{Paused(c)}, nil
}

// resume skips what fell into the pause and was not got to yet. An occurrence that
// waits for a retry is tried again if its time has not run out.
func (s State) resume(c Resume) ([]Event, error) {
	switch {
	case s.Ended != "":
		return nil, ErrEnded
	case !s.Paused:
		return nil, ErrNotPaused
	}
	return s.finish(c.Now.At, append(s.skippedBy(c.Now.At, SkippedPaused), Resumed{})...), nil
}

func (s State) cancel(c Cancel) ([]Event, error) {
	if s.Ended != "" {
		return nil, ErrEnded
	}
	if err := checkReason(c.Reason); err != nil {
		return nil, err
	}
	return s.cancelled(c.Now.At, Cancelled{By: c.By, Reason: c.Reason}), nil
}

// end returns what follows from the end of the subscription's mandate, or of its
// method. A mandate that has let through all that it ever will leaves nothing to
// do; any other end leaves a schedule without a method. If nothing of the schedule
// lies ahead, it comes to its end by itself.
func (s State) end(c End) []Event {
	if s.Ended != "" || c.MandateID != s.MandateID {
		return nil
	}
	switch c.Cause {
	case CauseExhausted:
		return s.cancelled(c.Now.At, Completed{})
	case CauseExpired:
		if _, ahead := s.Schedule().Occurrence(s.Schedule().Through(c.Now.At) + 1); !ahead {
			return nil
		}
	case CauseRevoked, CauseMethodUnusable:
	default:
		panic(fmt.Sprintf("subscription: a mandate's end by %q is not handled", c.Cause))
	}
	if s.MethodRequired {
		return nil
	}
	return []Event{PaymentMethodRequired{}}
}
