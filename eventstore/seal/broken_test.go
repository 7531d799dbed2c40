package seal_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"tender/eventstore"
	"tender/eventstore/seal"
)

var discard = slog.New(slog.DiscardHandler)

// TestALogThatDoesNotGoOnFromWhereItWasSealedStopsSealing changes the log where the
// sealer looks.
func TestALogThatDoesNotGoOnFromWhereItWasSealedStopsSealing(t *testing.T) {
	for name, change := range map[string]string{
		"cut off":              `DELETE FROM log_test.events WHERE position > 8`,
		"another hash":         `UPDATE log_test.events SET hash = sha256(hash) WHERE position = 10`,
		"the seam is gone":     `DELETE FROM log_test.events WHERE position = 10`,
		"what is new is wrong": `UPDATE log_test.events SET payload = '{}' WHERE position = 13`,
		"a gap in what is new": `DELETE FROM log_test.events WHERE position = 13`,
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			b.fill(10)
			b.sealTo(10)
			b.fill(5)
			b.force(`CREATE TABLE public.saved AS SELECT * FROM log_test.events`, change)
			s, stop := b.sealer()
			if err := b.stopped(s); !errors.Is(err, seal.ErrBroken) && !errors.Is(err, eventstore.ErrGap) {
				t.Errorf("it stopped because of %v", err)
			}
			stop()
			if all := b.checkpoints(); len(all) != 1 {
				t.Errorf("%d checkpoints were signed", len(all))
			}
			b.force(`DELETE FROM log_test.events`, `INSERT INTO log_test.events SELECT * FROM public.saved`)
			b.sealer()
			b.sealed(15)
			eventually(t, "the alarm ends after it was mended", func() bool {
				status, err := seal.Read(b.ctx, b.store)
				return err == nil && status.Alarm == ""
			})
		})
	}
}

// TestTheSeamIsLookedAtInEveryRound changes the log under a sealer that runs.
func TestTheSeamIsLookedAtInEveryRound(t *testing.T) {
	for name, change := range map[string]string{
		"cut off":      `DELETE FROM log_test.events WHERE position > 8`,
		"another hash": `UPDATE log_test.events SET hash = sha256(hash) WHERE position = 10`,
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			s, _ := b.sealer()
			b.fill(10)
			b.sealed(10)
			b.force(change)
			if err := b.stopped(s); !errors.Is(err, seal.ErrBroken) {
				t.Errorf("it stopped because of %v", err)
			}
		})
	}
}

// TestADatabaseThatWasPutBackStopsSealing gives the log another history after its
// checkpoints were removed, too: all that is left is what has left the database.
func TestADatabaseThatWasPutBackStopsSealing(t *testing.T) {
	b := setup(t)
	out := seal.NewFile(t.TempDir(), testLog)
	b.fill(10)
	b.sealTo(10, outlets(out))
	b.fill(10)
	kept := b.sealTo(20, outlets(out))
	b.force(`DELETE FROM log_test.events WHERE position > 15`, `DELETE FROM work_test.checkpoints WHERE size > 10`)
	b.reopen()
	s, stop := b.sealer(outlets(out))
	if err := b.stopped(s); !errors.Is(err, seal.ErrBroken) {
		t.Errorf("cut off: it stopped because of %v", err)
	}
	stop()
	b.fill(30) // another history
	s, stop = b.sealer(outlets(out))
	if err := b.stopped(s); !errors.Is(err, seal.ErrBroken) {
		t.Errorf("another history: it stopped because of %v", err)
	}
	stop()
	if all := b.checkpoints(); len(all) != 1 {
		t.Errorf("%d checkpoints are in the database", len(all))
	}
	if last, err := last(b.ctx, out); err != nil || last != kept.Note {
		t.Errorf("the last that left is %q, %v", last, err)
	}
}

// TestCheckpointsThatTheDatabaseLostAreTakenUpAgain leaves the log as it was.
func TestCheckpointsThatTheDatabaseLostAreTakenUpAgain(t *testing.T) {
	b := setup(t)
	out := seal.NewFile(t.TempDir(), testLog)
	b.fill(600)
	kept := b.sealTo(600, outlets(out))
	for _, lost := range []string{`DELETE FROM work_test.checkpoints`, `DELETE FROM work_test.checkpoints; DELETE FROM work_test.tiles`} {
		if _, err := b.store.Pool().Exec(b.ctx, lost); err != nil {
			t.Fatal(err)
		}
		if again := b.sealTo(600, outlets(out)); again.Note != kept.Note {
			t.Errorf("after %s the checkpoint is\n%s", lost, again.Note)
		}
	}
	b.fill(1)
	b.sealTo(601, outlets(out))
	b.everyProofHolds()
}

// TestARewrittenHistoryIsFoundByWhatHasLeft removes nothing, but leaves only an
// earlier checkpoint outside.
func TestARewrittenHistoryIsFoundByWhatHasLeft(t *testing.T) {
	b := setup(t)
	out := seal.NewFile(t.TempDir(), testLog)
	b.fill(10)
	b.sealTo(10, outlets(out))
	// The forger lets the sealer seal his history, out of reach of the file.
	b.force(`DELETE FROM log_test.events`, `DELETE FROM work_test.checkpoints`, `DELETE FROM work_test.tiles`)
	b.reopen()
	b.fill(20)
	b.sealTo(20)
	s, _ := b.sealer(outlets(out))
	if err := b.stopped(s); !errors.Is(err, seal.ErrBroken) {
		t.Errorf("it stopped because of %v", err)
	}
}

// TestWhatHasLeftIsReadBeforeAnythingIsSigned puts a database back while what has left
// is out of reach, and lets another history grow.
func TestWhatHasLeftIsReadBeforeAnythingIsSigned(t *testing.T) {
	b := setup(t)
	out := &door{Outlet: seal.NewFile(t.TempDir(), testLog)}
	b.fill(10)
	b.sealTo(10, outlets(out))
	b.fill(10)
	kept := b.sealTo(20, outlets(out))
	b.force(`DELETE FROM log_test.events WHERE position > 15`, `DELETE FROM work_test.checkpoints WHERE size > 10`)
	b.reopen()
	b.fill(30)
	out.shut.Store(true)
	s, stop := b.sealer(outlets(out))
	eventually(t, "the sealer can't begin", func() bool { return s.State().Condition == seal.Failing })
	if all := b.checkpoints(); len(all) != 1 {
		t.Errorf("%d checkpoints are in the database, signed while nothing that left could be read", len(all))
	}
	out.shut.Store(false)
	if err := b.stopped(s); !errors.Is(err, seal.ErrBroken) {
		t.Errorf("it stopped because of %v", err)
	}
	stop()
	// Another outlet can be read, but knows of nothing.
	out.shut.Store(true)
	s, stop = b.sealer(outlets(out, seal.NewFile(t.TempDir(), testLog)))
	b.sealed(45)
	out.shut.Store(false)
	if err := b.stopped(s); !errors.Is(err, seal.ErrBroken) {
		t.Errorf("with two outlets it stopped because of %v", err)
	}
	stop()
	if last, err := last(b.ctx, out); err != nil || last != kept.Note {
		t.Errorf("the last that left is %q, %v", last, err)
	}
}

// TestAnOutletThatComesBackGetsTheLastCheckpoint has one of two outlets away at the
// start, with nothing wrong.
func TestAnOutletThatComesBackGetsTheLastCheckpoint(t *testing.T) {
	b := setup(t)
	near, far := seal.NewFile(t.TempDir(), testLog), &door{Outlet: seal.NewFile(t.TempDir(), testLog)}
	b.fill(10)
	b.sealTo(10, outlets(near, far))
	far.shut.Store(true)
	b.fill(10)
	s, _ := b.sealer(outlets(near, far))
	c := b.sealed(20)
	far.shut.Store(false)
	eventually(t, "the checkpoint has left", func() bool {
		last, err := last(b.ctx, far)
		return err == nil && last == c.Note
	})
	if s.State().Condition != seal.Running {
		t.Errorf("the sealer is %s", s.State().Condition)
	}
}

// TestTheAlarmOfAStoppedSealerStays looks at it each time the sealer takes up the log
// anew, which holds up to the last checkpoint.
func TestTheAlarmOfAStoppedSealerStays(t *testing.T) {
	b := setup(t)
	out := &witness{Outlet: seal.NewFile(t.TempDir(), testLog), looked: make(chan struct{})}
	b.fill(10)
	b.sealTo(10, outlets(out.Outlet))
	b.fill(5)
	b.force(`UPDATE log_test.events SET payload = '{}' WHERE position = 13`)
	var since time.Time
	out.look = func(n int) {
		status, err := seal.Read(b.ctx, b.store)
		switch {
		case n == 0: // nothing was found yet
		case err != nil || status.Alarm == "":
			t.Errorf("at look %d the status is %+v, %v", n, status, err)
		case n == 1:
			since = status.Since
		case !status.Since.Equal(since):
			t.Errorf("at look %d it has stopped since %s, not since %s", n, status.Since, since)
		}
	}
	b.sealer(outlets(out))
	for range 6 {
		<-out.looked
	}
}

// TestALogThatIsCutOffWhileItIsReadStopsSealing has the rows vanish after the sealer's
// second statement: it has seen by then that the log reaches as far as what has left.
func TestALogThatIsCutOffWhileItIsReadStopsSealing(t *testing.T) {
	b := setup(t)
	out := seal.NewFile(t.TempDir(), testLog)
	b.fill(10)
	b.sealTo(10, outlets(out))
	b.force(`DELETE FROM work_test.checkpoints`,
		`CREATE SEQUENCE public.statements`, `CREATE SEQUENCE public.latest`,
		`CREATE FUNCTION public.there() RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
		DECLARE this bigint := extract(epoch FROM statement_timestamp()) * 1000000;
		BEGIN
			IF (SELECT last_value FROM public.latest) <> this THEN
				PERFORM setval('public.latest', this), nextval('public.statements');
			END IF;
			RETURN (SELECT last_value FROM public.statements) <= 2;
		END $$`,
		`CREATE POLICY vanishing ON log_test.events FOR SELECT USING (public.there())`,
		`ALTER TABLE log_test.events ENABLE ROW LEVEL SECURITY`)
	s, _ := b.sealer(outlets(out))
	eventually(t, "the sealer stops", func() bool { return s.State().Condition == seal.Stopped })
	if err := s.State().Err; !errors.Is(err, seal.ErrBroken) {
		t.Errorf("it stopped because of %v", err)
	}
}

// witness is an outlet that looks around whenever a sealer asks for its last
// checkpoint.
type witness struct {
	seal.Outlet
	look   func(n int)
	looked chan struct{}
	n      int
}

func (w *witness) Latest(ctx context.Context) ([]string, error) {
	w.look(w.n)
	w.n++
	select {
	case w.looked <- struct{}{}:
	case <-ctx.Done():
	}
	return w.Outlet.Latest(ctx)
}

// reopen opens the log anew, after its end was changed by force.
func (b *testBundle) reopen() {
	b.t.Helper()
	store, err := eventstore.Open(b.ctx, testLog, b.AppURL)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(store.Close)
	b.store, b.proofs = store, seal.NewProofs(store)
}

func TestACheckpointByAForeignKeyStopsSealing(t *testing.T) {
	b := setup(t)
	other := setup2(b)
	b.fill(10)
	b.sealTo(10)
	b.keys = other
	s, _ := b.sealer()
	if err := b.stopped(s); !errors.Is(err, seal.ErrBroken) {
		t.Errorf("it stopped because of %v", err)
	}
}
