package eventstore

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// drawCommand draws a command over so few names that most of them meet.
func drawCommand(t *rapid.T) *Command {
	name := func(label string) string { return fmt.Sprint(label, rapid.IntRange(0, 3).Draw(t, label)) }
	id := func(label string) uuid.UUID { return uuid.UUID{15: byte(rapid.IntRange(1, 6).Draw(t, label))} }
	c := &Command{ID: id("id"), MerchantID: name("merchant")}
	for _, stream := range rapid.SliceOfNDistinct(rapid.IntRange(0, 5), 0, 3, rapid.ID).Draw(t, "expect") {
		c.Expect = append(c.Expect, Expectation{Stream: fmt.Sprint("s", stream)})
		if rapid.Bool().Draw(t, "writes") {
			c.Events = append(c.Events, NewEvent{Stream: fmt.Sprint("s", stream), Payload: make([]byte, rapid.IntRange(0, 10).Draw(t, "size"))})
		}
	}
	if rapid.Bool().Draw(t, "keyed") {
		c.Key = &IdempotencyKey{Kind: name("kind"), Key: name("key")}
	}
	if rapid.Bool().Draw(t, "claims") {
		c.Claims = []Claim{{Kind: name("kind"), Value: name("value")}}
	}
	if rapid.Bool().Draw(t, "answers") {
		c.Answer = &Answer{CommandID: id("answered")}
	}
	return c
}

func (c *Command) writes(stream string) bool {
	return slices.ContainsFunc(c.Events, func(e NewEvent) bool { return e.Stream == stream })
}

// meet says, the long way, whether two commands may not travel together.
func meet(a, b *Command) bool {
	for _, x := range a.Expect {
		for _, y := range b.Expect {
			if x.Stream == y.Stream && (a.writes(x.Stream) || b.writes(x.Stream)) {
				return true
			}
		}
	}
	ids := func(c *Command) []uuid.UUID {
		if c.Answer != nil {
			return []uuid.UUID{c.ID, c.Answer.CommandID}
		}
		return []uuid.UUID{c.ID}
	}
	for _, id := range ids(a) {
		if slices.Contains(ids(b), id) {
			return true
		}
	}
	if a.Key != nil && b.Key != nil && a.MerchantID == b.MerchantID && *keyNames(a.Key) == *keyNames(b.Key) {
		return true
	}
	for _, k := range a.Claims {
		for _, l := range b.Claims {
			if k.Kind == l.Kind && k.Value == l.Value {
				return true
			}
		}
	}
	return false
}

func keyNames(k *IdempotencyKey) *[2]string { return &[2]string{k.Kind, k.Key} }

func TestABatchKeepsTheRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var waiting []*pending
		for range rapid.IntRange(0, 12).Draw(t, "commands") {
			waiting = append(waiting, &pending{command: drawCommand(t)})
		}
		order := slices.Clone(waiting)
		var travelled []*pending
		for len(waiting) > 0 {
			var batch []*pending
			batch, waiting = nextBatch(waiting)
			if len(batch) == 0 {
				t.Fatalf("nothing travels of %d", len(waiting))
			}
			for i, p := range batch {
				for _, q := range batch[:i] {
					if meet(p.command, q.command) {
						t.Fatalf("travel together:\n%+v\n%+v", p.command, q.command)
					}
				}
			}
			travelled = append(travelled, batch...)
		}
		if len(travelled) != len(order) {
			t.Fatalf("%d of %d travelled", len(travelled), len(order))
		}
		for i, p := range order {
			for _, q := range order[:i] {
				if meet(p.command, q.command) && slices.Index(travelled, p) < slices.Index(travelled, q) {
					t.Fatalf("overtakes:\n%+v\n%+v", p.command, q.command)
				}
			}
		}
	})
}

func TestABatchHasLimits(t *testing.T) {
	t.Parallel()
	var many []*pending
	for i := range 3 * batchCommandsMax {
		many = append(many, &pending{command: &Command{ID: uuid.New(), Expect: []Expectation{{Stream: fmt.Sprint(i)}}}, size: 1})
	}
	batch, rest := nextBatch(many)
	if len(batch) != batchCommandsMax || len(rest) != 2*batchCommandsMax {
		t.Errorf("%d travel, %d wait", len(batch), len(rest))
	}
	for _, p := range many {
		p.size = batchBytesMax/2 + 1
	}
	if batch, rest = nextBatch(many[:3]); len(batch) != 1 || len(rest) != 2 {
		t.Errorf("%d of half a batch each travel, %d wait", len(batch), len(rest))
	}
	many[0].size = 3 * batchBytesMax
	if batch, _ = nextBatch(many[:3]); len(batch) != 1 {
		t.Errorf("%d travel with one that is larger than a batch", len(batch))
	}
}

func TestWhoLeftBeforeTravellingIsDropped(t *testing.T) {
	t.Parallel()
	a, b := &pending{command: &Command{ID: uuid.New()}}, &pending{command: &Command{ID: uuid.New()}}
	a.left.Store(true)
	batch, rest := nextBatch([]*pending{a, b})
	if len(batch) != 1 || batch[0] != b || len(rest) != 0 {
		t.Errorf("%d travel, %d wait", len(batch), len(rest))
	}
}
