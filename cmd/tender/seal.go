package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
	"tender/eventstore/seal"
)

const sealUsage = "tender: use tender seal init, tender seal keys, tender seal rotate, or tender seal status"

// sealedLogs are those that there are keys for.
var sealedLogs = []eventstore.Log{{Mode: "test"}, {Mode: "live"}}

// sealingKeys loads the keys of a serving process; nil: it doesn't seal.
func sealingKeys(path string) (*seal.Keys, error) {
	if path == "" {
		return nil, nil
	}
	keys, err := seal.LoadKeys(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Newf("there is no sealing key at %s: make one with tender seal init, once for all machines", path)
	}
	return keys, err
}

// sealer seals one log.
func (a *app) sealer(l *logApp) (*seal.Sealer, error) {
	replicas, err := a.config.replicas()
	if err != nil {
		return nil, err
	}
	published, err := seal.NewNATS(a.relay, l.store.Log(), replicas)
	if err != nil {
		return nil, err
	}
	outlets := []seal.Outlet{published}
	if a.config.checkpointDir != "" {
		outlets = append(outlets, seal.NewFile(a.config.checkpointDir, l.store.Log()))
	}
	return seal.New(seal.Config{Store: l.store, Keys: a.sealing, Outlets: outlets, Leases: l.leases, Log: a.log}), nil
}

// makeDevSealKey makes the key of a development installation, whose name is drawn:
// no two of them are taken for one another.
func makeDevSealKey(path string) error {
	err := seal.CreateKeys(path, "dev-"+strings.ToLower(rand.Text()[:8]))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// runSeal looks after the sealing keys.
func runSeal(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	runs := map[string]func(context.Context, []string, io.Writer, io.Writer) error{
		"init": runSealInit, "keys": runSealKeys, "rotate": runSealRotate, "status": runSealStatus,
	}
	if len(args) == 0 || runs[args[0]] == nil {
		return usageError(sealUsage)
	}
	return runs[args[0]](ctx, args[1:], stdout, stderr)
}

// sealKeySetting is the option of commands that need the key file.
func sealKeySetting(into *string) setting {
	return setting{"seal-key-file", "TENDER_SEAL_KEY_FILE", "", "file with the sealing keys, mode 0600", false, into}
}

// loadSealKeys loads the key file that a command names.
func loadSealKeys(path string) (*seal.Keys, error) {
	if path == "" {
		return nil, usageError("tender: TENDER_SEAL_KEY_FILE is not set; with tender dev running: set -a; . .tender/dev.env")
	}
	return sealingKeys(path)
}

// runSealInit makes a key file.
func runSealInit(_ context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("seal init", stderr)
	name := flags.String("name", "", "what the installation is called in its checkpoints, for ever; default: the host in TENDER_URL")
	ifMissing := flags.Bool("if-missing", false, "leave a file that is there already as it is, and call that no fault")
	var path string
	if err := parseSettings(flags, args, []setting{sealKeySetting(&path)}); err != nil {
		return err
	}
	if path == "" {
		return usageError("tender: name the file with --seal-key-file, or set TENDER_SEAL_KEY_FILE")
	}
	if *name == "" {
		if u, err := url.Parse(os.Getenv("TENDER_URL")); err == nil {
			*name = strings.ToLower(u.Host)
		}
	}
	err := seal.CreateKeys(path, *name)
	if errors.Is(err, fs.ErrExist) && *ifMissing {
		return nil
	}
	if errors.Is(err, fs.ErrExist) {
		return errors.Newf("%s is there already, and is left as it is", path)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s is made. Give what tender seal keys prints to whoever is to verify the log.\n", path)
	return err
}

// runSealKeys prints the public keys.
func runSealKeys(_ context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("seal keys", stderr)
	var path string
	if err := parseSettings(flags, args, []setting{sealKeySetting(&path)}); err != nil {
		return err
	}
	keys, err := loadSealKeys(path)
	if err != nil {
		return err
	}
	public, err := keys.Verifiers(sealedLogs...)
	if err != nil {
		return err
	}
	for _, k := range public {
		fmt.Fprintln(stdout, k)
	}
	return nil
}

// runSealRotate adds a new key, unless the last rotation isn't complete: its old key
// must have signed together with the new one before it goes.
func runSealRotate(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("seal rotate", stderr)
	var path, database string
	if err := parseSettings(flags, args, []setting{sealKeySetting(&path), databaseSetting(&database)}); err != nil {
		return err
	}
	keys, err := loadSealKeys(path)
	if err != nil {
		return err
	}
	for _, log := range sealedLogs {
		g, err := openEngine(ctx, database, log.Mode)
		if err != nil {
			return err
		}
		c, err := seal.NewProofs(g.Store).Latest(ctx)
		g.Store.Close()
		if errors.Is(err, seal.ErrNotSealed) {
			continue
		}
		if err != nil {
			return err
		}
		if done, err := keys.SignedLast(log, c); err != nil || !done {
			return errors.Newf("the key in this file has not signed the %s log's last checkpoint: let a process with this file seal it first, then rotate", log.Mode)
		}
	}
	if err := keys.Rotate(sealedLogs...); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, `A new key is in the file. The next checkpoint of each log is signed by both, those after
it by the new one alone. Carry the file to every machine that seals, and give what
tender seal keys prints to whoever verifies.`)
	return err
}

// runSealStatus says how far a log is sealed.
func runSealStatus(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("seal status", stderr)
	mode := flags.String("mode", "test", "test or live")
	var database string
	if err := parseSettings(flags, args, []setting{databaseSetting(&database)}); err != nil {
		return err
	}
	g, err := openEngine(ctx, database, *mode)
	if err != nil {
		return err
	}
	defer g.Store.Close()
	s, err := seal.Read(ctx, g.Store)
	if err != nil {
		return err
	}
	if s.Last == nil {
		fmt.Fprintf(stdout, "The log has %d events and is not sealed.\n", s.Head)
	} else {
		fmt.Fprintf(stdout, "The log has %d events; %d are sealed since %s, %d not yet.\n", s.Head, s.Last.Size, s.Last.Time.Format(time.RFC3339), s.Behind)
	}
	if s.Alarm != "" {
		return errors.Newf("sealing has stopped since %s: %s", s.Since.UTC().Format(time.RFC3339), s.Alarm)
	}
	return nil
}
