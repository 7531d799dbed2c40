package handlerstest

import (
	"sync/atomic"
	"time"
)

// Clock is what a house takes for the present: the wall's clock, shifted.
type Clock struct {
	shift  atomic.Int64
	onRead atomic.Pointer[func()]
}

// OnRead has f called whenever a serving process reads the clock, as it does at the
// beginning of each try to decide a command; nil: nothing any more.
func (c *Clock) OnRead(f func()) {
	if f == nil {
		c.onRead.Store(nil)
		return
	}
	c.onRead.Store(&f)
}

// Now is the present for the house's processes.
func (c *Clock) Now() time.Time {
	if f := c.onRead.Load(); f != nil {
		(*f)()
	}
	return c.present()
}

func (c *Clock) present() time.Time { return time.Now().Add(time.Duration(c.shift.Load())) }

// Advance shifts the present by d.
func (c *Clock) Advance(d time.Duration) { c.shift.Add(int64(d)) }
