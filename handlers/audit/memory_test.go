package audit_test

import (
	"bufio"
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"tender/domain/staff"
)

// Files are written in memory that doesn't grow with their rows. What goes through the
// process while it is looked at comes to some 20 MB; 100 000 entries that somebody held
// on to, to 60 MB at least.
//
// It has the process for itself: tests in parallel begin when this one has ended.
func TestFilesNeedNoMemoryForTheirRows(t *testing.T) { //nolint:paralleltest // it measures the heap of the whole process
	b := setup(t)
	b.story()
	key := b.StaffKey(staff.RoleFinance)
	b.ask("journal", "limit", "1").Is(200) // it has come to the head
	const rows, grownMax = 100_000, 32 << 20
	_, err := b.First.Test.Engine.Store.Pool().Exec(t.Context(), fmt.Sprintf(`INSERT INTO read_test.journal_g1
			(id, line, first_position, position, state, event_id, event_type, merchant_id, payment_id, operation_id, reference,
			account, amount, currency, recorded_at, effective_at, actor_kind, actor_id)
		SELECT lpad('1', 19, '0') || '.' || n, n, 1, 1, '{}', j.event_id, j.event_type, j.merchant_id, j.payment_id, j.operation_id, j.reference,
			j.account, 1, j.currency, j.recorded_at, j.effective_at, j.actor_kind, j.actor_id
		FROM (SELECT * FROM read_test.journal_g1 LIMIT 1) j, generate_series(100, %d) n`, rows+99))
	b.must(err)
	for _, path := range []string{auditPath("journal", "format", "csv"), auditPath("journal", "format", "jsonl", "basis", "effective")} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.First.URL+path, nil)
		b.must(err)
		r.Header.Set("Authorization", "Bearer "+key)
		before := heap()
		answer, err := http.DefaultClient.Do(r)
		b.must(err)
		lines, most := 0, uint64(0)
		for s := bufio.NewScanner(answer.Body); s.Scan(); lines++ {
			if lines%(rows/8) == 0 {
				most = max(most, heap())
			}
		}
		b.must(answer.Body.Close())
		if lines < rows {
			t.Fatalf("%s: %d lines", path, lines)
		}
		if most > before+grownMax {
			t.Errorf("%s: the heap grew from %d to %d kB", path, before>>10, most>>10)
		}
	}
}

// heap is what the process holds on to.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
