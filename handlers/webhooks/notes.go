package webhooks

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/eventstore"
	"tender/handlers/webhooks/egress"
)

const (
	notesMax      = 200 // in one statement
	notesWaiting  = 4096
	notesTriesMax = 5
	notesBackoff  = 200 * time.Millisecond
	notesTimeout  = 5 * time.Second
	// notesGather is how long the first note of a batch waits for others. Until a note
	// is written its delivery's lease holds, which is far longer.
	notesGather = 50 * time.Millisecond
)

// note is what is written down about a delivery outside the log: the try, and
// what becomes of the lease. Losing one means that the delivery is sent again once
// its lease has run out.
type note struct {
	id    string
	owner string
	// wait is how long nobody may take the delivery; from done on, if that is not
	// 0, nobody has to, because it has ended.
	wait time.Duration
	done int64

	try tried
}

// tried is one try; number 0: none was made.
type tried struct {
	number                 int
	endpointID, merchantID string
	startedAt              time.Time
	next                   time.Duration // 0: there is none
	answer                 egress.Answer
}

// notebook writes notes in batches: while one is being written, the next
// gathers.
type notebook struct {
	pool  *pgxpool.Pool
	log   *slog.Logger
	write string
	tries string
	in    chan note
}

func newNotebook(pool *pgxpool.Pool, log eventstore.Log, logger *slog.Logger) *notebook {
	name := func(table string) string { return pgx.Identifier{log.WorkSchema(), table}.Sanitize() }
	replace := strings.NewReplacer("{leases}", name("leases"), "{attempts}", name("delivery_attempts")).Replace
	return &notebook{
		pool: pool, log: logger, in: make(chan note, notesWaiting),
		tries: replace(triesSQL),
		write: replace(`WITH n AS MATERIALIZED (
				SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[],
					$6::int[], $7::text[], $8::text[], $9::timestamptz[], $10::int[], $11::int[],
					$12::text[], $13::text[], $14::bytea[], $15::bigint[])
				AS n (id, owner, wait, done, number, endpoint_id, merchant_id, started_at, duration_ms, status,
					error_class, address, response, next)
			), tried AS (
				INSERT INTO {attempts} (delivery_id, number, endpoint_id, merchant_id, started_at, duration_ms,
					status, error_class, address, response, next_at)
				SELECT id, number, endpoint_id, merchant_id, started_at, duration_ms,
					nullif(status, 0), error_class, address, response,
					CASE WHEN next > 0 THEN clock_timestamp() + next * interval '1 microsecond' END
				FROM n WHERE number > 0
				ON CONFLICT (delivery_id, number) DO NOTHING
			)
			UPDATE {leases} s
			SET owner = '', until = clock_timestamp() + n.wait * interval '1 microsecond', done_position = nullif(n.done, 0)
			FROM n CROSS JOIN LATERAL (SELECT l.ctid AS place FROM {leases} l WHERE l.kind = $1 AND l.id = n.id LIMIT 1) at
			WHERE s.ctid = at.place AND s.owner = n.owner`),
	}
}

// run writes until in is closed and everything is written.
func (b *notebook) run(ctx context.Context) {
	for first := range b.in {
		b.keep(ctx, b.gather(first))
	}
}

// gather returns the next batch: what comes within a while, or until in is closed.
func (b *notebook) gather(first note) []note {
	batch := append(make([]note, 0, notesMax), first)
	late := time.NewTimer(notesGather)
	defer late.Stop()
	for len(batch) < notesMax {
		select {
		case n, open := <-b.in:
			if !open {
				return batch
			}
			batch = append(batch, n)
		case <-late.C:
			return batch
		}
	}
	return batch
}

func (b *notebook) keep(ctx context.Context, batch []note) {
	var err error
	for try := range notesTriesMax {
		if err = b.put(ctx, batch); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(notesBackoff << try):
		}
	}
	b.log.ErrorContext(ctx, "tries of webhook deliveries are lost; they are made again", "count", len(batch), "error", err)
}

func (b *notebook) put(ctx context.Context, batch []note) error {
	ctx, cancel := context.WithTimeout(ctx, notesTimeout)
	defer cancel()
	n := len(batch)
	ids, owners, waits, done := make([]string, n), make([]string, n), make([]int64, n), make([]int64, n)
	numbers, endpoints, merchants := make([]int, n), make([]string, n), make([]string, n)
	started, durations, statuses := make([]time.Time, n), make([]int64, n), make([]int, n)
	classes, addresses, bodies, next := make([]string, n), make([]string, n), make([][]byte, n), make([]int64, n)
	for i, x := range batch {
		ids[i], owners[i], waits[i], done[i] = x.id, x.owner, x.wait.Microseconds(), x.done
		numbers[i], endpoints[i], merchants[i] = x.try.number, x.try.endpointID, x.try.merchantID
		started[i], durations[i], statuses[i] = x.try.startedAt, x.try.answer.Duration.Milliseconds(), x.try.answer.Status
		classes[i], addresses[i], bodies[i] = x.try.answer.Class.Failure(), x.try.answer.Address, x.try.answer.Body
		next[i] = x.try.next.Microseconds()
	}
	_, err := b.pool.Exec(ctx, b.write, leaseKind, ids, owners, waits, done,
		numbers, endpoints, merchants, started, durations, statuses, classes, addresses, bodies, next)
	return errors.Wrap(err, "write down tries")
}
