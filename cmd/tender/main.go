// Command tender is the payments engine: one binary, with the role it plays
// chosen by its first argument.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/cockroachdb/errors"
)

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	var usage usageError
	switch {
	case err == nil:
	case errors.As(err, &usage) && usage == "": // --help, which has said it all
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, usage.Error())
		os.Exit(exitUsage)
	default:
		fmt.Fprintln(os.Stderr, "tender: "+err.Error())
		os.Exit(exitFailed)
	}
}

// command is one thing that the binary does.
type command struct {
	name, does string
	run        func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

func commands() []command {
	return []command{
		{"dev", "everything in one process, to try it: PostgreSQL, NATS, simulator, a test merchant", runDev},
		{"serve", "one or more roles of the engine, against a PostgreSQL and NATS that are there", runServe},
		{"simulator", "the acquirer of test mode, as a service of its own", runSimulator},
		{"migrate", "bring the database's schemas up to this build, as the admin role", runMigrate},
		{"merchant", "create a merchant, and choose how it looks at the checkout: merchant create|settings|brand", runMerchant},
		{"keys", "issue and revoke API keys and staff keys: keys create|revoke", runKeys},
		{"listen", "receive test mode's webhooks, check and print them, to try it", runListen},
		{"webhooks", "show what became of webhooks, try by try: webhooks deliveries|show|resend|recover", runWebhooks},
		{"trigger", "make a real thing happen in test mode, so that its webhook comes: trigger TYPE…", runTrigger},
		{"vault", "count what it holds, and rotate its master key: vault status|rotate|retire", runVault},
		{"seal", "the keys that the log is sealed with, and how far it is: seal init|keys|rotate|status", runSeal},
		{"audit", "what finance asks, and proof of the log: audit show|history|journal|export|verify|…", runAudit},
		{"events", "read the log: events tail|show", runEvents},
		{"doctor", "look the installation over, and say what to do about each finding", runDoctor},
		{"projections", "how far the read models are, and what they have set aside: projections list|pause|resume|parked|skip|…", runProjections},
		{"payments", "payments that the acquirer leaves unresolved: payments unresolved|show|ask|resolve|confirm|reject", runPayments},
		{"rebuild", "make a read model anew from the log, or go back to the one before", runRebuild},
		{"clock", "make and advance test clocks: clock create|advance", runClock},
		{"subscriptions", "show what a subscription has collected and will: subscriptions show", runSubscriptions},
		{"bench", "measure the engine; see docs/benchmarks.md", runBench},
		{"version", "print the build's version", runVersion},
	}
}

// usageError says that the command line is off; it exits with 2. An empty one is
// what --help ends in: no fault.
type usageError string

func (e usageError) Error() string { return string(e) }

// run finds the command and runs it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		fmt.Fprint(stdout, usage())
		return nil
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], stdout, stderr)
		}
	}
	return usageError(fmt.Sprintf("tender: there is no command %q\n\n%s", args[0], usage()))
}

func usage() string {
	text := "Usage: tender COMMAND [options]\n\n"
	for _, c := range commands() {
		text += fmt.Sprintf("  %-13s %s\n", c.name, c.does)
	}
	return text + "\nEvery command reads the names in dev.env from its environment; tender COMMAND --help lists its options.\n"
}
