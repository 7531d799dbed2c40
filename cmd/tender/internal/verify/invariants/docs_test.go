package invariants_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"tender/cmd/tender/internal/verify/invariants"
)

// The documentation lists every predicate, and no other, in these words.
func TestThePredicatesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../../../docs/verify.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| predicate | what has to hold |\n|---|---|\n")
	for _, p := range invariants.All() {
		fmt.Fprintf(&want, "| `%s` | %s |\n", p.Name, p.Says)
	}
	if !strings.Contains(string(text)+"\n", "\n"+want.String()+"\n") {
		t.Errorf("docs/verify.md should have this table:\n%s", want.String())
	}
}
