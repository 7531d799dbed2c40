package bench

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
)

// peakEvery is how often it is looked how much memory a process has had. Only what it
// takes in its last moment goes unseen.
const peakEvery = 20 * time.Millisecond

var peakPattern = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// WatchPeak looks how much memory a process has until it has ended and been waited for,
// or stop is closed, and returns the most that it had at a time, in bytes.
//
// What is known of a process that has ended begins with what its parent had, so that is
// no use.
func WatchPeak(pid int, stop <-chan struct{}) (peak int64) {
	tick := time.NewTicker(peakEvery)
	defer tick.Stop()
	for {
		now, err := PeakOf(pid)
		if err != nil {
			return peak
		}
		peak = max(peak, now)
		select {
		case <-stop:
			return peak
		case <-tick.C:
		}
	}
}

// PeakOf returns the most memory that a process has had at a time until now, in bytes.
func PeakOf(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) //nolint:gosec // below /proc
	if err != nil {
		return 0, errors.Wrap(err, "look how much memory a process has")
	}
	found := peakPattern.FindSubmatch(status)
	if found == nil {
		return 0, errors.Newf("process %d has ended", pid)
	}
	kB, err := strconv.ParseInt(string(found[1]), 10, 64)
	return kB << 10, errors.Wrap(err, "read how much memory a process has")
}
