package logproof_test

import (
	"bytes"
	"encoding/json"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"tender/cmd/internal/logproof"
)

// TestWhatCanBeReadInTwoWaysIsRefused puts something into what holds that another
// reader sees, or sees otherwise.
func TestWhatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(4, 1)), 9, 9)
	event := asLine(t, l.honest[6])
	hashes, err := tlog.ProveRecord(9, 6, l.reader(t))
	if err != nil {
		t.Fatal(err)
	}
	proof, _ := json.Marshal(map[string]any{"format": "tender-inclusion-1", "event": asProven(t, l.honest[6]), "hashes": hashes, "checkpoint": l.sealed[0].Note})
	consistency := []byte(`{"format":"tender-consistency-1","from":9,"to":9,"hashes":[],"checkpoint":""}`)
	events := l.export(t, 1, 9)
	parsers := map[string]func([]byte) error{
		"event":       func(text []byte) error { _, err := logproof.ParseEvent(text); return err },
		"inclusion":   func(text []byte) error { _, err := logproof.ParseInclusion(text); return err },
		"consistency": func(text []byte) error { _, err := logproof.ParseConsistency(text); return err },
		"export": func(text []byte) error {
			_, err := logproof.VerifyExport(bytes.NewReader(text), &l.keys, nil)
			return err
		},
	}
	good := map[string][]byte{"event": event, "inclusion": proof, "consistency": consistency, "export": events}
	for kind, text := range good {
		if err := parsers[kind](text); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
	}
	for name, c := range map[string]struct{ kind, old, with string }{
		"a payload before the true one":   {"event", `"payload":`, `"payload":"{}","payload":`},
		"one in capitals":                 {"event", `"payload":`, `"payload":"{}","PAYLOAD":`},
		"one in capitals before it":       {"event", `"payload":`, `"Payload":"{}","payload":`},
		"with letters that fold":          {"event", `"stream":`, `"ſtream":`},
		"one with an escape":              {"event", `"payload":`, `"payload":"{}","p\u0061yload":`},
		"another member":                  {"event", `"payload":`, `"amount":1,"payload":`},
		"half a character":                {"event", `"request_id":"`, `"request_id":"\ud800`},
		"the other half":                  {"event", `"request_id":"`, `"request_id":"\udc00`},
		"two first halves":                {"event", `"request_id":"`, `"request_id":"\ud800\ud800`},
		"no Unicode":                      {"event", `"request_id":"`, "\"request_id\":\"\xff"},
		"more behind it":                  {"event", `"version":`, `"version":1} {"version":`},
		"in a proof, what isn't proven":   {"inclusion", `"payload":`, `"hash":"` + strings.Repeat("0", 64) + `","payload":`},
		"in a proof, another event":       {"inclusion", `"event":`, `"event":{"position":7},"event":`},
		"in a proof, one in capitals":     {"inclusion", `"event":`, `"Event":{"position":7},"event":`},
		"in a proof's event, a payload":   {"inclusion", `"payload":`, `"payload":"{}","PAYLOAD":`},
		"in a proof, another checkpoint":  {"inclusion", `"checkpoint":`, `"checkpoint":"mine","checkpoint":`},
		"in a proof, another size":        {"consistency", `"from":`, `"from":8,"from":`},
		"in an export, another range":     {"export", `"from":`, `"from":5,"from":`},
		"in an export, a payload":         {"export", `"payload":`, `"payload":"{}","PAYLOAD":`},
		"in an export, a payload, later":  {"export", `"payload":`, `"pAyload":"{}","payload":`},
		"in an export's head, in capital": {"export", `"checkpoint":`, `"Checkpoint":"mine","checkpoint":`},
	} {
		changed := strings.Replace(string(good[c.kind]), c.old, c.with, 1)
		if changed == string(good[c.kind]) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if parsers[c.kind]([]byte(changed)) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	whole := strings.Replace(string(event), `"request_id":"`, `"request_id":"\ud83d\ude00 \\ud800`, 1)
	if e, err := logproof.ParseEvent([]byte(whole)); err != nil || !strings.HasPrefix(string(e.RequestID), `😀 \ud800`) {
		t.Errorf("a whole character is refused: %v", err)
	}
}

func FuzzParseEvent(f *testing.F) {
	l := newLog(f, mathrand.New(mathrand.NewPCG(4, 2)), 3)
	for _, e := range l.honest {
		f.Add(asLine(f, e))
	}
	f.Add([]byte(`{"position":1,"stream":"a","at":"2026-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"payload":"{}","PAYLOAD":"[]"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := logproof.ParseEvent(line)
		if err != nil {
			return
		}
		e.AppendEncoded(nil)
		// A reader that knows nothing of the format sees the same, and nothing else.
		var seen map[string]any
		if err := json.Unmarshal(line, &seen); err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string][]byte{"payload": e.Payload, "stream": e.Stream, "actor_id": e.ActorID} {
			if text, there := seen[name].(string); there && text != string(value) || !there && len(value) > 0 {
				t.Errorf("%s is %q, and is read as %q", name, seen[name], value)
			}
		}
		for name := range seen {
			twice := `,"` + name + `":` + `null}`
			if _, err := logproof.ParseEvent(append(bytes.TrimSuffix(bytes.TrimSpace(line), []byte("}")), twice...)); err == nil {
				t.Errorf("%q may be there twice", name)
			}
		}
	})
}
