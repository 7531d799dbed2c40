package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/staff"
	"tender/eventstore"
	"tender/handlers/api"
	"tender/handlers/engine"
)

// keyBytes of randomness stand in an API key: 192 bits.
const keyBytes = 24

// newSecret draws an API key.
func newSecret(prefix string) string {
	b := make([]byte, keyBytes)
	_, _ = rand.Read(b) // never fails: the program ends if the system has no randomness
	return prefix + strings.NewReplacer("-", "x", "_", "y").Replace(base64.RawURLEncoding.EncodeToString(b))
}

// openEngine opens one log for a command that is no server.
func openEngine(ctx context.Context, databaseURL, mode string) (*engine.Engine, error) {
	if databaseURL == "" {
		return nil, usageError("tender: DATABASE_URL is not set; with tender dev running: set -a; . .tender/dev.env")
	}
	if mode != "test" && mode != "live" {
		return nil, usageError(fmt.Sprintf("tender: there is no mode %q; use test or live", mode))
	}
	store, err := eventstore.Open(ctx, eventstore.Log{Mode: mode}, databaseURL)
	if err != nil {
		return nil, err
	}
	return engine.New(store, time.Now), nil
}

// operator is who acts when a command is run by hand.
var operator = domain.Actor{Kind: domain.ActorStaff, ID: "command-line"}

// runMerchant creates merchants, and changes what they are and how they look.
func runMerchant(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	switch {
	case len(args) > 0 && args[0] == "brand":
		return runMerchantBrand(ctx, args[1:], stdout, stderr)
	case len(args) > 0 && args[0] == "settings":
		return runMerchantSettings(ctx, args[1:], stdout, stderr)
	case len(args) == 0 || args[0] != "create":
		return usageError("tender: use tender merchant create --name NAME [--mode test|live], tender merchant settings --merchant mer_…, or tender merchant brand --merchant mer_…")
	}
	fs := newFlags("merchant create", stderr)
	f := newSettingsFlags(fs, merchant.Settings{Country: "ZA", TimeZone: "UTC"})
	mode := fs.String("mode", "test", "test or live")
	var database string
	if err := parseSettings(fs, args[1:], []setting{databaseSetting(&database)}); err != nil {
		return err
	}
	if !named(fs, "public-keys") {
		f.settings.PublicKeys = *mode == "test" // live merchants switch them on
	}
	s, err := f.read(*mode)
	if err != nil {
		return err
	}
	g, err := openEngine(ctx, database, *mode)
	if err != nil {
		return err
	}
	defer g.Store.Close()
	merchantID, err := createMerchant(ctx, g, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, merchantID)
	return err
}

// named reports whether a flag stands on the command line.
func named(fs *flag.FlagSet, name string) bool {
	found := false
	fs.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

func createMerchant(ctx context.Context, g *engine.Engine, s merchant.Settings) (string, error) {
	command := engine.NewID()
	merchantID := id.Format(id.Merchant, command)
	_, err := g.Do(ctx, engine.Command{
		Origin: engine.Origin{CommandID: command, MerchantID: merchantID, Actor: operator}, Subject: merchantID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			m, err := engine.Read(ctx, tx, g.Merchants, merchantID)
			if err != nil {
				return err
			}
			events, err := merchant.Decide(m.Value, merchant.Create{Settings: s})
			if err != nil {
				return err
			}
			engine.Write(tx, merchant.Codec, merchantID, events...)
			return nil
		},
	})
	return merchantID, err
}

// issueMerchantKey makes an API key good, and returns it: it is shown once.
func issueMerchantKey(ctx context.Context, g *engine.Engine, merchantID string, kind merchant.KeyKind) (keyID, secret string, err error) {
	secret = newSecret(merchant.KeyPrefix(kind, g.Mode()))
	c := merchant.IssueKey{ID: engine.NewID(), Kind: kind, Hash: merchant.HashKey(secret)}
	_, err = g.Do(ctx, engine.Command{
		Origin: engine.Origin{CommandID: c.ID, MerchantID: merchantID, Actor: operator}, Subject: merchantID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			m, err := engine.Read(ctx, tx, g.Merchants, merchantID)
			if err != nil {
				return err
			}
			c.Now = tx.Now
			events, err := merchant.Decide(m.Value, c)
			if err != nil {
				return err
			}
			engine.Write(tx, merchant.Codec, merchantID, events...)
			tx.Claim(eventstore.Claim{Kind: api.ClaimKey, Value: c.Hash, Stream: merchantID})
			return nil
		},
	})
	return c.KeyID(), secret, err
}

// runKeys issues and revokes keys.
func runKeys(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || args[0] != "create" && args[0] != "revoke" {
		return usageError("tender: use tender keys create --merchant mer_… [--kind secret|public], tender keys create --staff NAME --kind finance|operator, or tender keys revoke --merchant mer_… --key key_…")
	}
	fs := newFlags("keys "+args[0], stderr)
	merchantID := fs.String("merchant", "", "the merchant whose key it is")
	person := fs.String("staff", "", "the person whose staff key it is: a name, or stf_… for one who is there")
	kind := fs.String("kind", "secret", "secret or public; for staff: finance or operator")
	keyID := fs.String("key", "", "the key to revoke")
	days := fs.Int("days", 90, "how long a staff key is good")
	mode := fs.String("mode", "test", "test or live")
	var database string
	if err := parseSettings(fs, args[1:], []setting{databaseSetting(&database)}); err != nil {
		return err
	}
	if *person != "" {
		*mode = "live" // staff live in the log that always exists
	}
	g, err := openEngine(ctx, database, *mode)
	if err != nil {
		return err
	}
	defer g.Store.Close()
	switch {
	case args[0] == "create" && *person != "":
		return printStaffKey(ctx, g, stdout, *person, staff.Role(*kind), time.Duration(*days)*24*time.Hour)
	case args[0] == "create" && (*kind == string(merchant.KeySecret) || *kind == string(merchant.KeyPublic)):
		id, secret, err := issueMerchantKey(ctx, g, *merchantID, merchant.KeyKind(*kind))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "%s %s\n", id, secret)
		return err
	case args[0] == "create":
		return usageError(fmt.Sprintf("tender: there is no kind of key %q; use secret or public, or --staff with finance or operator", *kind))
	case *person != "":
		return revokeStaffKey(ctx, g, *person, *keyID)
	}
	return revokeMerchantKey(ctx, g, *merchantID, *keyID)
}

func revokeMerchantKey(ctx context.Context, g *engine.Engine, merchantID, keyID string) error {
	_, err := g.Do(ctx, engine.Command{
		Origin: engine.Origin{CommandID: engine.NewID(), MerchantID: merchantID, Actor: operator}, Subject: merchantID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			m, err := engine.Read(ctx, tx, g.Merchants, merchantID)
			if err != nil {
				return err
			}
			events, err := merchant.Decide(m.Value, merchant.RevokeKey{KeyID: keyID})
			if err != nil {
				return err
			}
			engine.Write(tx, merchant.Codec, merchantID, events...)
			return nil
		},
	})
	return err
}

// printStaffKey issues a staff key, to a person who is added if need be.
func printStaffKey(ctx context.Context, g *engine.Engine, stdout io.Writer, person string, role staff.Role, valid time.Duration) error {
	if role != staff.RoleFinance && role != staff.RoleOperator {
		return usageError(fmt.Sprintf("tender: there is no staff role %q; use finance or operator", role))
	}
	staffID, keyID, secret, err := issueStaffKey(ctx, g, person, role, valid)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s %s %s\n", staffID, keyID, secret)
	return err
}

func issueStaffKey(ctx context.Context, g *engine.Engine, person string, role staff.Role, valid time.Duration) (staffID, keyID, secret string, err error) {
	secret = newSecret(staff.KeyPrefix(role))
	c := staff.IssueKey{ID: engine.NewID(), Role: role, Hash: merchant.HashKey(secret)}
	staffID = person
	if !id.Valid(id.Staff, person) {
		staffID = id.Format(id.Staff, c.ID)
	}
	_, err = g.Do(ctx, engine.Command{
		Origin: engine.Origin{CommandID: c.ID, Actor: operator}, Subject: staffID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			l, err := engine.Read(ctx, tx, g.Staff, staffID)
			if err != nil {
				return err
			}
			st := l.Value
			var events []staff.Event
			if staffID != person {
				if events, err = staff.Decide(st, staff.Add{Name: person}); err != nil {
					return err
				}
				for _, e := range events {
					st = staff.Evolve(st, staffID, e)
				}
			}
			c.Now, c.ExpiresAt = tx.Now, tx.Now.Wall.Add(valid)
			issued, err := staff.Decide(st, c)
			if err != nil {
				return err
			}
			engine.Write(tx, staff.Codec, staffID, append(events, issued...)...)
			tx.Claim(eventstore.Claim{Kind: api.ClaimKey, Value: c.Hash, Stream: staffID})
			return nil
		},
	})
	return staffID, c.KeyID(), secret, err
}

func revokeStaffKey(ctx context.Context, g *engine.Engine, staffID, keyID string) error {
	_, err := g.Do(ctx, engine.Command{
		Origin: engine.Origin{CommandID: engine.NewID(), Actor: operator}, Subject: staffID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			l, err := engine.Read(ctx, tx, g.Staff, staffID)
			if err != nil {
				return err
			}
			events, err := staff.Decide(l.Value, staff.RevokeKey{KeyID: keyID})
			if err != nil {
				return err
			}
			engine.Write(tx, staff.Codec, staffID, events...)
			return nil
		},
	})
	return errors.Wrap(err, "revoke a staff key")
}
