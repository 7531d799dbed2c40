package vault

import (
	"context"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Status is what the vault holds, in numbers.
type Status struct {
	Owners    int `json:"owners"`    // with a key
	Destroyed int `json:"destroyed"` // owners
	Entries   int `json:"entries"`
	Unnamed   int `json:"unnamed"` // entries that no event is known to name
	// Kinds are the entries by what stands before the first slash of their field.
	Kinds   map[string]int  `json:"kinds"`
	Masters []MasterVersion `json:"master_keys"`
}

// MasterVersion is one version of a master key.
type MasterVersion struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Keys    int    `json:"keys"`             // that it wraps
	Held    bool   `json:"held"`             // the key ring has it; of a key that is kept elsewhere: it is the current one
	Current bool   `json:"current"`          // it wraps new keys
	Staged  bool   `json:"staged,omitempty"` // in the file, and not in use yet
	Closed  bool   `json:"closed,omitempty"` // wraps nothing more
}

// Status counts. It reads all of the vault's tables.
func (v *Vault) Status(ctx context.Context) (Status, error) {
	const owners = `select count(wrapped), count(destroyed_at) from vault.keys`
	const entries = `
		select split_part(field, '/', 1), count(*), count(*) filter (where not named)
		from vault.entries group by 1`
	s := Status{Kinds: map[string]int{}}
	if err := v.pool.QueryRow(ctx, owners).Scan(&s.Owners, &s.Destroyed); err != nil {
		return s, errors.Wrap(err, "count the vault's owners")
	}
	rows, err := v.pool.Query(ctx, entries)
	if err != nil {
		return s, errors.Wrap(err, "count the vault's entries")
	}
	var kind string
	var all, unnamed int
	_, err = pgx.ForEachRow(rows, []any{&kind, &all, &unnamed}, func() error {
		s.Kinds[kind] = all
		s.Entries += all
		s.Unnamed += unnamed
		return nil
	})
	if err != nil {
		return s, errors.Wrap(err, "count the vault's entries")
	}
	s.Masters, err = v.Masters(ctx)
	return s, err
}

// Masters lists the versions that wrap keys, and those that are held.
func (v *Vault) Masters(ctx context.Context) ([]MasterVersion, error) {
	const read = `
		select k.master_id, k.master_version, count(*), c.master_id is not null
		from vault.keys k left join vault.closed_masters c using (master_id, master_version)
		where k.wrapped is not null
		group by k.master_id, k.master_version, c.master_id
		order by 1, 2`
	rows, err := v.pool.Query(ctx, read)
	if err != nil {
		return nil, errors.Wrap(err, "count what master keys wrap")
	}
	masters, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (MasterVersion, error) {
		var m MasterVersion
		err := row.Scan(&m.ID, &m.Version, &m.Keys, &m.Closed)
		return m, err
	})
	if err != nil {
		return nil, errors.Wrap(err, "count what master keys wrap")
	}
	for _, held := range v.held() {
		at := slices.IndexFunc(masters, func(m MasterVersion) bool { return m.ID == held.ID && m.Version == held.Version })
		if at < 0 {
			masters = append(masters, held)
			continue
		}
		masters[at].Held, masters[at].Current, masters[at].Staged = true, held.Current, held.Staged
	}
	return masters, nil
}

// TryMasterKeys opens one owner's key of each version that the ring holds, and forgets
// it again. A ring of the same name with other keys in it is [ErrCorrupt].
func (v *Vault) TryMasterKeys(ctx context.Context) error {
	masters, err := v.Masters(ctx)
	if err != nil {
		return err
	}
	const read = `
		select owner, id, wrapped from vault.keys
		where master_id = $1 and master_version = $2 and wrapped is not null limit 1`
	for _, m := range masters {
		if !m.Held || m.Keys == 0 {
			continue
		}
		var owner string
		var unique uuid.UUID
		w := Wrapped{MasterID: m.ID, MasterVersion: m.Version}
		err := v.pool.QueryRow(ctx, read, m.ID, m.Version).Scan(&owner, &unique, &w.Bytes)
		if errors.Is(err, pgx.ErrNoRows) { // moved meanwhile
			continue
		}
		if err != nil {
			return errors.Wrap(err, "read an owner's key")
		}
		if _, err := v.keys.wrapper.Unwrap(ctx, w, keyData(owner, unique)); err != nil {
			return errors.Wrapf(err, "open a key by %s version %d", m.ID, m.Version)
		}
	}
	return nil
}

// held are the versions in the key ring.
func (v *Vault) held() []MasterVersion {
	id, current := v.keys.wrapper.Current()
	if v.file == nil {
		return []MasterVersion{{ID: id, Version: current, Held: true, Current: true}}
	}
	var all []MasterVersion
	for version := range v.file.known().versions {
		all = append(all, MasterVersion{ID: id, Version: version, Held: true, Current: version == current, Staged: version > current})
	}
	slices.SortFunc(all, func(a, b MasterVersion) int { return a.Version - b.Version })
	return all
}
