package vault

import (
	"context"
	"iter"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	// destroyedPerBatch bounds the owners that are destroyed in one transaction.
	destroyedPerBatch = 500
	// OwnersPerPage is how many owners one call of [Vault.Owners] returns at most.
	OwnersPerPage = 1000
)

// DestroyOwner destroys an owner's key and all entries. When it has returned, no
// process can read or write anything of theirs, and none ever will: the owner's
// name stays taken, also where the vault had not heard of it. It may be repeated.
func (v *Vault) DestroyOwner(ctx context.Context, owner string) error {
	_, err := v.DestroyOwners(ctx, func(yield func(string, error) bool) { yield(owner, nil) })
	return err
}

// DestroyOwners is [Vault.DestroyOwner] for many, and returns how many of them
// still had a key. It is meant for the start of a process, too: a vault that was
// restored from a backup has keys again that the log says are destroyed, while of
// those that are destroyed already there is little to do. An error in the
// sequence ends it; those before it are destroyed.
func (v *Vault) DestroyOwners(ctx context.Context, owners iter.Seq2[string, error]) (int, error) {
	var destroyed int
	batch := make([]string, 0, destroyedPerBatch)
	flush := func() error {
		n, err := v.destroy(ctx, batch)
		destroyed += n
		batch = batch[:0]
		return err
	}
	for owner, err := range owners {
		if err == nil && (owner == "" || len(owner) > OwnerBytesMax) {
			err = errors.AssertionFailedf("an owner's name of %d bytes", len(owner))
		}
		if err != nil {
			err = errors.CombineErrors(err, flush())
			return destroyed, err
		}
		if batch = append(batch, owner); len(batch) == destroyedPerBatch {
			if err := flush(); err != nil {
				return destroyed, err
			}
		}
	}
	err := flush()
	return destroyed, err
}

// destroy empties the rows of the owners' keys first: who writes an entry just now
// has locked the key's row, so that the entry is there to be deleted afterwards;
// who comes later finds no key.
func (v *Vault) destroy(ctx context.Context, owners []string) (int, error) {
	if len(owners) == 0 {
		return 0, nil
	}
	// Locks are taken in the order of the names, so that two can't wait for each
	// other.
	const empty = `
		insert into vault.keys as k (id, owner, destroyed_at)
		select gen_random_uuid(), o, now() from (select distinct unnest($1::text[]) o order by o) named
		on conflict (owner) do update
		set master_id = null, master_version = null, wrapped = null, destroyed_at = now()
		where k.destroyed_at is null
		returning k.id, xmax <> 0`
	const remove = `
		delete from vault.entries e using vault.keys k
		where e.key_id = k.id and k.owner = any($1) and k.destroyed_at is not null`
	var had []uuid.UUID
	err := pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock_shared($1)`, int64(masterLock)); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, empty, owners)
		if err != nil {
			return err
		}
		var key uuid.UUID
		var existed bool
		_, err = pgx.ForEachRow(rows, []any{&key, &existed}, func() error {
			if existed {
				had = append(had, key)
			}
			return nil
		})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, remove, owners)
		return err
	})
	if err != nil {
		return 0, errors.Wrap(err, "destroy owners")
	}
	v.keys.forget(had)
	return len(had), nil
}

// Owners returns, in a fixed order, the next owners behind after ("": the first)
// whose key is there: at most [OwnersPerPage], none at the end.
func (v *Vault) Owners(ctx context.Context, after string) ([]string, error) {
	const list = `
		select owner from vault.keys where wrapped is not null and owner > $1
		order by owner limit $2`
	rows, err := v.pool.Query(ctx, list, after, OwnersPerPage)
	if err != nil {
		return nil, errors.Wrap(err, "list the vault's owners")
	}
	owners, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return owners, errors.Wrap(err, "list the vault's owners")
}

// Delete removes one entry of an owner's. It may be repeated: that nothing is
// there is no error. Backups have it until they are gone, because the owner's key
// stays.
//
// An entry that events name should be put in doubt ([Vault.Doubt]) before the
// append that gives it up, and deleted after it: if the process dies in between,
// the sweep deletes it.
func (v *Vault) Delete(ctx context.Context, owner, ref string) error {
	_, err := v.pool.Exec(ctx, `delete from vault.entries where ref = $1 and owner = $2`, ref, owner)
	return errors.Wrap(err, "delete from the vault")
}

// Doubt makes the sweep ask about an entry again, once it has been in doubt for
// the sweep's grace. It stays readable.
func (v *Vault) Doubt(ctx context.Context, owner, ref string) error {
	const doubt = `update vault.entries set named = false, doubted_at = now() where ref = $1 and owner = $2`
	_, err := v.pool.Exec(ctx, doubt, ref, owner)
	return errors.Wrap(err, "put an entry in doubt")
}
