package eventstore

import (
	"sync/atomic"

	"github.com/google/uuid"
)

// Limits of one batch: what one transaction appends, and how long the lock is
// held for it.
const (
	batchCommandsMax = 512
	batchBytesMax    = 1 << 20
)

// pending is a command that waits to be appended.
type pending struct {
	command *Command
	size    int
	done    chan settled // holds one, so that nobody waits for a caller who left
	left    atomic.Bool  // the caller has left
}

// settled is what became of a command.
type settled struct {
	result Result
	err    error
}

// use says how the commands before use a stream.
type use uint8

const (
	used    use = iota + 1 // by any number that only read it
	written                // by one that writes it
)

type claimKey struct{ kind, value string }

type mapKey struct{ merchant, kind, key string }

// rule is what the append function relies on: in a batch a stream is written by
// at most one command and then named by no other, and a command id, an
// idempotency key and a look-up key are each named by at most one.
type rule struct {
	streams  map[string]use
	commands map[uuid.UUID]bool
	keys     map[mapKey]bool
	claims   map[claimKey]bool
}

func newRule() *rule {
	return &rule{
		streams:  make(map[string]use),
		commands: make(map[uuid.UUID]bool),
		keys:     make(map[mapKey]bool),
		claims:   make(map[claimKey]bool),
	}
}

// admits reports whether c may travel with those that were added.
func (r *rule) admits(c *Command) bool {
	if r.commands[c.ID] || c.Answer != nil && r.commands[c.Answer.CommandID] {
		return false
	}
	if c.Key != nil && r.keys[mapKey{c.MerchantID, c.Key.Kind, c.Key.Key}] {
		return false
	}
	for _, k := range c.Claims {
		if r.claims[claimKey{k.Kind, k.Value}] {
			return false
		}
	}
	for i := range c.Events {
		if r.streams[c.Events[i].Stream] != 0 {
			return false
		}
	}
	for _, x := range c.Expect {
		if r.streams[x.Stream] == written {
			return false
		}
	}
	return true
}

func (r *rule) add(c *Command) {
	r.commands[c.ID] = true
	if c.Answer != nil {
		r.commands[c.Answer.CommandID] = true
	}
	if c.Key != nil {
		r.keys[mapKey{c.MerchantID, c.Key.Kind, c.Key.Key}] = true
	}
	for _, k := range c.Claims {
		r.claims[claimKey{k.Kind, k.Value}] = true
	}
	for _, x := range c.Expect {
		r.streams[x.Stream] = max(r.streams[x.Stream], used)
	}
	for i := range c.Events {
		r.streams[c.Events[i].Stream] = written
	}
}

// nextBatch takes from the front of waiting what may travel together, and returns
// it and the rest in their order. What must wait holds back those behind it that
// want the same, so that a stream's commands keep their order. Commands whose
// caller has left before they travelled are dropped.
func nextBatch(waiting []*pending) (batch, rest []*pending) {
	r := newRule()
	size := 0
	for i, p := range waiting {
		if p.left.Load() {
			continue
		}
		full := len(batch) == batchCommandsMax || len(batch) > 0 && size+p.size > batchBytesMax
		if full {
			return batch, append(rest, waiting[i:]...)
		}
		fits := r.admits(p.command)
		r.add(p.command)
		if !fits {
			rest = append(rest, p)
			continue
		}
		batch = append(batch, p)
		size += p.size
	}
	return batch, rest
}
