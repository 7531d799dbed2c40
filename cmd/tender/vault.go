package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/errors"

	"tender/vault"
)

// progressEvery is how often a rotation says how far it is.
const progressEvery = time.Second

const vaultUsage = "tender: use tender vault status, tender vault rotate, or tender vault retire"

// runVault looks after the vault's keys.
func runVault(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	runs := map[string]func(context.Context, []string, io.Writer, io.Writer) error{
		"status": runVaultStatus, "rotate": runVaultRotate, "retire": runVaultRetire,
	}
	if len(args) == 0 || runs[args[0]] == nil {
		return usageError(vaultUsage)
	}
	return runs[args[0]](ctx, args[1:], stdout, stderr)
}

// vaultFlags are the options that every vault command has.
type vaultFlags struct {
	url, masterKey string
}

func (f *vaultFlags) settings() []setting {
	return []setting{
		{"vault-url", "TENDER_VAULT_URL", "", "PostgreSQL, role tender_vault", true, &f.url},
		{"master-key-file", "TENDER_MASTER_KEY_FILE", "", "file with the master key, mode 0600", false, &f.masterKey},
	}
}

// open opens the vault with a master key that is there: here none is made.
func (f *vaultFlags) open(ctx context.Context) (*vault.Vault, error) {
	for name, value := range map[string]string{"TENDER_VAULT_URL": f.url, "TENDER_MASTER_KEY_FILE": f.masterKey} {
		if value == "" {
			return nil, usageError("tender: " + name + " is not set; with tender dev running: set -a; . .tender/dev.env")
		}
	}
	keys, err := vault.LoadMasterKey(f.masterKey)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Newf("there is no master key %s", f.masterKey)
	}
	if err != nil {
		return nil, err
	}
	return vault.Open(ctx, f.url, keys)
}

// runVaultStatus says what the vault holds, in numbers.
func runVaultStatus(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("vault status", stderr)
	asJSON := flags.Bool("json", false, "as a JSON object")
	var f vaultFlags
	if err := parseSettings(flags, args, f.settings()); err != nil {
		return err
	}
	v, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	s, err := v.Status(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(stdout).Encode(s)
	}
	fmt.Fprintf(stdout, "%8d owners have a key; %d were destroyed\n", s.Owners, s.Destroyed)
	fmt.Fprintf(stdout, "%8d entries; %d of them no event is known to name yet\n", s.Entries, s.Unnamed)
	for _, kind := range slices.Sorted(maps.Keys(s.Kinds)) {
		fmt.Fprintf(stdout, "%8d   %s\n", s.Kinds[kind], kind)
	}
	for _, m := range s.Masters {
		fmt.Fprintf(stdout, "%8d keys are wrapped by %s version %d%s\n", m.Keys, m.ID, m.Version, standing(m))
	}
	return nil
}

// standing says in words what a version is to this machine.
func standing(m vault.MasterVersion) string {
	switch {
	case m.Current:
		return ", which wraps new ones"
	case m.Staged:
		return ", which is staged: carry the key file to every machine, then run tender vault rotate"
	case !m.Held:
		return ", which is NOT in the key file"
	case m.Keys > 0:
		return ", which is being replaced: run tender vault rotate"
	}
	return ", which can be retired"
}

// runVaultRotate replaces the master key's version.
func runVaultRotate(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("vault rotate", stderr)
	stage := flags.Bool("stage", false, "only add the new version to the key file, so that it can be carried to other machines before it is put to use")
	var f vaultFlags
	if err := parseSettings(flags, args, f.settings()); err != nil {
		return err
	}
	v, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	if *stage {
		return stageMasterKey(ctx, v, stdout)
	}
	var said time.Time
	r, err := v.Rotate(ctx, func(p vault.Progress) {
		if time.Since(said) >= progressEvery || p.Done == p.Total {
			said = time.Now()
			fmt.Fprintf(stdout, "%d of %d owners' keys are done\n", p.Done, p.Total)
		}
	})
	if err != nil {
		return errors.Wrapf(err, "the rotation is not complete (%d owners' keys were moved to version %d); run it again when that is mended", r.Moved, r.Version)
	}
	_, err = fmt.Fprintf(stdout, `Version %d of %s wraps all owners' keys; %d were moved.
Backups of the database from before still need the older version. Keep a copy of the
key file for as long as you keep them, then: tender vault retire
`, r.Version, r.MasterID, r.Moved)
	return err
}

func stageMasterKey(ctx context.Context, v *vault.Vault, stdout io.Writer) error {
	r, err := v.Stage(ctx)
	if err != nil {
		return err
	}
	says := "A new version of %s is in the key file, and not in use yet.\nCarry the file to every machine, then run on one of them: tender vault rotate\n"
	if !r.Added {
		says = "The key file of %s has two versions already; tender vault status says what is to be done.\n"
	}
	_, err = fmt.Fprintf(stdout, says, r.MasterID)
	return err
}

// runVaultRetire removes the master key's older version.
func runVaultRetire(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("vault retire", stderr)
	var f vaultFlags
	if err := parseSettings(flags, args, f.settings()); err != nil {
		return err
	}
	v, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	version, err := v.Retire(ctx)
	if errors.Is(err, vault.ErrMasterKeyInUse) {
		return errors.Wrap(err, "nothing was removed; run tender vault rotate first")
	}
	if err != nil {
		return err
	}
	if version == 0 {
		_, err = fmt.Fprintln(stdout, "There is no older version in use that could be retired.")
		return err
	}
	_, err = fmt.Fprintf(stdout, "Version %d is no longer in the key file. Carry the file to every machine that has a copy.\n", version)
	return err
}
