package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain/catalogue"
	"tender/projections"
)

// The names of the measurements of what reads a log as a whole, beside the commands.
const (
	readName      = "(a) the log read with COPY"
	readPartName  = "(a') payments' events, by stream, with COPY"
	writeName     = "(b) payments' rows written with COPY"
	verifyLogName = "audit verify --log-only"
	verifyName    = "audit verify"
)

// What is to be reached.
const (
	wantedTimes     = 2.5 // of a rebuild of the payments, to (a) + (b)
	wantedLogEvents = 100_000
	wantedEvents    = 40_000 // of the whole audit
	wantedPeakMB    = 512
)

// wholeRow is one measurement.
type wholeRow struct {
	name         string
	events, rows int64
	took         time.Duration
	// The processor time of PostgreSQL, and of the command's process. Unlike how long it
	// took, they don't depend on what else the machine does.
	postgres, own time.Duration
	peak          int64 // of that process, bytes; 0: it has none of its own
}

func (r wholeRow) perSecond() float64 { return float64(max(r.events, r.rows)) / r.took.Seconds() }

// note keeps a measurement, and prints it.
func (b *rebuildBench) note(r wholeRow) {
	b.took = append(b.took, r)
	fmt.Fprintf(b.out, "  %s\n", r)
}

func (r wholeRow) String() string {
	count := fmt.Sprintf("%d events", r.events)
	if r.events == 0 {
		count = fmt.Sprintf("%d rows", r.rows)
	}
	line := fmt.Sprintf("%-44s %16s %9s %9.0f/s  CPU %8s", r.name, count, r.took.Round(10*time.Millisecond), r.perSecond(), r.postgres.Round(10*time.Millisecond))
	if r.peak > 0 {
		line += fmt.Sprintf(" and %8s  peak %4d MB", r.own.Round(10*time.Millisecond), r.peak>>20)
	}
	return line
}

// report prints the median of each measurement, and what was wanted.
func (b *rebuildBench) report() {
	fmt.Fprintln(b.out, "\nmedian")
	var done []string
	var peak int64
	for _, r := range b.took {
		if slices.Contains(done, r.name) {
			continue
		}
		done = append(done, r.name)
		m := b.median(r.name)
		peak = max(peak, m.peak)
		fmt.Fprintf(b.out, "  %s\n", m)
	}
	rebuilt, read, part, wrote := b.median(rebuildOf(projections.PaymentsName)), b.median(readName), b.median(readPartName), b.median(writeName)
	fmt.Fprintf(b.out, "\nthe payments' rebuild to (a) + (b): %.2f, wanted at most %.1f; to (a') + (b): %.2f\n",
		rebuilt.took.Seconds()/(read.took+wrote.took).Seconds(), wantedTimes, rebuilt.took.Seconds()/(part.took+wrote.took).Seconds())
	fmt.Fprintf(b.out, "%s: %.0f events/s, wanted %d\n", verifyLogName, b.median(verifyLogName).perSecond(), wantedLogEvents)
	fmt.Fprintf(b.out, "%s: %.0f events/s, wanted %d\n", verifyName, b.median(verifyName).perSecond(), wantedEvents)
	fmt.Fprintf(b.out, "the most memory of any process: %d MB, wanted below %d\n", peak>>20, wantedPeakMB)
	for _, wrong := range b.wrong {
		fmt.Fprintf(b.out, "WRONG: %s\n", wrong)
	}
}

// median returns the measurement of that name with the median time.
func (b *rebuildBench) median(name string) wholeRow {
	var like []wholeRow
	for _, r := range b.took {
		if r.name == name {
			like = append(like, r)
		}
	}
	slices.SortFunc(like, func(x, y wholeRow) int { return int(x.took - y.took) })
	return like[len(like)/2]
}

// check compares what was made with what was to be made: every event type; and what was
// rebuilt with what follows from the log by itself: a row for each stream that has not
// ended in a way that takes it off the list, and a journal that sums to zero.
func (b *rebuildBench) check(ctx context.Context) error {
	for _, name := range catalogue.Names() {
		if b.made.Types[name] == 0 {
			b.wrong = append(b.wrong, "no "+name+" is in the log")
		}
	}
	streams := func(kind, ended string) string {
		return fmt.Sprintf(`SELECT count(*) FILTER (WHERE version = 1) - count(*) FILTER (WHERE type = '%s') FROM log_test.events WHERE stream LIKE '%s\_%%'`, ended, kind)
	}
	rows := func(name string) string { return `SELECT count(*) FROM read_test.` + name }
	for _, c := range []struct{ what, is, wanted string }{
		{"payments", rows("payments"), streams("pay", "")},
		{"sessions", rows("sessions"), streams("ps", "")},
		{"endpoints", rows("endpoints"), streams("whe", "webhook.endpoint_deleted")},
		{"endpoints of deliveries", rows("delivery_endpoints"), streams("whe", "webhook.endpoint_deleted")},
		{"customers", rows("customers"), streams("cus", "customer.erased")},
		{"payment methods", rows("payment_methods"), streams("pmt", "method.removed")},
		{"mandates", rows("mandates"), streams("mdt", "")},
		{"subscriptions", rows("subscriptions"), streams("sub", "")},
		{"clocks", rows("clocks"), streams("clk", "clock.deleted")},
		{"recoveries", rows("recoveries"), streams("whr", "")},
		{"payments of the journal", rows("journal_payments"), streams("pay", "")},
		{"deliveries that the log tells of", `SELECT count(*) FROM read_test.deliveries WHERE version > 0`, streams("whd", "")},
		{"public events", rows("public_events"), fmt.Sprintf(`SELECT %d`, b.made.Public)},
		{"what is out of balance in the journal", `SELECT coalesce(sum(abs(s)), 0)::bigint FROM (SELECT sum(amount) AS s FROM read_test.journal GROUP BY currency) a`, `SELECT 0`},
		{"parked events", rows("parked_events"), `SELECT 0`},
	} {
		var is, wanted int64
		if err := b.store.Pool().QueryRow(ctx, `SELECT (`+c.is+`), (`+c.wanted+`)`).Scan(&is, &wanted); err != nil {
			return errors.Wrapf(err, "count %s", c.what)
		}
		if is != wanted {
			b.wrong = append(b.wrong, fmt.Sprintf("%s: there are %d, not %d", c.what, is, wanted))
		}
	}
	for _, name := range []string{"journal", "due", "deliveries"} {
		var some bool
		if err := b.store.Pool().QueryRow(ctx, `SELECT EXISTS (SELECT FROM read_test.`+name+`)`).Scan(&some); err != nil {
			return errors.Wrapf(err, "look into %s", name)
		}
		if !some {
			b.wrong = append(b.wrong, name+" is empty")
		}
	}
	return nil
}
