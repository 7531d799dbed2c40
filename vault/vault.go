// Package vault keeps secrets, encrypted, under references that may stand in
// the log.
//
// Every owner (a merchant, a person) has a key of its own; that key is wrapped by
// a master key that never enters the database. Destroying an owner's key makes all
// that the owner had unreadable: at once in the database, and in its backups,
// files and write-ahead log as soon as these are gone, too, because they hold the
// wrapped key as well.
//
// The package refuses to know what a secret is for: it sees an owner, the name
// of a field, and bytes. It has a schema and a database role of its own, and
// knows nothing of the log.
package vault

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/domain/id"
)

const (
	// SecretBytesMax bounds one secret.
	SecretBytesMax = 16 << 10
	// OwnerBytesMax bounds the name of an owner.
	OwnerBytesMax = 128
	// FieldBytesMax bounds the name of a field.
	FieldBytesMax = 256

	// refPrefix marks a reference into the vault, wherever it is met.
	refPrefix id.Prefix = "vlt"

	connectionsMax = 4
	connectTimeout = 5 * time.Second
)

var (
	// ErrNotFound says that the owner has no such entry: it was never written,
	// was deleted or swept, or belongs to somebody else.
	ErrNotFound = errors.New("the vault has no such entry")
	// ErrDestroyed says that the owner was destroyed: nothing of theirs can be read
	// or written any more, ever.
	ErrDestroyed = errors.New("the vault's owner was destroyed")
	// ErrCorrupt says that an entry or a key is there, but is not what was
	// written: changed, moved to another owner or field, or sealed by a master
	// key of the same name that is another.
	ErrCorrupt = errors.New("the vault's entry is not what was written")
	// ErrTooLarge says that a secret or a name is longer than its limit.
	ErrTooLarge = errors.New("too large for the vault")
)

// Vault reads and writes entries. It is safe for concurrent use.
type Vault struct {
	pool *pgxpool.Pool
	keys *ownerKeys
	file *keyFile // the master key's, where it is in one
}

// Open connects as the vault's role and checks the schema version; it never
// migrates.
func Open(ctx context.Context, url string, keys KeyRing) (*Vault, error) {
	if keys.wrapper == nil {
		return nil, errors.AssertionFailedf("vault opened without a key ring")
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.Wrap(err, "the vault's database URL")
	}
	config.MaxConns = connectionsMax
	config.ConnConfig.ConnectTimeout = connectTimeout
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, errors.Wrap(err, "connect to the vault")
	}
	if err := checkVersion(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return &Vault{pool: pool, keys: newOwnerKeys(pool, keys.wrapper), file: keys.file}, nil
}

// CheckMasterKey returns [ErrUnknownMasterKey] if the vault holds owners' keys, and
// the ring is another master key's than every one of them was wrapped by: its file
// was lost and made anew, or belongs to another installation. Who went on would
// seal under it what nobody finds again, and read nothing of what there is.
func (v *Vault) CheckMasterKey(ctx context.Context) error {
	const known = `
		select not exists (select from vault.keys where wrapped is not null)
			or exists (select from vault.keys where wrapped is not null and master_id = $1)`
	masterID, _ := v.keys.wrapper.Current()
	var ok bool
	if err := v.pool.QueryRow(ctx, known, masterID).Scan(&ok); err != nil {
		return errors.Wrap(err, "look for the master key's owners")
	}
	if !ok {
		return ErrUnknownMasterKey
	}
	return nil
}

// Stat returns how the pool of connections stands.
func (v *Vault) Stat() *pgxpool.Stat { return v.pool.Stat() }

// Close waits for calls that are under way, then closes the connections.
func (v *Vault) Close() { v.pool.Close() }

// Put seals a secret for a field of an owner and returns its reference, which
// is never given out again. When Put has returned, the entry is durable: the
// append that names the reference comes after it. An entry that no event comes
// to name is removed by [Vault.Sweep]; so that the sweep can find out, field
// should name the object whose stream names the reference, as in
// "webhook_secret/whe_…". For an owner who was destroyed it is [ErrDestroyed].
func (v *Vault) Put(ctx context.Context, owner, field string, secret []byte) (ref string, err error) {
	if err := checkPut(owner, field, secret); err != nil {
		return "", err
	}
	unique, err := uuid.NewV7()
	if err != nil {
		return "", errors.Wrap(err, "draw a reference")
	}
	ref = id.Format(refPrefix, unique)
	key, err := v.keys.forWriting(ctx, owner)
	if err != nil {
		return "", err
	}
	sealed, err := seal(key.plain, secret, entryData(owner, field, ref))
	if err != nil {
		return "", err
	}
	// The key is locked against its destruction, which either sees this entry or
	// is seen here.
	const insert = `
		insert into vault.entries (ref, owner, field, key_id, sealed)
		select $1::text, $2::text, $3::text, k.id, $5::bytea from vault.keys k
		where k.id = $4 and k.wrapped is not null
		for share`
	tag, err := v.pool.Exec(ctx, insert, ref, owner, field, key.id, sealed)
	if err != nil {
		return "", errors.Wrap(err, "write to the vault")
	}
	if tag.RowsAffected() == 0 {
		return "", errors.WithStack(ErrDestroyed)
	}
	return ref, nil
}

// Get opens an entry. Owner and field must be those that it was put under:
// an entry of another owner is [ErrNotFound], one under another field
// [ErrCorrupt], any of an owner who was destroyed [ErrDestroyed].
func (v *Vault) Get(ctx context.Context, owner, field, ref string) ([]byte, error) {
	// The wrapped key comes with the entry each time, so that a destroyed key is
	// gone at once in every process, whatever that has in memory.
	const read = `
		select e.sealed, k.id, k.destroyed_at is not null,
			coalesce(k.master_id, ''), coalesce(k.master_version, 0), k.wrapped
		from vault.keys k left join vault.entries e on e.key_id = k.id and e.ref = $1 and e.owner = $2
		where k.owner = $2`
	var sealed []byte
	var row keyRow
	err := v.pool.QueryRow(ctx, read, ref, owner).
		Scan(&sealed, &row.id, &row.destroyed, &row.wrapped.MasterID, &row.wrapped.MasterVersion, &row.wrapped.Bytes)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, ErrNotFound
	case err != nil:
		return nil, errors.Wrap(err, "read from the vault")
	case row.destroyed:
		return nil, ErrDestroyed
	case sealed == nil:
		return nil, ErrNotFound
	}
	key, err := v.keys.unwrap(ctx, owner, row)
	if err != nil {
		return nil, err
	}
	return open(key, sealed, entryData(owner, field, ref))
}

// IsRef reports whether s has the form of a reference into the vault.
func IsRef(s string) bool { return id.Valid(refPrefix, s) }

func checkPut(owner, field string, secret []byte) error {
	if owner == "" || field == "" || len(secret) == 0 {
		return errors.AssertionFailedf("a vault entry needs an owner, a field and a secret")
	}
	if len(owner) > OwnerBytesMax || len(field) > FieldBytesMax || len(secret) > SecretBytesMax {
		return errors.Wrapf(ErrTooLarge, "a secret of %d bytes for field %q", len(secret), field)
	}
	return nil
}
