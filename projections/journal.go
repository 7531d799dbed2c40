package projections

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tender/domain/id"
	"tender/domain/journal"
	"tender/domain/payment"
	"tender/eventstore"
)

// Names of the read model of the journal and of its tables.
const (
	JournalName         = "journal"
	JournalPaymentsName = "journal_payments"
)

// journalTable has a row for each entry. Ids sort as position and line do, so that the
// primary key is also the order in which the journal is read by what was recorded.
// Amount is in minor units, a debit positive; recorded_at is the log's own time,
// effective_at the acquirer's where it dates what happened.
var journalTable = Table{
	Name: JournalName,
	Columns: []Column{
		{Name: "line", Type: "integer", NotNull: true},
		{Name: "event_id", Type: "uuid", NotNull: true},
		{Name: "event_type", Type: "text", NotNull: true},
		{Name: "merchant_id", Type: "text", NotNull: true},
		{Name: "payment_id", Type: "text", NotNull: true},
		{Name: "operation_id", Type: "text", NotNull: true},
		{Name: "reference", Type: "text", NotNull: true},
		{Name: "account", Type: "text", NotNull: true},
		{Name: "amount", Type: "bigint", NotNull: true},
		{Name: "currency", Type: "text", NotNull: true},
		{Name: "recorded_at", Type: "timestamptz", NotNull: true},
		{Name: "effective_at", Type: "timestamptz", NotNull: true},
		{Name: "actor_kind", Type: "text", NotNull: true},
		{Name: "actor_id", Type: "text", NotNull: true},
	},
	Indexes: []string{
		"(merchant_id, id)",
		"(effective_at, id)",
		"(merchant_id, effective_at, id)",
		"(payment_id, id)",
		rareAccounts(),
	},
}

// rareAccounts is the index of the accounts that few entries stand on, which a look
// through the journal would hardly find.
func rareAccounts() string {
	return fmt.Sprintf("(account, id) WHERE account IN ('%s', '%s')", journal.Suspense, journal.RefundsInTransit)
}

// journalPaymentsTable has a row for each payment: what the entries of its next event
// depend on.
var journalPaymentsTable = Table{Name: JournalPaymentsName}

// Journal is the read model of the journal. It stops at an event that it can't apply,
// rather than to set a payment aside: sums that lack one say nothing.
func Journal() Projection { return journalProjection{} }

type journalProjection struct{}

func (journalProjection) Definition() Definition {
	return Definition{
		Name: JournalName, Version: 1, Policy: Stop,
		Tables: []Table{journalTable, journalPaymentsTable},
	}
}

// Concerns implements selective.
func (journalProjection) Concerns(events []eventstore.Event) bool {
	for _, e := range events {
		if id.PrefixOf(e.Stream) == id.Payment {
			return true
		}
	}
	return false
}

// journalPayment is a payment that a batch concerns.
type journalPayment struct {
	row   Row
	state journal.State
}

// Apply implements [Projection].
func (journalProjection) Apply(ctx context.Context, tx pgx.Tx, g Generation, events []eventstore.Event) error {
	ids, seen := []string{}, map[string]bool{}
	for _, e := range events {
		if id.PrefixOf(e.Stream) == id.Payment && !seen[e.Stream] {
			seen[e.Stream] = true
			ids = append(ids, e.Stream)
		}
	}
	payments, err := loadJournalPayments(ctx, tx, g, ids)
	if err != nil {
		return err
	}
	var entries []Row
	for _, e := range events {
		p := payments[e.Stream]
		if p == nil {
			continue
		}
		made, err := p.apply(e)
		if err != nil {
			return err
		}
		entries = append(entries, made...)
	}
	rows := make([]Row, len(ids))
	for i, paymentID := range ids {
		if rows[i], err = payments[paymentID].finish(); err != nil {
			return err
		}
	}
	if err := journalPaymentsTable.Put(ctx, tx, g, rows); err != nil {
		return err
	}
	return journalTable.Add(ctx, tx, g, entries)
}

func loadJournalPayments(ctx context.Context, tx pgx.Tx, g Generation, ids []string) (map[string]*journalPayment, error) {
	found, err := journalPaymentsTable.Load(ctx, tx, g, ids)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*journalPayment, len(ids))
	for _, paymentID := range ids {
		p := &journalPayment{row: Row{ID: paymentID}}
		if row, there := found[paymentID]; there {
			p.row = row
			if err := json.Unmarshal(row.State, &p.state); err != nil {
				return nil, errors.Wrapf(err, "state of payment %s in the journal", paymentID)
			}
		}
		all[paymentID] = p
	}
	return all, nil
}

// apply brings p up to e, and returns the entries that e makes.
func (p *journalPayment) apply(e eventstore.Event) ([]Row, error) {
	said, ok := e.Said.(payment.Event)
	if !ok {
		var err error
		if said, err = payment.Codec.Decode(e.Type, e.SchemaVersion, e.Payload); err != nil {
			return nil, errors.Wrapf(err, "event %d", e.Position)
		}
	}
	entries := journal.Entries(p.state, journal.Source{
		Position: e.Position, EventID: e.ID, MerchantID: e.MerchantID, PaymentID: e.Stream,
		Recorded: e.RecordedAt, Effective: e.EffectiveAt,
	}, said)
	p.state = journal.Evolve(p.state, said)
	if p.row.First == 0 {
		p.row.First = e.Position
	}
	p.row.Position = e.Position
	rows := make([]Row, len(entries))
	for i, entry := range entries {
		rows[i] = Row{
			ID: journalID(e.Position, entry.Line), First: e.Position, Position: e.Position, State: json.RawMessage(`{}`),
			Values: []any{
				entry.Line, pgtype.UUID{Bytes: e.ID, Valid: true}, e.Type, e.MerchantID, e.Stream, entry.Operation, entry.Reference,
				string(entry.Account), entry.Amount, entry.Currency, entry.Recorded, entry.Effective, string(e.Actor.Kind), e.Actor.ID,
			},
		}
	}
	return rows, nil
}

// finish returns p's row, with its state.
func (p *journalPayment) finish() (Row, error) {
	var err error
	p.row.State, err = json.Marshal(p.state)
	return p.row, errors.Wrapf(err, "state of payment %s in the journal", p.row.ID)
}

// kinds implements [streamwise].
func (journalProjection) kinds() []id.Prefix { return []id.Prefix{id.Payment} }

// stream implements [streamwise].
func (journalProjection) stream(id string) streamFold {
	return &journalFold{payment: journalPayment{row: Row{ID: id}}}
}

// remove implements [streamwise].
func (journalProjection) remove(ctx context.Context, tx pgx.Tx, g Generation, id string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM `+g.Table(journalTable)+` WHERE payment_id = $1`, id); err != nil {
		return errors.Wrapf(err, "remove the entries of payment %s", id)
	}
	return journalPaymentsTable.Delete(ctx, tx, g, []string{id})
}

// journalFold is a payment, with its entries until now: a few for each capture, void and
// refund, which are bounded.
type journalFold struct {
	payment journalPayment
	entries []Row
}

func (f *journalFold) add(e eventstore.Event) error {
	made, err := f.payment.apply(e)
	f.entries = append(f.entries, made...)
	return err
}

func (f *journalFold) finish(rows [][]Row) error {
	if f.payment.row.First == 0 {
		return nil // all of it is left out
	}
	row, err := f.payment.finish()
	rows[0], rows[1] = append(rows[0], f.entries...), append(rows[1], row)
	return err
}

// journalID is the id of an entry. All are of one length, so that they sort as
// positions and lines do.
func journalID(position int64, line int) string { return fmt.Sprintf("%019d.%d", position, line) }
