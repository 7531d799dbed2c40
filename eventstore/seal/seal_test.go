package seal_test

import (
	"context"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tender/eventstore/lease"
	"tender/eventstore/seal"
)

func TestTheEdgeIsThatOfRFC6962(t *testing.T) {
	t.Parallel()
	const size = 70_000 // more than 256 × 256
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	var edge seal.Edge
	tiles := 0
	for n := range int64(size) {
		leaf := tlog.Hash{byte(n), byte(n >> 8), byte(n >> 16)}
		hashes, err := tlog.StoredHashesForRecordHash(n, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		tiles += edge.Add(leaf)
		if n > 1000 && n%257 != 0 && n&(n+1) != 0 {
			continue
		}
		if want, err := tlog.TreeHash(n+1, reader); err != nil || edge.Root() != want {
			t.Fatalf("size %d: root %v, want %v, %v", n+1, edge.Root(), want, err)
		}
	}
	if want := size/256 + size/256/256; tiles != want {
		t.Errorf("%d tiles were completed, want %d", tiles, want)
	}
}

func TestWhatIsNewIsSealedAndNothingElse(t *testing.T) {
	b := setup(t)
	if _, err := b.proofs.Latest(b.ctx); err == nil {
		t.Error("a log that was never sealed has a checkpoint")
	}
	b.fill(1)
	first := b.sealTo(1)
	b.fill(700)
	last := b.sealTo(701)
	roots := b.roots()
	head, hash, err := b.store.Head(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if first.Size != 1 || first.Root != roots[1] || last.Size != head || last.Root != roots[head] || last.Chain != hash {
		t.Errorf("sealed were %+v, %+v", first, last)
	}
	made := len(b.checkpoints())
	s, stop := b.sealer()
	eventually(t, "another sealer has looked", func() bool { return s.State().Condition == seal.Running })
	stop()
	if again := len(b.checkpoints()); again != made {
		t.Errorf("without anything new, %d checkpoints became %d", made, again)
	}
	status, err := seal.Read(b.ctx, b.store)
	if err != nil || status.Alarm != "" || status.Last == nil || status.Last.Size != head || status.Head != head || status.Behind != 0 {
		t.Errorf("the status is %+v, %v", status, err)
	}
}

// TestSealersRace runs sealers beside each other, without a lease, while the log
// grows.
func TestSealersRace(t *testing.T) {
	b := setup(t)
	sealers := make([]*seal.Sealer, 3)
	for i := range sealers {
		sealers[i], _ = b.sealer()
	}
	for range 20 {
		b.fill(60)
	}
	b.sealed(1200)
	roots := b.roots()
	for _, c := range b.checkpoints() {
		if n, err := b.proofs.OfSize(b.ctx, c.Size); err != nil || n.Root != roots[c.Size] {
			t.Errorf("the checkpoint of %d has another root than the log: %v", c.Size, err)
		}
	}
	for _, s := range sealers {
		if s.State().Condition == seal.Stopped {
			t.Errorf("a sealer stopped: %v", s.State().Err)
		}
	}
	b.everyProofHolds()
}

func TestOneSealerWorksUnderALease(t *testing.T) {
	b := setup(t)
	leased := func(c *seal.Config) { c.Leases = lease.New(b.store.Pool(), testLog) }
	first, stop := b.sealer(leased)
	b.fill(10)
	b.sealed(10)
	second, _ := b.sealer(leased)
	b.fill(10)
	b.sealed(20)
	if first.State().Condition != seal.Running || second.State().Condition != seal.Waiting {
		t.Errorf("the sealers are %s and %s", first.State().Condition, second.State().Condition)
	}
	stop()
	b.fill(10)
	b.sealed(30)
	if second.State().Condition != seal.Running {
		t.Errorf("the second sealer is %s", second.State().Condition)
	}
}

// TestASealerThatIsStoppedAnywhereLeavesNothingHalf stops sealers at moments of
// chance while there is much to seal.
func TestASealerThatIsStoppedAnywhereLeavesNothingHalf(t *testing.T) {
	b := setup(t)
	random := mathrand.New(mathrand.NewPCG(1, 1))
	b.fill(2 * seal.BatchMax)
	for range 12 {
		ctx, cancel := context.WithTimeout(b.ctx, time.Duration(random.IntN(60))*time.Millisecond)
		s := seal.New(seal.Config{Store: b.store, Keys: b.keys, Interval: interval, Log: discard})
		_ = s.Run(ctx) // its context's error
		cancel()
		b.fill(100)
	}
	// What one has left that came as far as the tiles, and not to the checkpoint.
	if _, err := b.store.Pool().Exec(b.ctx, `INSERT INTO work_test.tiles SELECT level, number + 1, hashes, root FROM work_test.tiles
		ON CONFLICT DO NOTHING`); err != nil {
		t.Fatal(err)
	}
	size := int64(2*seal.BatchMax + 1200)
	b.fill(600)
	size += 600
	b.sealTo(size)
	b.checkpoints()
	b.everyProofHolds()
}

func TestLostTilesAreMadeAgain(t *testing.T) {
	b := setup(t)
	b.fill(1300)
	b.sealTo(1300)
	for _, spoil := range []string{
		`TRUNCATE work_test.tiles`,
		`DELETE FROM work_test.tiles WHERE number = 2`,
		`UPDATE work_test.tiles SET root = hashes_of.root FROM (SELECT root FROM work_test.tiles WHERE number = 3) AS hashes_of WHERE number = 1`,
	} {
		if _, err := b.store.Pool().Exec(b.ctx, spoil); err != nil {
			t.Fatal(err)
		}
		b.fill(1)
		head, _, _ := b.store.Head(b.ctx)
		b.sealTo(head)
		b.proofs = seal.NewProofs(b.store)
		b.everyProofHolds()
	}
	// Proofs make what they need again by themselves.
	if _, err := b.store.Pool().Exec(b.ctx, `UPDATE work_test.tiles SET hashes = overlay(hashes placing '\x00'::bytea from 100)`); err != nil {
		t.Fatal(err)
	}
	b.everyProofHolds()
}

func TestOldCheckpointsAreThinnedOut(t *testing.T) {
	b := setup(t)
	for i := range int64(6) {
		b.fill(1)
		b.sealTo(i + 1)
	}
	b.fill(300) // those before are not of the last tile
	b.sealTo(306)
	// Three in one hour of an earlier day, the second a handover, one in the next.
	if _, err := b.store.Pool().Exec(b.ctx, `UPDATE work_test.checkpoints SET handover = number = 2,
		sealed_at = date_trunc('hour', now()) - interval '3 days' + CASE number WHEN 1 THEN '1 minute' WHEN 2 THEN '2 minutes'
			WHEN 3 THEN '3 minutes' ELSE '61 minutes' END::interval WHERE number < 5`); err != nil {
		t.Fatal(err)
	}
	b.sealer()
	eventually(t, "the first checkpoint is gone", func() bool {
		var kept string
		err := b.store.Pool().QueryRow(b.ctx, `SELECT string_agg(number::text, ' ' ORDER BY number) FROM work_test.checkpoints`).Scan(&kept)
		return err == nil && kept == "2 3 4 5 6 7"
	})
}

// TestThinningLooksAtEachCheckpointOnce has years of them to look at: each with those
// after it, as it once was, would take minutes.
func TestThinningLooksAtEachCheckpointOnce(t *testing.T) {
	b := setup(t)
	const hours = 50_000
	if _, err := b.store.Pool().Exec(b.ctx, `INSERT INTO work_test.checkpoints (number, size, note, sealed_at, handover, leaves)
		SELECT n, n * 1000, '', date_trunc('hour', now()) - interval '2 days' - ($1 - n / 2) * interval '1 hour' + n % 2 * interval '1 minute', false, ''
		FROM generate_series(2, 2 * $1::integer + 1) AS n`, hours); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := seal.Thin(ctx, b.store); err != nil {
		t.Fatal(err)
	}
	var kept, even int
	if err := b.store.Pool().QueryRow(b.ctx, `SELECT count(*), count(*) FILTER (WHERE number % 2 = 0) FROM work_test.checkpoints`).Scan(&kept, &even); err != nil {
		t.Fatal(err)
	}
	if kept != hours || even != 0 {
		t.Errorf("%d are kept, %d of them not the last of their hour", kept, even)
	}
	// Those that stay are looked at the next time, too.
	if err := seal.Thin(ctx, b.store); err != nil {
		t.Fatal(err)
	}
}

// everyProofHolds proves events and earlier sizes against the last checkpoint.
func (b *testBundle) everyProofHolds() {
	b.t.Helper()
	roots := b.roots()
	last, err := b.proofs.Latest(b.ctx)
	if err != nil || last.Root != roots[last.Size] {
		b.t.Fatalf("the last checkpoint is not the log's: %v", err)
	}
	for position := int64(1); position <= last.Size; position += 1 + position/7 {
		p, err := b.proofs.Inclusion(b.ctx, position)
		if err != nil {
			b.t.Fatalf("inclusion of %d: %+v", position, err)
		}
		if err := tlog.CheckRecord(p.Hashes, p.Checkpoint.Size, roots[p.Checkpoint.Size], position-1, seal.LeafHash(p.Event)); err != nil {
			b.t.Errorf("inclusion of %d in %d: %v", position, p.Checkpoint.Size, err)
		}
		c, err := b.proofs.Consistency(b.ctx, position, 0)
		if err != nil {
			b.t.Fatalf("consistency from %d: %+v", position, err)
		}
		if err := tlog.CheckTree(c.Hashes, c.To, roots[c.To], position, roots[position]); err != nil || c.Checkpoint == nil {
			b.t.Errorf("consistency from %d to %d: %v", position, c.To, err)
		}
	}
}

func TestProofsOfWhatThereIsNotAreRefused(t *testing.T) {
	b := setup(t)
	b.fill(5)
	b.sealTo(5)
	b.fill(1)
	for name, err := range map[string]error{
		"position 0":        second(b.proofs.Inclusion(b.ctx, 0)),
		"an unsealed one":   second(b.proofs.Inclusion(b.ctx, 6)),
		"backwards":         second(b.proofs.Consistency(b.ctx, 4, 3)),
		"beyond":            second(b.proofs.Consistency(b.ctx, 4, 6)),
		"a range backwards": second(b.proofs.Range(b.ctx, 3, 2)),
		"a range beyond":    second(b.proofs.Range(b.ctx, 3, 6)),
	} {
		if err == nil {
			t.Errorf("%s: proven", name)
		}
	}
	c, err := b.proofs.Consistency(b.ctx, 2, 4)
	if err != nil || c.Checkpoint != nil || c.To != 4 {
		t.Errorf("between two sizes without a checkpoint: %+v, %v", c, err)
	}
}

func second[T any](_ T, err error) error { return err }
