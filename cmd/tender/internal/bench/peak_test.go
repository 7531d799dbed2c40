package bench_test

import (
	"os"
	"testing"

	"tender/cmd/tender/internal/bench"
)

func TestMemoryIsSeen(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	used := make([]byte, size)
	for i := 0; i < size; i += 4096 {
		used[i] = 1
	}
	peak, err := bench.PeakOf(os.Getpid())
	if err != nil || peak < size || used[4096] != 1 {
		t.Errorf("of %d bytes that are used %d are seen: %v", size, peak, err)
	}
	stop := make(chan struct{})
	close(stop)
	if watched := bench.WatchPeak(os.Getpid(), stop); watched < size {
		t.Errorf("%d are seen by who watches", watched)
	}
	const nobody = 1 << 30
	if _, err := bench.PeakOf(nobody); err == nil {
		t.Error("a process that isn't there has memory")
	}
}
