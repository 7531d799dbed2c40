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
		{"verify", "prove the log where it lies: --log-only", runAuditVerify},
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
