package vault

import (
	"context"
	"crypto/rand"
	"sync"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// unwrappedMax bounds the owners' keys that a process holds in the clear.
	unwrappedMax = 4096
	// mintTriesMax bounds the rounds of a key that is made and destroyed by turns.
	mintTriesMax = 3
)

// keyRow is an owner's key as it is stored.
type keyRow struct {
	id      uuid.UUID
	wrapped Wrapped
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
	unwrapped map[uuid.UUID][]byte
}

func newOwnerKeys(pool *pgxpool.Pool, wrapper KeyWrapper) *ownerKeys {
	return &ownerKeys{pool: pool, wrapper: wrapper, unwrapped: make(map[uuid.UUID][]byte)}
}

// forWriting returns the owner's key, made now if there is none.
func (o *ownerKeys) forWriting(ctx context.Context, owner string) (ownerKey, error) {
	for range mintTriesMax {
		row, err := o.load(ctx, owner)
		if errors.Is(err, pgx.ErrNoRows) {
			if err := o.mint(ctx, owner); err != nil {
				return ownerKey{}, err
			}
			continue // whoever was first, theirs is the key
		}
		if err != nil {
			return ownerKey{}, errors.Wrap(err, "read an owner's key")
		}
		plain, err := o.unwrap(ctx, owner, row)
		return ownerKey{id: row.id, plain: plain}, err
	}
	return ownerKey{}, errors.Newf("the key of %s vanished as often as it was made", owner)
}

func (o *ownerKeys) load(ctx context.Context, owner string) (keyRow, error) {
	const read = `select id, master_id, master_version, wrapped from vault.keys where owner = $1`
	var row keyRow
	err := o.pool.QueryRow(ctx, read, owner).
		Scan(&row.id, &row.wrapped.MasterID, &row.wrapped.MasterVersion, &row.wrapped.Bytes)
	return row, err
}

func (o *ownerKeys) mint(ctx context.Context, owner string) error {
	unique, err := uuid.NewV7()
	if err != nil {
		return errors.Wrap(err, "draw a key's id")
	}
	plain := make([]byte, keyBytes)
	rand.Read(plain) // never fails
	w, err := o.wrapper.Wrap(ctx, plain, keyData(owner, unique))
	if err != nil {
		return errors.Wrap(err, "wrap an owner's key")
	}
	const insert = `
		insert into vault.keys (id, owner, master_id, master_version, wrapped)
		values ($1, $2, $3, $4, $5)
		on conflict (owner) do nothing`
	_, err = o.pool.Exec(ctx, insert, unique, owner, w.MasterID, w.MasterVersion, w.Bytes)
	return errors.Wrap(err, "write an owner's key")
}

func (o *ownerKeys) unwrap(ctx context.Context, owner string, row keyRow) ([]byte, error) {
	o.mu.Lock()
	plain, known := o.unwrapped[row.id]
	o.mu.Unlock()
	if known {
		return plain, nil
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
	o.unwrapped[row.id] = plain
	return plain, nil
}

// keyData binds a wrapped key to its owner and its id.
func keyData(owner string, key uuid.UUID) []byte {
	return additionalData(keyPurpose, owner, key.String())
}
