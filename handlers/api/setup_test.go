package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"tender/acquirers"
	"tender/domain/merchant"
	"tender/handlers/handlerstest"
)

// Short names for what every test here is written with.
type object = handlerstest.Object

var (
	key        = handlerstest.Key
	manual     = handlerstest.Manual
	eventually = handlerstest.Eventually
)

const (
	sessions = handlerstest.SessionsPath
	payments = handlerstest.PaymentsPath

	goodCard = "4242424242424242"
)

// bundle is an installation with a merchant, who calls its first process.
type bundle struct {
	*handlerstest.House
	*handlerstest.Caller
	merchant *handlerstest.Merchant
}

func setup(t *testing.T, options ...handlerstest.Option) *bundle {
	t.Helper()
	h := handlerstest.New(t, options...)
	m := h.Merchant("test")
	return &bundle{House: h, merchant: m, Caller: h.First.Caller(t, m.Secret)}
}

// for a subtest: the same merchant, held to the contract in that test's name.
func (b *bundle) of(t *testing.T) *handlerstest.Caller {
	t.Helper()
	return b.First.Caller(t, b.merchant.Secret)
}

// wrong lists what an answer blames, as "place: code", in order.
func wrong(a *handlerstest.Answer) []string {
	var all []string
	for i := range a.Len("errors") {
		at := fmt.Sprintf("errors.%d.", i)
		place := a.Text(at + "pointer")
		if name := a.Text(at+"header") + a.Text(at+"parameter"); name != "" {
			place = name
		}
		all = append(all, place+": "+a.Text(at+"code"))
	}
	slices.Sort(all)
	return all
}

// blames fails the test unless the answer is a 400 that blames exactly this.
func blames(t *testing.T, a *handlerstest.Answer, want ...string) {
	t.Helper()
	a.Is(400)
	slices.Sort(want)
	if got := wrong(a); !slices.Equal(got, want) {
		t.Errorf("blamed is %q, not %q: %s", got, want, a.Body)
	}
}

// returnURLs are settings that allow a public key to lead back to these.
func returnURLs(urls ...string) func(*merchant.Settings) {
	return func(s *merchant.Settings) { s.AllowedReturnURLs = urls }
}

// declineAfter declines captures once gate is closed, and tells when one came.
func declineAfter(came chan<- struct{}, gate <-chan struct{}) func(context.Context, string, handlerstest.Send) (acquirers.Answer, error) {
	return func(ctx context.Context, call string, send handlerstest.Send) (acquirers.Answer, error) {
		if call != handlerstest.CallCapture {
			return send()
		}
		came <- struct{}{}
		select {
		case <-gate:
		case <-ctx.Done():
			return acquirers.Answer{}, ctx.Err()
		}
		return acquirers.Answer{Status: acquirers.StatusDeclined, ErrorCode: "card_declined", DeclineCode: "do_not_honor"}, nil
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// together runs f n times at once.
func together[T any](n int, f func(i int) T) []T {
	results := make([]T, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			results[i] = f(i)
		})
	}
	close(begin)
	all.Wait()
	return results
}
