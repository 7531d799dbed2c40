package webhook

import "time"

// When an endpoint fails, and when it is given up.
const (
	// FailingTries and FailingAfter say when an endpoint fails: so many tries in a row
	// have failed, over at least so long. Both, because under load a moment's trouble is
	// many tries, and because of a quiet endpoint one says little.
	FailingTries = 5
	FailingAfter = time.Minute
	// DisabledAfter is how long an endpoint fails until it is disabled.
	DisabledAfter = 5 * 24 * time.Hour
)

// Run is an unbroken run of an endpoint's failed tries: none arrived between them.
type Run struct {
	Since time.Time // when the first of them began
	Until time.Time // when the last one ended
	Tries int
}

// And returns the run with one more failed try.
func (r Run) And(startedAt, endedAt time.Time) Run {
	if r.Tries == 0 || startedAt.Before(r.Since) {
		r.Since = startedAt
	}
	if r.Tries == 0 || endedAt.After(r.Until) {
		r.Until = endedAt
	}
	r.Tries++
	return r
}

// Fails reports whether a run is long enough to say that its endpoint fails.
func (r Run) Fails() bool {
	return r.Tries >= FailingTries && r.Until.Sub(r.Since) >= FailingAfter
}

// Failing reports whether the endpoint is known to fail.
func (e Endpoint) Failing() bool { return !e.FailingSince.IsZero() }

// anew has the endpoint judged by tries from an instant on.
func (e Endpoint) anew(from time.Time) Endpoint {
	e.JudgedFrom, e.FailingSince = from, time.Time{}
	return e
}

// failed says what a run of failed tries makes of the endpoint. Tries of before it
// was changed, or was well, or at another URL say nothing of it.
func (e Endpoint) failed(c RecordFailures) []Event {
	switch {
	case e.Status != StatusEnabled || c.URL != e.URL || c.Run.Since.Before(e.JudgedFrom):
		return nil
	case !e.Failing() && c.Run.Fails():
		return []Event{EndpointFailing{Since: c.Run.Since}}
	case e.Failing() && c.Run.Until.Sub(e.FailingSince) >= DisabledAfter:
		return []Event{EndpointDisabled{Reason: DisabledFailing}}
	}
	return nil
}

// arrived says what a message that arrived makes of the endpoint.
func (e Endpoint) arrived(c RecordArrival) []Event {
	if !e.Failing() || c.URL != e.URL {
		return nil
	}
	return []Event{EndpointHealed{}}
}
