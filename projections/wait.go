package projections

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
)

const (
	// WaitMax is how long [Cursors.WaitFor] waits.
	WaitMax = 2 * time.Second
	// The poll for projections that another process keeps: it begins often and
	// becomes rarer.
	waitPollMin = 10 * time.Millisecond
	waitPollMax = 200 * time.Millisecond
)

// ErrBehind says that a projection did not reach a position in time.
var ErrBehind = errors.New("the read model is behind")

// WaitFor returns once the projection that the views of that name show has reached
// position. It waits [WaitMax] at most, then it is [ErrBehind]; or ctx's error. A
// projection that this process keeps is hurried and noticed at once, another's within
// 400 ms under load.
func (c *Cursors) WaitFor(ctx context.Context, name string, position int64) error {
	limit := time.NewTimer(WaitMax)
	defer limit.Stop()
	poll := time.NewTimer(0)
	defer poll.Stop()
	wait := waitPollMin
	var seen int64
	called := false
	for {
		at, moved := c.moved.position(name)
		if at >= position {
			return nil
		}
		if !called {
			called = true
			defer c.moved.call(name)()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return errors.Wrapf(ErrBehind, "%s is at %d, not %d", name, max(at, seen), position)
		case <-moved:
		case <-poll.C:
			var err error
			if seen, err = c.Position(ctx, name); err != nil || seen >= position {
				return err
			}
			poll.Reset(wait)
			wait = min(2*wait, waitPollMax)
		}
	}
}

// WaitForAll returns once all read models of these names have reached position,
// however long that takes, or with ctx's error. Those that an operator has paused,
// or that have stopped, are not waited for.
func (c *Cursors) WaitForAll(ctx context.Context, position int64, names ...string) error {
	for {
		all, err := c.Statuses(ctx)
		if err != nil {
			return err
		}
		behind := false
		for _, s := range all {
			moves := s.State == Running || s.State == Parked
			if !s.Serving || !moves || s.Position >= position || !slices.Contains(names, s.Name) {
				continue
			}
			behind = true
			if err := c.WaitFor(ctx, s.Name, position); err != nil && !errors.Is(err, ErrBehind) {
				return err
			}
		}
		if !behind {
			return nil
		}
	}
}

// Moved returns a channel that is closed when a projection that this process keeps
// has moved, or its state was changed here.
func (c *Cursors) Moved() <-chan struct{} {
	_, moved := c.moved.position("")
	return moved
}

// progress knows how far the projections have come that this process keeps and
// serves, and wakes those who wait for them.
type progress struct {
	mu sync.Mutex
	at map[string]int64
	ch chan struct{} // nil: nobody waits

	waiting map[string]int // how many wait for a projection
	calls   chan struct{}  // closed when somebody begins to wait; nil: nobody wants to know
}

// call says that somebody waits for a projection, until the returned function is
// called: it doesn't gather events for a larger batch then.
func (p *progress) call(name string) (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		p.waiting = map[string]int{}
	}
	p.waiting[name]++
	if p.calls != nil {
		close(p.calls)
		p.calls = nil
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waiting[name]--; p.waiting[name] == 0 {
			delete(p.waiting, name)
		}
	}
}

// called reports whether somebody waits for a projection, and returns a channel that
// is closed when somebody begins to wait for any.
func (p *progress) called(name string) (bool, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == nil {
		p.calls = make(chan struct{})
	}
	return p.waiting[name] > 0, p.calls
}

// position returns where a projection is, 0 if that is not known here, and a channel
// that is closed when any moves.
func (p *progress) position(name string) (int64, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ch == nil {
		p.ch = make(chan struct{})
	}
	return p.at[name], p.ch
}

// reached says that a projection has come to position.
func (p *progress) reached(name string, position int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = map[string]int64{}
	}
	p.at[name] = position
	p.wake()
}

// broadcast wakes all who wait.
func (p *progress) broadcast() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wake()
}

func (p *progress) wake() {
	if p.ch != nil {
		close(p.ch)
		p.ch = nil
	}
}
