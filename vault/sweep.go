package vault

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

const (
	// SweepGraceMin is the least age of what is swept. An entry is written
	// before the append that names it, and that append may wait for a database
	// that is away.
	SweepGraceMin = time.Hour

	batchMax = 200
)

// Entry is what the vault can say of an entry without opening it.
type Entry struct {
	Ref       string
	Owner     string
	Field     string
	CreatedAt time.Time
}

// Named says, for each of the entries in their order, whether an event in the
// log names its reference. It must answer from the log itself: what it denies is
// deleted.
type Named func(ctx context.Context, entries []Entry) ([]bool, error)

// Sweep deletes the entries older than grace that no event names, and returns
// how many. An entry once found to be named is never asked about again, because
// an event is for ever. A grace under [SweepGraceMin] is refused.
func (v *Vault) Sweep(ctx context.Context, grace time.Duration, named Named) (int, error) {
	if grace < SweepGraceMin {
		return 0, errors.AssertionFailedf("the vault is swept after %v at the earliest, not %v", SweepGraceMin, grace)
	}
	var swept int
	var last string
	for {
		entries, err := v.unconfirmed(ctx, grace, last)
		if err != nil || len(entries) == 0 {
			return swept, err
		}
		last = entries[len(entries)-1].Ref
		answers, err := named(ctx, entries)
		if err != nil {
			return swept, errors.Wrap(err, "ask the log which entries it names")
		}
		if len(answers) != len(entries) {
			return swept, errors.AssertionFailedf("%d answers for %d entries", len(answers), len(entries))
		}
		n, err := v.settle(ctx, entries, answers)
		swept += n
		if err != nil {
			return swept, err
		}
	}
}

func (v *Vault) unconfirmed(ctx context.Context, grace time.Duration, after string) ([]Entry, error) {
	const read = `
		select ref, owner, field, created_at from vault.entries
		where not named and created_at < now() - $1::interval and ref > $2
		order by ref limit $3`
	rows, err := v.pool.Query(ctx, read, grace, after, batchMax)
	if err != nil {
		return nil, errors.Wrap(err, "list entries to sweep")
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
	return entries, errors.Wrap(err, "list entries to sweep")
}

func (v *Vault) settle(ctx context.Context, entries []Entry, named []bool) (swept int, err error) {
	var keep, drop []string
	for i, e := range entries {
		if named[i] {
			keep = append(keep, e.Ref)
			continue
		}
		drop = append(drop, e.Ref)
	}
	if len(keep) > 0 {
		if _, err := v.pool.Exec(ctx, `update vault.entries set named = true where ref = any($1)`, keep); err != nil {
			return 0, errors.Wrap(err, "confirm entries")
		}
	}
	if len(drop) == 0 {
		return 0, nil
	}
	tag, err := v.pool.Exec(ctx, `delete from vault.entries where ref = any($1) and not named`, drop)
	return int(tag.RowsAffected()), errors.Wrap(err, "delete unnamed entries")
}
