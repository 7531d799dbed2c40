package main

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// manner answers a message as no endpoint should.
type manner func(w http.ResponseWriter, r *http.Request)

// Limits of bad manners: beyond what Tender takes from an endpoint, and an end to
// everything.
const (
	hangMax      = time.Minute
	hugeChunk    = 64 << 10 // bytes
	hugeChunks   = 1 << 10
	slowInterval = time.Second
	slowMax      = time.Minute
)

// manners are the ways to answer badly, by name.
var manners = map[string]manner{
	"hang": hang,
	"500": func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out of order", http.StatusInternalServerError)
	},
	"429":       tooMany,
	"410":       func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone for good", http.StatusGone) },
	"redirect":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	"huge":      huge,
	"slow-body": slowBody,
	"reset":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

func mannerNames() []string { return slices.Sorted(maps.Keys(manners)) }

// hang takes the message and says nothing.
func hang(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(hangMax):
	}
}

func tooMany(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "60")
	http.Error(w, "too many", http.StatusTooManyRequests)
}

// huge answers with far more than anybody reads.
func huge(w http.ResponseWriter, _ *http.Request) {
	chunk := []byte(strings.Repeat("far more than anybody reads ", hugeChunk/28))
	for range hugeChunks {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// slowBody begins its answer at once and does not come to its end.
func slowBody(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(slowInterval)
	defer tick.Stop()
	for begun := time.Now(); time.Since(begun) < slowMax; {
		if _, err := w.Write([]byte(".")); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush() // who has left is found at the next write
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
