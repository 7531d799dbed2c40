package logproof_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tender/cmd/internal/logproof"
)

// reader reads the stored hashes of the log's tree, as they were.
func (l *log) reader(t testing.TB) tlog.HashReader {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	for i, e := range l.honest {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), logproof.LeafHash(e), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	return reader
}

func formatTime(t logproof.Time) string {
	return time.UnixMicro(int64(t) + 946684800*1_000_000).UTC().Format(time.RFC3339Nano)
}

// asLine writes an event as a line of an export.
func asLine(t testing.TB, e *logproof.Event) []byte {
	t.Helper()
	id := func(b [16]byte) string {
		s := hex.EncodeToString(b[:])
		return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
	}
	m := map[string]any{
		"position": e.Position, "stream": string(e.Stream), "version": e.Version, "type": string(e.Type), "schema_version": e.SchemaVersion,
		"event_id": id(e.EventID), "command_id": id(e.CommandID), "merchant_id": string(e.MerchantID), "at": formatTime(e.At),
		"effective_at": nil, "recorded_at": formatTime(e.RecordedAt), "request_id": string(e.RequestID), "causation": nil,
		"actor_kind": string(e.ActorKind), "actor_id": string(e.ActorID), "payload": string(e.Payload), "hash": hex.EncodeToString(e.Hash[:]),
	}
	if e.HasEffectiveAt {
		m["effective_at"] = formatTime(e.EffectiveAt)
	}
	if e.HasCausation {
		m["causation"] = id(e.Causation)
	}
	line, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// asProven writes an event as a proof of inclusion holds it: without its chain hash.
func asProven(t testing.TB, e *logproof.Event) json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(asLine(t, e), &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "hash")
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestProofsProveWhatTheySay(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(2, 1)), 60, 1, 20, 32, 60)
	reader := l.reader(t)
	for _, c := range l.sealed {
		for _, e := range l.honest[:c.Size] {
			hashes, err := tlog.ProveRecord(c.Size, e.Position-1, reader)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := json.Marshal(map[string]any{"format": "tender-inclusion-1", "event": asProven(t, e), "hashes": hashes, "checkpoint": c.Note})
			p, err := logproof.ParseInclusion(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Check(c); err != nil {
				t.Errorf("position %d in %d: %v", e.Position, c.Size, err)
			}
			p.Event.Payload = append(p.Event.Payload, ' ')
			if p.Check(c) == nil {
				t.Errorf("position %d in %d: another event is proven", e.Position, c.Size)
			}
		}
		for _, later := range l.sealed {
			if later.Size < c.Size {
				continue
			}
			hashes, err := tlog.ProveTree(later.Size, c.Size, reader)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := json.Marshal(map[string]any{"format": "tender-consistency-1", "from": c.Size, "to": later.Size, "hashes": hashes, "checkpoint": later.Note})
			p, err := logproof.ParseConsistency(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Check(c, later); err != nil {
				t.Errorf("from %d to %d: %v", c.Size, later.Size, err)
			}
			c.Root[0]++
			if p.Check(c, later) == nil {
				t.Errorf("from %d to %d: another history is proven", c.Size, later.Size)
			}
			c.Root[0]--
		}
	}
}

// export writes events from..to with what leads to the last checkpoint.
func (l *log) export(t testing.TB, from, to int64) []byte {
	t.Helper()
	reader := l.reader(t)
	hash := func(level int, n int64) logproof.Hash {
		h, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(level, n)})
		if err != nil {
			t.Fatal(err)
		}
		return h[0]
	}
	c := l.sealed[len(l.sealed)-1]
	head := logproof.Export{Format: "tender-events-1", From: from, To: to, Before: subtrees(0, from-1, hash), After: subtrees(to, c.Size, hash), Checkpoint: c.Note}
	if from > 1 {
		head.Previous = l.honest[from-2].Hash
	}
	text, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	lines := [][]byte{text}
	for _, e := range l.events {
		if e.Position >= from && e.Position <= to {
			lines = append(lines, asLine(t, e))
		}
	}
	return append(bytes.Join(lines, []byte("\n")), '\n')
}

func TestAnExportIsVerifiedByItself(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(2, 2)), 60, 10, 20, 55)
	for _, r := range [][2]int64{{1, 55}, {1, 1}, {7, 7}, {11, 33}, {55, 55}, {2, 54}} {
		found, err := logproof.VerifyExport(bytes.NewReader(l.export(t, r[0], r[1])), &l.keys, source(l.sealed))
		if err != nil || found.First != r[0] || found.Last != r[1] || found.Checkpoint.Size != 55 {
			t.Errorf("%v: %+v, %v", r, found, err)
		}
	}
	found, err := logproof.VerifyExport(bytes.NewReader(l.export(t, 15, 30)), &l.keys, source(l.sealed))
	if err != nil || found.Checkpoints != 1 || found.Unreached.Count != 1 || found.Unreached.First.Size != 10 || found.Unreached.Last.Size != 10 {
		t.Errorf("of three kept checkpoints one lies within, one before, one is the export's: %+v, %v", found, err)
	}
}

func TestAnExportThatWasTamperedWithIsFoundOut(t *testing.T) {
	t.Parallel()
	fresh := func() *log { return newLog(t, mathrand.New(mathrand.NewPCG(2, 3)), 60, 10, 20, 55) }
	for name, c := range map[string]struct {
		change   func(l *log)
		position int64
		what     logproof.What
	}{
		"changed":                {func(l *log) { l.events[29].Payload = []byte(`{}`) }, 30, logproof.Changed},
		"changed and rehashed":   {func(l *log) { l.events[29].Payload = []byte(`{}`); rehash(l.events, 29) }, 21, logproof.Changed},
		"rehashed before a kept": {func(l *log) { l.events[16].Payload = []byte(`{}`); rehash(l.events, 16) }, 11, logproof.Changed},
		"removed":                {func(l *log) { l.events = append(l.events[:24:24], l.events[25:]...) }, 25, logproof.Removed},
		"cut off":                {func(l *log) { l.events = l.events[:30] }, 31, logproof.CutOff},
		"out of order":           {func(l *log) { l.events[29], l.events[30] = l.events[30], l.events[29] }, 30, logproof.Swapped},
		"twice":                  {func(l *log) { l.events[30] = l.events[29] }, 30, logproof.Added},
	} {
		l := fresh()
		c.change(l)
		_, err := logproof.VerifyExport(bytes.NewReader(l.export(t, 11, 40)), &l.keys, source(l.sealed[1:2]))
		check(t, 0, name, err, c.position, c.what)
	}
	l := fresh()
	text := l.export(t, 11, 40)
	for name, broken := range map[string][]byte{
		"an added line":      append(bytes.Clone(text), asLine(t, l.honest[40])...),
		"no head":            text[bytes.IndexByte(text, '\n')+1:],
		"half a line":        text[:len(text)-30],
		"nothing":            nil,
		"another checkpoint": bytes.Replace(text, []byte(`\n55\n`), []byte(`\n56\n`), 1),
		"an unknown member":  bytes.Replace(text, []byte(`"stream"`), []byte(`"streams"`), 1),
	} {
		if _, err := logproof.VerifyExport(bytes.NewReader(broken), &l.keys, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestWhatIsNotProvenIsNotSaidToBe forges the chain hashes of exported events, which
// the tree doesn't cover.
func TestWhatIsNotProvenIsNotSaidToBe(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(2, 8)), 60, 10, 20, 55)
	for name, c := range map[string]struct {
		from, to int64
		kept     []logproof.Checkpoint
		sealed   bool // what is true is known to be; a forgery is found
	}{
		"no checkpoint reaches it": {12, 30, l.sealed[:1], false},
		"one kept is within":       {12, 30, l.sealed, true},
		"one kept is before it":    {11, 30, l.sealed[:1], true},
		"one kept is at its end":   {12, 20, l.sealed, true},
		"the export's own":         {12, 55, nil, true},
		"from the first on":        {1, 30, nil, true},
	} {
		text := l.export(t, c.from, c.to)
		found, err := logproof.VerifyExport(bytes.NewReader(text), &l.keys, source(c.kept))
		if err != nil || found.ChainSealed != c.sealed {
			t.Errorf("%s: that the chain is sealed is %v, want %v; %v", name, found.ChainSealed, c.sealed, err)
		}
		found, err = logproof.VerifyExport(bytes.NewReader(forgeChain(t, text)), &l.keys, source(c.kept))
		if (err != nil) != c.sealed || found.ChainSealed && err == nil {
			t.Errorf("%s, with a forged chain: %v, and that it is sealed is %v", name, err, found.ChainSealed)
		}
	}
}

// forgeChain gives exported events another previous hash, and the hashes that follow.
func forgeChain(t *testing.T, text []byte) []byte {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	var head logproof.Export
	if err := json.Unmarshal(lines[0], &head); err != nil {
		t.Fatal(err)
	}
	head.Previous = logproof.Hash{1, 2, 3}
	first, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	forged := [][]byte{first}
	previous := head.Previous
	for _, l := range lines[1:] {
		e, err := logproof.ParseEvent(l)
		if err != nil {
			t.Fatal(err)
		}
		e.Hash = logproof.ChainHash(previous, e)
		previous = e.Hash
		forged = append(forged, asLine(t, e))
	}
	return bytes.Join(forged, []byte("\n"))
}

func TestCheckpointsAreBelievedOnlyIfSigned(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(2, 4)), 9, 9)
	good := l.sealed[0]
	if good.Origin != origin || good.Size != 9 || good.Chain != l.honest[8].Hash || len(good.Signers) != 1 {
		t.Errorf("read was %+v", good)
	}
	other := newLog(t, mathrand.New(mathrand.NewPCG(2, 4)), 9, 9)
	for name, text := range map[string]string{
		"another key":     other.sealed[0].Note,
		"another size":    strings.Replace(good.Note, "\n9\n", "\n8\n", 1),
		"no signature":    good.Note[:strings.Index(good.Note, "— ")],
		"nothing":         "",
		"another message": l.sign(t, "hello\n"),
		"another origin":  l.sign(t, body("other.example/log_test", 9, good.Root, good.Chain)),
		"no chain":        l.sign(t, fmt.Sprintf("%s\n9\n%s\ntime 2026-01-01T00:00:00Z\n", origin, good.Root)),
		"no time":         l.sign(t, fmt.Sprintf("%s\n9\n%s\nchain %s\n", origin, good.Root, good.Chain)),
		"a negative size": l.sign(t, body(origin, -9, good.Root, good.Chain)),
		"a padded size":   l.sign(t, strings.Replace(body(origin, 9, good.Root, good.Chain), "\n9\n", "\n09\n", 1)),
	} {
		if _, err := l.keys.Checkpoint(text); err == nil {
			t.Errorf("%s: believed", name)
		}
	}
	if c, err := logproof.Unsigned(other.sealed[0].Note); err != nil || c.Size != 9 {
		t.Errorf("without keys: %+v, %v", c, err)
	}
}

func (l *log) sign(t testing.TB, text string) string {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}
