package logproof_test

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tender/cmd/internal/logproof"
)

// origin is that of every log in these tests.
const origin = "shop.example/log_test"

// log is a log in memory, with what was sealed of it.
type log struct {
	events []*logproof.Event // as they stand there
	honest []*logproof.Event // as they were appended
	sealed []logproof.Checkpoint
	leaves map[int64]logproof.Hash
	keys   logproof.Keys
	signer note.Signer
}

// newLog returns a log of n events that are sealed at every size given.
func newLog(t testing.TB, random *mathrand.Rand, n int, sealedAt ...int) *log {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	l := &log{leaves: map[int64]logproof.Hash{}}
	if l.signer, err = note.NewSigner(skey); err != nil {
		t.Fatal(err)
	}
	if l.keys, err = logproof.ParseKeys(vkey); err != nil {
		t.Fatal(err)
	}
	versions := map[string]int32{}
	for i := range n {
		e := event(random, int64(i+1))
		versions[string(e.Stream)]++
		e.Version = versions[string(e.Stream)]
		l.honest = append(l.honest, e)
	}
	rehash(l.honest, 0)
	var tree logproof.Tree
	for i, e := range l.honest {
		l.leaves[e.Position] = logproof.LeafHash(e)
		tree.Add(l.leaves[e.Position])
		for _, size := range sealedAt {
			if size == i+1 {
				l.seal(t, &tree, e.Hash)
			}
		}
	}
	if len(l.sealed) > 0 {
		for position := range l.leaves {
			if position > l.sealed[len(l.sealed)-1].Size {
				delete(l.leaves, position)
			}
		}
	}
	for _, e := range l.honest {
		l.events = append(l.events, e.Clone())
	}
	return l
}

// seal signs a checkpoint as docs/proofs.md says.
func (l *log) seal(t testing.TB, tree *logproof.Tree, chain logproof.Hash) {
	t.Helper()
	l.sealed = append(l.sealed, l.checkpoint(t, body(origin, tree.Size(), tree.Root(), chain), l.signer))
}

func (l *log) checkpoint(t testing.TB, text string, signers ...note.Signer) logproof.Checkpoint {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.keys.Checkpoint(string(signed))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func body(origin string, size int64, root, chain logproof.Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\nchain %s\ntime %s\n", origin, size, root, chain, time.Date(2026, 1, 1, 0, 0, int(size), 0, time.UTC).Format(time.RFC3339Nano))
}

// rehash computes positions and chain anew from an index on, as a superuser would who
// knows how.
func rehash(events []*logproof.Event, from int) {
	for i := from; i < len(events); i++ {
		var previous logproof.Hash
		if i > 0 {
			previous = events[i-1].Hash
		}
		events[i].Position = int64(i + 1)
		events[i].Hash = logproof.ChainHash(previous, events[i])
	}
}

// event draws an event of one of some streams.
func event(random *mathrand.Rand, position int64) *logproof.Event {
	e := &logproof.Event{
		Position: position, Stream: fmt.Appendf(nil, "pay_%02d", random.IntN(20)), Version: 1,
		Type: []byte("payment.captured"), SchemaVersion: 1, MerchantID: []byte("mer_1"),
		At: logproof.Time(position * 1000), RecordedAt: logproof.Time(position*1000 + 1),
		RequestID: []byte(strings.Repeat("r", random.IntN(3))), ActorKind: []byte("merchant"), ActorID: []byte("key_1"),
		Payload: fmt.Appendf(nil, `{"amount": %d, "text": "é"}`, random.Int64()),
	}
	for i := range e.EventID {
		e.EventID[i], e.CommandID[i] = byte(random.Uint32()), byte(random.Uint32())
	}
	if random.IntN(3) == 0 {
		e.EffectiveAt, e.HasEffectiveAt = e.At+1, true
	}
	if random.IntN(3) == 0 {
		e.Causation, e.HasCausation = e.CommandID, true
	}
	return e
}

// Leaf makes a log the source of its own leaves.
func (l *log) Leaf(position int64) (logproof.Hash, bool, error) {
	h, there := l.leaves[position]
	return h, there, nil
}

// source returns checkpoints one by one.
func source(checkpoints []logproof.Checkpoint) logproof.Source {
	return func() (logproof.Checkpoint, bool, error) {
		if len(checkpoints) == 0 {
			return logproof.Checkpoint{}, false, nil
		}
		c := checkpoints[0]
		checkpoints = checkpoints[1:]
		return c, true, nil
	}
}

// verify goes through the log, with its checkpoints and tiles or without.
func (l *log) verify(checkpoints, tiles bool) (logproof.Summary, error) {
	var cfg logproof.Config
	if checkpoints {
		cfg.Checkpoints = source(l.sealed)
	}
	if tiles {
		cfg.Leaves = l
	}
	v := logproof.NewVerifier(cfg)
	for _, e := range l.events {
		if err := v.Add(e); err != nil {
			return v.Summary(), err
		}
	}
	return v.Finish()
}
