package journal_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"tender/domain/id"
	"tender/domain/journal"
	"tender/domain/payment"
)

// both are the two sides of an entry.
func both(debit, credit journal.Account, amount int64) []journal.Posting {
	return []journal.Posting{{Account: debit, Amount: amount}, {Account: credit, Amount: -amount}}
}

// What each type of event makes, where it makes the same whatever was before.
func TestEachEventsEntries(t *testing.T) {
	t.Parallel()
	captured := append(
		both(journal.AcquirerReceivable, journal.MerchantPayable, 60),
		both(journal.MemoContra, journal.MemoAuthorisations, 60)...,
	)
	golden := map[string]struct {
		e    payment.Event
		want []journal.Posting
	}{
		"payment.initiated":             {initiated(payment.CaptureManual), nil},
		"payment.attempt_started":       {payment.AttemptStarted{AttemptID: attemptID, Key: paymentID + "-1"}, nil},
		"payment.action_required":       {payment.ActionRequired{AttemptID: attemptID}, nil},
		"payment.authorised":            {payment.Authorised{Amount: 100, Currency: "ZAR"}, both(journal.MemoAuthorisations, journal.MemoContra, 100)},
		"payment.paid":                  {payment.Paid{Amount: 100, Currency: "ZAR"}, both(journal.AcquirerReceivable, journal.MerchantPayable, 100)},
		"payment.verified":              {payment.Verified{AttemptID: attemptID}, nil},
		"payment.attempt_failed":        {payment.AttemptFailed{AttemptID: attemptID}, nil},
		"payment.capture_requested":     {payment.CaptureRequested{Amount: 60, Currency: "ZAR"}, nil},
		"payment.captured":              {payment.Captured{Amount: 60, Currency: "ZAR"}, captured},
		"payment.capture_failed":        {payment.CaptureFailed{Amount: 60, Currency: "ZAR"}, nil},
		"payment.void_requested":        {payment.VoidRequested{Amount: 40, Currency: "ZAR"}, nil},
		"payment.voided":                {payment.Voided{Amount: 40, Currency: "ZAR"}, both(journal.MemoContra, journal.MemoAuthorisations, 40)},
		"payment.void_failed":           {payment.VoidFailed{Amount: 40, Currency: "ZAR"}, nil},
		"payment.refund_requested":      {payment.RefundRequested{Amount: 30, Currency: "ZAR"}, both(journal.MerchantPayable, journal.RefundsInTransit, 30)},
		"payment.refunded":              {payment.Refunded{Amount: 30, Currency: "ZAR"}, both(journal.RefundsInTransit, journal.AcquirerReceivable, 30)},
		"payment.refund_failed":         {payment.RefundFailed{Amount: 30, Currency: "ZAR"}, both(journal.RefundsInTransit, journal.MerchantPayable, 30)},
		"payment.refund_failed, late":   {payment.RefundFailed{Amount: 30, Currency: "ZAR", Late: true}, both(journal.AcquirerReceivable, journal.MerchantPayable, 30)},
		"payment.authorisation_expired": {payment.AuthorisationExpired{Amount: 40, Currency: "ZAR"}, both(journal.MemoContra, journal.MemoAuthorisations, 40)},
		"payment.reversal_requested":    {payment.ReversalRequested{Amount: 40, Currency: "ZAR"}, nil},
		"payment.reversal_requested, of money": {
			payment.ReversalRequested{Amount: 40, Currency: "ZAR", Refund: true}, both(journal.Suspense, journal.RefundsInTransit, 40),
		},
		"payment.reversed":             {payment.Reversed{ReversalID: opID(id.Reversal, 1), Amount: 40, Currency: "ZAR"}, nil},
		"payment.reversal_failed":      {payment.ReversalFailed{ReversalID: opID(id.Reversal, 1), Amount: 40, Currency: "ZAR"}, nil},
		"payment.contradicted":         {payment.Contradicted{Key: paymentID + "-1", Performed: true, Amount: 100, Currency: "ZAR"}, nil},
		"payment.resolution_proposed":  {payment.ResolutionProposed{}, nil},
		"payment.resolution_confirmed": {payment.ResolutionConfirmed{}, nil},
		"payment.resolution_rejected":  {payment.ResolutionRejected{}, nil},
		"payment.cancelled":            {payment.Cancelled{}, nil},
		"payment.expired":              {payment.Expired{}, nil},
	}
	before := fold(
		initiated(payment.CaptureManual),
		payment.ReversalRequested{ReversalID: opID(id.Reversal, 1), Key: keyOf(id.Reversal, 1), Amount: 40, Currency: "ZAR"},
	)
	for name, row := range golden {
		if got := journal.Postings(before, row.e); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s makes %v, not %v", name, got, row.want)
		}
	}
	for _, name := range payment.Codec.Names() {
		if _, there := golden[name]; !there {
			t.Errorf("%s is not in the table", name)
		}
	}
}

// What a word makes that contradicts the record, or gives money back on our own
// account, depends on what it is about.
func TestWhatMatchesNothing(t *testing.T) {
	t.Parallel()
	const amount = 70
	contradicted := func(key string, performed bool) payment.Event {
		return payment.Contradicted{Key: key, Performed: performed, Amount: amount, Currency: "ZAR"}
	}
	capture := payment.CaptureRequested{CaptureID: opID(id.Capture, 1), Key: keyOf(id.Capture, 1), Amount: amount, Currency: "ZAR"}
	void := payment.VoidRequested{VoidID: opID(id.Void, 1), Key: keyOf(id.Void, 1), Amount: amount, Currency: "ZAR"}
	refund := payment.RefundRequested{RefundID: opID(id.Refund, 1), Key: keyOf(id.Refund, 1), Amount: amount, Currency: "ZAR"}
	release := payment.ReversalRequested{ReversalID: opID(id.Reversal, 1), Key: keyOf(id.Reversal, 1), Amount: amount, Currency: "ZAR"}
	payBack := release
	payBack.Refund = true
	more := both(journal.AcquirerReceivable, journal.Suspense, amount)
	less := both(journal.Suspense, journal.AcquirerReceivable, amount)
	attempt := paymentID + "-1"

	for _, c := range []struct {
		name  string
		how   payment.CaptureMethod
		given payment.Event
		when  payment.Event
		want  []journal.Posting
	}{
		{"a sale that had failed was performed", payment.CaptureAutomatic, capture, contradicted(attempt, true), more},
		{"a sale that was performed had failed", payment.CaptureAutomatic, capture, contradicted(attempt, false), less},
		{"an authorisation that had failed was performed", payment.CaptureManual, capture, contradicted(attempt, true), nil},
		{"an authorisation that was performed had failed", payment.CaptureManual, capture, contradicted(attempt, false), nil},
		{"a capture that had failed was performed", payment.CaptureManual, capture, contradicted(capture.Key, true), more},
		{"a capture that was performed had failed", payment.CaptureManual, capture, contradicted(capture.Key, false), less},
		{"a void that had failed was performed", payment.CaptureManual, void, contradicted(void.Key, true), nil},
		{"a void that was performed had failed", payment.CaptureManual, void, contradicted(void.Key, false), nil},
		{"a refund that had failed was performed", payment.CaptureManual, refund, contradicted(refund.Key, true), less},
		{"a release that had failed was performed", payment.CaptureManual, release, contradicted(release.Key, true), nil},
		{"a release that was performed had failed", payment.CaptureManual, release, contradicted(release.Key, false), nil},
		{"paying back had failed and was performed", payment.CaptureManual, payBack, contradicted(payBack.Key, true), less},
		{"paying back was performed and had failed", payment.CaptureManual, payBack, contradicted(payBack.Key, false), more},

		{"what is released is released", payment.CaptureManual, release, payment.Reversed{ReversalID: release.ReversalID, Amount: amount}, nil},
		{"what is released is not", payment.CaptureManual, release, payment.ReversalFailed{ReversalID: release.ReversalID, Amount: amount}, nil},
		{
			"what is paid back is paid back", payment.CaptureManual, payBack,
			payment.Reversed{ReversalID: release.ReversalID, Amount: amount}, both(journal.RefundsInTransit, journal.AcquirerReceivable, amount),
		},
		{
			"what is paid back is not", payment.CaptureManual, payBack,
			payment.ReversalFailed{ReversalID: release.ReversalID, Amount: amount}, both(journal.RefundsInTransit, journal.Suspense, amount),
		},
	} {
		if got := journal.Postings(fold(initiated(c.how), c.given), c.when); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: it makes %v, not %v", c.name, got, c.want)
		}
	}
	verifies := initiated(payment.CaptureAutomatic).(payment.Initiated)
	verifies.Intent, verifies.Amount = payment.IntentVerification, 0
	if got := journal.Postings(fold(verifies), contradicted(attempt, true)); got != nil {
		t.Errorf("a verification that had failed makes %v", got)
	}
}

func TestEntriesPointAtTheirEvent(t *testing.T) {
	t.Parallel()
	from := journal.Source{Position: 7, EventID: commandID(1), MerchantID: merchantID, PaymentID: paymentID, Recorded: noon, Effective: noon.Add(-time.Hour)}
	e := payment.Captured{CaptureID: opID(id.Capture, 1), Amount: 60, Currency: "ZAR", Reference: "acq_1"}
	before := fold(initiated(payment.CaptureManual))
	got := journal.Entries(before, from, e)
	if len(got) != 4 {
		t.Fatalf("there are %d entries", len(got))
	}
	for i, entry := range got {
		want := journal.Entry{
			Source: from, Line: i + 1, Currency: "ZAR", Posting: journal.Postings(before, e)[i], Operation: e.CaptureID, Reference: "acq_1",
		}
		if entry != want {
			t.Errorf("entry %d is %+v, not %+v", i, entry, want)
		}
	}
	from.Effective = time.Time{}
	if got := journal.Entries(before, from, e)[0].Effective; !got.Equal(noon) {
		t.Errorf("what nobody dates is effective at %s", got)
	}
	if got := journal.Entries(before, from, payment.Expired{}); got != nil {
		t.Errorf("an event that moves nothing makes %v", got)
	}
}

func TestEntriesNameTheirOperation(t *testing.T) {
	t.Parallel()
	before := fold(
		initiated(payment.CaptureAutomatic),
		payment.RefundRequested{RefundID: opID(id.Refund, 1), Key: keyOf(id.Refund, 1), Amount: 1, Currency: "ZAR"},
		payment.ReversalRequested{ReversalID: opID(id.Reversal, 1), Key: keyOf(id.Reversal, 1), Amount: 1, Currency: "ZAR", Refund: true},
	)
	for _, c := range []struct {
		e                    payment.Event
		operation, reference string
	}{
		{payment.Authorised{AttemptID: attemptID, Amount: 1, Reference: "a"}, attemptID, "a"},
		{payment.Paid{AttemptID: attemptID, Amount: 1, Reference: "a"}, attemptID, "a"},
		{payment.Voided{VoidID: opID(id.Void, 1), Amount: 1, Reference: "a"}, opID(id.Void, 1), "a"},
		{payment.RefundRequested{RefundID: opID(id.Refund, 1), Amount: 1}, opID(id.Refund, 1), ""},
		{payment.Refunded{RefundID: opID(id.Refund, 1), Amount: 1, Reference: "a"}, opID(id.Refund, 1), "a"},
		{payment.RefundFailed{RefundID: opID(id.Refund, 1), Amount: 1}, opID(id.Refund, 1), ""},
		{payment.AuthorisationExpired{Amount: 1}, "", ""},
		{payment.ReversalRequested{ReversalID: opID(id.Reversal, 2), Amount: 1, Reference: "a", Refund: true}, opID(id.Reversal, 2), "a"},
		{payment.Reversed{ReversalID: opID(id.Reversal, 1), Amount: 1, Reference: "a"}, opID(id.Reversal, 1), "a"},
		{payment.ReversalFailed{ReversalID: opID(id.Reversal, 1), Amount: 1}, opID(id.Reversal, 1), ""},
		{payment.Contradicted{Key: keyOf(id.Refund, 1), Performed: true, Amount: 1, Reference: "a"}, opID(id.Refund, 1), "a"},
		{payment.Contradicted{Key: paymentID + "-1", Performed: true, Amount: 1, Reference: "a"}, paymentID + "-1", "a"},
	} {
		got := journal.Entries(before, journal.Source{}, c.e)
		if len(got) == 0 || got[0].Operation != c.operation || got[0].Reference != c.reference {
			t.Errorf("%s makes %+v", c.e.Type(), got)
		}
	}
}

// States are shared: what one holder makes of a state never shows in another's.
func TestStatesAreValues(t *testing.T) {
	t.Parallel()
	base := fold(initiated(payment.CaptureManual), payment.CaptureRequested{CaptureID: "cap_1", Key: "k1"}, payment.CaptureRequested{CaptureID: "cap_2", Key: "k2"})
	left := journal.Evolve(base, payment.CaptureRequested{CaptureID: "cap_3", Key: "k3"})
	right := journal.Evolve(base, payment.RefundRequested{RefundID: "ref_3", Key: "k3"})
	if len(base.Operations) != 2 || left.Operations[2].ID != "cap_3" || right.Operations[2].ID != "ref_3" {
		t.Errorf("the states are %+v, %+v and %+v", base, left, right)
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	all := journal.Accounts()
	slices.Sort(all)
	if len(slices.Compact(all)) != 6 {
		t.Errorf("the accounts are %v", all)
	}
	for _, a := range all {
		if !a.Known() {
			t.Errorf("%s is not known", a)
		}
	}
	if journal.Account("cash").Known() {
		t.Error("an account is known that there isn't")
	}
}

// alien stands for an event that was added and not handled.
type alien struct{ payment.Event }

func (alien) Type() string { return "payment.alien" }

func TestWhatIsForgottenPanics(t *testing.T) {
	t.Parallel()
	for name, forgotten := range map[string]func(){
		"by the state":   func() { journal.Evolve(journal.State{}, alien{}) },
		"by the entries": func() { journal.Postings(journal.State{}, alien{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("an event that is not handled %s goes unnoticed", name)
				}
			}()
			forgotten()
		}()
	}
}
