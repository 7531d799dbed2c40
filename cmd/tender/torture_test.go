//go:build torture

package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/acquirers"
	"tender/acquirers/simulator"
	"tender/cmd/tender/internal/devenv"
	"tender/handlers/payments"
)

// The torture's size; TENDER_TORTURE_KILLS makes it longer.
const (
	tortureKills   = 6
	tortureClients = 6
	settleLimit    = 3 * time.Minute
)

// TestKilledWhilePaying kills the whole installation at random moments while
// payments run, and then compares the simulator's book with the log, to the cent:
// everything that was acknowledged is there, nothing moved twice, nothing stays
// stuck.
func TestKilledWhilePaying(t *testing.T) {
	i := newInstallation(t)
	kills := tortureKills
	if n, err := strconv.Atoi(os.Getenv("TENDER_TORTURE_KILLS")); err == nil {
		kills = n
	}
	var mu sync.Mutex
	acknowledged := map[string]int64{} // payment → the captured sum that we were told
	for round := range kills {
		i.start()
		ctx, cancel := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		for client := range tortureClients {
			clients.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					paymentID, captured := i.tortured(ctx, fmt.Sprintf("r%dc%dn%d", round, client, n))
					mu.Lock()
					if paymentID != "" {
						acknowledged[paymentID] = max(acknowledged[paymentID], captured)
					}
					mu.Unlock()
				}
			})
		}
		timer := time.NewTimer(time.Second + rand.N(3*time.Second))
		<-timer.C
		i.kill()
		cancel()
		clients.Wait()
	}
	i.start()
	i.eventually(settleLimit, "every payment is settled", func() bool { return i.unsettled() == 0 })
	i.reconcile(acknowledged)
}

// tortured makes one payment with a card that may lose answers, repeating each
// request once under its key, and returns what it was told of it.
func (i *installation) tortured(ctx context.Context, run string) (string, int64) {
	numbers := []string{"4242424242424242", "4242424242424242", "4000000000000408", "4000000000000440", "4000000000000002"}
	status, s, err := i.call(ctx, http.MethodPost, "/collect/payment_sessions", run,
		`{"amount":9000,"currency":"ZAR","options":{"payment_method_options":{"card":{"capture_method":"manual"}}}}`)
	if err != nil || status != http.StatusCreated {
		return "", 0
	}
	_, _, _ = i.call(ctx, http.MethodPost, "/checkout/"+s.text("checkout_session_id")+"/attempts", "", card(numbers[rand.N(len(numbers))]))
	_, s, err = i.call(ctx, http.MethodGet, "/collect/payment_sessions/"+s.text("id"), "", "")
	if err != nil || s.text("payment_id") == "" {
		return "", 0
	}
	var told int64
	for n, amount := range []int64{4000, 3000} {
		for range 2 {
			path := "/collect/payments/" + s.text("payment_id") + "/captures"
			status, p, err := i.call(ctx, http.MethodPost, path, fmt.Sprint(run, "-", n), fmt.Sprintf(`{"amount":%d}`, amount))
			if err == nil && status == http.StatusOK {
				told = max(told, p.number("paid_amount"))
			}
		}
	}
	_, _, _ = i.call(ctx, http.MethodPost, "/collect/payments/"+s.text("payment_id")+"/voids", run+"-void", "")
	return s.text("payment_id"), told
}

func (i *installation) unsettled() int {
	n := 0
	for _, p := range i.states() {
		if p.InFlight() || len(p.Pending) > 0 {
			n++
		}
	}
	return n
}

// reconcile compares the log with the simulator's book.
func (i *installation) reconcile(acknowledged map[string]int64) {
	i.t.Helper()
	conn, err := pgx.Connect(i.t.Context(), i.env[devenv.DatabaseAdminURL])
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	type sums struct{ authorised, captured, voided int64 }
	book := map[string]sums{}
	for e, err := range simulator.Book(i.t.Context(), conn, "") {
		if err != nil {
			i.t.Fatal(err)
		}
		paymentID, _, ok := payments.PaymentOf(e.Key)
		if !ok || e.Kind != "authorisation" || e.Status != acquirers.StatusApproved {
			continue
		}
		if _, twice := book[paymentID]; twice {
			i.t.Errorf("%s was authorised twice", paymentID)
		}
		book[paymentID] = sums{e.Amount, e.Captured, e.Voided}
	}
	states := i.states()
	for id, p := range states {
		want := book[id]
		if p.Authorised != want.authorised || p.Captured != want.captured || p.Voided != want.voided {
			i.t.Errorf("%s: the log says %d/%d/%d (authorised/captured/voided), the book %d/%d/%d", id,
				p.Authorised, p.Captured, p.Voided, want.authorised, want.captured, want.voided)
		}
		if told := acknowledged[id]; p.Captured < told {
			i.t.Errorf("%s: %d was acknowledged as captured, the log says %d", id, told, p.Captured)
		}
	}
	for id := range book {
		if _, there := states[id]; !there {
			i.t.Errorf("%s is in the book and not in the log", id)
		}
	}
	if len(states) < tortureKills {
		i.t.Errorf("only %d payments were made: nothing was tortured", len(states))
	}
	i.t.Logf("%d payments, %d acknowledged, all as in the book", len(states), len(acknowledged))
}
