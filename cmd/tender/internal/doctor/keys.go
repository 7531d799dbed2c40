package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/staff"
	"tender/vault"
)

const (
	// staffMode is the log in which the staff and their keys are kept.
	staffMode = "live"
	// expirySoon is when somebody should make a new staff key.
	expirySoon = 14 * 24 * time.Hour
)

// masterKey looks at the key file, and whether it opens what the vault holds.
func (e *exam) masterKey(ctx context.Context, c *chart) error {
	if e.MasterKeyFile == "" || e.VaultURL == "" {
		c.warn("The vault was not looked at.", "TENDER_VAULT_URL or TENDER_MASTER_KEY_FILE is not set", "Set both, and run `tender doctor` again.")
		return nil
	}
	keys, err := vault.LoadMasterKey(e.MasterKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		c.fail("There is no master key: what the vault holds can't be read.", e.MasterKeyFile+" is not there",
			"Put the copy back that was kept apart from the backups. Don't start a process without it: it would make another key.")
		return nil
	}
	if err != nil {
		c.fail("The master key can't be used.", err.Error(), fmt.Sprintf("If it is the mode: `chmod 600 %s`; if others had access meanwhile, `tender vault rotate`. If the file is damaged, put the copy back.", e.MasterKeyFile))
		return nil
	}
	v, err := vault.Open(ctx, e.VaultURL, keys)
	if errors.Is(err, vault.ErrSchemaVersion) {
		c.fail("The vault's schema is of another version than this build.", err.Error(), "Where it is older, bring it up with `tender migrate`, with this build; where it is newer, run a build that is as new.")
		return nil
	}
	if err != nil {
		c.fail("The vault can't be reached: cards can't be saved, nor webhooks signed.", err.Error(),
			"Put the right password into TENDER_VAULT_URL; `tender migrate --create-roles` gives the role the one that stands there.")
		return nil
	}
	defer v.Close()
	return e.opens(ctx, c, v)
}

// opens looks whether the key file fits what the vault holds.
func (e *exam) opens(ctx context.Context, c *chart, v *vault.Vault) error {
	wrong := fmt.Sprintf("Put the file back that was there before, with mode 0600, at %s: the copy that was kept apart from the backups.", e.MasterKeyFile)
	err := v.CheckMasterKey(ctx)
	if err == nil {
		err = v.TryMasterKeys(ctx)
	}
	if errors.IsAny(err, vault.ErrUnknownMasterKey, vault.ErrCorrupt) {
		c.fail("The master key is not the one that the vault was sealed under.", err.Error(), wrong)
		return nil
	}
	if err != nil {
		return err
	}
	masters, err := v.Masters(ctx)
	if err != nil {
		return err
	}
	var owners int64
	for _, m := range masters {
		owners += int64(m.Keys)
		switch {
		case m.Keys > 0 && !m.Held:
			c.fail(fmt.Sprintf("Version %d of the master key is not in the file, and wraps %s.", m.Version, counted(int64(m.Keys), "owner's key", "owners' keys")), "vault.keys, "+e.MasterKeyFile, wrong)
		case m.Staged:
			c.warn("A new version of the master key is staged, and not in use.", e.MasterKeyFile, "Carry the file to every machine, then run `tender vault rotate`.")
		case m.Keys > 0 && !m.Current:
			c.warn("A rotation of the master key is not complete.", fmt.Sprintf("version %d wraps %s still", m.Version, counted(int64(m.Keys), "owner's key", "owners' keys")), "Complete it with `tender vault rotate`.")
		}
	}
	if !c.bad() {
		c.ok("The master key opens what the vault holds.", fmt.Sprintf("%s; %s, one of each version was opened", e.MasterKeyFile, counted(owners, "owner's key", "owners' keys")))
	}
	return nil
}

// staffKeys looks for keys that are about to expire, and for an operator's that works.
func (p patient) staffKeys(ctx context.Context, c *chart) error {
	people, err := p.people(ctx)
	if err != nil {
		return err
	}
	now, good := time.Now(), map[staff.Role]int64{}
	for _, s := range people {
		for _, k := range s.Keys {
			left := k.ExpiresAt.Sub(now)
			if k.Revoked || left <= 0 {
				continue
			}
			good[k.Role]++
			if left < expirySoon {
				c.warn(fmt.Sprintf("A key of %s, %s, ends in %s.", s.Name, k.Role, left.Round(time.Hour)), fmt.Sprintf("%s, key %s", s.ID, k.ID),
					fmt.Sprintf("If it is still needed, make another: `tender keys create --staff %s --kind %s`.", s.ID, k.Role))
			}
		}
	}
	if good[staff.RoleOperator] == 0 {
		c.warn("Nobody has an operator's key that works: nothing can be steered by the API.", "the staff's keys in the live log",
			"Make one: `tender keys create --staff NAME --kind operator`.")
	}
	if !c.bad() {
		c.ok("The staff's keys last.", fmt.Sprintf("%d of finance and %d of operators are good for 14 days or more", good[staff.RoleFinance], good[staff.RoleOperator]))
	}
	return nil
}

// people folds the staff, without their looks, which are many.
func (p patient) people(ctx context.Context) (map[string]staff.State, error) {
	rows, err := p.store.Pool().Query(ctx, `SELECT stream, type, schema_version, payload::text FROM `+p.events()+`
		WHERE stream >= 'stf_' AND stream < 'stf`+"`"+`' AND type <> $1 ORDER BY stream, version`, staff.Accessed{}.Type())
	if err != nil {
		return nil, err
	}
	people := map[string]staff.State{}
	var stream, kind, payload string
	var version int
	_, err = pgx.ForEachRow(rows, []any{&stream, &kind, &version, &payload}, func() error {
		e, err := staff.Codec.Decode(kind, version, []byte(payload))
		if err != nil {
			return err
		}
		people[stream] = staff.Evolve(people[stream], stream, e)
		return nil
	})
	return people, err
}
