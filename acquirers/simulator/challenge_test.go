package simulator_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

// challenged asks for an authorisation that the customer must approve.
func (b *bundle) challenged() (acquirers.Authorisation, acquirers.Answer) {
	b.t.Helper()
	a := b.authorisation("4000000000003220")
	answer := b.authorise(a)
	want(b.t, "status", answer.Status, acquirers.StatusActionRequired)
	if !strings.HasPrefix(answer.RedirectURL, b.url+"/acs/") {
		b.t.Fatalf("sent to %q", answer.RedirectURL)
	}
	return a, answer
}

// browser follows nothing by itself, so that every step can be looked at.
var browser = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func visit(t *testing.T, address string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func decide(t *testing.T, address, decision string) (*http.Response, string) {
	t.Helper()
	form := url.Values{"decision": {decision}}.Encode()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func contains(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q:\n%s", text, page)
		}
	}
}

func TestCustomerApproves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, asked := b.challenged()
	want(t, "repeated answer", b.authorise(a), asked)

	res, page := visit(t, asked.RedirectURL)
	want(t, "status", res.StatusCode, http.StatusOK)
	contains(t, page, "Approve this payment?", "ZAR 100.00", "VISA •••• 3220", `method="post"`, `value="approve"`, `value="refuse"`)
	if strings.Contains(page, "<script") {
		t.Error("the page needs a script")
	}

	res, _ = decide(t, asked.RedirectURL, "approve")
	want(t, "status", res.StatusCode, http.StatusSeeOther)
	want(t, "way back", res.Header.Get("Location"), a.ReturnURL)

	// The notification was acknowledged before the customer was led back.
	messages := b.received.messages()
	want(t, "notifications", len(messages), 1)
	told := messages[0].Answer
	want(t, "status", told.Status, acquirers.StatusApproved)
	want(t, "3-D Secure", told.ThreeDSecure, acquirers.ThreeDSecureAuthenticated)
	want(t, "expiry", told.ExpiresAt, told.EffectiveAt.Add(7*24*time.Hour))
	want(t, "settled", b.settle(a.Key), told)
	want(t, "repeated", b.authorise(a), told)
	want(t, "capture", b.capture(told.Reference, a.Amount).Status, acquirers.StatusApproved)

	// Whoever comes again is led back, and changes nothing.
	res, page = visit(t, asked.RedirectURL)
	want(t, "status", res.StatusCode, http.StatusOK)
	contains(t, page, "You approved this payment", `href="https://shop.example/back?session=1"`)
	want(t, "refresh", res.Header.Get("Refresh"), "5; url="+a.ReturnURL)
	res, _ = decide(t, asked.RedirectURL, "refuse")
	want(t, "way back", res.Header.Get("Location"), a.ReturnURL)
	want(t, "settled", b.settle(a.Key), told)
	want(t, "notifications", len(b.received.messages()), 1)
	b.checkSums()
}

func TestCustomerApprovesASale(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.authorisation("4000000000003220")
	a.Capture = true
	asked := b.authorise(a)
	decide(t, asked.RedirectURL, "approve")
	e := b.entries()[a.Key]
	want(t, "captured", e.Captured, a.Amount)
	want(t, "expiry", b.settle(a.Key).ExpiresAt, time.Time{})
	b.checkSums()
}

func TestCustomerRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, asked := b.challenged()

	res, _ := decide(t, asked.RedirectURL, "refuse")
	want(t, "way back", res.Header.Get("Location"), a.ReturnURL)
	told := b.received.next(t).Answer
	want(t, "status", told.Status, acquirers.StatusDeclined)
	want(t, "error code", told.ErrorCode, "authentication_failed")
	want(t, "3-D Secure", told.ThreeDSecure, acquirers.ThreeDSecureFailed)
	want(t, "settled", b.settle(a.Key), told)
	_, page := visit(t, asked.RedirectURL)
	contains(t, page, "You refused this payment")
	b.checkSums()
}

func TestCustomerAbandons(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, asked := b.challenged()

	settled := b.settle(a.Key)
	want(t, "status", settled.Status, acquirers.StatusClosed)
	res, page := visit(t, asked.RedirectURL)
	want(t, "status", res.StatusCode, http.StatusOK)
	contains(t, page, "This request has ended", "Back to the shop")
	res, _ = decide(t, asked.RedirectURL, "approve")
	want(t, "way back", res.Header.Get("Location"), a.ReturnURL)
	want(t, "settled", b.settle(a.Key), settled)
	want(t, "repeated", b.authorise(a), settled)
	want(t, "notifications", len(b.received.messages()), 0)
	b.checkSums()
}

func TestDecisionAgainstSettle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const rounds = 40
	seen := make(map[acquirers.Status]int)
	for i := range rounds {
		a, asked := b.challenged()
		together(t, 4, func(call int) (acquirers.Answer, error) {
			if (call+i)%4 == 0 {
				return b.client.Settle(t.Context(), a.Key)
			}
			decide(t, asked.RedirectURL, []string{"approve", "refuse"}[call%2])
			return acquirers.Answer{}, nil
		})
		seen[b.settle(a.Key).Status]++
	}
	if seen[acquirers.StatusClosed] == 0 || seen[acquirers.StatusClosed] == rounds {
		t.Errorf("one side won every race: %v", seen)
	}
	want(t, "notifications", len(b.received.messages()), rounds-seen[acquirers.StatusClosed])
	b.checkSums()
}

func TestPageForStrangers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, asked := b.challenged()
	for _, path := range []string{
		"/acs/guessed", "/acs/%00", "/acs/" + strings.Repeat("a", 400), "/bank/guessed", "/phone/guessed",
	} {
		res, page := visit(t, b.url+path)
		want(t, path, res.StatusCode, http.StatusNotFound)
		contains(t, page, "Page not found")
		res, _ = decide(t, b.url+path, "approve")
		want(t, path, res.StatusCode, http.StatusNotFound)
	}
	res, page := decide(t, asked.RedirectURL, "whatever")
	want(t, "status", res.StatusCode, http.StatusOK)
	contains(t, page, "Approve this payment?")
}

func TestPageIsShutOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, asked := b.challenged()
	_, bankPage := b.askedAtBank("fnb")
	_, phonePage := b.askedOnPhone("4567")
	for _, address := range []string{asked.RedirectURL, bankPage, phonePage} {
		res, page := visit(t, address)
		policy := res.Header.Get("Content-Security-Policy")
		contains(t, policy, "default-src 'none'", "style-src 'sha256-", "frame-ancestors 'none'", "base-uri 'none'")
		if strings.Contains(policy, "unsafe") {
			t.Error(policy)
		}
		want(t, "referrer", res.Header.Get("Referrer-Policy"), "no-referrer")
		want(t, "cache", res.Header.Get("Cache-Control"), "no-store")
		for _, foreign := range []string{"<script", "<link", "<img", " style=", " src="} {
			want(t, foreign+" in the page", strings.Contains(page, foreign), false)
		}
	}
}

// What others have sent is text on the page, whatever it looks like.
func TestPageShowsNamesAsText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.eft("fnb")
	a.Payee = `<b onclick="x()">Karoo & Tea</b>`
	_, page := visit(t, b.authorise(a).RedirectURL)
	contains(t, page, "&lt;b onclick=&#34;x()&#34;&gt;Karoo &amp; Tea&lt;/b&gt;")
}

func TestChallengeWithoutAWayBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.authorisation("4000000000003220")
	a.ReturnURL = ""
	address := b.authorise(a).RedirectURL
	res, _ := decide(t, address, "approve")
	want(t, "way back", res.Header.Get("Location"), address)
	_, page := visit(t, address)
	contains(t, page, "You approved this payment")
}

func TestChallengeSurvivesARestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, asked := b.challenged()
	_, token, _ := strings.Cut(asked.RedirectURL, "/acs/")

	b.server.Close()
	b.start(t)
	res, _ := decide(t, b.url+"/acs/"+token, "approve")
	want(t, "way back", res.Header.Get("Location"), a.ReturnURL)
	want(t, "settled", b.settle(a.Key).Status, acquirers.StatusApproved)
}

func TestOutboxSurvivesARestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.received.status.Store(http.StatusServiceUnavailable)
	stop := b.run(t)
	a, asked := b.challenged()
	decide(t, asked.RedirectURL, "approve")
	// Tried more than once, and acknowledged by nobody.
	first := b.received.next(t)
	b.received.next(t)
	b.received.next(t)
	stop()
	b.server.Close()
	unsent := b.count(`select count(*) from simulator.notifications where acknowledged_at is null`)
	want(t, "notifications kept", unsent, 1)

	b.received.status.Store(http.StatusOK)
	before := len(b.received.messages())
	b.start(t)
	b.run(t)
	eventually(t, "the notification is acknowledged", func() bool {
		return b.count(`select count(*) from simulator.notifications where acknowledged_at is null`) == 0
	})
	messages := b.received.messages()
	want(t, "messages until acknowledged", len(messages), before+1)
	want(t, "message", messages[len(messages)-1], first)
	want(t, "key", first.Answer.Key, a.Key)
}

// A process that dies while it sends leaves its claim behind.
func TestOutboxTakesUpWhatAnotherLeft(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.NotifyURL = "" })
	_, asked := b.challenged()
	decide(t, asked.RedirectURL, "approve") // kept: there is nowhere to send it to
	b.server.Close()
	b.cfg.NotifyURL = b.received.url
	b.start(t)
	b.run(t)
	want(t, "claimed", b.count(`select count(*) from simulator.notifications where next_at > clock_timestamp()`), 1)
	conn := connect(t, b.db.SuperURL)
	if _, err := conn.Exec(t.Context(), `update simulator.notifications set next_at = clock_timestamp()`); err != nil {
		t.Fatal(err)
	}
	want(t, "status", b.received.next(t).Answer.Status, acquirers.StatusApproved)
}

func (b *bundle) count(sql string) int {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.db.SuperURL)
	if err != nil {
		b.t.Fatalf("connect: %v", err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var n int
	if err := conn.QueryRow(b.t.Context(), sql).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// The customer is not kept waiting for a receiver that hangs.
func TestCustomerIsLedBackWithoutAnAcknowledgement(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	slow := &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		select {
		case <-hang:
		case <-req.Context().Done():
		}
		return nil, context.Canceled
	})}
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.NotifyClient = slow })
	defer close(hang)
	a, asked := b.challenged()
	begun := time.Now()
	res, _ := decide(t, asked.RedirectURL, "approve")
	want(t, "way back", res.Header.Get("Location"), a.ReturnURL)
	if waited := time.Since(begun); waited > 4*time.Second {
		t.Errorf("the customer waited %v", waited)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
