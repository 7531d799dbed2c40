package eventstore

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// queueMax is how many commands wait in the channel, and as many again behind a
// batch under way; further callers wait to get in.
const queueMax = 4096

// closeTimeout is how long Close waits for what is queued.
const closeTimeout = 10 * time.Second

// The waits between tries to reach the database.
const (
	retryWaitMin = 20 * time.Millisecond
	retryWaitMax = time.Second
)

// batcher is the goroutine that commands of all callers go through: while one
// batch is on its way, the next gathers in the queue. There is no timer, a lone
// command goes at once.
type batcher struct {
	link    *link
	signal  *Signal
	observe func(Batch)
	queue   chan *pending

	mu       sync.RWMutex // held shared while a command enters the queue
	closed   bool
	once     sync.Once
	stopping chan struct{} // closed first, so that nobody waits to enter

	life   context.Context // ends when Close has waited long enough; never a caller's
	end    context.CancelFunc
	exited chan struct{}
}

func newBatcher(l *link, signal *Signal, observe func(Batch)) *batcher {
	life, end := context.WithCancel(context.Background())
	b := &batcher{
		link: l, signal: signal, observe: observe, queue: make(chan *pending, queueMax),
		stopping: make(chan struct{}), life: life, end: end, exited: make(chan struct{}),
	}
	go b.run()
	return b
}

// enqueue hands p to the batcher, or fails with ctx's error or ErrClosed.
func (b *batcher) enqueue(ctx context.Context, p *pending) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return ErrClosed
	}
	select {
	case b.queue <- p:
		return nil
	default:
	}
	select {
	case b.queue <- p:
		return nil
	case <-b.stopping:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close lets the batcher finish what is queued. It may be called more than once.
func (b *batcher) close() {
	b.once.Do(b.stop)
	patience := time.AfterFunc(closeTimeout, b.end)
	defer patience.Stop()
	<-b.exited
	b.end()
}

func (b *batcher) stop() {
	close(b.stopping)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	close(b.queue)
}

func (b *batcher) run() {
	defer close(b.exited)
	defer b.link.drop()
	var waiting, batch []*pending
	for open := true; open || len(waiting) > 0; {
		// Those who were just told may have their next command ready: let them
		// run first, so that it travels now and not a batch later.
		runtime.Gosched()
		waiting, open = b.gather(waiting, open)
		batch, waiting = nextBatch(waiting)
		if len(batch) > 0 {
			b.settle(batch)
		}
	}
}

// gather adds what is queued to waiting. It blocks only if nothing waits.
func (b *batcher) gather(waiting []*pending, open bool) ([]*pending, bool) {
	if len(waiting) == 0 && open {
		p, more := <-b.queue
		if !more {
			return waiting, false
		}
		waiting = append(waiting, p)
	}
	for open && len(waiting) < queueMax {
		select {
		case p, more := <-b.queue:
			if !more {
				return waiting, false
			}
			waiting = append(waiting, p)
		default:
			return waiting, true
		}
	}
	return waiting, open
}

// settle appends a batch and tells its callers. A batch that PostgreSQL refuses is
// halved until the command is found that is to blame; one that got no answer is
// sent again as it is: what it had appended already is found by its command ids.
func (b *batcher) settle(batch []*pending) {
	wait := retryWaitMin
	for try := 1; ; try++ {
		begun := time.Now()
		outcomes, err := b.link.append(b.life, batch)
		b.observe(Batch{Commands: len(batch), Took: time.Since(begun), Err: err})
		switch {
		case err == nil:
			b.tell(batch, outcomes)
			return
		case b.life.Err() != nil:
			failAll(batch, ErrClosed)
			return
		case refused(err) && len(batch) == 1:
			batch[0].done <- settled{err: refusal(err)}
			return
		case refused(err):
			b.settle(batch[:len(batch)/2])
			b.settle(batch[len(batch)/2:])
			return
		}
		slog.Warn("append gets no answer from PostgreSQL, will be repeated", "commands", len(batch), "try", try, "error", err)
		if try > 1 {
			pause(b.life, wait)
			wait = min(2*wait, retryWaitMax)
		}
	}
}

func (b *batcher) tell(batch []*pending, outcomes []settled) {
	var last int64
	for i := range outcomes {
		last = max(last, outcomes[i].result.Last)
	}
	b.signal.fire(last)
	for i, p := range batch {
		p.done <- outcomes[i]
	}
}

func failAll(batch []*pending, err error) {
	for _, p := range batch {
		p.done <- settled{err: err}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
