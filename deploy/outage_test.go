//go:build torture

package deploy_test

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	outage    = time.Minute
	customers = 4
)

// TestNATSIsDownForAMinute takes payments while NATS is gone for a minute, and comes
// back with an empty directory: no payment fails, the lists go on meanwhile, and the
// feed holds the log's end afterwards.
func TestNATSIsDownForAMinute(t *testing.T) {
	stop, address := startNATS(t, 0, t.TempDir())
	_, portText, err := net.SplitHostPort(address)
	must(t, err)
	port, err := strconv.Atoi(portText)
	must(t, err)
	i := installWith(t, address)
	i.run("migrate")
	i.run("seal-key")
	i.start("simulator", i.values["TENDER_SIMULATOR_PUBLIC_URL"]+"/healthz")
	i.start("tender", i.url+"/readyz")
	merchantID := i.run("tender", "merchant", "create", "--name", "Corner Shop")
	_, secret, _ := strings.Cut(i.run("tender", "keys", "create", "--merchant", merchantID), " ")

	var paid atomic.Int64
	over := make(chan struct{})
	var all sync.WaitGroup
	for range customers {
		all.Go(func() {
			for !closed(over) {
				i.sells(secret, paid.Add(1))
			}
		})
	}
	i.eventually("payments are made", func() bool { return paid.Load() > 50 })
	stop()
	before := paid.Load()
	for begun := time.Now(); time.Since(begun) < outage; {
		i.listed(secret, int(paid.Load())-customers) // but for those under way
	}
	during := paid.Load() - before
	if during < 100 {
		t.Errorf("%d payments while NATS was down", during)
	}
	startNATS(t, port, t.TempDir())
	i.eventually("payments go on", func() bool { return paid.Load() > before+during+50 })
	close(over)
	all.Wait()
	i.listed(secret, int(paid.Load()))
	t.Logf("%d payments, %d of them while NATS was down", paid.Load(), during)

	head := strings.Fields(i.run("tender", "events", "tail", "-n", "1"))[0]
	js, err := jetstream.New(connect(t, "nats://reader:"+readerPassword+"@"+address))
	must(t, err)
	i.eventually("the feed holds the log's end", func() bool {
		s, err := js.Stream(t.Context(), "LOG_test")
		return err == nil && fmt.Sprint(s.CachedInfo().State.LastSeq) == head
	})
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// sells takes one payment.
func (i *installation) sells(secret string, n int64) {
	s := i.callWith(fmt.Sprint("sale-", n), http.StatusCreated, secret, http.MethodPost, "/collect/payment_sessions", `{"amount":10000,"currency":"ZAR"}`)
	state := i.call(http.StatusOK, "", http.MethodPost, "/checkout/"+s.text("checkout_session_id")+"/attempts",
		`{"payment_method":{"type":"card","card":{"number":"4242424242424242","exp_month":12,"exp_year":2034,"cvc":"123"}}}`)
	if state.text("payment_outcome") != "paid" {
		i.t.Errorf("sale %d came to %v", n, state)
	}
}

// listed waits until the list shows this many payments, or a page of them.
func (i *installation) listed(secret string, n int) {
	i.eventually("the payments are listed", func() bool {
		seen, cursor := 0, ""
		for {
			page := i.call(http.StatusOK, secret, http.MethodGet, "/collect/payments?status=succeeded&limit=100"+cursor, "")
			data, _ := page["data"].([]any)
			seen += len(data)
			if seen >= n || page["has_more"] != true {
				return seen >= n
			}
			cursor = "&cursor=" + page.text("next_cursor")
		}
	})
}
