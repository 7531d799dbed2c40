package eventstore

import (
	"context"
	"sync"
)

// Signal tells the readers of a process how far the log has come by the commits
// of this process. It is a hint that spares them a poll: other processes' commits
// don't show in it, so nobody may rely on it alone.
type Signal struct {
	mu       sync.Mutex
	position int64
	next     chan struct{}
}

func newSignal(position int64) *Signal {
	return &Signal{position: position, next: make(chan struct{})}
}

// Position returns the last position known, and a channel that is closed when
// there is a later one: the form for select loops.
func (s *Signal) Position() (int64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position, s.next
}

// Wait returns the last position known as soon as it is beyond after, or ctx's error.
func (s *Signal) Wait(ctx context.Context, after int64) (int64, error) {
	for {
		position, next := s.Position()
		if position > after {
			return position, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return position, ctx.Err()
		}
	}
}

// fire says that the log reaches position now.
func (s *Signal) fire(position int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if position <= s.position {
		return
	}
	s.position = position
	close(s.next)
	s.next = make(chan struct{})
}
