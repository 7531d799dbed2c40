package vault

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// rotateLock is an advisory lock: one rotation at a time.
const rotateLock = 0x7661756c72 // "vaulr"

var (
	// ErrRotating says that the master key is being rotated or retired already.
	ErrRotating = errors.New("the master key is being rotated by another process")
	// ErrMasterKeyInUse says that a version of the master key can't be retired.
	ErrMasterKeyInUse = errors.New("the master key's older version is still in use")
	// ErrNoKeyFile says that the master key lies in no file of ours, so that its
	// versions are made and retired elsewhere.
	ErrNoKeyFile = errors.New("the master key is not kept in a file")
)

// Rotation is what a rotation has come to.
type Rotation struct {
	MasterID string
	Version  int  // that wraps now
	Added    bool // the version was made by this rotation
	Moved    int  // owners' keys
}

// Stage adds a version to the master key's file that unwraps, and wraps nothing
// yet. Where several machines have a copy of the file, it is carried to all of
// them before [Vault.Rotate] puts the version to use. It may be repeated.
func (v *Vault) Stage(ctx context.Context) (Rotation, error) {
	return v.newVersion(ctx, func(f *masterFile, next int) bool {
		if len(f.Versions) == masterVersionsMax {
			return false
		}
		staged := newMasterVersion(next)
		staged.Staged = true
		f.Versions = append(f.Versions, staged)
		return true
	})
}

// Rotate replaces the master key's version by a new one, or by the one that was
// staged, and wraps all owners' keys by it, while everything goes on. Processes
// that run read the file again by themselves. Where it was interrupted, a
// repetition completes it and adds nothing. A key that is kept elsewhere is
// rotated there first; then this wraps by it.
//
// The older version stays in the file until [Vault.Retire].
func (v *Vault) Rotate(ctx context.Context, progress func(Progress)) (Rotation, error) {
	if v.file == nil {
		moved, err := v.Rewrap(ctx, progress)
		id, version := v.keys.wrapper.Current()
		return Rotation{MasterID: id, Version: version, Moved: moved}, err
	}
	r, err := v.newVersion(ctx, func(f *masterFile, next int) bool {
		newest := &f.Versions[len(f.Versions)-1]
		switch {
		case newest.Staged:
			newest.Staged = false
		case len(f.Versions) == masterVersionsMax:
			return false // to be completed
		default:
			f.Versions = append(f.Versions, newMasterVersion(next))
		}
		return true
	})
	if err != nil {
		return r, err
	}
	// Only now, with the new version in the file, may the old one be refused.
	if err := v.closeBelow(ctx, r.MasterID, r.Version); err != nil {
		return r, err
	}
	r.Moved, err = v.Rewrap(ctx, progress)
	return r, err
}

// newVersion changes the file's versions, with nobody else at it. Next is a number
// that no version ever had.
func (v *Vault) newVersion(ctx context.Context, change func(f *masterFile, next int) bool) (Rotation, error) {
	var r Rotation
	err := v.rotating(ctx, func() error {
		file, err := v.file.edit(func(f *masterFile) (bool, error) {
			newest, err := v.newestVersion(ctx, *f)
			if err != nil {
				return false, err
			}
			r.Added = change(f, newest+1)
			return r.Added, nil
		})
		if err != nil {
			return err
		}
		r.MasterID, r.Version = file.ID, file.current().Version
		return nil
	})
	return r, err
}

// newestVersion returns the newest version that the file or the database knows. A
// file that lacks a version that is in use is an old copy: a version made from it
// could have the number of another.
func (v *Vault) newestVersion(ctx context.Context, f masterFile) (int, error) {
	const read = `
		select coalesce(max(version), 0), count(*) filter (where wraps and version <> all($2))
		from (
			select master_version, true from vault.keys where master_id = $1 and wrapped is not null
			union all
			select master_version, false from vault.closed_masters where master_id = $1
		) known (version, wraps)`
	var live []int
	newest := 0
	for _, version := range f.Versions {
		live = append(live, version.Version)
		newest = version.Version
	}
	var used, missing int
	if err := v.pool.QueryRow(ctx, read, f.ID, live).Scan(&used, &missing); err != nil {
		return 0, errors.Wrap(err, "look for the master key's versions")
	}
	if missing > 0 || used > newest {
		return 0, errors.Wrapf(ErrUnknownMasterKey, "the key file is not the newest: it ends with version %d of %s, and %d owners' keys need another",
			newest, f.ID, missing)
	}
	return newest, nil
}

// closeBelow sees to it that nothing more is wrapped by older versions, whatever a
// process has in memory. It waits for what is being written.
func (v *Vault) closeBelow(ctx context.Context, masterID string, version int) error {
	const insert = `
		insert into vault.closed_masters (master_id, master_version)
		select $1::text, generate_series(1, $2::int - 1)
		on conflict do nothing`
	err := pgx.BeginFunc(ctx, v.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(masterLock)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, insert, masterID, version)
		return err
	})
	return errors.Wrap(err, "close the master key's older versions")
}

// Retire removes the master key's older version from the file, and returns its
// number; 0 where there is none. While an owner's key is wrapped by it, or any key
// can't be opened without it, it refuses with [ErrMasterKeyInUse].
//
// Backups of the database from before the rotation can't be read without that
// version.
func (v *Vault) Retire(ctx context.Context) (version int, err error) {
	err = v.rotating(ctx, func() error {
		_, err := v.file.edit(func(f *masterFile) (bool, error) {
			current := f.current()
			if len(f.Versions) < masterVersionsMax || current.Version == f.Versions[0].Version {
				return false, nil
			}
			if err := v.checkUnused(ctx, *f, current); err != nil {
				return false, err
			}
			version = f.Versions[0].Version
			f.Versions = []masterVersion{current}
			return true, nil
		})
		return err
	})
	return version, err
}

// checkUnused makes sure that the database needs no version but the current one:
// it opens every owner's key with that alone.
func (v *Vault) checkUnused(ctx context.Context, f masterFile, current masterVersion) error {
	if err := v.closeBelow(ctx, f.ID, current.Version); err != nil {
		return err
	}
	f.Versions = []masterVersion{current}
	alone := f.keys()
	var broken brokenKeys
	for keys, err := range v.storedKeys(ctx, `master_id = $3`, f.ID) {
		if err != nil {
			return err
		}
		for _, k := range keys {
			_, err := alone.Unwrap(ctx, k.wrapped, keyData(k.owner, k.id))
			if err != nil && !broken.add(k.owner, err) {
				return errors.Wrap(err, "open an owner's key")
			}
		}
	}
	if broken.count > 0 {
		return errors.Wrapf(ErrMasterKeyInUse, "%d owners' keys can't be opened without it, among them that of %s",
			broken.count, broken.owner)
	}
	return nil
}

// rotating runs do while no other process rotates or retires.
func (v *Vault) rotating(ctx context.Context, do func() error) error {
	if v.file == nil {
		return ErrNoKeyFile
	}
	conn, err := v.pool.Acquire(ctx)
	if err != nil {
		return errors.Wrap(err, "connect to the vault")
	}
	defer conn.Release()
	var free bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1)`, int64(rotateLock)).Scan(&free); err != nil {
		return errors.Wrap(err, "lock the master key")
	}
	if !free {
		return errors.WithStack(ErrRotating)
	}
	defer func() {
		// Where that fails, the connection goes, and the lock with it.
		if _, err := conn.Exec(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, int64(rotateLock)); err != nil {
			_ = conn.Conn().Close(context.WithoutCancel(ctx))
		}
	}()
	return do()
}
