package simulator

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/acquirers"
)

// Entry is an operation as the book tells it to somebody who compares: one per
// key. Amounts are in minor units.
type Entry struct {
	Key           string           `json:"key"`
	Kind          string           `json:"kind"` // authorisation, capture, void, refund; unknown: closed before it arrived
	Status        acquirers.Status `json:"status"`
	Reference     string           `json:"reference"`               // of this operation
	Authorisation string           `json:"authorisation,omitempty"` // of a capture, void or refund: what it draws on
	Amount        int64            `json:"amount"`
	Currency      string           `json:"currency,omitempty"`
	Sale          bool             `json:"sale,omitempty"` // an authorisation that took the money at once
	// Captured and Voided are what was drawn on an approved authorisation so far,
	// Refunded what of Captured was paid back; Captured of a sale is its amount.
	Captured    int64     `json:"captured,omitempty"`
	Voided      int64     `json:"voided,omitempty"`
	Refunded    int64     `json:"refunded,omitempty"`
	ErrorCode   string    `json:"error_code,omitempty"`
	DeclineCode string    `json:"decline_code,omitempty"`
	EffectiveAt time.Time `json:"effective_at"`
}

// Querier is what [Book] reads from: a connection, a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Book reads the simulator's book from PostgreSQL: every operation as it is now,
// of one instant (one snapshot), ordered by key, from behind the key after. It
// is a listing, not a feed: to see what came later, read it again.
//
// An error ends the sequence; what came before it is then not the whole book.
func Book(ctx context.Context, db Querier, after string) iter.Seq2[Entry, error] {
	return entries(ctx, db, after, nil)
}

// entries is Book, of at most limit entries where there is a limit.
func entries(ctx context.Context, db Querier, after string, limit *int) iter.Seq2[Entry, error] {
	const list = `
		select o.key, o.kind, o.status, o.reference, o.authorisation, o.amount, o.currency, o.sale,
		       coalesce(a.captured, 0), coalesce(a.voided, 0), coalesce(a.refunded, 0), o.error_code, o.decline_code, o.effective_at
		  from simulator.operations o
		  left join simulator.authorisations a using (reference)
		 where o.key > $1
		 order by o.key
		 limit $2`
	return func(yield func(Entry, error) bool) {
		rows, err := db.Query(ctx, list, after, limit)
		if err != nil {
			yield(Entry{}, errors.Wrap(err, "read the simulator's book"))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var e Entry
			err := rows.Scan(&e.Key, &e.Kind, &e.Status, &e.Reference, &e.Authorisation, &e.Amount, &e.Currency,
				&e.Sale, &e.Captured, &e.Voided, &e.Refunded, &e.ErrorCode, &e.DeclineCode, &e.EffectiveAt)
			if err != nil {
				yield(Entry{}, errors.Wrap(err, "read an entry of the simulator's book"))
				return
			}
			e.EffectiveAt = e.EffectiveAt.UTC()
			if !yield(e, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Entry{}, errors.Wrap(err, "read the simulator's book"))
		}
	}
}

// listBook answers GET /v1/book with one entry a line: all behind the key after,
// or the first limit of them. An answer that breaks off is cut, so that nobody
// takes it for the whole.
func (s *Server) listBook(w http.ResponseWriter, r *http.Request) {
	var limit *int
	if given := r.URL.Query().Get("limit"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 {
			writeFault(w, http.StatusBadRequest, faultMalformed, "The limit must be a whole number from 1.")
			return
		}
		limit = &n
	}
	after := r.URL.Query().Get("after")
	if !isToken(after) {
		writeFault(w, http.StatusBadRequest, faultMalformed, malformedKey)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("Cache-Control", "no-store")
	lines := json.NewEncoder(w)
	for entry, err := range entries(r.Context(), s.book.pool, after, limit) {
		if err == nil {
			err = lines.Encode(entry)
		}
		if err != nil {
			s.log.WarnContext(r.Context(), "simulator: listing the book broke off", "error", err)
			cut()
		}
	}
}
