package logproof_test

import (
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"tender/cmd/internal/logproof"
)

// The ways in which a superuser changes rows. Each returns the first position that is
// wrong afterwards, and what is wrong there; "" where two things come to the same.
type tampering struct {
	name string
	do   func(random *mathrand.Rand, l *log) (int64, logproof.What)
	// chain: the chain alone finds it, at the same position.
	chain bool
}

var tamperings = []tampering{
	{"a column is changed", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i := r.IntN(len(l.events))
		changeColumn(r, l.events[i])
		return int64(i + 1), logproof.Changed
	}, true},
	{"a hash is changed", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i := r.IntN(len(l.events))
		l.events[i].Hash[r.IntN(32)]++
		return int64(i + 1), logproof.Changed
	}, true},
	{"a column is changed, and the row's own hash", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i := r.IntN(len(l.events))
		changeColumn(r, l.events[i])
		var previous logproof.Hash
		if i > 0 {
			previous = l.events[i-1].Hash
		}
		l.events[i].Hash = logproof.ChainHash(previous, l.events[i])
		return int64(i + 1), logproof.Changed
	}, false},
	{"a column is changed, and all hashes from there on", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i := r.IntN(len(l.events))
		changeColumn(r, l.events[i])
		rehash(l.events, i)
		return int64(i + 1), logproof.Changed
	}, false},
	{"rows are deleted", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i := r.IntN(len(l.events) - 5)
		l.events = slices.Delete(l.events, i, i+1+r.IntN(4))
		return int64(i + 1), logproof.Removed
	}, true},
	{"rows are deleted, and those after them moved up", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i := r.IntN(len(l.events) - 6)
		l.events = slices.Delete(l.events, i, i+1+r.IntN(4))
		renumber(l.events)
		return int64(i + 1), logproof.Removed
	}, true},
	{"rows are deleted, those after them moved up, and all hashes computed anew", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i := r.IntN(len(l.events) - 6)
		l.events = slices.Delete(l.events, i, i+1+r.IntN(4))
		rehash(l.events, i)
		return int64(i + 1), logproof.Removed
	}, false},
	{"rows are inserted, and those after them moved down", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i := r.IntN(len(l.events) - 2)
		insert(r, l, i)
		renumber(l.events)
		return int64(i + 1), logproof.Added
	}, true},
	{"rows are inserted, and all hashes computed anew", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i := r.IntN(len(l.events) - 2)
		insert(r, l, i)
		rehash(l.events, i)
		return int64(i + 1), logproof.Added
	}, false},
	{"a row is added at the end", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		l.events = append(l.events, event(r, int64(len(l.events)+1)))
		return int64(len(l.events)), ""
	}, true},
	{"two rows are swapped, hashes and all", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i, j := two(r, len(l.events))
		l.events[i], l.events[j] = l.events[j], l.events[i]
		renumber(l.events)
		return int64(i + 1), logproof.Swapped
	}, true},
	{"two rows are swapped, and their hashes stay", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i, j := two(r, len(l.events))
		l.events[i], l.events[j] = l.events[j], l.events[i]
		l.events[i].Hash, l.events[j].Hash = l.events[j].Hash, l.events[i].Hash
		renumber(l.events)
		return int64(i + 1), logproof.Swapped
	}, true},
	{"two rows are swapped, and all hashes computed anew", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i, j := two(r, len(l.events))
		l.events[i], l.events[j] = l.events[j], l.events[i]
		rehash(l.events, i)
		return int64(i + 1), logproof.Swapped
	}, false},
	{"the end is cut off", func(r *mathrand.Rand, l *log) (int64, logproof.What) {
		i := r.IntN(len(l.events))
		l.events = l.events[:i]
		return int64(i + 1), logproof.CutOff
	}, false},
}

// TestEveryTamperingIsFoundAtItsPosition tampers with a small log in a thousand ways.
func TestEveryTamperingIsFoundAtItsPosition(t *testing.T) {
	t.Parallel()
	const size, ways = 120, 1000
	alone := 0
	for seed := range uint64(ways) {
		random := mathrand.New(mathrand.NewPCG(seed, 1))
		l := newLog(t, random, size, 1, 7, 64, 100, size)
		if _, err := l.verify(true, true); err != nil {
			t.Fatalf("the log is not whole before: %v", err)
		}
		way := tamperings[int(seed)%len(tamperings)]
		position, what := way.do(random, l)
		_, err := l.verify(true, true)
		check(t, seed, way.name, err, position, what)
		if way.chain {
			alone++
			_, err = l.verify(false, false)
			check(t, seed, way.name+", without checkpoints", err, position, what)
		}
	}
	if alone < ways/2 {
		t.Errorf("only %d of the ways were tried without checkpoints", alone)
	}
}

func check(t *testing.T, seed uint64, name string, err error, position int64, what logproof.What) {
	t.Helper()
	var fault *logproof.Fault
	if !errors.As(err, &fault) {
		t.Errorf("seed %d, %s at %d: not found: %v", seed, name, position, err)
		return
	}
	if fault.Position != position || what != "" && fault.What != what {
		t.Errorf("seed %d, %s at %d (%s): found was %v", seed, name, position, what, fault)
	}
}

// TestARecomputedChainIsFoundByCheckpointsOnly changes a row and computes every hash
// after it anew.
func TestARecomputedChainIsFoundByCheckpointsOnly(t *testing.T) {
	t.Parallel()
	random := mathrand.New(mathrand.NewPCG(1, 2))
	l := newLog(t, random, 100, 10, 50, 90)
	l.events[59].Payload = []byte(`{"amount": 1}`)
	rehash(l.events, 59)
	if _, err := l.verify(false, false); err != nil {
		t.Errorf("without a checkpoint it can't be found, but was: %v", err)
	}
	_, err := l.verify(true, true)
	check(t, 1, "with checkpoints and tiles", err, 60, logproof.Changed)
	_, err = l.verify(true, false)
	check(t, 1, "with checkpoints", err, 51, logproof.Changed) // somewhere from there on
	// One checkpoint that somebody kept is enough.
	l.sealed = l.sealed[2:]
	_, err = l.verify(true, false)
	check(t, 1, "with the last checkpoint alone", err, 1, logproof.Changed)
	// What came after the last checkpoint, nobody has sealed.
	l = newLog(t, random, 100, 10, 50)
	l.events[59].Payload = []byte(`{"amount": 1}`)
	rehash(l.events, 59)
	if _, err := l.verify(true, true); err != nil {
		t.Errorf("after the last checkpoint it can't be found, but was: %v", err)
	}
}

// TestWrongTilesAreNoFaultOfTheLog spoils the leaves that were kept beside it.
func TestWrongTilesAreNoFaultOfTheLog(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(1, 3)), 100, 10, 50, 90)
	l.leaves[60] = l.leaves[61]
	s, err := l.verify(true, true)
	if err != nil || s.LeavesWrongAt != 60 || s.Checkpoints != 3 {
		t.Errorf("found were %+v, %v", s, err)
	}
	// Nor do they hide a fault.
	l.leaves[70] = logproof.LeafHash(l.events[71])
	changeColumn(mathrand.New(mathrand.NewPCG(1, 4)), l.events[79])
	_, err = l.verify(true, true)
	check(t, 1, "with wrong tiles", err, 80, logproof.Changed)
}

// changeColumn changes one column of e, whichever.
func changeColumn(r *mathrand.Rand, e *logproof.Event) {
	texts := []*[]byte{&e.Stream, &e.Type, &e.MerchantID, &e.RequestID, &e.ActorKind, &e.ActorID, &e.Payload}
	switch i := r.IntN(16); i {
	case 0, 1, 2, 3, 4, 5, 6:
		*texts[i] = append(*texts[i], ' ')
	case 7:
		e.Version++
	case 8:
		e.SchemaVersion++
	case 9:
		e.EventID[3]++
	case 10:
		e.CommandID[3]++
	case 11:
		e.At++
	case 12:
		e.EffectiveAt, e.HasEffectiveAt = 77, !e.HasEffectiveAt
	case 13:
		e.RecordedAt++
	case 14:
		e.Causation, e.HasCausation = [16]byte{1}, !e.HasCausation
	case 15:
		e.Payload = []byte(`{}`)
	}
}

func renumber(events []*logproof.Event) {
	for i, e := range events {
		e.Position = int64(i + 1)
	}
}

func insert(r *mathrand.Rand, l *log, i int) {
	for range 1 + r.IntN(3) {
		added := event(r, 0)
		if r.IntN(2) == 0 { // one that looks like the log's own
			added = l.events[r.IntN(len(l.events))].Clone()
			added.EventID[0]++
		}
		l.events = slices.Insert(l.events, i, added)
	}
}

func two(r *mathrand.Rand, n int) (int, int) {
	i := r.IntN(n - 1)
	return i, i + 1 + r.IntN(n-i-1)
}
