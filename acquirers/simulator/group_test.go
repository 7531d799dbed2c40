package simulator_test

import (
	"testing"

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
				draws = append(draws, nonsense)
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
