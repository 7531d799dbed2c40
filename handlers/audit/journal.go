package audit

import (
	"context"
	"math/big"
	"net/url"
	"strconv"

	"tender/domain/id"
	"tender/domain/journal"
	"tender/handlers/problem"
	desk "tender/handlers/staff"
	"tender/projections"
)

var journalColumns = []string{
	"position", "line", "event_id", "event_type", "recorded_at", "effective_at", "merchant_id", "payment_id", "operation_id",
	"reference", "account", "side", "amount_minor", "exponent", "amount", "currency", "actor_kind", "actor_id",
}

// entry is an entry of the journal on the wire. A debit is positive, a credit negative.
type entry struct {
	Position    int64           `json:"position"`
	Line        int             `json:"line"`
	EventID     string          `json:"event_id"`
	EventType   string          `json:"event_type"`
	RecordedAt  string          `json:"recorded_at"`
	EffectiveAt string          `json:"effective_at"`
	MerchantID  string          `json:"merchant_id"`
	PaymentID   string          `json:"payment_id"`
	OperationID string          `json:"operation_id,omitempty"`
	Reference   string          `json:"reference,omitempty"`
	Account     journal.Account `json:"account"`
	Side        string          `json:"side"`
	sum
	Actor actor `json:"actor"`
}

// sideOf names the side that an amount stands on.
func sideOf(amount int64) string {
	if amount < 0 {
		return "credit"
	}
	return "debit"
}

func entryOf(e projections.JournalEntry) entry {
	return entry{
		Position: e.Position, Line: e.Line, EventID: id.Format(id.Event, e.EventID), EventType: e.EventType,
		RecordedAt: timeText(e.Recorded), EffectiveAt: timeText(e.Effective), MerchantID: e.MerchantID, PaymentID: e.PaymentID,
		OperationID: e.Operation, Reference: e.Reference, Account: e.Account, Side: sideOf(e.Amount),
		sum: sumOf(big.NewInt(e.Amount), e.Currency), Actor: actor{e.Actor.Kind, e.Actor.ID},
	}
}

func entryRow(e projections.JournalEntry) row {
	o := entryOf(e)
	cells := []cell{
		number(o.Position), number(int64(o.Line)), plain(o.EventID), plain(o.EventType), plain(o.RecordedAt), plain(o.EffectiveAt),
		plain(o.MerchantID), plain(o.PaymentID), plain(o.OperationID), text(o.Reference), plain(string(o.Account)), plain(o.Side),
	}
	cells = append(cells, amountCells(e.Amount, e.Currency)...)
	return row{
		object: o, cells: append(cells, plain(string(o.Actor.Kind)), text(o.Actor.ID)),
		currency: e.Currency, amount: e.Amount,
	}
}

// amountCells are an amount in a file: amount_minor, exponent, amount, currency.
func amountCells(amount int64, currency string) []cell {
	if currency == "" {
		return []cell{plain(""), plain(""), plain(""), plain("")}
	}
	s := sumOf(big.NewInt(amount), currency)
	return []cell{plain(s.AmountMinor), optional(s.Exponent), plain(s.Amount), text(currency)}
}

// readBasis reads the time that the journal is ordered and cut by.
func readBasis(r *desk.Request) projections.Basis {
	b := r.Query.Option("basis", []string{string(projections.BasisRecorded), string(projections.BasisEffective)})
	if b == "" {
		return projections.BasisRecorded
	}
	return projections.Basis(b)
}

// span is a part of the journal that a request names, by a basis.
type span struct {
	basis          projections.Basis
	from, to, asOf when
}

func readSpan(r *desk.Request) span {
	s := span{basis: readBasis(r), from: readWhen(r, "from"), to: readWhen(r, "to"), asOf: readWhen(r, "as_of")}
	for _, w := range []when{s.from, s.to} {
		if w.counted && s.basis == projections.BasisEffective {
			r.Query.Wrong(w.name, problem.InvalidFormat, "The effective basis goes by times and dates; as_of takes a position.")
		}
	}
	if s.from.day && s.to.day && s.to.from.Before(s.from.from) {
		r.Query.Wrong("to", problem.Contradiction, "It must not lie before from.")
	}
	return s
}

// resolve returns the span as a query, pinned, and its opposite: all that lies before it.
func (m *mode) resolve(ctx context.Context, r *desk.Request, s span) (within, before projections.JournalQuery, err error) {
	known, err := m.last(ctx, r, s.asOf)
	if err != nil {
		return within, before, err
	}
	within = projections.JournalQuery{Merchants: r.Merchants, Basis: s.basis, UpTo: known}
	before = within
	if s.basis == projections.BasisEffective {
		within.From, within.Before, before.Before = s.from.from, s.to.before, s.from.from
		return within, before, m.reach(ctx, known)
	}
	first, err := m.first(ctx, s.from)
	if err != nil {
		return within, before, err
	}
	last, err := m.last(ctx, r, s.to)
	if err != nil {
		return within, before, err
	}
	within.After, within.UpTo = first-1, min(last, known)
	before.UpTo = min(first-1, known)
	return within, before, m.reach(ctx, within.UpTo)
}

// sheetOf is an empty sheet of a part of the journal.
func (m *mode) sheetOf(s span, q projections.JournalQuery) *sheet {
	out := &sheet{
		position: q.UpTo, query: url.Values{"basis": {string(s.basis)}},
		scope: scope{
			Mode: m.name, Merchants: q.Merchants, Basis: s.basis, From: q.After + 1, To: q.UpTo,
			EffectiveFrom: timeText(q.From), EffectiveBefore: timeText(q.Before),
		},
	}
	pin := strconv.FormatInt(q.UpTo, 10)
	if s.basis == projections.BasisEffective {
		out.name("from", s.from.text)
		out.name("to", s.to.text)
		out.query.Set("as_of", pin)
	} else {
		out.query.Set("from", strconv.FormatInt(q.After+1, 10))
		out.query.Set("to", pin)
	}
	out.name("merchant", q.Merchants...)
	return out
}

// readJournal reads which entries are asked for.
func readJournal(r *desk.Request) opener {
	part := readSpan(r)
	account := journal.Account(r.Query.Option("account", accountNames()))
	paymentID := r.Query.ID("payment", id.Payment)
	return func(ctx context.Context, r *desk.Request, m *mode) (*sheet, error) {
		q, _, err := m.resolve(ctx, r, part)
		if err != nil {
			return nil, err
		}
		q.Account, q.PaymentID = account, paymentID
		s := m.sheetOf(part, q)
		s.columns = journalColumns
		s.name("account", string(account))
		s.name("payment", paymentID)
		s.each = func(ctx context.Context, behind projections.JournalPlace, _ int, yield yield) (projections.JournalPlace, bool, error) {
			whole := true
			err := m.entries.Each(ctx, q, behind, func(e projections.JournalEntry) (bool, error) {
				behind = e.Place()
				more, err := yield(entryRow(e))
				whole = more
				return more, err
			})
			return behind, whole, err
		}
		return s, nil
	}
}

func accountNames() []string {
	var names []string
	for _, a := range journal.Accounts() {
		names = append(names, string(a))
	}
	return names
}
