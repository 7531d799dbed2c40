package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The files in testdata came from a tender dev: a checkpoint that was kept, proofs and
// an export that were fetched later, and the file that all its checkpoints were
// appended to, the last one at a rotation of the key.
func file(name string) string { return filepath.Join("testdata", name) }

// verify runs the command.
func verify(t *testing.T, stdin string, args ...string) (code int, out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(args, strings.NewReader(stdin), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestWhatHoldsIsSaidToHold(t *testing.T) {
	t.Parallel()
	keys, kept := file("keys.txt"), file("kept.txt")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a checkpoint":    {[]string{"checkpoint", "--keys", keys, kept}, "9 events"},
		"all checkpoints": {[]string{"checkpoint", "--keys", file("keys-rotated.txt"), kept, file("log_test.checkpoints")}, " and "},
		"inclusion":       {[]string{"inclusion", "--keys", keys, file("inclusion.json")}, "position 7 is in the log"},
		"consistency":     {[]string{"consistency", "--keys", keys, "--from", kept, file("consistency.json")}, "The log of 25 events begins with the 9 events"},
		"consistency to":  {[]string{"consistency", "--keys", keys, "--from", kept, "--to", file("log_test.checkpoints"), file("consistency.json")}, "25 events"},
		"events":          {[]string{"events", "--keys", keys, "--checkpoint", kept, file("events.jsonl")}, "The events 1 to 25 are whole"},
		"events and all":  {[]string{"events", "--keys", keys, "--checkpoint", kept, "--checkpoint", file("log_test.checkpoints"), file("events.jsonl")}, "agree"},
	} {
		code, out, problems := verify(t, "", c.args...)
		if code != exitGood || !strings.Contains(out, c.want) || problems != "" {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, problems)
		}
	}
	text, err := os.ReadFile(file("inclusion.json"))
	if err != nil {
		t.Fatal(err)
	}
	if code, out, _ := verify(t, string(text), "inclusion", "--keys", keys, "-"); code != exitGood {
		t.Errorf("from the standard input: exit code %d\n%s", code, out)
	}
}

func TestWhatDoesNotHoldIsNamed(t *testing.T) {
	t.Parallel()
	keys, kept := file("keys.txt"), file("kept.txt")
	other := filepath.Join(t.TempDir(), "other-keys.txt")
	if err := os.WriteFile(other, []byte("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args   []string
		change func(text string) string // of the file to verify
		want   string
	}{
		"a checkpoint by nobody we know": {[]string{"checkpoint", "--keys", other, kept}, nil, "can't be believed"},
		"a changed checkpoint":           {[]string{"checkpoint", "--keys", keys, kept}, replace("\n9\n", "\n8\n"), "can't be believed"},
		"a changed event":                {[]string{"events", "--keys", keys, file("events.jsonl")}, replace(`"actor_kind":"customer"`, `"actor_kind":"merchant"`), "changed"},
		"a missing event":                {[]string{"events", "--keys", keys, file("events.jsonl")}, cut(12, 13), "position 12: removed"},
		"a missing end":                  {[]string{"events", "--keys", keys, file("events.jsonl")}, cut(21, 26), "position 21: cut off"},
		"another event":                  {[]string{"inclusion", "--keys", keys, file("inclusion.json")}, replace(`"version":2`, `"version":3`), "not in the log"},
		"a hash that is not proven":      {[]string{"inclusion", "--keys", keys, file("inclusion.json")}, replace(`"payload":`, `"hash":"0000000000000000000000000000000000000000000000000000000000000000","payload":`), "no member"},
		"two payloads":                   {[]string{"events", "--keys", keys, file("events.jsonl")}, replace(`"payload":`, `"payload":"{\"amount\":1}","PAYLOAD":`), "no member"},
		"two payloads in a proof":        {[]string{"inclusion", "--keys", keys, file("inclusion.json")}, replace(`"payload":`, `"payload":"{\"amount\":1}","PAYLOAD":`), "no member"},
		"another beginning":              {[]string{"consistency", "--keys", keys, "--from", kept, file("consistency.json")}, replace(`"hashes":["D`, `"hashes":["E`), "does not begin with"},
		"the later one kept":             {[]string{"consistency", "--keys", keys, "--from", file("log_test.checkpoints"), file("consistency.json")}, nil, "WRONG"},
		"no proof":                       {[]string{"inclusion", "--keys", keys, file("consistency.json")}, nil, "no proof of inclusion"},
	} {
		args := c.args
		stdin := ""
		if c.change != nil {
			last := len(args) - 1
			text, err := os.ReadFile(args[last])
			if err != nil {
				t.Fatal(err)
			}
			if stdin = c.change(string(text)); stdin == string(text) {
				t.Fatalf("%s: nothing was changed", name)
			}
			args = append(args[:last:last], "-")
		}
		code, out, _ := verify(t, stdin, args...)
		if code != exitWrong || !strings.HasPrefix(out, "WRONG: ") || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d\n%s", name, code, out)
		}
	}
}

func replace(old, with string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, with, 1) }
}

// cut leaves out lines; line n of an export holds the event at position n.
func cut(from, to int) func(string) string {
	return func(text string) string {
		lines := strings.SplitAfter(text, "\n")
		return strings.Join(append(lines[:from:from], lines[to:]...), "")
	}
}

func TestACommandLineThatIsOffVerifiesNothing(t *testing.T) {
	t.Parallel()
	keys, kept := file("keys.txt"), file("kept.txt")
	for name, args := range map[string][]string{
		"nothing":            nil,
		"no such verb":       {"prove", "--keys", keys, kept},
		"no keys":            {"checkpoint", kept},
		"no key in the keys": {"checkpoint", "--keys", kept, kept},
		"no such keys":       {"checkpoint", "--keys", file("none"), kept},
		"no file":            {"checkpoint", "--keys", keys},
		"no such file":       {"checkpoint", "--keys", keys, file("none")},
		"two proofs":         {"inclusion", "--keys", keys, file("inclusion.json"), file("inclusion.json")},
		"two checkpoints":    {"inclusion", "--keys", keys, "--checkpoint", kept, "--checkpoint", kept, file("inclusion.json")},
		"two earlier ones":   {"consistency", "--keys", keys, "--from", kept, "--from", kept, file("consistency.json")},
		"no such option":     {"inclusion", "--keys", keys, "--from", kept, file("inclusion.json")},
		"no earlier one":     {"consistency", "--keys", keys, file("consistency.json")},
		"no such kept one":   {"events", "--keys", keys, "--checkpoint", file("none"), file("events.jsonl")},
	} {
		if code, out, problems := verify(t, "", args...); code != exitUsage || out != "" || problems == "" {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, problems)
		}
	}
	if code, out, _ := verify(t, "", "--help"); code != exitGood || !strings.Contains(out, "Exit codes") {
		t.Errorf("--help: exit code %d\n%s", code, out)
	}
}

// repeated reads a text many times over, and says how much memory is held when it has
// ended.
type repeated struct {
	text  string
	times int
	rest  string
	held  uint64
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" && r.times > 0 {
		r.rest = r.text
		r.times--
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	if n == 0 {
		r.held = heap()
		return 0, io.EOF
	}
	return n, nil
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestALargeFileIsNotKeptInMemory measures, so nothing may run beside it.
func TestALargeFileIsNotKeptInMemory(t *testing.T) { //nolint:paralleltest // it measures the heap
	kept, err := os.ReadFile(file("kept.txt"))
	if err != nil {
		t.Fatal(err)
	}
	const times, heldMax = 10_000, 1 << 20
	for _, args := range [][]string{
		{"checkpoint", "--keys", file("keys.txt"), "-"},
		{"consistency", "--keys", file("keys.txt"), "--from", "-", file("consistency.json")},
		{"events", "--keys", file("keys.txt"), "--checkpoint", "-", file("events.jsonl")},
	} {
		in := &repeated{text: string(kept) + "\n", times: times}
		before := heap()
		if code := run(args, in, io.Discard, io.Discard); code != exitGood || in.times != 0 {
			t.Errorf("%s: exit code %d, with %d checkpoints unread", args[0], code, in.times)
		}
		if in.held > before+heldMax {
			t.Errorf("%s: %d bytes are held for a file of %d", args[0], in.held-before, times*len(in.text))
		}
	}
}
