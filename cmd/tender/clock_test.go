package main_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/acquirers"
	"tender/acquirers/simulator"
	"tender/cmd/tender/internal/devenv"
	"tender/eventstore"
)

// onClock makes a clock, and a subscription of a customer on it. The times are UTC's.
func (i *installation) onClock(frozen, number, mandate string) (clockID, subscriptionID string) {
	i.t.Helper()
	clockID, rest, _ := strings.Cut(i.ran("clock", "create", "--at", frozen), " ")
	if !strings.HasPrefix(clockID, "clk_") || rest != "stands at "+frozen+"\n" {
		i.t.Fatalf("tender clock create says %q", clockID+" "+rest)
	}
	p := person{card: number, name: "Anna"}
	s := i.agrees("agrees-"+clockID, p, `{"customer":{"test_clock_id":"`+clockID+`"},"mandate_options":`+mandate+`,"subscription_options":{}}`)
	return clockID, s.text("subscription_id")
}

// ran is what another command of the binary says, which must succeed.
func (i *installation) ran(args ...string) string {
	i.t.Helper()
	out, err := i.run(args...)
	if err != nil {
		i.t.Fatalf("tender %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// TestAScheduleIsReadable tells a story from the command line: tries that fail, one
// that succeeds, what comes, and a schedule whose day is another than UTC's.
func TestAScheduleIsReadable(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	clockID, failing := i.onClock("2026-01-01T00:00:00Z", "4000000000000432",
		`{"type":"scheduled","amount":50000,"time_zone":"Africa/Johannesburg","recurrence":{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1]}},"max_occurrences":3}`)
	if out := i.ran("clock", "advance", clockID, "--to", "2026-03-03"); !strings.HasSuffix(out, clockID+" stands at 2026-03-03T00:00:00Z\n") {
		t.Errorf("tender clock advance says %q", out)
	}
	if got, want := i.ran("subscriptions", "show", failing), failing+`  past_due  ZAR 500.00  ZAR 500.00 overdue  times of Africa/Johannesburg
  #1    2026-02-01 00:00  ZAR 500.00   unpaid: card_declined insufficient_funds, again 2026-02-02 00:00
  #1    2026-02-01 00:00  ZAR 500.00   unpaid (try 2, 2026-02-02): card_declined insufficient_funds, again 2026-02-04 00:00
  #1    2026-02-01 00:00  ZAR 500.00   paid (try 3, 2026-02-04)
  #2    2026-03-01 00:00  ZAR 500.00   unpaid: card_declined insufficient_funds, again 2026-03-02 00:00
  #2    2026-03-01 00:00  ZAR 500.00   unpaid (try 2, 2026-03-02): card_declined insufficient_funds, again 2026-03-04 00:00
        2026-04-01 00:00  ZAR 500.00   comes next
        2026-05-01 00:00  ZAR 500.00   comes
`; got != want {
		t.Errorf("the schedule is\n%s\nnot\n%s", got, want)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"clock", "advance", clockID, "--to", "2026-01-01"}, "a test clock only goes forward"},
		{[]string{"clock", "advance", clockID}, "--to"},
		{[]string{"clock", "create", "--at", "noon"}, "is no time"},
		{[]string{"subscriptions", "show", "sub_01kjpy64c8ej6tkhd7mh6hksbd"}, "There is no such subscription"},
		{[]string{"subscriptions", "show"}, "sub_…"},
	} {
		if out, err := i.run(c.args...); err == nil || !strings.Contains(out, c.says) {
			t.Errorf("tender %s: %v, %q", strings.Join(c.args, " "), err, out)
		}
	}
}

// TestKilledWhileAClockAdvances kills the whole installation while a year passes. In
// the end every day was paid once, at its instant, and the simulator was asked for no
// more.
func TestKilledWhileAClockAdvances(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	clockID, subscriptionID := i.onClock("2025-12-31T12:00:00Z", "4242424242424242",
		`{"type":"scheduled","amount":500,"time_zone":"UTC","recurrence":{"type":"daily","interval_count":1},"validity_period":{"end_date":"2026-06-30"}}`)
	i.must(http.StatusOK, http.MethodPost, "/test/clocks/"+clockID+"/advance", "advance", `{"to":"2026-07-15T00:00:00Z"}`)
	stands := func() (object, string) {
		o := i.must(http.StatusOK, http.MethodGet, "/test/clocks/"+clockID, "", "")
		return o, o.text("frozen_time")
	}
	for _, month := range []string{"2026-01-15", "2026-03", "2026-05"} {
		i.eventually(startTimeout, "it is "+month, func() bool { _, now := stands(); return now > month })
		if o, now := stands(); o.text("status") != "advancing" {
			t.Fatalf("at %s the clock is %s already: nothing was killed", now, o.text("status"))
		}
		i.kill()
		i.start()
	}
	i.eventually(startTimeout, "the clock is ready", func() bool { o, _ := stands(); return o.text("status") == "ready" })

	var want []string
	for day := range 181 { // January to June
		want = append(want, time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC).Format(time.RFC3339))
	}
	if got := i.instantsOf(subscriptionID, "subscription.charge_succeeded"); !slices.Equal(got, want) {
		t.Errorf("it was paid %d times, at\n%v", len(got), got)
	}
	if got := i.instantsOf(subscriptionID, "subscription.charge_failed"); len(got) > 0 {
		t.Errorf("it failed at %v", got)
	}
	if got := i.instantsOf(subscriptionID, "subscription.completed"); !slices.Equal(got, want[180:]) {
		t.Errorf("it was completed at %v", got)
	}
	if n := i.approved(); n != 1+181 {
		t.Errorf("the simulator's book has %d payments, not 182", n)
	}
}

// instantsOf are those of a stream's events of one type.
func (i *installation) instantsOf(stream, event string) (all []string) {
	i.t.Helper()
	store, err := eventstore.Open(i.t.Context(), eventstore.Log{Mode: "test"}, i.env[devenv.DatabaseURL])
	if err != nil {
		i.t.Fatal(err)
	}
	defer store.Close()
	events, err := store.Stream(i.t.Context(), stream)
	if err != nil {
		i.t.Fatal(err)
	}
	for _, e := range events {
		if e.Type == event {
			all = append(all, e.At.UTC().Format(time.RFC3339))
		}
	}
	return all
}

// approved is how many payments the simulator's book says were approved.
func (i *installation) approved() (n int) {
	i.t.Helper()
	conn, err := pgx.Connect(i.t.Context(), i.env[devenv.DatabaseAdminURL])
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for e, err := range simulator.Book(i.t.Context(), conn, "") {
		if err != nil {
			i.t.Fatal(err)
		}
		if e.Kind == "authorisation" && e.Status == acquirers.StatusApproved {
			n++
		}
	}
	return n
}
