package audit_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"tender/domain/staff"
	"tender/eventstore/feed"
	"tender/handlers/handlerstest"
	"tender/projections"
)

type object = handlerstest.Object

const goodCard = "4242424242424242"

// bundle is an installation with two merchants, and somebody of finance.
type bundle struct {
	*handlerstest.House
	t       *testing.T
	shop    *handlerstest.Merchant
	other   *handlerstest.Merchant
	calls   *handlerstest.Caller // the shop's
	finance *handlerstest.Caller
}

func setup(t *testing.T) *bundle {
	t.Helper()
	h := handlerstest.New(t)
	b := &bundle{House: h, t: t, shop: h.Merchant("test"), other: h.Merchant("test")}
	b.calls = h.First.Caller(t, b.shop.Secret)
	b.finance = h.First.Caller(t, h.StaffKey(staff.RoleFinance))
	b.keep(projections.Journal(), projections.Deliveries())
	return b
}

// keep keeps read models of test mode.
func (b *bundle) keep(models ...projections.Projection) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, err := feed.NewReader(b.First.Test.Engine.Store, nil)
	b.must(err)
	runner, err := projections.NewRunner(b.First.Test.Engine.Store, reader, b.First.Test.Cursors, models...)
	b.must(err)
	b.must(runner.Prepare(ctx))
	ended := make(chan struct{}, 2)
	for _, run := range []func(context.Context) error{reader.Run, runner.Run} {
		go func() { _ = run(ctx); ended <- struct{}{} }()
	}
	b.t.Cleanup(func() { cancel(); <-ended; <-ended })
}

func (b *bundle) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// head is the last position of the log.
func (b *bundle) head() int64 {
	b.t.Helper()
	head, _, err := b.First.Test.Engine.Store.Head(b.t.Context())
	b.must(err)
	return head
}

// ask asks something of the audit, with parameters in pairs.
func (b *bundle) ask(path string, pairs ...string) *handlerstest.Answer {
	b.t.Helper()
	return b.finance.Get(auditPath(path, pairs...))
}

func auditPath(path string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	path = "/audit/" + strings.TrimPrefix(path, "/audit/")
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// story is the payment that most of these tests look at: 100.00 reserved, 60.00
// captured, the rest voided, 25.00 refunded. It returns the positions after each step.
func (b *bundle) story() (paymentID string, after map[string]int64) {
	b.t.Helper()
	after = map[string]int64{}
	paymentID = b.calls.Reserved(10_000, goodCard)
	after["reserved"] = b.head()
	b.calls.Capture(paymentID, 6_000).Is(200)
	after["captured"] = b.head()
	b.calls.Void(paymentID).Is(200)
	after["voided"] = b.head()
	b.calls.Refund(paymentID, 2_500).Is(200)
	after["refunded"] = b.head()
	return paymentID, after
}
