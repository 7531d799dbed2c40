package projections

import (
	"context"
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
// projection that this process keeps is noticed at once, another's within 200 ms.
func (c *Cursors) WaitFor(ctx context.Context, name string, position int64) error {
	limit := time.NewTimer(WaitMax)
	defer limit.Stop()
	poll := time.NewTimer(0)
	defer poll.Stop()
	wait := waitPollMin
	var seen int64
	for {
		at, moved := c.moved.position(name)
		if at >= position {
			return nil
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
