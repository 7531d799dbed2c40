package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"time"
)

// entryKind says what an entry of a timeline tells of.
type entryKind string

const (
	kindCall entryKind = "call" // the shop called Tender
	kindHook entryKind = "hook" // Tender told the shop
	kindNote entryKind = "note" // something happened between people
)

// timeline is what happened, in order: the shop's calls and the webhooks that it
// got, as they came. The shop's mutex guards it.
type timeline struct {
	entries []*entry
	dropped int // of the oldest, so that it stays bounded
}

// entry is one thing in a timeline. What it shows has its secrets masked.
type entry struct {
	n    int // its place, from 1
	kind entryKind
	at   time.Time
	says string

	// Of calls.
	operation string
	method    string
	target    string
	key       string
	request   []byte
	done      bool
	status    int
	took      time.Duration
	answer    []byte
	requestID string
	replayed  bool
	fault     string

	// Of webhooks.
	topic     string // its type
	messageID string
	sent      string // webhook-timestamp
	signature string
	refused   string // why it was not believed
	body      []byte

	times int // how often it was asked, or came
}

// revision is that of an entry: its text changes only when this does.
func (e *entry) revision() string { return fmt.Sprintf("%d.%t.%d", e.times, e.done, e.status) }

// add writes something down. s.mu is held.
func (s *Shop) add(o *order, e *entry) *entry {
	t := &s.backdrop
	if o != nil {
		t = &o.timeline
	}
	e.at = time.Now()
	t.entries = append(t.entries, e)
	e.n = t.dropped + len(t.entries)
	if len(t.entries) > entriesMax {
		t.entries = append([]*entry(nil), t.entries[1:]...)
		t.dropped++
	}
	return e
}

// entry writes down that a call begins.
func (s *Shop) entry(o *order, c call) *entry {
	e := &entry{kind: kindCall, says: c.says, operation: c.operation, method: c.method, target: c.target(), key: c.key}
	if c.body != nil {
		if text, err := json.Marshal(c.body); err == nil {
			e.request = s.mask(text)
		}
	}
	s.update(func() { s.add(o, e) })
	return e
}

// note writes down what people did.
func (s *Shop) note(o *order, says string) {
	s.update(func() { s.add(o, &entry{kind: kindNote, says: says}) })
}

// refuse keeps for the order's page why a wish was not done.
func (s *Shop) refuse(o *order, action string, err error) {
	says := []rune(err.Error())
	s.update(func() { o.refused = wish{action, string(says[:min(len(says), noticeMaxRune)])} })
}

// update changes what the shop shows, and tells those who look at it.
func (s *Shop) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.revision++
	close(s.changed)
	s.changed = make(chan struct{})
}

// signingSecret is how webhook secrets look wherever they stand.
var signingSecret = regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`)

// masked stands in the place of what nobody shall read over a shoulder.
const masked = "••••••••"

// mask takes secrets out of what will be shown.
func (s *Shop) mask(text []byte) []byte {
	text = signingSecret.ReplaceAll(text, []byte("whsec_"+masked))
	if s.Key == "" {
		return text
	}
	return bytes.ReplaceAll(text, []byte(s.Key), []byte(maskedKey(s.Key)))
}

// maskedKey is a secret key as it is shown: which mode it is for, and its end, by
// which people tell theirs apart.
func maskedKey(key string) string {
	const begin, end = len("sk_test_"), 4
	if len(key) < begin+2*end {
		return masked
	}
	return key[:begin] + masked + key[len(key)-end:]
}
