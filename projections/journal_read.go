package projections

import (
	"context"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/domain"
	"tender/domain/journal"
	"tender/eventstore"
)

// journalPage is how many entries are read at once: whoever reads many needs no
// memory for more, and holds no connection while they are written elsewhere.
const journalPage = 1000

// Basis is the time that the journal is ordered and cut by.
type Basis string

// The bases.
const (
	// BasisRecorded goes by when the log took an event in: what was known then.
	BasisRecorded Basis = "recorded"
	// BasisEffective goes by when the acquirer dates what happened, where it does: what
	// belongs to a day, also if it became known later.
	BasisEffective Basis = "effective"
)

// JournalQuery says which entries are meant. UpTo pins what is known: entries at later
// positions are not there, so that the same query always gives the same.
type JournalQuery struct {
	Merchants []string        // nil: all
	Account   journal.Account // "": all
	PaymentID string          // "": all
	Currency  string          // "": all
	After     int64           // only positions beyond this one
	UpTo      int64           // only positions up to this one
	// From, inclusive, and Before, exclusive, bound the effective time; zero: open.
	From, Before time.Time
	Basis        Basis
}

// JournalEntry is an entry, and who or what caused it.
type JournalEntry struct {
	journal.Entry
	EventType string
	Actor     domain.Actor
}

// Balance is what an account comes to: the sum of its debits, and that of its credits,
// both positive, in minor units.
type Balance struct {
	Currency      string
	Account       journal.Account
	Debit, Credit *big.Int
}

// Net is what is left: positive for a debit balance.
func (b Balance) Net() *big.Int { return new(big.Int).Sub(b.Debit, b.Credit) }

// JournalReader reads the journal's read model.
type JournalReader struct {
	pool  *pgxpool.Pool
	table string
}

// NewJournalReader returns the journal of one log.
func NewJournalReader(pool *pgxpool.Pool, log eventstore.Log) *JournalReader {
	return &JournalReader{pool: pool, table: pgx.Identifier{log.ReadSchema(), JournalName}.Sanitize()}
}

// where builds the conditions of a query.
func (q JournalQuery) where() (string, []any) {
	conditions, args := []string{"id > $1", "id < $2"}, []any{journalID(q.After+1, 0), journalID(q.UpTo+1, 0)}
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	switch {
	case q.Merchants == nil:
	case len(q.Merchants) == 1:
		add("merchant_id = $%d", q.Merchants[0]) // its index has the rows in order
	default:
		add("merchant_id = ANY ($%d)", q.Merchants)
	}
	if q.Account != "" {
		add("account = $%d", string(q.Account))
	}
	if q.PaymentID != "" {
		add("payment_id = $%d", q.PaymentID)
	}
	if q.Currency != "" {
		add("currency = $%d", q.Currency)
	}
	if !q.From.IsZero() {
		add("effective_at >= $%d", q.From)
	}
	if !q.Before.IsZero() {
		add("effective_at < $%d", q.Before)
	}
	return strings.Join(conditions, " AND "), args
}

// JournalPlace is a place in the journal, just behind an entry; the zero place is the
// beginning.
type JournalPlace struct {
	Position  int64
	Line      int
	Effective time.Time // matters where the basis is the effective time
}

// Place is the place just behind e.
func (e JournalEntry) Place() JournalPlace {
	return JournalPlace{Position: e.Position, Line: e.Line, Effective: e.Effective}
}

// Each calls yield with each entry behind a place, in the order of the query's basis;
// within one instant and one position entries stand as they were made. It ends when
// yield says that it wants no more, or with yield's error. Memory doesn't grow with the
// number of entries.
func (r *JournalReader) Each(ctx context.Context, q JournalQuery, behind JournalPlace, yield func(JournalEntry) (more bool, err error)) error {
	for {
		page, err := r.page(ctx, q, behind)
		if err != nil {
			return err
		}
		for _, e := range page {
			if more, err := yield(e); err != nil || !more {
				return err
			}
			behind = e.Place()
		}
		if len(page) < journalPage {
			return nil
		}
	}
}

func (r *JournalReader) page(ctx context.Context, q JournalQuery, behind JournalPlace) ([]JournalEntry, error) {
	where, args := q.where()
	order := "id"
	if q.Basis == BasisEffective {
		order = "effective_at, id"
	}
	if behind != (JournalPlace{}) {
		args = append(args, journalID(behind.Position, behind.Line))
		after := fmt.Sprintf(" AND id > $%d", len(args))
		if q.Basis == BasisEffective {
			args = append(args, behind.Effective)
			after = fmt.Sprintf(" AND (effective_at, id) > ($%d, $%d)", len(args), len(args)-1)
		}
		where += after
	}
	args = append(args, journalPage)
	rows, err := r.pool.Query(ctx, `SELECT position, line, event_id, event_type, merchant_id, payment_id, operation_id, reference,
			account, amount, currency, recorded_at, effective_at, actor_kind, actor_id
		FROM `+r.table+` WHERE `+where+` ORDER BY `+order+fmt.Sprintf(` LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, errors.Wrap(err, "read the journal")
	}
	page, err := pgx.CollectRows(rows, scanJournalEntry)
	return page, errors.Wrap(err, "read the journal")
}

func scanJournalEntry(row pgx.CollectableRow) (JournalEntry, error) {
	var e JournalEntry
	var eventID pgtype.UUID
	var account, actor string
	err := row.Scan(&e.Position, &e.Line, &eventID, &e.EventType, &e.MerchantID, &e.PaymentID, &e.Operation, &e.Reference,
		&account, &e.Amount, &e.Currency, &e.Recorded, &e.Effective, &actor, &e.Actor.ID)
	e.EventID, e.Account, e.Actor.Kind = eventID.Bytes, journal.Account(account), domain.ActorKind(actor)
	e.Recorded, e.Effective = e.Recorded.UTC(), e.Effective.UTC()
	return e, err
}

// Balances adds the entries up, per currency and account, by currency and then in the
// order of a trial balance. Accounts that nothing stands on are left out.
func (r *JournalReader) Balances(ctx context.Context, q JournalQuery) ([]Balance, error) {
	where, args := q.where()
	var order []string
	for _, a := range journal.Accounts() {
		order = append(order, string(a))
	}
	args = append(args, order)
	rows, err := r.pool.Query(ctx, `SELECT currency, account,
			coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::text, coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::text
		FROM `+r.table+` WHERE `+where+` GROUP BY currency, account
		ORDER BY currency, array_position(`+fmt.Sprintf("$%d::text[]", len(args))+`, account)`, args...)
	if err != nil {
		return nil, errors.Wrap(err, "add the journal up")
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Balance, error) {
		var b Balance
		var account, debit, credit string
		if err := row.Scan(&b.Currency, &account, &debit, &credit); err != nil {
			return b, err
		}
		b.Account = journal.Account(account)
		var ok, too bool
		b.Debit, ok = new(big.Int).SetString(debit, 10)
		b.Credit, too = new(big.Int).SetString(credit, 10)
		if !ok || !too {
			return b, errors.AssertionFailedf("a sum is %q and %q", debit, credit)
		}
		return b, nil
	})
	return all, errors.Wrap(err, "add the journal up")
}
