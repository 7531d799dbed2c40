package handlerstest

import (
	"sync/atomic"
	"time"
)

// Clock is what a house takes for the present: the wall's clock, shifted.
type Clock struct{ shift atomic.Int64 }

// Now is the present in the house.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.shift.Load())) }

// Advance shifts the present by d.
func (c *Clock) Advance(d time.Duration) { c.shift.Add(int64(d)) }
