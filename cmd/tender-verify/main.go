// Command tender-verify verifies what Tender's audit has handed out, with no database
// and no network: checkpoints, proofs, and exported events. It needs the standard
// library and golang.org/x/mod only, so that whoever has to trust it can read it.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"tender/cmd/internal/logproof"
)

// Exit codes.
const (
	exitGood  = 0 // everything holds
	exitWrong = 1 // something doesn't, and was named
	exitUsage = 2 // the command line is off, or a file can't be read
)

const usage = `Usage:
  tender-verify checkpoint  --keys KEYS FILE…
  tender-verify inclusion   --keys KEYS [--checkpoint FILE] PROOF
  tender-verify consistency --keys KEYS --from FILE [--to FILE] PROOF
  tender-verify events      --keys KEYS [--checkpoint FILE]… EXPORT

checkpoint   reads checkpoints and their signatures.
inclusion    says whether an event is in the log that a checkpoint was signed over:
             the one in the proof, or --checkpoint.
consistency  says whether the log of a later checkpoint (the one in the proof, or --to)
             begins with the whole log of an earlier one that was kept (--from).
events       says whether exported events are whole, and as they were appended; each
             --checkpoint that was kept is compared, as far as the events reach it.

A FILE may hold any number of checkpoints. Where one is needed (inclusion, --from, --to)
it is the one over the most events.
KEYS holds the public keys that are believed, one a line; "tender seal keys" prints
them. A dash stands for the standard input. Exit codes: 0 all holds; 1 something does
not; 2 the command line is off, or a file can't be read.
`

// badUsage says that nothing could be verified.
type badUsage struct{ error }

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run does what args say, and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	verbs := map[string]func(*command) error{
		"checkpoint": checkpoints, "inclusion": inclusion, "consistency": consistency, "events": events,
	}
	if len(args) == 1 && (args[0] == "help" || args[0] == "-h" || args[0] == "--help") {
		fmt.Fprint(stdout, usage)
		return exitGood
	}
	if len(args) == 0 || verbs[args[0]] == nil {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	c := &command{stdin: stdin, out: stdout}
	err := c.parse(args)
	if err == nil {
		err = verbs[args[0]](c)
	}
	switch err.(type) { //nolint:errorlint // it is never wrapped
	case nil:
		return exitGood
	case badUsage:
		fmt.Fprintln(stderr, "tender-verify: "+err.Error())
		return exitUsage
	}
	fmt.Fprintln(stdout, "WRONG: "+err.Error())
	return exitWrong
}

// command is one call.
type command struct {
	stdin io.Reader
	out   io.Writer

	keys         logproof.Keys
	files        []string
	kept         list
	in, from, to once
}

// once is an option that may stand there a single time: of two one would be forgotten
// without a word.
type once string

func (o *once) String() string { return string(*o) }
func (o *once) Set(s string) error {
	if *o != "" {
		return fmt.Errorf("it is there twice")
	}
	*o = once(s)
	return nil
}

// list collects an option that may stand there several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// parse reads the options of a verb; each takes those that it names in its usage.
func (c *command) parse(args []string) error {
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	var keys once
	fs.Var(&keys, "keys", "")
	switch args[0] {
	case "inclusion":
		fs.Var(&c.in, "checkpoint", "")
	case "events":
		fs.Var(&c.kept, "checkpoint", "")
	case "consistency":
		fs.Var(&c.from, "from", "")
		fs.Var(&c.to, "to", "")
	}
	if err := fs.Parse(args[1:]); err != nil {
		return badUsage{fmt.Errorf("%w; see tender-verify --help", err)}
	}
	if c.files = fs.Args(); len(c.files) == 0 || len(c.files) > 1 && args[0] != "checkpoint" {
		return badUsage{fmt.Errorf("there must be one file to verify, not %d; see tender-verify --help", len(c.files))}
	}
	if keys == "" {
		return badUsage{fmt.Errorf("--keys is missing: without keys anybody can have made what is verified")}
	}
	text, err := c.read(string(keys))
	if err != nil {
		return err
	}
	if c.keys, err = logproof.ParseKeys(string(text)); err != nil {
		return badUsage{fmt.Errorf("%s: %w", keys, err)}
	}
	return nil
}

// open opens a file for reading, and returns what closes it.
func (c *command) open(name string) (io.Reader, func(), error) {
	if name == "-" {
		return c.stdin, func() {}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, badUsage{err}
	}
	return f, func() { f.Close() }, nil
}

// read reads a file that is small.
func (c *command) read(name string) ([]byte, error) {
	f, shut, err := c.open(name)
	if err != nil {
		return nil, err
	}
	defer shut()
	const max = 16 << 20
	text, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && len(text) > max {
		err = fmt.Errorf("%s is too large", name)
	}
	if err != nil {
		return nil, badUsage{err}
	}
	return text, nil
}

// say writes a line of what holds.
func (c *command) say(format string, args ...any) { fmt.Fprintf(c.out, format+"\n", args...) }
