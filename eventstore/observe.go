package eventstore

import "time"

// Batch is one try to append: so many commands together, and how long PostgreSQL
// took. Err says that it refused the batch or gave no answer; the commands are then
// tried again, in other company or as they are.
type Batch struct {
	Commands int
	Took     time.Duration
	Err      error
}

// WithObserver has every try to append told to observe, which must not take long: the
// next batch waits for it.
func WithObserver(observe func(Batch)) Option {
	return func(o *options) { o.observe = observe }
}
