package verify_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What verifies the log shares nothing with what writes it, and nothing with the
// package that the journal is made by.
func TestNothingIsShared(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "tender/cmd/tender/internal/verify").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, out)
	}
	found := 0
	for _, p := range strings.Fields(string(out)) {
		if !strings.HasPrefix(p, "tender/") {
			continue
		}
		found++
		if p != "tender/cmd/tender/internal/verify" && p != "tender/cmd/internal/logproof" {
			t.Errorf("it needs %s", p)
		}
	}
	if found != 2 {
		t.Errorf("%d packages were looked at", found)
	}
}
