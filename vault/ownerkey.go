package vault

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// unwrappedMax bounds the owners' keys that a process holds in the clear, and
	// unwrappedAgeMax for how long it uses one.
	unwrappedMax    = 4096
	unwrappedAgeMax = 5 * time.Minute
	// mintTriesMax bounds the rounds of a key that is made as the master key changes.
	mintTriesMax = 3
	// masterLock is an advisory lock. Whoever changes one owner's key shares it;
	// whoever closes a version of the master key, or moves keys in bulk, has it
	// alone. It is held for one statement or a few, never for a call.
	masterLock = 0x7661756c6d // "vaulm"
)

// keyRow is an owner's key as it is stored.
type keyRow struct {
	id        uuid.UUID
	destroyed bool
	wrapped   Wrapped
}

type ownerKey struct {
	id    uuid.UUID
	plain []byte
}

// ownerKeys makes and unwraps owners' keys. Unwrapped ones are remembered by
// their key's id, because a key management service is a call over the network;
// whether a key still exists is asked of the database each time.
type ownerKeys struct {
	pool    *pgxpool.Pool
	wrapper KeyWrapper

	mu        sync.Mutex
	unwrapped map[uuid.UUID]unwrappedKey
}

type unwrappedKey struct {
	plain []byte
	since time.Time
}

func newOwnerKeys(pool *pgxpool.Pool, wrapper KeyWrapper) *ownerKeys {
	return &ownerKeys{pool: pool, wrapper: wrapper, unwrapped: make(map[uuid.UUID]unwrappedKey)}
}

// forWriting returns the owner's key, made now if there is none.
func (o *ownerKeys) forWriting(ctx context.Context, owner string) (ownerKey, error) {
	var refused error
	for range mintTriesMax {
		row, err := o.load(ctx, owner)
		if errors.Is(err, pgx.ErrNoRows) {
			refused, err = o.mint(ctx, owner)
			if err != nil {
				return ownerKey{}, err
			}
			continue // whoever was first, theirs is the key
		}
		if err != nil {
			return ownerKey{}, errors.Wrap(err, "read an owner's key")
		}
		if row.destroyed {
			return ownerKey{}, errors.WithStack(ErrDestroyed)
		}
		plain, err := o.unwrap(ctx, owner, row)
		return ownerKey{id: row.id, plain: plain}, err
	}
	if refused != nil {
		return ownerKey{}, refused
	}
	return ownerKey{}, errors.AssertionFailedf("the key of %s vanished as often as it was made", owner)
}

func (o *ownerKeys) load(ctx context.Context, owner string) (keyRow, error) {
	const read = `
		select id, destroyed_at is not null, coalesce(master_id, ''), coalesce(master_version, 0), wrapped
		from vault.keys where owner = $1`
	var row keyRow
	err := o.pool.QueryRow(ctx, read, owner).
		Scan(&row.id, &row.destroyed, &row.wrapped.MasterID, &row.wrapped.MasterVersion, &row.wrapped.Bytes)
	return row, err
}

// mint makes the owner's key unless there is one. It is refused where the master
// key's version was closed in the meantime: by then the wrapper may know another.
func (o *ownerKeys) mint(ctx context.Context, owner string) (refused, err error) {
	unique, err := uuid.NewV7()
	if err != nil {
		return nil, errors.Wrap(err, "draw a key's id")
	}
	plain := make([]byte, keyBytes)
	rand.Read(plain) // never fails
	w, err := o.wrapper.Wrap(ctx, plain, keyData(owner, unique))
	if err != nil {
		return nil, errors.Wrap(err, "wrap an owner's key")
	}
	const insert = `
		with closed as (
			select from vault.closed_masters where master_id = $3 and master_version = $4
		), made as (
			insert into vault.keys (id, owner, master_id, master_version, wrapped)
			select $1::uuid, $2::text, $3::text, $4::int, $5::bytea where not exists (select from closed)
			on conflict (owner) do nothing
		)
		select exists (select from closed)`
	var batch pgx.Batch // one transaction, in which the second statement sees what the lock waited for
	var closed bool
	batch.Queue(`select pg_advisory_xact_lock_shared($1)`, int64(masterLock))
	batch.Queue(insert, unique, owner, w.MasterID, w.MasterVersion, w.Bytes).
		QueryRow(func(row pgx.Row) error { return row.Scan(&closed) })
	if err := o.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, errors.Wrap(err, "write an owner's key")
	}
	if closed {
		if file, ok := o.wrapper.(*keyFile); ok {
			file.closed(w.MasterVersion)
		}
		return errors.Wrapf(ErrClosedMasterKey, "%s version %d", w.MasterID, w.MasterVersion), nil
	}
	return nil, nil
}

func (o *ownerKeys) unwrap(ctx context.Context, owner string, row keyRow) ([]byte, error) {
	o.mu.Lock()
	known, ok := o.unwrapped[row.id]
	o.mu.Unlock()
	if ok && time.Since(known.since) < unwrappedAgeMax {
		return known.plain, nil
	}
	plain, err := o.wrapper.Unwrap(ctx, row.wrapped, keyData(owner, row.id))
	if err != nil {
		return nil, errors.Wrap(err, "unwrap an owner's key")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.unwrapped) >= unwrappedMax {
		clear(o.unwrapped) // rare, and cheaper than to keep an order
	}
	o.unwrapped[row.id] = unwrappedKey{plain: plain, since: time.Now()}
	return plain, nil
}

// forget drops keys that were destroyed. Other processes stop using theirs,
// because the database says so, and drop them by and by.
func (o *ownerKeys) forget(keys []uuid.UUID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range keys {
		delete(o.unwrapped, key)
	}
}

// keyData binds a wrapped key to its owner and its id.
func keyData(owner string, key uuid.UUID) []byte {
	return additionalData(keyPurpose, owner, key.String())
}
