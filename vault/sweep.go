package vault

import (
	"context"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

const (
	// SweepGraceMin is the least time that an entry has been in doubt when it is
	// swept. An entry is written before the append that names it, and that append
	// may wait for a database that is away.
	SweepGraceMin = 30 * time.Minute

	batchMax = 200
)

// Entry is what the vault can say of an entry without opening it.
type Entry struct {
	Ref       string
	Owner     string
	Field     string
	CreatedAt time.Time
}

// Verdict is what the log says of an entry.
type Verdict int

// What the log may say of an entry.
const (
	// Unnamed: no event names it as something that is kept, and nothing that is
	// under way can bring one. It is deleted.
	Unnamed Verdict = iota
	// Awaited: whether an event comes to name it depends on an outcome that is
	// outstanding. It stays, and is asked about by the next sweep.
	Awaited
	// Named: an event names it. It is never asked about again, unless it is put in
	// doubt.
	Named
)

// Judge says, of each of the entries in their order, what the log says of it. It
// must answer from the log itself: what it doesn't know is deleted.
type Judge func(ctx context.Context, entries []Entry) ([]Verdict, error)

// Judges asks one judge for each kind of entry, which is what stands before the
// first slash of its field. An entry of another kind is an error: what isn't known
// must not be swept.
func Judges(byKind map[string]Judge) Judge {
	return func(ctx context.Context, entries []Entry) ([]Verdict, error) {
		places := map[string][]int{}
		for i, e := range entries {
			kind, _, _ := strings.Cut(e.Field, "/")
			if byKind[kind] == nil {
				return nil, errors.AssertionFailedf("vault entry %s has the unknown field %q", e.Ref, e.Field)
			}
			places[kind] = append(places[kind], i)
		}
		verdicts := make([]Verdict, len(entries))
		for kind, at := range places {
			ofKind := make([]Entry, len(at))
			for i, place := range at {
				ofKind[i] = entries[place]
			}
			said, err := byKind[kind](ctx, ofKind)
			if err != nil {
				return nil, err
			}
			if len(said) != len(at) {
				return nil, errors.AssertionFailedf("%d verdicts on %d entries of kind %s", len(said), len(at), kind)
			}
			for i, place := range at {
				verdicts[place] = said[i]
			}
		}
		return verdicts, nil
	}
}

// Sweep deletes the entries that have been in doubt for longer than grace (since
// they were written, or since [Vault.Doubt]) and that no event names, and returns
// how many. A grace under [SweepGraceMin] is refused.
func (v *Vault) Sweep(ctx context.Context, grace time.Duration, judge Judge) (int, error) {
	if grace < SweepGraceMin {
		return 0, errors.AssertionFailedf("the vault is swept after %v at the earliest, not %v", SweepGraceMin, grace)
	}
	var swept int
	var last string
	for {
		entries, err := v.doubtful(ctx, grace, last)
		if err != nil || len(entries) == 0 {
			return swept, err
		}
		last = entries[len(entries)-1].Ref
		verdicts, err := judge(ctx, entries)
		if err != nil {
			return swept, errors.Wrap(err, "ask the log which entries it names")
		}
		if len(verdicts) != len(entries) {
			return swept, errors.AssertionFailedf("%d verdicts on %d entries", len(verdicts), len(entries))
		}
		n, err := v.settle(ctx, grace, entries, verdicts)
		swept += n
		if err != nil {
			return swept, err
		}
	}
}

func (v *Vault) doubtful(ctx context.Context, grace time.Duration, after string) ([]Entry, error) {
	const read = `
		select ref, owner, field, created_at from vault.entries
		where not named and doubted_at < now() - $1::interval and ref > $2
		order by ref limit $3`
	rows, err := v.pool.Query(ctx, read, grace, after, batchMax)
	if err != nil {
		return nil, errors.Wrap(err, "list entries to sweep")
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
	return entries, errors.Wrap(err, "list entries to sweep")
}

// settle acts on the verdicts, except where an entry was put in doubt again after
// the log was asked.
func (v *Vault) settle(ctx context.Context, grace time.Duration, entries []Entry, verdicts []Verdict) (swept int, err error) {
	const (
		confirm = `update vault.entries set named = true where ref = any($1) and doubted_at < now() - $2::interval`
		remove  = `delete from vault.entries where ref = any($1) and not named and doubted_at < now() - $2::interval`
	)
	var keep, drop []string
	for i, e := range entries {
		switch verdicts[i] {
		case Named:
			keep = append(keep, e.Ref)
		case Unnamed:
			drop = append(drop, e.Ref)
		case Awaited:
		default:
			return 0, errors.AssertionFailedf("the unknown verdict %d on vault entry %s", verdicts[i], e.Ref)
		}
	}
	if len(keep) > 0 {
		if _, err := v.pool.Exec(ctx, confirm, keep, grace); err != nil {
			return 0, errors.Wrap(err, "confirm entries")
		}
	}
	if len(drop) == 0 {
		return 0, nil
	}
	tag, err := v.pool.Exec(ctx, remove, drop, grace)
	return int(tag.RowsAffected()), errors.Wrap(err, "delete unnamed entries")
}
