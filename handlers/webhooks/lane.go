package webhooks

import "time"

const (
	// laneWidth is how many messages are under way to one endpoint at once.
	laneWidth = 8
	// laneQueueMax is how many more are claimed and ready.
	laneQueueMax = 56
	// laneQueueSpared is how many are ready for an endpoint that is spared. They are
	// tried again: what is tried for the first time waits until nothing is under way,
	// so that retries have their turn, however much there is.
	laneQueueSpared = 1
)

// lane is what is on its way to one endpoint from this process. Each endpoint has
// one of its own, so that a slow one holds up nobody else. Only the dispatcher
// touches it.
type lane struct {
	endpointID string
	queue      []job
	inFlight   int
	// spared: the endpoint fails, and gets one message at a time from this process, so
	// that a dead one costs next to nothing.
	spared bool
	// behind: deliveries may be pending beyond from that nobody has claimed.
	// Everything up to from has been claimed once; when it is due again, its
	// lease says.
	behind bool
	from   int64
	// changed is the position of the endpoint's last change that was looked at.
	changed int64
}

// width is how many messages may be under way.
func (l *lane) width() int {
	if l.spared {
		return 1
	}
	return laneWidth
}

// room is how many more deliveries may be claimed.
func (l *lane) room() int {
	queueMax := laneQueueMax
	if l.spared {
		queueMax = laneQueueSpared
	}
	return max(0, l.width()+queueMax-len(l.queue)-l.inFlight)
}

// freshRoom is how much of that is for deliveries that were never claimed.
func (l *lane) freshRoom() int {
	if l.spared {
		return max(0, l.room()-laneQueueSpared)
	}
	return l.room()
}

// hungry reports whether it is time to claim more: a good part at once, rather
// than one for each that is done.
func (l *lane) hungry() bool { return l.behind && len(l.queue) < l.width() && l.freshRoom() > 0 }

// next takes the next job that may start now. Jobs that waited for so long that
// their lease may run out under way are dropped: whoever claims them next sends
// them.
func (l *lane) next(now time.Time) (next job, start bool, dropped []job) {
	for len(l.queue) > 0 && l.inFlight < l.width() {
		next, l.queue = l.queue[0], l.queue[1:]
		if now.Sub(next.claimedAt) <= startMax {
			l.inFlight++
			return next, true, dropped
		}
		dropped = append(dropped, next)
	}
	return job{}, false, dropped
}

// ended takes the end of a job, and what it has taught.
func (l *lane) ended(taught lesson) {
	l.inFlight--
	if taught.learnt {
		l.spared = taught.spared
	}
}
