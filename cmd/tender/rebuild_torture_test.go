//go:build torture

package main_test

import "testing"

// TestRebuildsUnderLoadForLong is TestRebuildEverything, many times over.
func TestRebuildsUnderLoadForLong(t *testing.T) {
	newInstallation(t).rebuiltUnderLoad(12)
}
