package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/doctor"
)

// runDoctor looks the installation over. It fails if anything wants to be mended.
func runDoctor(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c := doctor.Config{Modes: []string{"test", "live"}, ReadModels: readModels}
	fs := newFlags("doctor", stderr)
	mode := fs.String("mode", "", "look at one log only: test or live")
	asJSON := fs.Bool("json", false, "as a JSON object")
	err := parseSettings(fs, args, []setting{
		databaseSetting(&c.DatabaseURL),
		{"database-admin-url", "DATABASE_ADMIN_URL", "", "PostgreSQL, role tender_admin, which sees what other roles' sessions do and where the data lies", true, &c.AdminURL},
		{"nats-url", "NATS_URL", "", "NATS, a user that may read the feed", true, &c.NATSURL},
		{"vault-url", "TENDER_VAULT_URL", "", "PostgreSQL, role tender_vault", true, &c.VaultURL},
		{"master-key-file", "TENDER_MASTER_KEY_FILE", "", "file with the master key, mode 0600", false, &c.MasterKeyFile},
		sealKeySetting(&c.SealKeyFile),
		{"checkpoint-dir", "TENDER_CHECKPOINT_DIR", "", "directory with the files of signed checkpoints", false, &c.CheckpointDir},
	})
	if err != nil {
		return err
	}
	switch {
	case c.DatabaseURL == "":
		return usageError("tender: DATABASE_URL is not set; with tender dev running: set -a; . .tender/dev.env")
	case *mode != "" && !slices.Contains(c.Modes, *mode):
		return usageError(fmt.Sprintf("tender: there is no mode %q; use test or live", *mode))
	case *mode != "":
		c.Modes = []string{*mode}
	}
	found := doctor.Examine(ctx, c)
	if *asJSON {
		err = json.NewEncoder(stdout).Encode(map[string]any{"findings": found})
	} else {
		err = printFindings(stdout, found)
	}
	if n := countLevel(found, doctor.Fail); err == nil && n > 0 {
		return errors.Newf("%d of %d findings want to be mended", n, len(found))
	}
	return err
}

func countLevel(found []doctor.Finding, level doctor.Level) (n int) {
	for _, f := range found {
		if f.Level == level {
			n++
		}
	}
	return n
}

// printFindings prints the worst last, where the eye is.
func printFindings(w io.Writer, found []doctor.Finding) error {
	width := 0
	for _, f := range found {
		width = max(width, len(f.Area))
	}
	for _, level := range []doctor.Level{doctor.OK, doctor.Warn, doctor.Fail} {
		for _, f := range found {
			if f.Level != level {
				continue
			}
			if level != doctor.OK {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "%-4s  %-*s  %s\n", strings.ToUpper(string(f.Level)), width, f.Area, f.What)
			if level == doctor.OK {
				continue
			}
			fmt.Fprintf(w, "%*s  seen: %s\n", width+6, "", f.Seen)
			fmt.Fprintf(w, "%*s  do:   %s\n", width+6, "", f.Do)
		}
	}
	_, err := fmt.Fprintf(w, "\n%d things were looked at: %d are as they should be, %d want a look, %d want to be mended.\n",
		len(found), countLevel(found, doctor.OK), countLevel(found, doctor.Warn), countLevel(found, doctor.Fail))
	return err
}
