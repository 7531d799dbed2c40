package main

import (
	"context"
	"io"
	"slices"
	"strings"
)

// auditCommands are what finance can do from the command line.
func auditCommands() []command {
	return []command{
		{"show", "show an object as it was: show ID --as-of", auditCommand("show", "/audit/objects/{id}", laySnapshot, "mode", "merchant", "as-of")},
		{"history", "tell what happened to an object: history ID", auditCommand("history", "/audit/objects/{id}/history", layHistory, "mode", "merchant", "as-of")},
		{"events", "list the log's events", auditCommand("events", "/audit/events", layEvents, "mode", "merchant", "from", "to", "stream", "type", "limit", "cursor")},
		{"journal", "list the journal's entries", auditCommand("journal", "/audit/journal", layJournal,
			"mode", "merchant", "from", "to", "as-of", "basis", "account", "payment", "limit", "cursor")},
		{"trial-balance", "add all accounts up", auditCommand("trial-balance", "/audit/trial_balance", layTrial, "mode", "merchant", "as-of", "basis")},
		{"statement", "show what is owed to a merchant over a period", auditCommand("statement", "/audit/statement", layStatement,
			"mode", "merchant", "from", "to", "as-of", "basis", "time-zone")},
		{"export", "write a file that proves to be whole: export events|journal|statement --out", runAuditExport},
		{"verify", "prove the log where it lies, what it says and what is shown of it: --log-only", runAuditVerify},
		{"replay", "fold the whole log with this build: --digest", runAuditReplay},
		{"checkpoint", "print the last signed checkpoint, to keep it", runAuditCheckpoint},
		{"proof", "print a proof: proof inclusion|consistency|events", runAuditProof},
	}
}

// runAudit finds what is to be audited.
func runAudit(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	all := auditCommands()
	if len(args) > 0 {
		if i := slices.IndexFunc(all, func(c command) bool { return c.name == args[0] }); i >= 0 {
			return all[i].run(ctx, args[1:], stdout, stderr)
		}
	}
	var names []string
	for _, c := range all {
		names = append(names, "tender audit "+c.name)
	}
	return usageError("tender: use " + strings.Join(names, ", "))
}
