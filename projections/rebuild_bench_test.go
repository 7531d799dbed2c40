package projections

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
	"tender/eventstore"
)

var rebuildEvents = flag.Int("rebuild-events", 100_000, "how many events BenchmarkRebuild has in its log")

// saleEvents are what one sale leaves in the log of the benchmark: three events of its
// session and five of its payment.
const saleEvents = 8

// BenchmarkRebuild rebuilds the payments of a log of sales, and compares that in the
// same run with what it can't do without: reading the range, and writing the rows, both
// with COPY. To be reached: 2.5 times as long, within 512 MB.
func BenchmarkRebuild(b *testing.B) {
	h := setupWorker(b, nil)
	sell(b, h, *rebuildEvents/saleEvents)
	p := Payments("test")
	r, err := NewRunner(h.store, nil, NewCursors(h.store), p)
	if err == nil {
		err = r.Prepare(h.ctx)
	}
	if err != nil {
		b.Fatal(err)
	}
	read := copyOut(b, h, `COPY log_test.events TO STDOUT`, io.Discard)
	b.ResetTimer()
	for range b.N {
		number, err := r.Rebuild(h.ctx, PaymentsName)
		if err == nil {
			err = r.Make(h.ctx, PaymentsName, number, func(Status) {})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	rebuilt, used := b.Elapsed()/time.Duration(b.N), peakMB(b)
	var rows bytes.Buffer
	copyOut(b, h, `COPY (SELECT * FROM read_test.payments) TO STDOUT`, &rows)
	wrote := copyIn(b, h, &rows)
	b.ReportMetric(float64(*rebuildEvents)/rebuilt.Seconds(), "events/s")
	b.ReportMetric(read.Seconds(), "s-read")
	b.ReportMetric(wrote.Seconds(), "s-write")
	b.ReportMetric(rebuilt.Seconds()/(read+wrote).Seconds(), "times")
	b.ReportMetric(used, "MB-peak")
}

func copyOut(b *testing.B, h *bench, sql string, w io.Writer) time.Duration {
	b.Helper()
	conn, err := h.store.Pool().Acquire(h.ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	begun := time.Now()
	if _, err := conn.Conn().PgConn().CopyTo(h.ctx, w, sql); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun)
}

func copyIn(b *testing.B, h *bench, rows io.Reader) time.Duration {
	b.Helper()
	conn, err := h.store.Pool().Acquire(h.ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(h.ctx, `CREATE TABLE read_test.written AS SELECT * FROM read_test.payments LIMIT 0`); err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	if _, err := conn.Conn().PgConn().CopyFrom(h.ctx, rows, `COPY read_test.written FROM STDIN`); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun)
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

func peakMB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	kB, err := strconv.Atoi(string(peak.FindSubmatch(status)[1]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(kB) / 1024
}

// sell appends sales.
func sell(b *testing.B, h *bench, n int) {
	b.Helper()
	var all sync.WaitGroup
	const callers = 32
	for c := range callers {
		all.Go(func() {
			for i := c; i < n; i += callers {
				if _, err := h.store.Append(h.ctx, sale()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func sale() eventstore.Command {
	session, pay := id.Format(id.Session, uuid.Must(uuid.NewV7())), id.Format(id.Payment, uuid.Must(uuid.NewV7()))
	now := time.Now().UTC().Truncate(time.Millisecond)
	c := eventstore.Command{
		ID: uuid.Must(uuid.NewV7()), MerchantID: "mer_01m8h24qnpfd38jdeg4ggp7gr3", RequestID: "req_01m8h2704qe3bvhkbqj1cwk08e",
		Actor:  domain.Actor{Kind: domain.ActorCustomer, ID: session},
		Expect: []eventstore.Expectation{{Stream: session}, {Stream: pay}},
	}
	add := func(stream, kind, payload string, values ...any) {
		c.Events = append(c.Events, eventstore.NewEvent{
			Stream: stream, Type: kind, SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()), At: now, Payload: json.RawMessage(fmt.Sprintf(payload, values...)),
		})
	}
	at := now.Format(time.RFC3339Nano)
	add(session, "session.created", `{"amount":10000,"currency":"ZAR","country":"ZA","session_type":"one_time","checkout_id_hash":"%064d","capture_method":"manual","expires_at":"%s"}`, 7, at)
	add(session, "session.attempt_started", `{"attempt_id":"att_6zz5zq9c2bbkj82d29mwaehy7m","payment_id":"%s"}`, pay)
	add(pay, "payment.initiated", `{"session_id":"%s","amount":10000,"currency":"ZAR","country":"ZA","capture_method":"manual","intent":"payment","acquirer":"simulator"}`, session)
	add(pay, "payment.attempt_started", `{"attempt_id":"att_6zz5zq9c2bbkj82d29mwaehy7m","number":1,"key":"%s-1","answer_by":"%s","details":{"type":"card","card":{"type":"CREDIT","scheme":"VISA","bin":"424242","last4":"4242","exp_month":12,"exp_year":2029}}}`, pay, at)
	add(pay, "payment.authorised", `{"attempt_id":"att_6zz5zq9c2bbkj82d29mwaehy7m","amount":10000,"currency":"ZAR","reference":"sim_01m8h2704yfk1t2f7gbs04e2dz","network_transaction_id":"750508306566314","expires_at":"%s"}`, at)
	add(session, "session.completed", `{"attempt_id":"att_6zz5zq9c2bbkj82d29mwaehy7m","payment_id":"%s","outcome":"reserved"}`, pay)
	add(pay, "payment.capture_requested", `{"capture_id":"cap_01m8h2705ffa1ssbxn952rzmna","amount":6000,"currency":"ZAR","key":"%s-cap","answer_by":"%s"}`, pay, at)
	add(pay, "payment.captured", `{"capture_id":"cap_01m8h2705ffa1ssbxn952rzmna","amount":6000,"currency":"ZAR","reference":"sim_01m8h2705hft58eme1nykagh3t"}`)
	return c
}
