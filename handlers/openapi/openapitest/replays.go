package openapitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"

	"tender/domain"
	"tender/handlers/problem"
)

// replays remembers what was answered under each idempotency key, because a
// replay must say the same.
type replays struct {
	mu    sync.Mutex
	first map[string]said
}

// said is an answer without what differs each time.
type said struct {
	status int
	body   any
}

func newReplays() *replays { return &replays{first: map[string]said{}} }

// check compares a replay with the first answer, where that was seen.
func (r *replays) check(x exchange) []string {
	key := x.request.Header.Get("Idempotency-Key")
	if key == "" {
		return nil
	}
	name := x.request.Method + " " + x.request.URL.Path + " " + x.request.Header.Get("Authorization") + " " + key
	now := said{status: x.status, body: withoutRequestID(x.body)}
	replayed := x.header.Get("Idempotent-Replayed") != ""
	if !replayed && !remembered(now) {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	first, seen := r.first[name]
	if !replayed || !seen {
		r.first[name] = now
		return nil
	}
	if first.status != now.status {
		return []string{fmt.Sprintf("the replay has status %d, the first answer had %d", now.status, first.status)}
	}
	if !reflect.DeepEqual(first.body, now.body) {
		was, _ := json.Marshal(first.body)
		return []string{"the replay has another body than the first answer, which was " + string(was)}
	}
	return nil
}

// remembered reports whether an answer is final for its key: not outstanding,
// and not about the key itself or a moment that passes.
func remembered(a said) bool {
	if o, ok := a.body.(map[string]any); ok && o["type"] == "next_in_series" && o["payment_outcome"] == "pending" {
		return false // a payment without the customer whose outcome is outstanding
	}
	final := []int{
		http.StatusOK, http.StatusCreated, http.StatusNoContent, http.StatusPaymentRequired,
		http.StatusConflict, http.StatusUnprocessableEntity,
	}
	if !slices.Contains(final, a.status) {
		return false
	}
	body, _ := a.body.(map[string]any)
	code, _ := body["code"].(string)
	kind, _ := problem.KindOf(domain.Code(code))
	return !kind.Retryable && kind.Code != problem.IdempotencyKeyReused
}

func withoutRequestID(body []byte) any {
	v, err := decode(body)
	if err != nil {
		return nil
	}
	if object, ok := v.(map[string]any); ok {
		delete(object, "request_id")
	}
	return v
}
