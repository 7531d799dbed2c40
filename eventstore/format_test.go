package eventstore_test

import (
	"os"
	"strings"
	"testing"
)

const formatNote = "../docs/log-format.md"

// block returns the block of SQL in docs/log-format.md that holds a text.
func block(t *testing.T, holds string) string {
	t.Helper()
	note, err := os.ReadFile(formatNote)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(note), "```sql\n")[1:] {
		if sql, _, _ := strings.Cut(part, "```"); strings.Contains(sql, holds) {
			return sql
		}
	}
	t.Fatalf("%s has no block of SQL with %s", formatNote, holds)
	return ""
}

// TestTheNoteTellsTheVectors holds the hashes in the note to the vectors.
func TestTheNoteTellsTheVectors(t *testing.T) {
	t.Parallel()
	note, err := os.ReadFile(formatNote)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range readVectors(t) {
		if !strings.Contains(string(note), v.Hash) {
			t.Errorf("%s lacks the hash of vector %d", formatNote, i)
		}
	}
	joined := strings.ReplaceAll(string(note), "\n    ", "")
	if !strings.Contains(joined, readVectors(t)[0].Encoded) {
		t.Errorf("%s lacks the encoding of the first vector", formatNote)
	}
}

// TestTheNotesQueryFindsWhatWasChanged changes a row by force, as only an owner who
// takes the triggers away can, and asks the query of the note where.
func TestTheNotesQueryFindsWhatWasChanged(t *testing.T) {
	b := setup(t)
	for i := range 5 {
		b.mustAppend(t, write("ps_1", 2*i, 2))
	}
	query := block(t, "min(position)")
	find := func() (position *int64) {
		if err := b.store.Pool().QueryRow(b.ctx, query).Scan(&position); err != nil {
			t.Fatal(err)
		}
		return position
	}
	if at := find(); at != nil {
		t.Fatalf("a whole chain is broken at %d", *at)
	}
	asSuper(t, b, `ALTER TABLE log_test.events DISABLE TRIGGER immutable; UPDATE log_test.events SET actor_id = 'x' WHERE position = 7`)
	if at := find(); at == nil || *at != 7 {
		t.Errorf("found %v", at)
	}
}
