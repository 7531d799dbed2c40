package verify_test

import (
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"tender/cmd/internal/logproof"
	"tender/cmd/tender/internal/verify"
	"tender/eventstore/seal"
)

// rechain computes the chain anew from a position on, as somebody would who knows how.
const rechain = `DO $$
DECLARE r record; previous bytea := coalesce((SELECT hash FROM log_test.events WHERE position = %[1]d - 1), decode(repeat('00', 32), 'hex'));
BEGIN
	FOR r IN SELECT * FROM log_test.events WHERE position >= %[1]d ORDER BY position LOOP
		previous := sha256(previous || record_send(ROW(1, r.position, r.stream, r.version, r.type, r.schema_version, r.event_id, r.command_id, r.merchant_id,
			r.at, r.effective_at, r.recorded_at, r.request_id, r.causation, r.actor_kind, r.actor_id, r.payload)));
		UPDATE log_test.events SET hash = previous WHERE position = r.position;
	END LOOP;
END $$`

// move makes rows from a position on stand elsewhere; positions are unique at every
// moment.
func move(from, by int64) []string {
	return []string{
		fmt.Sprintf(`UPDATE log_test.events SET position = position + 1000000 WHERE position >= %d`, from),
		fmt.Sprintf(`UPDATE log_test.events SET position = position - 1000000 + %d WHERE position >= 1000000`, by),
	}
}

func swap(p, q int64) []string {
	return []string{
		fmt.Sprintf(`UPDATE log_test.events SET position = 1000000 WHERE position = %d`, p),
		fmt.Sprintf(`UPDATE log_test.events SET position = %d WHERE position = %d`, p, q),
		fmt.Sprintf(`UPDATE log_test.events SET position = %d WHERE position = 1000000`, q),
	}
}

// fake inserts a row that looks like the one after it.
func fake(p int64) string {
	return fmt.Sprintf(`INSERT INTO log_test.events SELECT %d, stream || 'x', 1, type, schema_version, gen_random_uuid(), command_id, merchant_id,
		at, effective_at, recorded_at, request_id, causation, actor_kind, actor_id, payload, hash FROM log_test.events WHERE position = %d`, p, p+1)
}

// changes are what can be done to each column.
var changes = []string{
	`stream = stream || 'x'`, `version = version + 1000`, `type = 'payment.voided'`, `schema_version = 9`, `event_id = gen_random_uuid()`,
	`command_id = gen_random_uuid()`, `merchant_id = 'mer_other'`, `at = at + interval '1 millisecond'`, `effective_at = now()`,
	`recorded_at = recorded_at + interval '1 microsecond'`, `request_id = ''`, `causation = gen_random_uuid()`, `actor_kind = 'staff'`,
	`actor_id = 'key_other'`, `payload = (replace(payload::text, '"amount":', '"amount":1'))::json`, `payload = (payload::text || ' ')::json`,
	`hash = sha256(hash)`,
}

// TestEveryTamperingInTheDatabaseIsFound changes rows as a superuser with the
// triggers off, and puts them back.
func TestEveryTamperingInTheDatabaseIsFound(t *testing.T) {
	t.Parallel()
	const size = 600 // two tiles, and some
	b := setup(t)
	for _, n := range []int{200, 200, 150, 50} {
		b.fill(n)
		b.seal()
	}
	b.force(`CREATE TABLE public.saved AS SELECT * FROM log_test.events`)
	random := mathrand.New(mathrand.NewPCG(3, 3))
	tried := 0
	try := func(name string, p int64, what logproof.What, statements ...string) {
		t.Helper()
		tried++
		b.force(statements...)
		_, err := b.log.Verify(b.ctx)
		var fault *logproof.Fault
		if !errors.As(err, &fault) || fault.Position != p || fault.What != what {
			t.Errorf("%s at %d (%s): found was %v", name, p, what, err)
		}
		b.force(`DELETE FROM log_test.events`, `INSERT INTO log_test.events SELECT * FROM public.saved`)
	}
	somewhere := func() int64 { return 1 + random.Int64N(size-2) }
	for _, change := range changes {
		p := somewhere()
		try(change, p, logproof.Changed, fmt.Sprintf(`UPDATE log_test.events SET %s WHERE position = %d`, change, p))
	}
	for i := range 5 {
		p := somewhere()
		if i == 0 {
			p = 540 // in the tile that isn't complete
		}
		q := p + 1 + random.Int64N(size-p-1)
		try("deleted", p, logproof.Removed, fmt.Sprintf(`DELETE FROM log_test.events WHERE position = %d`, p))
		try("deleted and moved up", p, logproof.Removed, append([]string{fmt.Sprintf(`DELETE FROM log_test.events WHERE position = %d`, p)}, move(p+1, -1)...)...)
		try("inserted", p, logproof.Added, append(move(p, 1), fake(p))...)
		try("swapped", p, logproof.Swapped, swap(p, q)...)
		try("cut off", p, logproof.CutOff, fmt.Sprintf(`DELETE FROM log_test.events WHERE position >= %d`, p))
		rewritten := fmt.Sprintf(rechain, p)
		try("changed and rechained", p, logproof.Changed, fmt.Sprintf(`UPDATE log_test.events SET payload = '{}' WHERE position = %d`, p), rewritten)
		try("deleted and rechained", p, logproof.Removed, append(append([]string{fmt.Sprintf(`DELETE FROM log_test.events WHERE position = %d`, p)}, move(p+1, -1)...), rewritten)...)
		try("inserted and rechained", p, logproof.Added, append(append(move(p, 1), fake(p)), rewritten)...)
	}
	far := somewhere()
	try("moved far ahead", far, logproof.Removed, fmt.Sprintf(`UPDATE log_test.events SET position = 9000000000000000000 WHERE position = %d`, far))
	try("everything is gone", 1, logproof.CutOff, `DELETE FROM log_test.events`)
	try("something before the first", 0, logproof.Added, `ALTER TABLE log_test.events DROP CONSTRAINT events_position_check`, fake(0))
	if r, err := b.log.Verify(b.ctx); err != nil || r.Last != size || r.Sealed != size || r.Checkpoints != 4 || !r.Tiles || r.LeavesWrongAt != 0 {
		t.Errorf("put back, after %d ways: %+v, %v", tried, r, err)
	}
}

// TestAForgerWhoKnowsEverythingIsFoundByWhatHasLeft rewrites the log and everything
// in the database that could tell.
func TestAForgerWhoKnowsEverythingIsFoundByWhatHasLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(300)
	b.seal()
	kept, err := seal.NewProofs(b.store).Latest(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	b.fill(100)
	b.seal()
	b.force(`UPDATE log_test.events SET payload = '{}' WHERE position = 123`, fmt.Sprintf(rechain, 123), `DELETE FROM work_test.checkpoints`, `DELETE FROM work_test.tiles`)
	if _, err := b.log.Verify(b.ctx); err != nil {
		t.Errorf("the database alone can't tell, but did: %v", err)
	}
	source, stop := logproof.FileSource("kept", strings.NewReader(kept.Note), b.log.Keys.Checkpoint)
	defer stop()
	b.log.Kept = []logproof.Source{source}
	_, err = b.log.Verify(b.ctx)
	var fault *logproof.Fault
	if !errors.As(err, &fault) || fault.What != logproof.Changed || !strings.Contains(fault.Detail, "300") {
		t.Errorf("with the checkpoint that left: %v", err)
	}
}

// What was kept may hold nothing, or be of another installation whose keys are listed,
// too: neither proves anything.
func TestWhatProvesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(5)
	b.seal()
	source, stop := logproof.FileSource("kept", strings.NewReader(""), b.log.Believe)
	defer stop()
	empty := b.log
	empty.Kept = []logproof.Source{source}
	if _, err := empty.Verify(b.ctx); !errors.Is(err, verify.ErrNothingKept) {
		t.Errorf("with an empty file: %v", err)
	}
	other := b.log
	other.Origin = "elsewhere/log_test"
	if _, err := other.Verify(b.ctx); err == nil || !strings.Contains(err.Error(), "--origin") {
		t.Errorf("as another's: %v", err)
	}
	if r, err := b.log.Verify(b.ctx); err != nil || !strings.HasSuffix(r.Origin, "/log_test") || r.Kept != 0 {
		t.Errorf("found was %+v, %v", r, err)
	}
}

func TestAnEmptyLogHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if r, err := b.log.Verify(b.ctx); err != nil || r.Last != 0 || r.Head != 0 {
		t.Errorf("found was %+v, %v", r, err)
	}
}

func TestCheckpointsOfOtherLogsAreNotBelieved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(5)
	b.seal()
	live := b.log
	live.Mode = "live"
	b.force(`INSERT INTO work_live.checkpoints SELECT * FROM work_test.checkpoints`)
	if _, err := live.Verify(b.ctx); err == nil || !strings.Contains(err.Error(), "not of the live log") {
		t.Errorf("found was %v", err)
	}
	b.force(`UPDATE work_test.checkpoints SET note = replace(note, 'time 2', 'time 1')`)
	if _, err := b.log.Verify(b.ctx); err == nil || !strings.Contains(err.Error(), "can't be believed") {
		t.Errorf("found was %v", err)
	}
	b.log.Keys = nil
	if r, err := b.log.Verify(b.ctx); err != nil || r.Checkpoints != 1 {
		t.Errorf("without keys: %+v, %v", r, err)
	}
}

// BenchmarkVerifyLog verifies a sealed log of 200 000 events, or of as many as
// TENDER_BENCH_EVENTS says.
func BenchmarkVerifyLog(b *testing.B) {
	size := 200_000
	if text := os.Getenv("TENDER_BENCH_EVENTS"); text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	bundle := setup(b)
	bundle.fill(size)
	bundle.seal()
	var memory runtime.MemStats
	most := uint64(0)
	bundle.log.Progress = func(int64, int64) {
		runtime.ReadMemStats(&memory)
		most = max(most, memory.HeapInuse+memory.StackInuse)
	}
	runtime.GC()
	b.ResetTimer()
	for range b.N {
		if _, err := bundle.log.Verify(bundle.ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(most)/(1<<20), "MB")
}
