package simulator_test

import (
	"sync"
	"testing"

	"tender/acquirers"
	"tender/eventstore/storetest"
)

// PostgreSQL is killed while payments run. Afterwards the book holds everything
// that was answered, says what became of everything that was not, and its sums
// are right.
func TestBookSurvivesAKill(t *testing.T) {
	t.Parallel()
	server := storetest.Server(t, withBook)
	b := setupOn(t, server.DB)
	const callers, answersBefore = 8, 300

	var mu sync.Mutex
	answered, unknown := make(map[string]acquirers.Answer), make(map[string]bool)
	enough := make(chan struct{})
	note := func(key string, answer acquirers.Answer, err error) bool {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			unknown[key] = true
			return false
		}
		answered[key] = answer
		if len(answered) == answersBefore {
			close(enough)
		}
		return true
	}
	var calls sync.WaitGroup
	for range callers {
		calls.Go(func() {
			for {
				a := b.authorisation("4242424242424242")
				answer, err := b.client.Authorise(t.Context(), a)
				if !note(a.Key, answer, err) {
					return
				}
				c := acquirers.Capture{Key: b.key(), Reference: answer.Reference, Amount: 7_000, Currency: "ZAR"}
				answer, err = b.client.Capture(t.Context(), c)
				if !note(c.Key, answer, err) {
					return
				}
			}
		})
	}
	<-enough
	server.Kill(t)
	calls.Wait()
	server.Start(t)

	// Connections of before the kill may fail once more.
	eventually(t, "the simulator answers again", func() bool {
		_, err := b.client.Settle(t.Context(), "after the kill")
		return err == nil
	})
	for key, before := range answered {
		want(t, "answer "+key, b.settle(key), before)
	}
	want(t, "requests without an answer", len(unknown), callers)
	for key := range unknown {
		if s := b.settle(key).Status; s != acquirers.StatusApproved && s != acquirers.StatusClosed {
			t.Errorf("unknown %s became %s", key, s)
		}
	}
	b.checkSums()
}
