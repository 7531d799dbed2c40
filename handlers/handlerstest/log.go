package handlerstest

import (
	"bytes"
	"regexp"
	"sync"
	"testing"
)

// logShown is how much of its end a failed test shows.
const logShown = 6000

// secrets must stand in no log line: card numbers, API keys, and the ids of
// checkouts, which let anybody pay.
var secrets = regexp.MustCompile(`\b[3-5]\d{3} ?\d{4,6} ?\d{4,5} ?\d{0,4}\b|\b[sp]k_(test_)?[A-Za-z0-9]{20,}|ckt_[0-9a-z]{20,}`)

// routine lines say nothing that helps with a failed test.
var routine = regexp.MustCompile(`(?m)^\S+ level=INFO .*\n`)

// logBuffer keeps what the processes log.
type logBuffer struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

// Write keeps what is logged.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept.Write(p)
}

// inspect looks for what should not be there, and shows a failed test the end.
func (b *logBuffer) inspect(t testing.TB) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.kept.Bytes()
	if at := secrets.FindIndex(all); at != nil {
		t.Errorf("the log holds a secret: …%s", all[max(0, at[0]-200):at[1]])
	}
	if bytes.Contains(all, []byte("msg=panic")) {
		t.Error("a handler panicked; the log says where")
	}
	if t.Failed() {
		all = routine.ReplaceAll(all, nil)
		t.Logf("the end of the log:\n%s", all[max(0, len(all)-logShown):])
	}
}
