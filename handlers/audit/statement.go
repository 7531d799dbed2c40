package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"math/big"
	"slices"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/domain/journal"
	"tender/domain/merchant"
	"tender/handlers/problem"
	desk "tender/handlers/staff"
	"tender/projections"
)

// Kinds of rows of a statement.
const (
	rowOpening  = "opening_balance"
	rowMovement = "movement"
	rowClosing  = "closing_balance"
)

var statementColumns = []string{
	"row", "merchant_id", "time_zone", "recorded_at", "effective_at", "position", "event_id", "event_type", "payment_id", "operation_id",
	"reference", "amount_minor", "exponent", "amount", "currency", "balance_minor", "balance", "actor_kind", "actor_id",
}

// line is a row of a statement on the wire: what is owed to the merchant, so what comes
// to it is positive. The opening and the closing balance have no movement.
type line struct {
	Row          string    `json:"row"`
	Currency     string    `json:"currency"`
	Exponent     *int      `json:"exponent,omitempty"`
	BalanceMinor string    `json:"balance_minor"`
	Balance      string    `json:"balance,omitempty"`
	Movement     *movement `json:"movement,omitempty"`
}

type movement struct {
	Position    int64  `json:"position"`
	EventID     string `json:"event_id"`
	EventType   string `json:"event_type"`
	RecordedAt  string `json:"recorded_at"`
	EffectiveAt string `json:"effective_at"`
	PaymentID   string `json:"payment_id"`
	OperationID string `json:"operation_id,omitempty"`
	Reference   string `json:"reference,omitempty"`
	AmountMinor string `json:"amount_minor"`
	Amount      string `json:"amount,omitempty"`
	Actor       actor  `json:"actor"`
}

// readStatement reads whose statement is asked for, and of which period.
func readStatement(r *desk.Request) opener {
	part := readSpan(r)
	for _, w := range []when{part.from, part.to} {
		if !w.named() {
			r.Query.Wrong(w.name, problem.Required, "A statement has a beginning and an end.")
		}
	}
	if len(r.Merchants) != 1 {
		r.Query.Wrong("merchant", problem.Required, "A statement is one merchant's.")
	}
	zone := readZone(r)
	return func(ctx context.Context, r *desk.Request, m *mode) (*sheet, error) {
		merchantID := r.Merchants[0]
		if zone == nil {
			var err error
			if zone, err = m.zoneOf(ctx, merchantID); err != nil {
				return nil, err
			}
		}
		part.from, part.to = part.from.in(zone), part.to.in(zone)
		within, before, err := m.resolve(ctx, r, part)
		if err != nil {
			return nil, err
		}
		within.Account, before.Account = journal.MerchantPayable, journal.MerchantPayable
		s := m.sheetOf(part, within)
		s.columns, s.scope.TimeZone = statementColumns, zone.String()
		s.query.Set("time_zone", zone.String())
		st := &statement{m: m, merchantID: merchantID, zone: zone.String(), within: within, before: before}
		s.each = func(ctx context.Context, _ projections.JournalPlace, _ int, yield yield) (projections.JournalPlace, bool, error) {
			return projections.JournalPlace{}, true, st.each(ctx, func(r row) error {
				_, err := yield(r)
				return err
			})
		}
		s.document = func(ctx context.Context, e *encoder) error { return st.document(ctx, s.scope, e) }
		return s, nil
	}
}

// readZone reads a time zone; nil: none is named.
func readZone(r *desk.Request) *time.Location {
	name := r.Query.Text("time_zone")
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		r.Query.Wrong("time_zone", problem.InvalidFormat, "It must be an IANA time zone, for example Africa/Johannesburg.")
		return time.UTC
	}
	return zone
}

// zoneOf is the merchant's own time zone; UTC until it has one.
func (m *mode) zoneOf(ctx context.Context, merchantID string) (*time.Location, error) {
	events, err := m.Store.Stream(ctx, merchantID)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, problem.New(problem.NotFound, "There is no such merchant.")
	}
	var s merchant.State
	for _, e := range events {
		said, err := merchant.Codec.Decode(e.Type, e.SchemaVersion, e.Payload)
		if err != nil {
			return nil, errors.Wrapf(err, "event %d", e.Position)
		}
		s = merchant.Evolve(s, merchantID, said)
	}
	zone, err := time.LoadLocation(s.Settings.TimeZone) // "": UTC
	return zone, errors.Wrapf(err, "the time zone of merchant %s", merchantID)
}

// statement is what is owed to a merchant, at the beginning and at the end of a period,
// and what came in between.
type statement struct {
	m                *mode
	merchantID, zone string
	within, before   projections.JournalQuery
}

// each calls yield with each row: by currency, the opening balance, the movements, and
// the closing balance.
func (s *statement) each(ctx context.Context, yield func(row) error) error {
	opening, err := s.owed(ctx, s.before)
	if err != nil {
		return err
	}
	moved, err := s.owed(ctx, s.within)
	if err != nil {
		return err
	}
	for _, currency := range currenciesIn(opening, moved) {
		balance := new(big.Int)
		if o := opening[currency]; o != nil {
			balance.Set(o)
		}
		if err := yield(s.row(rowOpening, currency, balance, nil)); err != nil {
			return err
		}
		q := s.within
		q.Currency = currency
		err := s.m.entries.Each(ctx, q, projections.JournalPlace{}, func(e projections.JournalEntry) (bool, error) {
			balance.Sub(balance, big.NewInt(e.Amount))
			return true, yield(s.row(rowMovement, currency, balance, &e))
		})
		if err != nil {
			return err
		}
		if err := yield(s.row(rowClosing, currency, balance, nil)); err != nil {
			return err
		}
	}
	return nil
}

// owed is what a part of the journal adds up to, by currency: positive, where it is owed
// to the merchant.
func (s *statement) owed(ctx context.Context, q projections.JournalQuery) (map[string]*big.Int, error) {
	balances, err := s.m.entries.Balances(ctx, q)
	out := map[string]*big.Int{}
	for _, b := range balances {
		out[b.Currency] = new(big.Int).Neg(b.Net())
	}
	return out, err
}

func (s *statement) row(kind, currency string, balance *big.Int, e *projections.JournalEntry) row {
	l := line{
		Row: kind, Currency: currency, Exponent: exponentOf(currency), BalanceMinor: balance.String(), Balance: decimal(balance, currency),
	}
	cells := []cell{plain(kind), plain(s.merchantID), plain(s.zone)}
	out := row{}
	if e == nil {
		cells = append(cells, make([]cell, 8)...)
		cells = append(cells, plain(""), optional(l.Exponent), plain(""), text(currency), plain(l.BalanceMinor), plain(l.Balance), plain(""), plain(""))
		out.object, out.cells = l, cells
		return out
	}
	out.currency, out.amount = currency, -e.Amount
	amount := sumOf(big.NewInt(out.amount), currency)
	mv := movement{
		Position: e.Position, EventID: id.Format(id.Event, e.EventID), EventType: e.EventType, RecordedAt: timeText(e.Recorded),
		EffectiveAt: timeText(e.Effective), PaymentID: e.PaymentID, OperationID: e.Operation, Reference: e.Reference,
		AmountMinor: amount.AmountMinor, Amount: amount.Amount, Actor: actor{e.Actor.Kind, e.Actor.ID},
	}
	l.Movement = &mv
	cells = append(cells, plain(mv.RecordedAt), plain(mv.EffectiveAt), number(mv.Position), plain(mv.EventID), plain(mv.EventType),
		plain(mv.PaymentID), plain(mv.OperationID), text(mv.Reference))
	cells = append(cells, amountCells(out.amount, currency)...)
	out.object, out.cells = l, append(cells, plain(l.BalanceMinor), plain(l.Balance), plain(string(mv.Actor.Kind)), text(mv.Actor.ID))
	return out
}

// document writes the statement as one JSON document, movement by movement: nobody
// holds all of them.
func (s *statement) document(ctx context.Context, about scope, e *encoder) error {
	head, err := json.Marshal(struct {
		scope
		MerchantID string          `json:"merchant_id"`
		Account    journal.Account `json:"account"`
	}{about, s.merchantID, journal.MerchantPayable})
	if err != nil {
		return errors.Wrap(err, "encode a statement")
	}
	e.buf.Write(bytes.TrimSuffix(head, []byte("}")))
	e.buf.WriteString(`,"lines":[`)
	first := true
	err = s.each(ctx, func(r row) error {
		if !first {
			e.buf.WriteByte(',')
		}
		first = false
		return e.row(r)
	})
	if err != nil {
		return err
	}
	e.buf.WriteString("]}\n")
	return nil
}

// currenciesIn lists the currencies of several sums, in order.
func currenciesIn(all ...map[string]*big.Int) []string {
	var out []string
	for _, sums := range all {
		for currency := range sums {
			out = append(out, currency)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
