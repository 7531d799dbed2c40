package simulator

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	groupMax   = 64 // operations in one transaction
	groupQueue = 1024
	// groupPatience is how long a group waits for a row that somebody has locked: it holds
	// up everybody.
	groupPatience = 500 * time.Millisecond
)

// group performs operations that arrive together in one transaction, so that they share
// its round trip and its sync: while one is on its way, the next gathers. What was in a
// group that failed is performed by itself, beside the groups that follow.
type group struct {
	pool  *pgxpool.Pool
	queue chan *turn
	ended chan struct{}
}

// turn is an operation on its way through a group.
type turn struct {
	asked  operation
	stands operation // where done brings no error: what stands under the key
	taken  bool      // before this operation came
	done   chan error
	left   atomic.Bool // the caller has left
}

func newGroup(pool *pgxpool.Pool) *group {
	g := &group{pool: pool, queue: make(chan *turn, groupQueue), ended: make(chan struct{})}
	go g.run()
	return g
}

// close waits for what is under way. Nothing may be performed any more.
func (g *group) close() {
	close(g.queue)
	<-g.ended
}

// perform performs o unless its key is taken, and returns what stands under the key: o
// itself if its reference is there. Where ctx ends early, o may be performed nonetheless.
func (g *group) perform(ctx context.Context, o operation) (operation, error) {
	t := &turn{asked: o, done: make(chan error, 1)}
	select {
	case g.queue <- t:
	case <-ctx.Done():
		return operation{}, ctx.Err()
	}
	select {
	case err := <-t.done:
		return t.stands, err
	case <-ctx.Done():
		t.left.Store(true)
		return operation{}, ctx.Err()
	}
}

func (g *group) run() {
	defer close(g.ended)
	var alone sync.WaitGroup
	defer alone.Wait()
	for first := range g.queue {
		// Who was just answered may come with the next operation.
		runtime.Gosched()
		turns := g.gather(first)
		if len(turns) == 0 {
			continue
		}
		err := g.performAll(turns, groupPatience)
		for _, t := range turns {
			if err == nil {
				t.done <- nil
				continue
			}
			alone.Go(func() { t.done <- g.performAll([]*turn{t}, operationTimeout) })
		}
	}
}

// gather returns first and what has come meanwhile, but for what nobody waits for any
// more, in the order in which rows are locked: authorisations before what stands alone,
// by their references, then keys.
func (g *group) gather(first *turn) []*turn {
	turns := []*turn{first}
	for len(turns) < groupMax {
		select {
		case t, open := <-g.queue:
			if open {
				turns = append(turns, t)
				continue
			}
		default:
		}
		break
	}
	turns = slices.DeleteFunc(turns, func(t *turn) bool { return t.left.Load() })
	slices.SortStableFunc(turns, func(a, b *turn) int {
		return cmp.Or(cmp.Compare(b.asked.Authorisation, a.asked.Authorisation), cmp.Compare(a.asked.Key, b.asked.Key))
	})
	return turns
}

// performAll performs all or none, and waits so long for a row that somebody has locked.
// After an error that came once they were performed, they may be performed again: their
// references are there then.
func (g *group) performAll(turns []*turn, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
	defer cancel()
	batch := &pgx.Batch{}
	batch.Queue(`select set_config('lock_timeout', $1, true)`, strconv.FormatInt(patience.Milliseconds(), 10))
	for _, t := range turns {
		sql, arguments := t.asked.performing()
		batch.Queue(sql, arguments...).QueryRow(t.read)
	}
	if err := g.pool.SendBatch(ctx, batch).Close(); err != nil {
		return errors.Wrap(err, "perform operations")
	}
	for _, t := range turns {
		if !t.taken {
			continue
		}
		var err error
		if t.stands, err = find(ctx, g.pool, t.asked.Key, ""); err != nil {
			return err
		}
	}
	return nil
}

// read reads what became of the operation.
func (t *turn) read(row pgx.Row) error {
	var err error
	t.stands, t.taken, err = t.asked.performed(row)
	return err
}
