package verify

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// entry is a row of the journal as it is shown.
type entry struct {
	position          int64
	merchant, account string
	currency          string
	amount            int64
}

// shownEntries reads the journal that is shown, in the order of positions.
type shownEntries struct {
	rows pgx.Rows
	next *entry // nil: none was read ahead
	done bool
	held []entry
}

// journal begins to read the journal that is shown now, and to compute what it has to
// be. Conn is kept for it until it is closed, and shows the journal as of one moment.
func (l Log) journal(ctx context.Context, conn, beside *pgx.Conn) (*journal, error) {
	j := &journal{
		ctx: ctx, db: beside, log: l.table("log", "events"), found: l.Found, paysBack: map[string]bool{},
		sums: Sums{Accounts: map[string]map[string]int64{}},
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, errors.Wrap(err, "begin to read the journal")
	}
	var there bool
	cursors := l.table("read", "projections")
	if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, cursors).Scan(&there); err != nil {
		return nil, errors.Wrap(err, "look for the journal")
	}
	if !there {
		j.sums.Unread = "there is none"
		return j, nil
	}
	var table string
	err = tx.QueryRow(ctx, `SELECT 'journal_g' || generation, position FROM `+cursors+` WHERE name = 'journal' AND serving`).Scan(&table, &j.sums.Compared)
	if errors.Is(err, pgx.ErrNoRows) {
		j.sums.Unread = "there is none"
		return j, nil
	}
	if err != nil {
		return nil, errors.Wrap(err, "look for the journal")
	}
	if j.leftOut, err = l.leftOut(ctx, tx, table, j.sums.Compared); err != nil {
		return nil, err
	}
	j.sums.LeftOut = len(j.leftOut)
	rows, err := tx.Query(ctx, `SELECT first_position, merchant_id, account, currency, amount FROM `+l.table("read", table)+` ORDER BY id`)
	if err != nil {
		return nil, errors.Wrap(err, "read the journal")
	}
	j.shown = &shownEntries{rows: rows}
	return j, nil
}

// leftOut returns the positions that the journal doesn't take in: what operators have
// decided by its position, and what is set aside.
func (l Log) leftOut(ctx context.Context, tx pgx.Tx, table string, upTo int64) (map[int64]bool, error) {
	rows, err := tx.Query(ctx, `SELECT position, leaves FROM (
			SELECT (payload->>'position')::bigint AS position, type = 'read_model.event_skipped' AS leaves, version AS n FROM `+l.table("log", "events")+`
			WHERE stream = 'prj_journal' AND position <= $2
			UNION ALL SELECT position, true, NULL FROM `+l.table("read", "parked_events")+`
			WHERE name = 'journal' AND 'journal_g' || generation = $1 AND position <= $2
		) AS decided ORDER BY n NULLS LAST`, table, upTo)
	if err != nil {
		return nil, errors.Wrap(err, "read what the journal leaves out")
	}
	out := map[int64]bool{}
	var position int64
	var left bool
	_, err = pgx.ForEachRow(rows, []any{&position, &left}, func() error {
		if left {
			out[position] = true
		} else {
			delete(out, position)
		}
		return nil
	})
	return out, errors.Wrap(err, "read what the journal leaves out")
}

// at returns the entries of a position, until the next call. What lies before it was
// asked for before.
func (s *shownEntries) at(position int64) ([]entry, error) {
	s.held = s.held[:0]
	for {
		e, err := s.peek()
		if err != nil || e == nil || e.position > position {
			return s.held, err
		}
		s.held = append(s.held, *e)
		s.next = nil
	}
}

// beyond returns the next entry; nil: there is none.
func (s *shownEntries) beyond() (*entry, error) {
	e, err := s.peek()
	s.next = nil
	return e, err
}

func (s *shownEntries) peek() (*entry, error) {
	if s.next != nil || s.done {
		return s.next, nil
	}
	if !s.rows.Next() {
		s.done = true
		return nil, errors.Wrap(s.rows.Err(), "read the journal")
	}
	var e entry
	if err := s.rows.Scan(&e.position, &e.merchant, &e.account, &e.currency, &e.amount); err != nil {
		return nil, errors.Wrap(err, "read the journal")
	}
	s.next = &e
	return s.next, nil
}
