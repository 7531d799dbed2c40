package logproof_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestOnlyTheStandardLibraryAndXModAreNeeded holds this package, and the command that
// verifies without a database, to what their readers have to trust.
func TestOnlyTheStandardLibraryAndXModAreNeeded(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"tender/cmd/internal/logproof", "tender/cmd/tender-verify"} {
		out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", pkg).CombinedOutput()
		if err != nil {
			t.Fatalf("go list %s: %v: %s", pkg, err, out)
		}
		found := strings.Fields(string(out))
		if len(found) < 3 {
			t.Errorf("%s needs only %q: was it looked at?", pkg, found)
		}
		for _, p := range found {
			if !strings.HasPrefix(p, "golang.org/x/mod/") && p != "tender/cmd/internal/logproof" && p != pkg {
				t.Errorf("%s needs %s", pkg, p)
			}
		}
	}
}
