package eventstore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/eventstore"
)

// processEnv makes the test program another process of the application instead of
// running its tests: it holds a job.
const processEnv = "EVENTSTORE_TEST_PROCESS"

// job is what another process does.
type job struct {
	URL  string
	Name string // "repeat": append Commands, each Times at once; "write": write until standard input ends

	Commands []eventstore.Command
	Times    int

	Callers int
	Streams []string // shared with other writers
}

// report is a line that another process prints.
type report struct {
	Command uuid.UUID
	Result  eventstore.Result
	Error   string
	Events  int
}

func TestMain(m *testing.M) {
	text := os.Getenv(processEnv)
	if text == "" {
		// Each check is hundreds of appends; -rapid.checks still says otherwise.
		_ = flag.Set("rapid.checks", strconv.Itoa(short(40, 300)))
		os.Exit(m.Run())
	}
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		panic(err)
	}
	if err := j.do(); err != nil {
		fmt.Fprintf(os.Stderr, "%+v\n", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (j job) do() error {
	ctx := context.Background()
	store, err := eventstore.Open(ctx, testLog, j.URL)
	if err != nil {
		return err
	}
	defer store.Close()
	fmt.Println("ready")
	out := &reporter{lines: json.NewEncoder(os.Stdout)}
	if j.Name == "repeat" {
		return j.repeat(ctx, store, out)
	}
	return j.write(ctx, store, out)
}

type reporter struct {
	mu    sync.Mutex
	lines *json.Encoder
}

func (r *reporter) print(c eventstore.Command, result eventstore.Result, err error) {
	line := report{Command: c.ID, Result: result, Events: len(c.Events)}
	if err != nil {
		line.Error = err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.lines.Encode(line) // nobody may be there any more to read it
}

// repeat waits for a line on standard input, so that several processes begin at once.
func (j job) repeat(ctx context.Context, store *eventstore.Store, out *reporter) error {
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, c := range j.Commands {
		for range j.Times {
			wg.Go(func() {
				result, err := store.Append(ctx, c)
				out.print(c, result, err)
			})
		}
	}
	wg.Wait()
	return nil
}

// write lets callers write until standard input ends: to streams of their own and,
// every third time, to one that all writers share.
func (j job) write(ctx context.Context, store *eventstore.Store, out *reporter) error {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var wg sync.WaitGroup
	for range j.Callers {
		wg.Go(func() { writeUntil(ctx, store, j.Streams, out.print) })
	}
	wg.Wait()
	return nil
}

// writeUntil appends until ctx ends, and tells what came of each command.
func writeUntil(ctx context.Context, store *eventstore.Store, shared []string, tell func(eventstore.Command, eventstore.Result, error)) {
	own, version := "own_"+newID().String(), 0
	for turn := 0; ctx.Err() == nil; turn++ {
		stream, at := own, version
		if len(shared) > 0 && turn%3 == 2 {
			stream = shared[turn/3%len(shared)]
			tails, err := store.Streams(ctx, eventstore.StreamAfter{Stream: stream, Version: 1 << 30})
			if err != nil {
				continue // ctx, or the server: Append will tell
			}
			at = tails[0].Version
		}
		c := key(write(stream, at, 1+turn%2), newID().String())
		result, err := store.Append(ctx, c)
		if ctx.Err() != nil {
			return
		}
		var conflict *eventstore.VersionConflict
		if errors.As(err, &conflict) && stream != own {
			continue
		}
		if err == nil && stream == own {
			version += len(c.Events)
		}
		tell(c, result, err)
	}
}

// process is another process that does a job.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
}

// start starts a process and returns when it is ready.
func start(t *testing.T, j job) *process {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(program)}
	p.cmd.Env = append(os.Environ(), processEnv+"="+string(text))
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill(); _ = p.cmd.Wait() })
	if line, err := p.lines.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the process says %q, %v", line, err)
	}
	return p
}

// kill is kill -9.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// next returns the next report, or false when there are no more.
func (p *process) next(t *testing.T) (report, bool) {
	t.Helper()
	line, err := p.lines.ReadBytes('\n')
	if err != nil {
		return report{}, false // what a killed process was about to write is cut off
	}
	var r report
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatalf("the process says %q", line)
	}
	return r, true
}

// rest returns all further reports.
func (p *process) rest(t *testing.T) []report {
	t.Helper()
	var all []report
	for {
		r, more := p.next(t)
		if !more {
			return all
		}
		all = append(all, r)
	}
}
