package bench

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	pid, got, err := parseStat("42 (a (b) c) S 7 42 42 0 -1 4194304 1 2 3 4 100 20 3 1 20 0 1 0 99 0 0")
	if err != nil {
		t.Fatal(err)
	}
	if pid != 42 || got.parent != 7 || got.ticks != 124 {
		t.Errorf("pid %d, parent %d, ticks %d", pid, got.parent, got.ticks)
	}
	if _, _, err := parseStat("nothing"); err == nil {
		t.Error("nonsense was read")
	}
}

func TestCPUOf(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	for sum := 0; time.Since(begun) < 50*time.Millisecond; sum++ {
	}
	used, err := CPUOf(os.Getpid())
	if err != nil || used <= 0 {
		t.Errorf("%s, %v", used, err)
	}
	if _, err := CPUOf(1 << 30); err == nil {
		t.Error("a process that is not there has used time")
	}
}
