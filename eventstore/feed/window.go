package feed

import (
	"sync"

	"tender/eventstore"
)

// windowMax is how many events a reader keeps for those who are a little behind;
// whoever is further behind reads from the log.
const windowMax = 8192

// window is the end of the log as far as a reader has seen it: the events at
// positions first … last without a gap, each following the one before by its
// chain hash.
type window struct {
	mu     sync.Mutex
	events []eventstore.Event // events[0] is at first
	last   int64
	hash   [32]byte      // chain hash at last
	grown  chan struct{} // closed when events are added; nil: nobody waits
	// prepare, unless it is nil, is called for each event that is added.
	prepare func(*eventstore.Event)
}

// reset empties the window, so that it goes on after position, whose chain hash in
// the log is hash.
func (w *window) reset(position int64, hash [32]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events, w.last, w.hash = nil, position, hash
}

// add appends those of events that the window doesn't have yet, and reports whether
// they follow without a gap. The caller vouches for their hashes.
func (w *window) add(events []eventstore.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		if e.Position <= w.last {
			continue
		}
		if e.Position != w.last+1 {
			return false
		}
		w.push(e)
	}
	return true
}

// verdict is what a window says of an event that came by message.
type verdict int

const (
	accepted verdict = iota
	known            // the window has that position already
	gap              // events are missing before it
	forged           // it does not follow the last one
)

// offer appends e if it follows by position and chain hash.
func (w *window) offer(e eventstore.Event) verdict {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case e.Position <= w.last:
		return known
	case e.Position > w.last+1:
		return gap
	case eventstore.ChainHash(w.hash, e) != e.Hash:
		return forged
	}
	w.push(e)
	return accepted
}

// push appends e. The lock must be held. Slices that were handed out stay as they
// are: what lies before their end is never written again.
func (w *window) push(e eventstore.Event) {
	if len(w.events) >= 2*windowMax {
		kept := make([]eventstore.Event, windowMax, 2*windowMax+1)
		copy(kept, w.events[len(w.events)-windowMax:])
		w.events = kept
	}
	if w.prepare != nil {
		w.prepare(&e)
	}
	w.events = append(w.events, e)
	w.last, w.hash = e.Position, e.Hash
	if w.grown != nil {
		close(w.grown)
		w.grown = nil
	}
}

// after returns up to limit events after position. With none, it says whether they
// were here and are gone, so that the log must be read, and otherwise returns a
// channel that is closed when the window grows.
func (w *window) after(position int64, limit int) (events []eventstore.Event, gone bool, grown <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if position >= w.last {
		if w.grown == nil {
			w.grown = make(chan struct{})
		}
		return nil, false, w.grown
	}
	first := w.last - int64(len(w.events)) + 1
	if position < first-1 {
		return nil, true, nil
	}
	from := int(position + 1 - first)
	to := min(from+limit, len(w.events))
	return w.events[from:to:to], false, nil
}

// at returns the event at position, if it is in the window.
func (w *window) at(position int64) (eventstore.Event, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := int64(len(w.events)) - 1 - (w.last - position)
	if i < 0 || position > w.last {
		return eventstore.Event{}, false
	}
	return w.events[i], true
}

// end returns the last position and its chain hash.
func (w *window) end() (int64, [32]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, w.hash
}
