package webhooks

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"tender/handlers/webhooks/egress"
)

// waits are the times between tries, each from the end of the last: about three
// days in all.
var waits = [...]time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	// TriesMax is how often a message is sent before it is given up.
	TriesMax = len(waits) + 1
	// jitterShare spreads the tries of deliveries that failed together.
	jitterShare = 0.2
)

// Wait is how long to wait after the try of this number (from 1) has failed, and
// whether there is another at all. It is drawn from the delivery's id, so that
// every process comes to the same.
func Wait(deliveryID string, try int) (wait time.Duration, again bool) {
	if try < 1 || try >= TriesMax {
		return 0, false
	}
	sum := sha256.Sum256([]byte(deliveryID + "\n" + strconv.Itoa(try)))
	// 53 bits are what a float64 holds: a share in [0, 1).
	share := float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
	factor := 1 - jitterShare + 2*jitterShare*share
	return time.Duration(float64(waits[try-1]) * factor), true
}

// NextTry is when to try again after a try that ended at a time: never before
// the endpoint asked for (0: it didn't), at most [egress.RetryAfterMax] ahead of that
// alone. False: it was the last.
func NextTry(deliveryID string, try int, ended time.Time, retryAfter time.Duration) (time.Time, bool) {
	wait, again := Wait(deliveryID, try)
	if !again {
		return time.Time{}, false
	}
	return ended.Add(max(wait, min(retryAfter, egress.RetryAfterMax))), true
}
