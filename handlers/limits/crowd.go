package limits

import "sync"

// crowd knows who is in flight in this process.
type crowd struct {
	mu sync.Mutex
	of map[subject]*group
}

// group are those in flight for one subject.
type group struct {
	members int
	changed chan struct{} // closed when one of them has ended
}

// enter adds one to each subject's group. It returns how many were there before, and
// a channel that is closed as soon as one of any of them ends.
func (c *crowd) enter(subjects []subject) (before map[subject]int, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[subject]*group{}
	}
	before = make(map[subject]int, len(subjects))
	for _, s := range subjects {
		g := c.of[s]
		if g == nil {
			g = &group{changed: make(chan struct{})}
			c.of[s] = g
		}
		before[s] = g.members
		g.members++
		if changed == nil || g.members > 1 {
			changed = g.changed
		}
	}
	return before, changed
}

// withdraw takes one out who has not begun; leave one who has ended, so that others
// may look again.
func (c *crowd) withdraw(subjects []subject) { c.out(subjects, false) }
func (c *crowd) leave(subjects []subject)    { c.out(subjects, true) }

func (c *crowd) out(subjects []subject, tell bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range subjects {
		g := c.of[s]
		g.members--
		if g.members == 0 {
			delete(c.of, s)
		}
		if tell {
			close(g.changed)
			g.changed = make(chan struct{})
		}
	}
}
