package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tender/handlers/handlerstest"
	"tender/projections"
)

// export reads a file and its manifest, and holds the one against the other.
func (b *bundle) export(path string, pairs ...string) (file []byte, manifest *handlerstest.Answer) {
	b.t.Helper()
	manifest = b.ask(path+"/manifest", pairs...).Is(200)
	file = b.finance.Get(manifest.Text("href")).Is(200).Body
	sum := sha256.Sum256(file)
	manifest.Shows(object{"sha256": hex.EncodeToString(sum[:]), "bytes": len(file)})
	return file, manifest
}

// The same range gives the same bytes, also after the log has gone on; the manifest
// says what is in them.
func TestExportsAreTheSameBytes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.story()
	for _, path := range [][]string{
		{"journal", "format", "csv"}, {"journal", "format", "jsonl"}, {"journal", "format", "csv", "basis", "effective"},
		{"events", "format", "csv"}, {"events", "format", "jsonl", "type", "payment.*"},
		{"statement", "format", "csv", "merchant", b.shop.ID, "from", "2020-01-01", "to", "2090-01-01"},
		{"statement", "format", "jsonl", "merchant", b.shop.ID, "from", "2020-01-01", "to", "2090-01-01", "basis", "effective"},
	} {
		first, manifest := b.export(path[0], path[1:]...)
		if manifest.Int("rows") == 0 || manifest.Int("position") != b.head() || len(manifest.Text("hash")) != 64 {
			t.Errorf("%v: the manifest is %s", path, manifest.Body)
		}
		b.calls.Paid(1_000, goodCard) // the log goes on
		again := b.finance.Get(manifest.Text("href")).Is(200)
		if !bytes.Equal(first, again.Body) {
			t.Errorf("%v: the second file differs from the first", path)
		}
		if a := b.finance.Get(manifestOf(manifest.Text("href"))).Is(200); a.Text("sha256") != manifest.Text("sha256") || a.Text("href") != manifest.Text("href") {
			t.Errorf("%v: the second manifest is %s", path, a.Body)
		}
		if later, _ := b.export(path[0], path[1:]...); bytes.Equal(first, later) {
			t.Errorf("%v: what has happened since is not in it", path)
		}
		if name := again.Header.Get("Content-Disposition"); !strings.Contains(name, path[0]+"-test-") {
			t.Errorf("%v: the file is called %q", path, name)
		}
	}
}

// manifestOf is where the manifest of a file is.
func manifestOf(href string) string { return strings.Replace(href, "?", "/manifest?", 1) }

// Both forms of a file say the same, and add up to nothing.
func TestJournalFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.story()
	b.calls.Paid(700, goodCard, object{"currency": "JPY"})
	to := strconv.FormatInt(b.head(), 10)
	lines, manifest := b.export("journal", "format", "csv", "to", to)
	if !bytes.HasSuffix(lines, []byte("\r\n")) || bytes.Count(lines, []byte("\n")) != bytes.Count(lines, []byte("\r\n")) {
		t.Error("lines don't end as RFC 4180 has it")
	}
	records, err := csv.NewReader(bytes.NewReader(lines)).ReadAll()
	b.must(err)
	column := func(name string) int { return slices.Index(records[0], name) }
	sums := map[string]int64{}
	for _, r := range records[1:] {
		n, err := strconv.ParseInt(r[column("amount_minor")], 10, 64)
		b.must(err)
		sums[r[column("currency")]] += n
		want := map[string]string{"ZAR": "2", "JPY": "0"}[r[column("currency")]]
		if r[column("exponent")] != want || (n < 0) != (r[column("side")] == "credit") || strings.Contains(r[column("amount")], ".") != (want == "2") {
			t.Errorf("a line is %q", r)
		}
	}
	if sums["ZAR"] != 0 || sums["JPY"] != 0 || len(sums) != 2 {
		t.Errorf("it adds up to %v", sums)
	}
	manifest.Shows(object{
		"rows": len(records) - 1, "sums.0.currency": "JPY", "sums.0.amount_minor": "0", "sums.0.debit_minor": "700", "sums.0.amount": "0",
		"sums.1.currency": "ZAR", "sums.1.credit_minor": "31000", "sums.1.amount": "0.00",
	})
	objects, _ := b.export("journal", "format", "jsonl", "to", to)
	for i, text := range strings.Split(strings.TrimSuffix(string(objects), "\n"), "\n") {
		var o struct {
			Position    int64  `json:"position"`
			EventID     string `json:"event_id"`
			AmountMinor string `json:"amount_minor"`
		}
		b.must(json.Unmarshal([]byte(text), &o))
		r := records[i+1]
		if strconv.FormatInt(o.Position, 10) != r[column("position")] || o.EventID != r[column("event_id")] || o.AmountMinor != r[column("amount_minor")] {
			t.Errorf("line %d is %s and %q", i, text, r)
		}
	}
}

// An event's file holds the very text that was hashed.
func TestEventFilesKeepPayloads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID, _ := b.story()
	lines, _ := b.export("events", "format", "csv", "stream", paymentID)
	records, err := csv.NewReader(bytes.NewReader(lines)).ReadAll()
	b.must(err)
	events, err := b.First.Test.Engine.Store.Stream(t.Context(), paymentID)
	b.must(err)
	if len(records) != len(events)+1 {
		t.Fatalf("%d lines for %d events", len(records)-1, len(events))
	}
	for i, e := range events {
		r := records[i+1]
		if r[slices.Index(records[0], "payload")] != string(e.Payload) || r[slices.Index(records[0], "hash")] != hex.EncodeToString(e.Hash[:]) {
			t.Errorf("event %d is %q", i, r)
		}
	}
}

// A file is written piece by piece: more entries than are read at once.
func TestFilesAreLongerThanAPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const payments = 40
	for range payments {
		id := b.calls.Reserved(10_000, goodCard)
		for range 7 {
			b.calls.Capture(id, 100).Is(200)
		}
	}
	for _, basis := range []projections.Basis{projections.BasisRecorded, projections.BasisEffective} {
		_, manifest := b.export("journal", "format", "csv", "basis", string(basis))
		if n := manifest.Int("rows"); n != payments*(2+7*4) {
			t.Errorf("%s: %d rows", basis, n)
		}
		debits, _ := new(big.Int).SetString(manifest.Text("sums.0.debit_minor"), 10)
		if debits.Int64() != payments*(10_000+7*2*100) {
			t.Errorf("%s: debits of %s", basis, debits)
		}
	}
}
