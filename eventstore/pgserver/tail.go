package pgserver

import (
	"io"
	"strings"
	"sync"
)

// lineBytesMax bounds a line that is kept for an error message.
const lineBytesMax = 1 << 10

// tail passes on what a program writes and keeps its last lines.
type tail struct {
	to io.Writer

	mu   sync.Mutex
	rest []byte
	last []string
}

func newTail(to io.Writer) *tail { return &tail{to: to} }

// Write never fails: a log that can't be written must not end the server.
func (t *tail) Write(p []byte) (int, error) {
	_, _ = t.to.Write(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	lines, rest := splitLines(append(t.rest, p...))
	if len(rest) > lineBytesMax {
		rest = rest[:lineBytesMax]
	}
	t.rest = append([]byte(nil), rest...)
	t.last = append(t.last, lines...)
	if over := len(t.last) - tailLinesMax; over > 0 {
		t.last = t.last[over:]
	}
	return len(p), nil
}

// lines are the last ones, an unfinished one included.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := append([]string(nil), t.last...)
	if rest := strings.TrimSpace(string(t.rest)); rest != "" {
		out = append(out, rest)
	}
	return out
}

// has says whether one of the last lines contains a text.
func (t *tail) has(text string) bool {
	return strings.Contains(strings.Join(t.lines(), "\n"), text)
}
