package invariants_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
	"time"

	"tender/cmd/tender/internal/verify/invariants"
	"tender/domain"
	"tender/domain/catalogue"
	"tender/eventstore"
)

// What installations of the tests have written breaks no predicate, and there is every
// type of event in it.
func TestTheGoldenLogBreaksNothing(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../../../../handlers/replay/testdata/golden-log.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	streams := map[string]*invariants.Stream{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	n := 0
	for lines.Scan() {
		var l struct {
			Stream        string          `json:"stream"`
			Version       int             `json:"version"`
			Type          string          `json:"type"`
			SchemaVersion int             `json:"schema_version"`
			MerchantID    string          `json:"merchant_id"`
			At            time.Time       `json:"at"`
			ActorKind     string          `json:"actor_kind"`
			ActorID       string          `json:"actor_id"`
			Payload       json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		said, err := catalogue.Decode(l.Type, l.SchemaVersion, l.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if streams[l.Stream] == nil {
			streams[l.Stream] = invariants.NewStream(l.Stream)
		}
		n++
		for _, broken := range streams[l.Stream].Add(invariants.Event{Said: said, Event: eventstore.Event{
			Position: int64(1e6 + n), // beyond what decisions about read models name
			Stream:   l.Stream, Version: l.Version, Type: l.Type, MerchantID: l.MerchantID, At: l.At, Actor: domain.Actor{Kind: domain.ActorKind(l.ActorKind), ID: l.ActorID},
		}}) {
			t.Error(broken)
		}
	}
	if err := lines.Err(); err != nil || n == 0 {
		t.Errorf("%d events were read: %v", n, err)
	}
}
