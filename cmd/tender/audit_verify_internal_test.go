package main

import (
	"testing"

	"tender/cmd/internal/logproof"
	"tender/cmd/tender/internal/verify"
)

// Where keys are named, a log without a checkpoint is not proven: whoever took the
// checkpoints away must not be told that all is well.
func TestVerdictOfALogThatIsNotSealed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		signed bool
		log    verify.Report
		holds  bool
	}{
		{"no keys", false, verify.Report{Summary: logproof.Summary{Last: 5}}, true},
		{"keys, and nothing sealed", true, verify.Report{Summary: logproof.Summary{Last: 5}}, false},
		{"keys, and a checkpoint", true, verify.Report{Summary: logproof.Summary{Last: 5, Checkpoints: 1}}, true},
		{"keys, and an empty log", true, verify.Report{}, true},
	} {
		if err := (&verification{signed: c.signed, log: c.log}).verdict(); (err == nil) != c.holds {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
