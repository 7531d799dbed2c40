package vault

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// keysPerBatch is how many owners' keys are read, or moved, in one go.
const keysPerBatch = 200

// Progress is how far a rewrap has come, in owners' keys.
type Progress struct {
	Done  int // gone through
	Total int // that there were at the beginning
}

type storedKey struct {
	keyRow
	owner string
}

// Rewrap moves owners' keys that another master key wrapped to the current one,
// batch by batch, and returns how many. Entries are not touched. It may be
// repeated, and run beside everything else. Keys that can't be opened are left,
// and make the error at the end. Progress, unless nil, is told after each batch.
func (v *Vault) Rewrap(ctx context.Context, progress func(Progress)) (moved int, err error) {
	const count = `
		select count(*) from vault.keys
		where (master_id, master_version) <> ($1, $2) and wrapped is not null`
	if v.file != nil {
		if _, err := v.file.fresh(); err != nil {
			return 0, err
		}
	}
	masterID, masterVersion := v.keys.wrapper.Current()
	var p Progress
	if err := v.pool.QueryRow(ctx, count, masterID, masterVersion).Scan(&p.Total); err != nil {
		return 0, errors.Wrap(err, "count the keys to rewrap")
	}
	const stale = `(master_id, master_version) <> ($3, $4)`
	var broken brokenKeys
	for keys, err := range v.storedKeys(ctx, stale, masterID, masterVersion) {
		if err != nil {
			return moved, err
		}
		n, err := v.rewrap(ctx, keys, &broken)
		if err != nil {
			return moved, err
		}
		moved += n
		p.Done += len(keys)
		if progress != nil {
			progress(p)
		}
	}
	return moved, errors.Wrapf(broken.why, "%d owners' keys can't be opened, among them that of %s", broken.count, broken.owner)
}

// brokenKeys counts keys that can't be opened.
type brokenKeys struct {
	count int
	owner string // of the last one
	why   error
}

// add reports whether err says that a key is broken, and counts it.
func (b *brokenKeys) add(owner string, err error) bool {
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnknownMasterKey) {
		return false
	}
	b.count++
	b.owner, b.why = owner, err
	return true
}

// storedKeys goes through the keys that meet a condition, in batches. The
// condition's parameters begin with $3.
func (v *Vault) storedKeys(ctx context.Context, where string, args ...any) func(func([]storedKey, error) bool) {
	read := `
		select id, owner, master_id, master_version, wrapped from vault.keys
		where wrapped is not null and id > $1 and ` + where + `
		order by id limit $2`
	return func(yield func([]storedKey, error) bool) {
		var last uuid.UUID
		for {
			rows, err := v.pool.Query(ctx, read, append([]any{last, keysPerBatch}, args...)...)
			if err != nil {
				yield(nil, errors.Wrap(err, "read owners' keys"))
				return
			}
			keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (storedKey, error) {
				var k storedKey
				err := row.Scan(&k.id, &k.owner, &k.wrapped.MasterID, &k.wrapped.MasterVersion, &k.wrapped.Bytes)
				return k, err
			})
			if err != nil {
				yield(nil, errors.Wrap(err, "read owners' keys"))
				return
			}
			if len(keys) == 0 || !yield(keys, nil) {
				return
			}
			last = keys[len(keys)-1].id
		}
	}
}

// rewrap replaces wrapped keys, each unless it has changed or gone in the
// meantime.
func (v *Vault) rewrap(ctx context.Context, keys []storedKey, broken *brokenKeys) (int, error) {
	const replace = `
		update vault.keys k set master_id = n.master_id, master_version = n.master_version, wrapped = n.wrapped
		from unnest($1::uuid[], $2::text[], $3::int[], $4::bytea[], $5::text[], $6::int[])
			as n (id, master_id, master_version, wrapped, old_id, old_version)
		where k.id = n.id and k.master_id = n.old_id and k.master_version = n.old_version
			and not exists (select from vault.closed_masters c
				where c.master_id = n.master_id and c.master_version = n.master_version)`
	var ids []uuid.UUID
	var masters, oldMasters []string
	var versions, oldVersions []int
	var wrapped [][]byte
	for _, k := range keys {
		plain, err := v.keys.wrapper.Unwrap(ctx, k.wrapped, keyData(k.owner, k.id))
		if broken.add(k.owner, err) {
			continue
		}
		if err != nil {
			return 0, errors.Wrap(err, "unwrap an owner's key")
		}
		w, err := v.keys.wrapper.Wrap(ctx, plain, keyData(k.owner, k.id))
		if err != nil {
			return 0, errors.Wrap(err, "rewrap an owner's key")
		}
		ids, wrapped = append(ids, k.id), append(wrapped, w.Bytes)
		masters, versions = append(masters, w.MasterID), append(versions, w.MasterVersion)
		oldMasters, oldVersions = append(oldMasters, k.wrapped.MasterID), append(oldVersions, k.wrapped.MasterVersion)
	}
	var moved int
	err := pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		// Alone, because others lock several keys in another order.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(masterLock)); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, replace, ids, masters, versions, wrapped, oldMasters, oldVersions)
		moved = int(tag.RowsAffected())
		return err
	})
	return moved, errors.Wrap(err, "write rewrapped keys")
}
