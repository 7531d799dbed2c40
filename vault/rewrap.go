package vault

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

type staleKey struct {
	keyRow
	owner string
}

// Rewrap moves owners' keys that another master key wrapped to the current one,
// and returns how many. When it has returned without an error, the master key's
// older version can be retired. Entries are not touched. It may be repeated, and
// run beside everything else.
func (v *Vault) Rewrap(ctx context.Context) (int, error) {
	var last uuid.UUID
	var moved int
	for {
		stale, err := v.staleKeys(ctx, last)
		if err != nil {
			return moved, err
		}
		for _, s := range stale {
			last = s.id
			n, err := v.rewrap(ctx, s)
			if err != nil {
				return moved, err
			}
			moved += n
		}
		if len(stale) < batchMax {
			return moved, nil
		}
	}
}

func (v *Vault) staleKeys(ctx context.Context, after uuid.UUID) ([]staleKey, error) {
	const read = `
		select id, owner, master_id, master_version, wrapped from vault.keys
		where (master_id, master_version) <> ($1, $2) and id > $3
		order by id limit $4`
	masterID, masterVersion := v.keys.wrapper.Current()
	rows, err := v.pool.Query(ctx, read, masterID, masterVersion, after, batchMax)
	if err != nil {
		return nil, errors.Wrap(err, "list keys to rewrap")
	}
	stale, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (staleKey, error) {
		var s staleKey
		err := row.Scan(&s.id, &s.owner, &s.wrapped.MasterID, &s.wrapped.MasterVersion, &s.wrapped.Bytes)
		return s, err
	})
	return stale, errors.Wrap(err, "list keys to rewrap")
}

// rewrap replaces a wrapped key unless it has changed or gone in the meantime.
func (v *Vault) rewrap(ctx context.Context, s staleKey) (int, error) {
	const replace = `
		update vault.keys set master_id = $2, master_version = $3, wrapped = $4
		where id = $1 and master_id = $5 and master_version = $6`
	plain, err := v.keys.unwrap(ctx, s.owner, s.keyRow)
	if err != nil {
		return 0, err
	}
	w, err := v.keys.wrapper.Wrap(ctx, plain, keyData(s.owner, s.id))
	if err != nil {
		return 0, errors.Wrap(err, "rewrap an owner's key")
	}
	tag, err := v.pool.Exec(ctx, replace, s.id, w.MasterID, w.MasterVersion, w.Bytes,
		s.wrapped.MasterID, s.wrapped.MasterVersion)
	return int(tag.RowsAffected()), errors.Wrap(err, "write a rewrapped key")
}
