package engine

import (
	"context"
	"time"
)

// OnClock makes this try happen at the time of a test clock, whose stream it reads:
// the append holds only if the clock has not moved meanwhile. Without a clock it
// stays at the wall's time. Calls to the outside go by the wall's time either way.
func (tx *Tx) OnClock(ctx context.Context, clockID string) error {
	if clockID == "" {
		return nil
	}
	c, err := Read(ctx, tx, tx.g.ClockObjects, clockID)
	if err != nil {
		return err
	}
	tx.Now.At = time.Time(c.Value.FrozenTime)
	return nil
}
