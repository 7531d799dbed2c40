package simulator

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/acquirers"
	"tender/domain/id"

	"github.com/google/uuid"
)

// Kinds of operations in the book.
const (
	kindAuthorisation = "authorisation"
	kindCapture       = "capture"
	kindVoid          = "void"
	kindRefund        = "refund"
	kindUnknown       = "unknown" // closed before a request arrived
)

// operation is one row of the book: what stands under a key.
type operation struct {
	Key                  string
	Kind                 string
	Status               acquirers.Status
	Fingerprint          []byte
	Reference            string
	Authorisation        string
	Amount               int64
	Currency             string
	Sale                 bool
	Initiator            string
	Behaviour            behaviour
	Scheme               string
	BIN                  string
	Last4                string
	ErrorCode            string
	DeclineCode          string
	Message              string
	ThreeDSecure         acquirers.ThreeDSecure
	NetworkTransactionID string
	AnswerLost           bool
	ChallengeToken       string // in the address of the customer's page
	ReturnURL            string
	EffectiveAt          time.Time
	ExpiresAt            *time.Time // of an authorisation that was not captured at once
	Account              string     // the kind of account that pays; "": a card
	Bank                 string
	Payee                string
	Decision             decision
}

// operationColumns are read and written in the order of the struct's fields.
const operationColumns = `key, kind, status, fingerprint, reference, authorisation, amount, currency, sale,
	initiator, behaviour, scheme, bin, last4, error_code, decline_code, message, three_d_secure,
	network_transaction_id, answer_lost, challenge_token, return_url, effective_at, expires_at,
	account, bank, payee, decision`

// columns points at every field, in the order of operationColumns.
func (o *operation) columns() []any {
	return []any{&o.Key, &o.Kind, &o.Status, &o.Fingerprint, &o.Reference, &o.Authorisation, &o.Amount,
		&o.Currency, &o.Sale, &o.Initiator, &o.Behaviour, &o.Scheme, &o.BIN, &o.Last4, &o.ErrorCode,
		&o.DeclineCode, &o.Message, &o.ThreeDSecure, &o.NetworkTransactionID, &o.AnswerLost,
		&o.ChallengeToken, &o.ReturnURL, &o.EffectiveAt, &o.ExpiresAt,
		&o.Account, &o.Bank, &o.Payee, &o.Decision}
}

// answer is what the caller is told of the operation; public is where customers
// reach the server.
func (o *operation) answer(public string) answerBody {
	b := answerBody{
		Key: o.Key, Status: string(o.Status), ErrorCode: o.ErrorCode, DeclineCode: o.DeclineCode,
		Message: o.Message, ThreeDSecure: string(o.ThreeDSecure), EffectiveAt: o.EffectiveAt.UTC(),
	}
	switch o.Status {
	case acquirers.StatusApproved:
		b.Reference, b.NetworkTransactionID = o.Reference, o.NetworkTransactionID
		b.ExpiresAt = o.ExpiresAt
	case acquirers.StatusActionRequired, acquirers.StatusPending:
		b.RedirectURL = o.address(public)
	case acquirers.StatusDeclined, acquirers.StatusClosed:
	}
	return b
}

// newReference draws a reference; references sort by time, which keeps their
// indexes' ends in memory.
func newReference() string { return id.Format("sim", uuid.Must(uuid.NewV7())) }

// book is the simulator's memory. Each of its operations is performed in one transaction
// and takes its key by a row, so that two with one key follow each other.
type book struct {
	pool  *pgxpool.Pool
	group *group
}

// What was decided comes back from the statements that perform operations; no row: the
// key was taken.
const decidedColumns = `status, behaviour, error_code, decline_code, message, answer_lost`

// authoriseSQL takes the key, and where it got it and the verdict is approved, opens the
// authorisation.
const authoriseSQL = `
with taken as (
	insert into simulator.operations (` + operationColumns + `)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
	        $25, $26, $27, $28)
	on conflict (key) do nothing
	returning *
), opened as (
	insert into simulator.authorisations (reference, currency, amount, captured, behaviour, expires_at)
	select reference, currency, amount, case when sale then amount else 0 end, behaviour, expires_at
	  from taken where status = 'approved'
)
select ` + decidedColumns + ` from taken`

// drawSQL performs a capture, a void or a refund. The authorisation's row is locked
// first and the key is taken after that; nothing that holds a key alone waits for an
// authorisation, so no two can wait for each other. Where the statement has waited for
// the row, lock and update both find it as it is then.
const drawSQL = `
with a as (
	select * from simulator.authorisations where reference = $5 for no key update
), judged as (
	select a.behaviour, case
		when a.reference is null then 'There is no approved authorisation with this reference.'
		when a.currency <> $7 then 'The authorisation is in another currency.'
		when $1 = 'refund' and $6 > a.captured - a.refunded then 'The amount exceeds what was captured and not refunded.'
		when $1 <> 'refund' and $6 > a.amount - a.captured - a.voided then 'The amount exceeds what remains of the authorisation.'
		when $1 = 'capture' and a.expires_at <= $8 then 'The authorisation has expired.'
		end as fault, case
		when $1 = 'refund' and a.behaviour = 'refund_declined' then 'The test card declines every refund.'
		when $1 = 'capture' and a.behaviour = 'capture_declined' then 'The test card declines every capture.'
		end as decline,
		$1 = 'refund' and a.behaviour = 'refund_lost'
			or $1 = 'capture' and a.behaviour = 'first_capture_lost' and a.captured = 0 as lost
	from (select) one left join a on true
), taken as (
	insert into simulator.operations (key, kind, status, fingerprint, reference, authorisation, amount, currency,
		behaviour, error_code, decline_code, message, answer_lost, effective_at)
	select $2, $1::simulator.kind,
		(case when coalesce(fault, decline) is null then 'approved' else 'declined' end)::simulator.status,
		$3, $4, $5, $6, $7, coalesce(behaviour, ''),
		case when fault is not null then 'processing_error' when decline is not null then 'card_declined' else '' end,
		case when fault is null and decline is not null then 'generic_decline' else '' end,
		coalesce(fault, decline, ''), coalesce(lost and coalesce(fault, decline) is null, false), $8
	from judged
	on conflict (key) do nothing
	returning *
), drawn as (
	update simulator.authorisations a
	   set captured = captured + case t.kind when 'capture' then t.amount else 0 end,
	       voided   = voided   + case t.kind when 'void'    then t.amount else 0 end,
	       refunded = refunded + case t.kind when 'refund'  then t.amount else 0 end
	  from taken t
	 where a.reference = $5 and t.status = 'approved'
)
select ` + decidedColumns + ` from taken`

// performing is the statement that performs the operation, and what it is given.
func (o *operation) performing() (sql string, arguments []any) {
	if o.Kind == kindAuthorisation {
		return authoriseSQL, o.columns()
	}
	return drawSQL, []any{o.Kind, o.Key, o.Fingerprint, o.Reference, o.Authorisation, o.Amount, o.Currency, o.EffectiveAt}
}

// performed reads what the statement says: what has become of the operation, or that
// its key was taken.
func (o operation) performed(row pgx.Row) (became operation, taken bool, err error) {
	err = row.Scan(&o.Status, &o.Behaviour, &o.ErrorCode, &o.DeclineCode, &o.Message, &o.AnswerLost)
	if errors.Is(err, pgx.ErrNoRows) {
		return operation{}, true, nil
	}
	return o, false, errors.Wrap(err, "perform an operation")
}

// authorise performs o unless its key is taken, and returns what stands under the
// key: o itself if its reference is there.
func (b book) authorise(ctx context.Context, o operation) (operation, error) {
	return b.group.perform(ctx, o)
}

func authoriseWith(ctx context.Context, db rowQuerier, o operation) (operation, error) {
	sql, arguments := o.performing()
	became, taken, err := o.performed(db.QueryRow(ctx, sql, arguments...))
	if err != nil || !taken {
		return became, err
	}
	return find(ctx, db, o.Key, "")
}

// authoriseByCount is authorise for cards and accounts whose answer depends on how many
// payments of the same series came before: o is what happens in turn, every
// other time it is declined with the codes given.
func (b book) authoriseByCount(ctx context.Context, o operation, series string, payer character) (operation, error) {
	const turns = 3 // the last one succeeds
	stood := o
	err := pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		const next = `
			insert into simulator.turns (series, count) values ($1, 1)
			on conflict (series) do update set count = turns.count + 1
			returning count`
		var count int
		if err := tx.QueryRow(ctx, next, series).Scan(&count); err != nil {
			return errors.Wrap(err, "count the turns of a series")
		}
		if count%turns != 0 {
			o.decline(decline(payer.errorCode, payer.declineCode, "It succeeds every third time."))
		}
		var err error
		if stood, err = authoriseWith(ctx, tx, o); err != nil {
			return err
		}
		if stood.Reference != o.Reference {
			return errNotItsTurn
		}
		return nil
	})
	if err != nil && !errors.Is(err, errNotItsTurn) {
		return operation{}, err
	}
	return stood, nil
}

// errNotItsTurn takes a turn back that a repeated request has counted.
var errNotItsTurn = errors.New("the key is taken: nothing is counted")

func (o *operation) decline(v verdict) {
	o.Status, o.ErrorCode, o.DeclineCode, o.Message = acquirers.StatusDeclined, v.errorCode, v.declineCode, v.message
	o.NetworkTransactionID, o.ExpiresAt, o.AnswerLost = "", nil, false
}

// draw performs a capture, a void or a refund unless its key is taken, and returns
// what stands under the key.
func (b book) draw(ctx context.Context, o operation) (operation, error) {
	return b.group.perform(ctx, o)
}

// settle says what stands under the key, and closes it where nothing does or a
// customer or their bank is still being waited for. Closed says that it was.
func (b book) settle(ctx context.Context, key string, at time.Time) (stands operation, closed bool, err error) {
	err = pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		// Waits for a request with this key that is being performed just now.
		const take = `
			insert into simulator.operations (key, kind, status, reference, message, effective_at)
			values ($1, 'unknown', 'closed', $2, 'The key was closed before a request with it arrived.', $3)
			on conflict (key) do nothing`
		if _, err := tx.Exec(ctx, take, key, newReference(), at); err != nil {
			return errors.Wrap(err, "take the key to close it")
		}
		var err error
		if stands, err = find(ctx, tx, key, "for update"); err != nil {
			return err
		}
		from := stands.Status
		if from != acquirers.StatusActionRequired && from != acquirers.StatusPending {
			return nil
		}
		closed = true
		stands.Status, stands.EffectiveAt = acquirers.StatusClosed, at
		stands.Message = "The key was closed before the customer had decided."
		if stands.Decision != undecided {
			stands.Message = "The key was closed before the bank had said anything."
		}
		return finish(ctx, tx, stands, from)
	})
	return stands, closed, err
}

// find reads what stands under a key; lock is a locking clause or nothing.
func find(ctx context.Context, db rowQuerier, key, lock string) (operation, error) {
	var o operation
	sql := `select ` + operationColumns + ` from simulator.operations where key = $1 ` + lock
	err := db.QueryRow(ctx, sql, key).Scan(o.columns()...)
	return o, errors.Wrap(err, "find an operation by its key")
}

// finish writes what an operation has come to that had the status from, on whose row
// the transaction has a lock.
func finish(ctx context.Context, tx pgx.Tx, o operation, from acquirers.Status) error {
	const update = `
		update simulator.operations
		   set status = $2, error_code = $3, decline_code = $4, message = $5, three_d_secure = $6,
		       network_transaction_id = $7, effective_at = $8, expires_at = $9, decision = $10
		 where key = $1 and status = $11`
	tag, err := tx.Exec(ctx, update, o.Key, o.Status, o.ErrorCode, o.DeclineCode, o.Message, o.ThreeDSecure,
		o.NetworkTransactionID, o.EffectiveAt, o.ExpiresAt, o.Decision, from)
	if err != nil {
		return errors.Wrap(err, "finish an operation")
	}
	if tag.RowsAffected() != 1 {
		return errors.AssertionFailedf("finished %d operations with one key", tag.RowsAffected())
	}
	return nil
}
