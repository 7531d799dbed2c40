package openapitest

import (
	"strings"
	"testing"
)

// Whoever copies an example must get what the document describes.
func TestExamplesAreTrue(t *testing.T) {
	t.Parallel()
	load(t)
	examples, err := contract().Examples()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range examples {
		if complaints := append(e.Wrong, checkSums(e.JSON)...); len(complaints) > 0 {
			t.Errorf("the example of %s is not true:\n  - %s", e.Place, strings.Join(complaints, "\n  - "))
		}
	}
	if len(examples) < 30 {
		t.Errorf("only %d examples were found: the test looks in the wrong place", len(examples))
	}
}
