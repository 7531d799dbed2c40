package simulator_test

import (
	"testing"
	"time"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

const (
	refundDeclinedCard  = "4000000000000507"
	refundLostCard      = "4000000000000515"
	refundFailsLateCard = "4000000000000523"
)

func TestRefund(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sold := b.sold("4242424242424242") // 10 000
	first := b.refund(sold.Reference, 4_000)
	want(t, "a part", first.Status, acquirers.StatusApproved)
	if first.Reference == "" || first.Reference == sold.Reference || first.EffectiveAt.IsZero() {
		t.Errorf("the refund is %+v", first)
	}
	want(t, "settled", b.settle(first.Key), first)
	want(t, "more than is left", b.refund(sold.Reference, 6_001).Status, acquirers.StatusDeclined)
	want(t, "the rest", b.refund(sold.Reference, 6_000).Status, acquirers.StatusApproved)
	want(t, "when nothing is left", b.refund(sold.Reference, 1).Status, acquirers.StatusDeclined)
	b.checkSums()
}

// Of an authorisation that was captured in part, that part can be refunded,
// whatever becomes of the rest and however long ago it was.
func TestRefundOfCaptures(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.Now = func() time.Time { return now } })
	authorised := b.approved("4242424242424242")
	want(t, "before a capture", b.refund(authorised.Reference, 1).Status, acquirers.StatusDeclined)
	b.capture(authorised.Reference, 3_000)
	want(t, "more than was captured", b.refund(authorised.Reference, 3_001).Status, acquirers.StatusDeclined)
	want(t, "what was captured", b.refund(authorised.Reference, 3_000).Status, acquirers.StatusApproved)
	want(t, "what was refunded, captured again", b.capture(authorised.Reference, 7_001).Status, acquirers.StatusDeclined)
	want(t, "the rest", b.capture(authorised.Reference, 2_000).Status, acquirers.StatusApproved)
	b.void(authorised.Reference, 5_000)
	now = authorised.ExpiresAt.Add(time.Hour)
	want(t, "after the authorisation's end", b.refund(authorised.Reference, 2_000).Status, acquirers.StatusApproved)
	b.checkSums()
}

func TestRefundingTogetherNeverExceedsWhatWasCaptured(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sold := b.sold("4242424242424242") // 10 000
	answers := together(t, 30, func(int) (acquirers.Answer, error) {
		return b.client.Refund(t.Context(), acquirers.Refund{Key: b.key(), Reference: sold.Reference, Amount: 900, Currency: "ZAR"})
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

func TestEveryRefundDeclined(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sold := b.sold(refundDeclinedCard)
	for range 2 {
		answer := b.refund(sold.Reference, 1)
		want(t, "status", answer.Status, acquirers.StatusDeclined)
		want(t, "error code", answer.ErrorCode, "card_declined")
		want(t, "decline code", answer.DeclineCode, "generic_decline")
	}
	b.checkSums()
}

func TestRefundLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sold := b.sold(refundLostCard)
	r := acquirers.Refund{Key: b.key(), Reference: sold.Reference, Amount: 4_000, Currency: "ZAR"}
	if answer, err := b.client.Refund(t.Context(), r); err == nil {
		t.Fatalf("answered %+v", answer)
	}
	settled := b.settle(r.Key)
	want(t, "status", settled.Status, acquirers.StatusApproved)
	again, err := b.client.Refund(t.Context(), r)
	want(t, "error of a repetition", err, nil)
	want(t, "answer to a repetition", again, settled)
	b.checkSums()
}

// A key that is closed before its refund arrives is never refunded.
func TestRefundClosed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := acquirers.Refund{Key: b.key(), Reference: b.sold("4242424242424242").Reference, Amount: 4_000, Currency: "ZAR"}
	want(t, "status", b.settle(r.Key).Status, acquirers.StatusClosed)
	answer, err := b.client.Refund(t.Context(), r)
	want(t, "error", err, nil)
	want(t, "status of the late request", answer.Status, acquirers.StatusClosed)
	b.checkSums()
}

func TestRefundFailsLate(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.Delay = g.delay })
	sold := b.sold(refundFailsLateCard)
	first := b.refund(sold.Reference, 4_000)
	want(t, "status", first.Status, acquirers.StatusApproved)
	want(t, "while", <-g.begun, 30*time.Second)
	want(t, "settled meanwhile", b.settle(first.Key), first)
	want(t, "notifications", len(b.received.messages()), 0)
	b.checkSums()

	close(g.opened)
	told := b.received.next(t).Answer
	want(t, "key", told.Key, first.Key)
	want(t, "status", told.Status, acquirers.StatusDeclined)
	want(t, "error code", told.ErrorCode, "processing_error")
	want(t, "settled", b.settle(first.Key), told)
	b.checkSums()
	want(t, "what came back, refunded again", b.refund(sold.Reference, 10_000).Status, acquirers.StatusApproved)
	b.received.next(t)
	b.checkSums()
}

// A refund fails once, whoever of two servers comes to it, and also if the process
// that performed it is gone.
func TestRefundFailsAfterAStart(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.Delay = g.delay })
	first := b.refund(b.sold(refundFailsLateCard).Reference, 4_000)
	<-g.begun
	b.server.Close()
	want(t, "after the first process", b.entries()[first.Key].Status, acquirers.StatusApproved)

	g = newGate()
	b.cfg.Delay = g.delay
	b.start(t)
	b.run(t)
	other := setupOn(t, b.db, func(cfg *simulator.ServerConfig) { cfg.NotifyURL, cfg.Delay = b.cfg.NotifyURL, g.delay })
	other.run(t)
	<-g.begun
	<-g.begun
	close(g.opened)
	want(t, "status", b.received.next(t).Answer.Status, acquirers.StatusDeclined)
	b.server.Close()
	other.server.Close()
	// A message may come twice, where a server was closed before it could note the
	// receiver's answer; there is only ever one.
	ids := map[string]bool{}
	for _, m := range b.received.messages() {
		ids[m.ID] = true
	}
	want(t, "notifications", len(ids), 1)
	b.checkSums()
}
