package simulator

import (
	"cmp"
	"context"
	"runtime"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	groupMax     = 64 // operations in one transaction
	groupQueue   = 1024
	groupTimeout = operationTimeout
)

// group performs operations that arrive together in one transaction, so that they share
// its round trip and its sync: while one is on its way, the next gathers. Of two servers'
// groups that wait for each other, PostgreSQL ends one; what was in it is then performed
// one by one.
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
		return operation{}, ctx.Err()
	}
}

func (g *group) run() {
	defer close(g.ended)
	for first := range g.queue {
		// Who was just answered may come with the next operation.
		runtime.Gosched()
		turns := g.gather(first)
		err := g.performAll(turns)
		if err != nil && len(turns) > 1 {
			for _, t := range turns {
				t.done <- g.performAll([]*turn{t})
			}
			continue
		}
		for _, t := range turns {
			t.done <- err
		}
	}
}

// gather returns first and what has come meanwhile, in the order in which rows are
// locked: authorisations before what stands alone, by their references, then keys.
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
	slices.SortStableFunc(turns, func(a, b *turn) int {
		return cmp.Or(cmp.Compare(b.asked.Authorisation, a.asked.Authorisation), cmp.Compare(a.asked.Key, b.asked.Key))
	})
	return turns
}

// performAll performs all or none. After an error that came once they were performed,
// they may be performed again: their references are there then.
func (g *group) performAll(turns []*turn) error {
	ctx, cancel := context.WithTimeout(context.Background(), groupTimeout)
	defer cancel()
	batch := &pgx.Batch{}
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
