package simulator

import (
	"os"
	"strings"
	"testing"
)

// Every bank and every number that does something else than the customer says stands
// in the documentation.
func TestMagicValuesAreDocumented(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"../../docs/test-mode.md", "../../handlers/openapi/openapi.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(strings.ToLower(string(text)), "| bank | number ends in |")
		for _, b := range banks {
			if b.character != pays && !strings.Contains(table, "`"+b.id+"`") {
				t.Errorf("%s lacks %s", path, b.id)
			}
		}
		for lastFour := range testPhones {
			if !strings.Contains(table, lastFour) {
				t.Errorf("%s lacks %s", path, lastFour)
			}
		}
	}
}
