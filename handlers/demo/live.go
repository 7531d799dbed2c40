package demo

import (
	"fmt"
	"net/http"
	"time"
)

// live tells a page that it is no longer new, whenever something changes; the page
// then reads itself again. A page for which there is no room looks by itself now and
// then.
func (s *Shop) live(w http.ResponseWriter, r *http.Request) {
	select {
	case s.open <- struct{}{}:
		defer func() { <-s.open }()
	default:
		http.Error(w, "Too many pages are live.", http.StatusServiceUnavailable)
		return
	}
	control := http.NewResponseController(w)
	// The server's limits are for requests that come to an end.
	if control.SetReadDeadline(time.Time{}) != nil || control.SetWriteDeadline(time.Now().Add(streamMax+streamBeat)) != nil {
		http.Error(w, "This connection can't be kept open.", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	beat, end := time.NewTicker(streamBeat), time.NewTimer(streamMax)
	defer beat.Stop()
	defer end.Stop()
	for {
		s.mu.Lock()
		revision, changed := s.revision, s.changed
		s.mu.Unlock()
		if _, err := fmt.Fprintf(w, "retry: 1000\ndata: %s %d\n\n", s.opened, revision); err != nil || control.Flush() != nil {
			return
		}
		if !s.await(r, changed, beat.C, end.C) {
			return
		}
	}
}

// await waits for a change, and a moment longer, since changes come in bursts, or
// for the time to say that the connection lives. False: the stream ends.
func (s *Shop) await(r *http.Request, changed <-chan struct{}, beat, end <-chan time.Time) bool {
	select {
	case <-changed:
	case <-beat:
		return true
	case <-end:
		return false
	case <-r.Context().Done():
		return false
	case <-s.ctx.Done():
		return false
	}
	select {
	case <-time.After(streamPause):
		return true
	case <-r.Context().Done():
		return false
	case <-s.ctx.Done():
		return false
	}
}
