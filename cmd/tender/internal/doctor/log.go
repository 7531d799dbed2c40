package doctor

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/eventstore"
)

const (
	// endEvents is how much of the log's end is looked at.
	endEvents = 1000
	// futureMax is how far the last event's time may be ahead of the clock.
	futureMax = time.Second
	// partitionDays is how long a day's idempotency keys stay at least: the day
	// itself, 24 hours for its last answer, and the hour in which they are dropped.
	partitionDays = 3
)

func (p patient) table(schema, name string) string { return pgx.Identifier{schema, name}.Sanitize() }

func (p patient) events() string { return p.table(p.log.Schema(), "events") }

// ends looks at the first events and the last ones: that positions are dense there,
// and that each event follows from the one before.
func (p patient) ends(ctx context.Context, c *chart) error {
	head, _, err := p.store.Head(ctx)
	if err != nil {
		return err
	}
	verify := fmt.Sprintf("Find out what was changed with `tender audit verify --log-only --mode %s`; if it was, restore the database from a backup.", p.log.Mode)
	if head == 0 {
		c.ok("The log is empty.", p.log.Schema()+".events")
		return nil
	}
	if err := p.follows(ctx, 0, [32]byte{}); err != nil {
		return p.broken(c, err, verify)
	}
	from := max(head-endEvents, 0)
	var hash [32]byte
	if from > 0 {
		before, err := p.store.After(ctx, from-1, 1)
		if err != nil {
			return p.broken(c, err, verify)
		}
		hash = before[0].Hash
	}
	if err := p.follows(ctx, from, hash); err != nil {
		return p.broken(c, err, verify)
	}
	c.ok(fmt.Sprintf("The log has %s; its ends are dense, and chained.", counted(head, "event", "events")), fmt.Sprintf("the first and the last %d, with their hashes computed anew", endEvents))
	var ahead float64
	err = p.store.Pool().QueryRow(ctx, `SELECT extract(epoch FROM recorded_at - clock_timestamp())::float8 FROM `+p.events()+` WHERE position = $1`, head).Scan(&ahead)
	if err != nil {
		return err
	}
	if seconds(ahead) > futureMax {
		c.warn(fmt.Sprintf("The last event was recorded %s in the future: until then every event gets that same time.", seconds(ahead).Round(time.Second)),
			"recorded_at of the last event, and PostgreSQL's clock", "PostgreSQL's clock was ahead, and was put back. Let it run by NTP: `timedatectl set-ntp true`; the rest passes by itself.")
	}
	return nil
}

// errBroken says that an event does not follow from the one before.
var errBroken = errors.New("the chain is broken")

func (p patient) broken(c *chart, err error, do string) error {
	if !errors.IsAny(err, errBroken, eventstore.ErrGap) {
		return err
	}
	c.fail("The log is not whole.", err.Error(), do)
	return nil
}

// follows checks events from a position on.
func (p patient) follows(ctx context.Context, after int64, hash [32]byte) error {
	events, err := p.store.After(ctx, after, endEvents)
	if err != nil {
		return err
	}
	for _, e := range events {
		if hash = eventstore.ChainHash(hash, e); hash != e.Hash {
			return errors.Wrapf(errBroken, "at position %d", e.Position)
		}
	}
	return nil
}

// partitions looks at the days of idempotency keys: those ahead are there, those that
// can go are gone.
func (p patient) partitions(ctx context.Context, c *chart) error {
	rows, err := p.store.Pool().Query(ctx, `SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = $1::regclass ORDER BY 1`, p.table(p.log.Schema(), "idempotency_command"))
	if err != nil {
		return err
	}
	days, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	var now time.Time
	if err := p.store.Pool().QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return err
	}
	now = now.UTC()
	tomorrow := now.AddDate(0, 0, 1).Format("20060102")
	keep := fmt.Sprintf("Serving processes do it every hour; without one: `psql \"$DATABASE_URL\" -c \"SELECT * FROM %s.keep_partitions()\"`.", p.log.Schema())
	if !slices.Contains(days, tomorrow) {
		c.warn("The partition for tomorrow's idempotency keys isn't made: nobody has looked after them for days.", "pg_inherits", keep)
	}
	for _, day := range days {
		if day >= now.AddDate(0, 0, -partitionDays).Format("20060102") {
			continue
		}
		open, err := p.unanswered(ctx, day)
		if err != nil {
			return err
		}
		if open == 0 {
			c.warn(fmt.Sprintf("The idempotency keys of %s can be dropped, and are still there.", day), "pg_inherits; every command of that day is answered", keep)
			continue
		}
		c.warn(fmt.Sprintf("The idempotency keys of %s stay, because %s of that day got no answer, or not 24 hours ago.", day, counted(open, "command", "commands")),
			fmt.Sprintf("%s.idempotency_command_%s, idempotency_answer_%s", p.log.Schema(), day, day),
			fmt.Sprintf("Look at what they were about, payments that are still undecided as a rule: `psql \"$DATABASE_URL\" -c \"%s\"`.",
				strings.Join(strings.Fields(fmt.Sprintf(unansweredSQL, p.log.Schema(), day)), " ")))
	}
	if !c.bad() {
		c.ok("The idempotency keys are looked after.", fmt.Sprintf("partitions of %d days", len(days)))
	}
	return nil
}

// unansweredSQL are a day's commands without an answer that has stood for 24 hours.
// The application reads partitions by their parents only.
const unansweredSQL = `SELECT stream, recorded_at FROM %[1]s.idempotency_command c
	WHERE recorded_at >= timestamptz '%[2]s 00:00:00+00' AND recorded_at < timestamptz '%[2]s 00:00:00+00' + interval '1 day'
	AND NOT EXISTS (SELECT FROM %[1]s.idempotency_answer a WHERE a.command_id = c.command_id AND a.command_recorded_at = c.recorded_at
		AND a.recorded_at <= clock_timestamp() - interval '24 hours') LIMIT 100`

// unanswered counts them.
func (p patient) unanswered(ctx context.Context, day string) (n int64, err error) {
	err = p.store.Pool().QueryRow(ctx, `SELECT count(*) FROM (`+fmt.Sprintf(unansweredSQL, p.log.Schema(), day)+`) u`).Scan(&n)
	return n, err
}

// growth says how much comes to the log in a day: what the disk has to bear.
func (p patient) growth(ctx context.Context, c *chart) error {
	head, _, err := p.store.Head(ctx)
	if err != nil {
		return err
	}
	before, err := p.atTime(ctx, head, 24*time.Hour)
	if err != nil {
		return err
	}
	c.ok(fmt.Sprintf("%s came in the last 24 hours.", counted(head-before, "event", "events")), "recorded_at, which rises with the position")
	return nil
}

// atTime returns the last position that was recorded so long ago or before. Times
// never run backwards, so that it is found by halving.
func (p patient) atTime(ctx context.Context, head int64, ago time.Duration) (int64, error) {
	var failed error
	n := sort.Search(int(head), func(i int) bool {
		var later bool
		err := p.store.Pool().QueryRow(ctx, `SELECT recorded_at > clock_timestamp() - $2::interval FROM `+p.events()+` WHERE position = $1`, i+1, ago).Scan(&later)
		if err != nil {
			failed = err
		}
		return later
	})
	return int64(n), failed
}
