package simulator_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
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
	for i := range callers {
		pay := b.captureCard
		if i%2 == 1 {
			pay = b.approveOnPhone
		}
		calls.Go(func() {
			for pay(t.Context(), note) {
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

// captureCard authorises a card and captures, as long as note allows.
func (b *bundle) captureCard(ctx context.Context, note func(string, acquirers.Answer, error) bool) bool {
	a := b.authorisation("4242424242424242")
	answer, err := b.client.Authorise(ctx, a)
	if !note(a.Key, answer, err) {
		return false
	}
	c := acquirers.Capture{Key: b.key(), Reference: answer.Reference, Amount: 7_000, Currency: "ZAR"}
	answer, err = b.client.Capture(ctx, c)
	return note(c.Key, answer, err)
}

// approveOnPhone has a customer pay on their telephone, whose approval has been
// answered before anybody asks what came of it.
func (b *bundle) approveOnPhone(ctx context.Context, note func(string, acquirers.Answer, error) bool) bool {
	a := b.push("capitec_pay", "4567")
	answer, err := b.client.Authorise(ctx, a)
	if err == nil {
		err = approve(ctx, answer.RedirectURL)
	}
	if err == nil {
		answer, err = b.client.Settle(ctx, a.Key)
	}
	if err == nil && answer.Status != acquirers.StatusApproved {
		b.t.Errorf("an approved payment became %+v", answer)
	}
	return note(a.Key, answer, err)
}

// approve is decide for where the page may be gone.
func approve(ctx context.Context, page string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, page, strings.NewReader("decision=approve"))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := browser.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusSeeOther {
		return errors.New(res.Status)
	}
	return nil
}
