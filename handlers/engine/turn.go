package engine

import (
	"context"
	"sync"
)

// turns lets those follow one another who want the same stream. A command that lost
// a race for one takes its turn from then on, so that a hundred who want it at once
// need a hundred appends and not a hundred tries each. It spares work in this
// process only; what is right, the log's versions say.
type turns struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is who wants a stream: one at a time holds the token.
type line struct {
	token   chan struct{}
	waiting int // who holds it included
}

// take waits for the caller's turn at stream, and returns what ends it. It fails
// with ctx's error alone.
func (t *turns) take(ctx context.Context, stream string) (end func(), err error) {
	l := t.join(stream)
	select {
	case l.token <- struct{}{}:
		return func() { <-l.token; t.leave(stream, l) }, nil
	case <-ctx.Done():
		t.leave(stream, l)
		return nil, ctx.Err()
	}
}

func (t *turns) join(stream string) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines == nil {
		t.lines = map[string]*line{}
	}
	l := t.lines[stream]
	if l == nil {
		l = &line{token: make(chan struct{}, 1)}
		t.lines[stream] = l
	}
	l.waiting++
	return l
}

func (t *turns) leave(stream string, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.waiting--; l.waiting == 0 {
		delete(t.lines, stream)
	}
}
