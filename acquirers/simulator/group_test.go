package simulator_test

import (
	"runtime"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

// Operations in one group see each other, and one that PostgreSQL refuses doesn't take
// the others with it.
func TestGroups(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]bool{"all sound": false, "one broken": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			reference := b.authorise(b.authorisation("4242424242424242")).Reference
			draw := func(kind, key string, amount int64) *simulator.Drawn {
				return &simulator.Drawn{Kind: kind, Key: key, Authorisation: reference, Amount: amount, Currency: "ZAR"}
			}
			first, same := draw("capture", "together-1", 6_000), draw("capture", "together-1", 6_000)
			more, rest := draw("capture", "together-2", 5_000), draw("void", "together-3", 4_000)
			draws := []*simulator.Drawn{rest, first, same, more}
			nonsense := draw("nonsense", "together-0", 1)
			if broken {
				// Each is performed by itself then, in whatever order: all of them fit.
				draws, more.Status = []*simulator.Drawn{rest, first, same, nonsense}, string(acquirers.StatusDeclined)
			}
			simulator.DrawTogether(b.server, draws)
			for _, want := range []struct {
				drawn  *simulator.Drawn
				status acquirers.Status
			}{
				{first, acquirers.StatusApproved}, {same, acquirers.StatusApproved}, // one capture under its key
				{more, acquirers.StatusDeclined}, {rest, acquirers.StatusApproved},
			} {
				if want.drawn.Err != nil || want.drawn.Status != string(want.status) {
					t.Errorf("%s of %d: %q, %v, want %q", want.drawn.Key, want.drawn.Amount, want.drawn.Status, want.drawn.Err, want.status)
				}
			}
			if broken && nonsense.Err == nil {
				t.Error("a draw of no known kind was performed")
			}
		})
	}
}

// A row that somebody has locked holds up who wants it, and nobody else for long.
func TestALockedRowHoldsUpItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	held := b.authorise(b.authorisation("4242424242424242")).Reference
	free := b.authorise(b.authorisation("4242424242424242")).Reference
	conn, err := pgx.Connect(t.Context(), b.db.SimulatorURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `select from simulator.authorisations where reference = $1 for update`, held); err != nil {
		t.Fatal(err)
	}
	waits := make(chan acquirers.Answer, 1)
	go func() { waits <- b.capture(held, 1_000) }()
	for b.count(`select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) == 0 {
		runtime.Gosched()
	}
	if answer := b.capture(free, 1_000); answer.Status != acquirers.StatusApproved {
		t.Errorf("beside a locked row a capture is %s", answer.Status)
	}
	select {
	case answer := <-waits:
		t.Errorf("a capture of the locked row is %s", answer.Status)
	default:
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if answer := <-waits; answer.Status != acquirers.StatusApproved {
		t.Errorf("once the row is free, its capture is %s", answer.Status)
	}
}
