// Package journal says which double entries an event of a payment makes.
//
// The journal is derived: nothing decides by it, and it can be thrown away and made
// again from the log. Each entry points at the one event that it comes from. The
// entries of an event add up to zero, so the journal does at every position, in
// every currency; docs/finance.md has the table of which event makes which.
//
// It follows the record. Where an acquirer contradicts the record, the record stands,
// and what the money does differently stands in an account of its own, [Suspense].
package journal

import (
	"time"

	"github.com/google/uuid"

	"tender/domain/payment"
)

// Account is an account of the journal. Each exists once per merchant and currency.
type Account string

// The accounts. The first two are a memorandum, in balance among themselves: what is
// reserved on customers' cards is nobody's money yet.
const (
	MemoAuthorisations Account = "memo_authorisations"
	MemoContra         Account = "memo_contra"
	// AcquirerReceivable is what the acquirer holds for us: a debit balance.
	AcquirerReceivable Account = "acquirer_receivable"
	// MerchantPayable is what is owed to the merchant: a credit balance.
	MerchantPayable Account = "merchant_payable"
	// RefundsInTransit is what the acquirer was asked to pay back and has not
	// answered: a credit balance.
	RefundsInTransit Account = "refunds_in_transit"
	// Suspense is money that matches nothing on record: a credit balance where the
	// acquirer holds more than we know a reason for, a debit balance where it holds
	// less.
	Suspense Account = "suspense"
)

// Accounts lists all accounts, in the order of a trial balance.
func Accounts() []Account {
	return []Account{AcquirerReceivable, MerchantPayable, RefundsInTransit, Suspense, MemoAuthorisations, MemoContra}
}

// Known reports whether a is an account of the journal.
func (a Account) Known() bool {
	switch a {
	case MemoAuthorisations, MemoContra, AcquirerReceivable, MerchantPayable, RefundsInTransit, Suspense:
		return true
	}
	return false
}

// Posting is one side of an entry: an amount in minor units on an account, positive
// for a debit, negative for a credit.
type Posting struct {
	Account Account
	Amount  int64
}

// Source is the event that entries come from, as far as it matters to them.
type Source struct {
	Position   int64
	EventID    uuid.UUID
	MerchantID string
	PaymentID  string
	Recorded   time.Time // when the log took the event in
	Effective  time.Time // when the acquirer dates what happened; zero: it doesn't
}

// Entry is one line of the journal. Line counts from 1 within its event.
type Entry struct {
	Source
	Line     int
	Currency string
	Posting
	// Operation is the attempt, capture, void, refund or reversal that the entry is
	// about; Reference is the acquirer's, where the event has one.
	Operation string
	Reference string
}

// Entries returns what an event e of a payment adds to the journal; s is the state
// before it. Most events move no money and add nothing.
func Entries(s State, from Source, e payment.Event) []Entry {
	postings := Postings(s, e)
	if len(postings) == 0 {
		return nil
	}
	if from.Effective.IsZero() {
		from.Effective = from.Recorded
	}
	operation, reference := about(s, e)
	entries := make([]Entry, len(postings))
	for i, p := range postings {
		entries[i] = Entry{
			Source: from, Line: i + 1, Currency: s.Currency, Posting: p, Operation: operation, Reference: reference,
		}
	}
	return entries
}
