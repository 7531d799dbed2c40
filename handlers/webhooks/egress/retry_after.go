package egress

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfterMax bounds how long an endpoint may ask to be left alone.
const RetryAfterMax = 24 * time.Hour

// ParseRetryAfter reads a Retry-After header, seconds or a date. What can't be
// read, or lies in the past, is 0; nothing is above [RetryAfterMax].
func ParseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		if seconds > uint64(RetryAfterMax/time.Second) {
			return RetryAfterMax
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), RetryAfterMax)
}
