package simulator_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

// together calls f so many times at once and returns what each call returned.
func together[T any](t *testing.T, times int, f func(i int) (T, error)) []T {
	t.Helper()
	start := make(chan struct{})
	results := make([]T, times)
	var calls sync.WaitGroup
	for i := range times {
		calls.Go(func() {
			<-start
			var err error
			if results[i], err = f(i); err != nil {
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	close(start)
	calls.Wait()
	return results
}

func TestOneKeyManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const callers = 50

	a := b.authorisation("4242424242424242")
	answers := together(t, callers, func(int) (acquirers.Answer, error) { return b.client.Authorise(t.Context(), a) })
	for _, answer := range answers {
		want(t, "authorisation", answer, answers[0])
	}
	c := acquirers.Capture{Key: b.key(), Reference: answers[0].Reference, Amount: 600, Currency: "ZAR"}
	captures := together(t, callers, func(int) (acquirers.Answer, error) { return b.client.Capture(t.Context(), c) })
	for _, answer := range captures {
		want(t, "capture", answer, captures[0])
	}
	v := acquirers.Void{Key: b.key(), Reference: answers[0].Reference, Amount: 9_000, Currency: "ZAR"}
	voids := together(t, callers, func(int) (acquirers.Answer, error) { return b.client.Void(t.Context(), v) })
	for _, answer := range voids {
		want(t, "void", answer, voids[0])
	}

	r := acquirers.Refund{Key: b.key(), Reference: answers[0].Reference, Amount: 500, Currency: "ZAR"}
	refunds := together(t, callers, func(int) (acquirers.Answer, error) { return b.client.Refund(t.Context(), r) })
	for _, answer := range refunds {
		want(t, "refund", answer, refunds[0])
	}

	all := b.entries()
	want(t, "operations", len(all), 4)
	want(t, "refunded", all[a.Key].Refunded, 500)
	want(t, "captured", all[a.Key].Captured, 600)
	want(t, "voided", all[a.Key].Voided, 9_000)
	b.checkSums()
}

func TestOneKeyForAnotherRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.authorisation("4242424242424242")
	authorised := b.authorise(a)
	changes := map[string]func(*acquirers.Authorisation){
		"amount":     func(a *acquirers.Authorisation) { a.Amount++ },
		"currency":   func(a *acquirers.Authorisation) { a.Currency = "EUR" },
		"capture":    func(a *acquirers.Authorisation) { a.Capture = true },
		"card":       func(a *acquirers.Authorisation) { a.Card.Number = "5555555555554444" },
		"expiry":     func(a *acquirers.Authorisation) { a.Card.ExpMonth = 11 },
		"return URL": func(a *acquirers.Authorisation) { a.ReturnURL = "https://elsewhere.example/" },
		"initiator":  func(a *acquirers.Authorisation) { *a = b.absent(a.Card.Number) },
		"credential": func(a *acquirers.Authorisation) { a.StoredCredential = acquirers.StoredCredentialInitial },
	}
	for name, change := range changes {
		other := a
		change(&other)
		other.Key = a.Key
		if _, err := b.client.Authorise(t.Context(), other); !errors.Is(err, simulator.ErrKeyReused) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	c := acquirers.Capture{Key: a.Key, Reference: authorised.Reference, Amount: 1, Currency: "ZAR"}
	if _, err := b.client.Capture(t.Context(), c); !errors.Is(err, simulator.ErrKeyReused) {
		t.Errorf("capture with an authorisation's key: %v", err)
	}
	c.Key = b.key()
	if _, err := b.client.Capture(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.Void(t.Context(), acquirers.Void(c)); !errors.Is(err, simulator.ErrKeyReused) {
		t.Errorf("void with a capture's key: %v", err)
	}
	if _, err := b.client.Refund(t.Context(), acquirers.Refund(c)); !errors.Is(err, simulator.ErrKeyReused) {
		t.Errorf("refund with a capture's key: %v", err)
	}
	want(t, "captured", b.entries()[a.Key].Captured, 1)
	b.checkSums()
}

func TestSettleAgainstALateRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const rounds = 60
	authorised := b.approved("4242424242424242")
	seen := make(map[acquirers.Status]int)
	for i := range rounds {
		a := b.authorisation("4242424242424242")
		c := acquirers.Capture{Key: a.Key, Reference: authorised.Reference, Amount: 1, Currency: "ZAR"}
		answers := together(t, 3, func(call int) (acquirers.Answer, error) {
			switch {
			case (call+i)%3 == 0:
				return b.client.Settle(t.Context(), a.Key)
			case i%2 == 0:
				return b.client.Authorise(t.Context(), a)
			default:
				return b.client.Capture(t.Context(), c)
			}
		})
		for _, answer := range answers {
			want(t, "answer", answer, answers[0])
		}
		seen[answers[0].Status]++
		want(t, "settled once more", b.settle(a.Key), answers[0])
	}
	if seen[acquirers.StatusApproved] == 0 || seen[acquirers.StatusClosed] == 0 {
		t.Errorf("one side won every race: %v", seen)
	}
	b.checkSums()
}

func TestDrawingTogetherNeverExceedsTheAuthorisation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	authorised := b.approved("4242424242424242") // 10 000
	answers := together(t, 30, func(i int) (acquirers.Answer, error) {
		c := acquirers.Capture{Key: b.key(), Reference: authorised.Reference, Amount: 900, Currency: "ZAR"}
		if i%2 == 0 {
			return b.client.Void(t.Context(), acquirers.Void(c))
		}
		return b.client.Capture(t.Context(), c)
	})
	approved := 0
	for _, a := range answers {
		if a.Status == acquirers.StatusApproved {
			approved++
		}
	}
	want(t, "approved", approved, 11)
	b.checkSums()
}

func TestDrawRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	authorised := b.approved("4242424242424242")
	sale := b.authorisation("4242424242424242")
	sale.Capture = true
	sold := b.authorise(sale)
	want(t, "expiry of a sale", sold.ExpiresAt, time.Time{})
	declined := b.authorisation("4000000000000002")
	b.authorise(declined)

	for name, c := range map[string]acquirers.Capture{
		"too much":         {Reference: authorised.Reference, Amount: 10_001, Currency: "ZAR"},
		"another currency": {Reference: authorised.Reference, Amount: 1, Currency: "EUR"},
		"of a sale":        {Reference: sold.Reference, Amount: 1, Currency: "ZAR"},
		"of nothing":       {Reference: "sim_none", Amount: 1, Currency: "ZAR"},
		"of a decline":     {Reference: b.reference(declined.Key), Amount: 1, Currency: "ZAR"},
	} {
		c.Key = b.key()
		answer, err := b.client.Capture(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "capture "+name, answer.Status, acquirers.StatusDeclined)
		want(t, "capture "+name, answer.ErrorCode, "processing_error")
		want(t, "capture settled", b.settle(c.Key), answer)
		c.Key = b.key()
		if answer, err = b.client.Void(t.Context(), acquirers.Void(c)); err != nil {
			t.Fatal(err)
		}
		want(t, "void "+name, answer.Status, acquirers.StatusDeclined)
		if name == "of a sale" {
			continue
		}
		c.Key = b.key()
		if answer, err = b.client.Refund(t.Context(), acquirers.Refund(c)); err != nil {
			t.Fatal(err)
		}
		want(t, "refund "+name, answer.Status, acquirers.StatusDeclined)
		want(t, "refund "+name, answer.ErrorCode, "processing_error")
	}
	b.checkSums()
}

// reference reads an operation's own reference, which declined ones don't tell.
func (b *bundle) reference(key string) string { return b.entries()[key].Reference }

func TestAuthorisationExpires(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.Now = func() time.Time { return now } })
	authorised := b.approved("4242424242424242")

	now = authorised.ExpiresAt.Add(-time.Millisecond)
	want(t, "last moment", b.capture(authorised.Reference, 1).Status, acquirers.StatusApproved)
	now = authorised.ExpiresAt
	want(t, "afterwards", b.capture(authorised.Reference, 1).Status, acquirers.StatusDeclined)
	want(t, "reversal", b.void(authorised.Reference, 9_999).Status, acquirers.StatusApproved)
	b.checkSums()
}

func TestCallerWhoLeavesStopsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// The row is locked by somebody else, so the capture waits in the book.
	authorised := b.approved("4242424242424242")
	locker, watcher := connect(t, b.db.SuperURL), connect(t, b.db.SuperURL)
	for _, sql := range []string{`begin`, `select from simulator.authorisations for update`} {
		if _, err := locker.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	c := acquirers.Capture{Key: b.key(), Reference: authorised.Reference, Amount: 1, Currency: "ZAR"}
	ctx, leave := contextOf(t)
	ended := make(chan error, 1)
	go func() {
		_, err := b.client.Capture(ctx, c)
		ended <- err
	}()
	eventually(t, "the capture waits for the lock", func() bool {
		var waiting bool
		const sql = `select exists (select from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock')`
		if err := watcher.QueryRow(t.Context(), sql).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		return waiting
	})
	leave()
	if err := <-ended; err == nil {
		t.Error("a caller who has left got an answer")
	}
	if _, err := locker.Exec(t.Context(), `rollback`); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the capture is performed", func() bool {
		return b.entries()[c.Key].Status == acquirers.StatusApproved
	})
	b.checkSums()
}

func TestBookOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	authorised := b.approved("4242424242424242")
	b.capture(authorised.Reference, 2_500)
	b.void(authorised.Reference, 7_500)
	b.refund(authorised.Reference, 1_500)
	b.authorise(b.authorisation("4000000000009995"))
	b.settle("never-arrived")

	inSQL := b.entries()
	want(t, "operations", len(inSQL), 6)
	inHTTP := b.list("")
	keys := slices.Sorted(maps.Keys(inSQL))
	for i, e := range inHTTP {
		want(t, "line", e, inSQL[keys[i]])
	}
	want(t, "lines", len(inHTTP), len(inSQL))
	want(t, "lines after the second", toJSON(t, b.list("?after="+keys[1])), toJSON(t, inHTTP[2:]))
	want(t, "two lines after the second", toJSON(t, b.list("?limit=2&after="+keys[1])), toJSON(t, inHTTP[2:4]))
}

// list reads the book over HTTP.
func (b *bundle) list(query string) []simulator.Entry {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+"/v1/book"+query, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	want(b.t, "status", res.StatusCode, http.StatusOK)
	var all []simulator.Entry
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		var e simulator.Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			b.t.Fatal(err)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		b.t.Fatal(err)
	}
	return all
}

func TestPostgreSQLRefusesWhatMustNotBe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.authorisation("4242424242424242")
	b.authorise(a)
	owner, server := connect(t, b.db.SuperURL), connect(t, b.db.SimulatorURL)

	for _, sql := range []string{
		`update simulator.authorisations set captured = amount + 1`,
		`update simulator.authorisations set voided = -1`,
		`update simulator.authorisations set captured = amount, voided = 1`,
		`update simulator.authorisations set captured = 10, refunded = 11`,
		`update simulator.authorisations set refunded = -1`,
		`update simulator.operations set amount = -1`,
		`update simulator.operations set status = 'declined'`,
		`insert into simulator.operations (key, kind, status, reference, effective_at)
		 values ('other', 'unknown', 'approved', 'ref', now())`,
		fmt.Sprintf(`insert into simulator.operations (key, kind, status, reference, effective_at)
		 values ('%s', 'unknown', 'closed', 'ref', now())`, a.Key),
	} {
		if _, err := owner.Exec(t.Context(), sql); err == nil {
			t.Errorf("the owner may %s", sql)
		}
	}
	for _, sql := range []string{
		`delete from simulator.operations`,
		`delete from simulator.authorisations`,
		`truncate simulator.operations`,
		`update simulator.operations set amount = 1`,
		`update simulator.operations set key = 'other'`,
		`update simulator.authorisations set amount = 20000`,
		`delete from simulator.migrations`,
	} {
		if _, err := server.Exec(t.Context(), sql); err == nil {
			t.Errorf("the server's role may %s", sql)
		}
	}
}
