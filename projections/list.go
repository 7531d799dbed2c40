package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/eventstore"
)

// Query says which objects of a merchant a list shows, newest first.
type Query struct {
	MerchantID        string
	Status            string            // "": any
	ExternalReference string            // "": any
	CustomerID        string            // "": any
	Metadata          map[string]string // pairs that must be there, all of them
	CreatedFrom       time.Time         // inclusive; zero: from the beginning
	CreatedBefore     time.Time         // exclusive; zero: to the end
	// Before is the position of the first event of the last object that was
	// shown before; 0: begin with the newest. New objects never shift a page.
	Before int64
	Limit  int
}

// Page is one page of a list.
type Page struct {
	Objects  []json.RawMessage
	Last     int64 // the position of the first event of the last object
	More     bool
	Position int64 // up to which the read model shows the log
}

// Lists reads the read models of objects.
type Lists struct {
	pool *pgxpool.Pool
	log  eventstore.Log
}

// NewLists returns the lists of one log.
func NewLists(pool *pgxpool.Pool, log eventstore.Log) *Lists { return &Lists{pool: pool, log: log} }

// Page returns one page of the read model with this name. Rows and position
// come from one snapshot.
func (l *Lists) Page(ctx context.Context, name string, q Query) (Page, error) {
	sql, args := l.pageSQL(name, q)
	rows, err := l.pool.Query(ctx, sql, args...)
	if err != nil {
		return Page{}, errors.Wrapf(err, "list %s", name)
	}
	page := Page{Objects: []json.RawMessage{}}
	var first *int64
	var object []byte
	_, err = pgx.ForEachRow(rows, []any{&page.Position, &first, &object}, func() error {
		switch {
		case first == nil:
		case len(page.Objects) == q.Limit:
			page.More = true
		default:
			page.Objects = append(page.Objects, json.RawMessage(object))
			page.Last = *first
		}
		object = nil
		return nil
	})
	return page, errors.Wrapf(err, "list %s", name)
}

// pageSQL builds the query: one row more than is shown tells whether there are more.
func (l *Lists) pageSQL(name string, q Query) (string, []any) {
	where := []string{"merchant_id = $1"}
	args := []any{q.MerchantID}
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if q.Status != "" {
		add("status = $%d", q.Status)
	}
	if q.ExternalReference != "" {
		add("external_reference = $%d", q.ExternalReference)
	}
	if q.CustomerID != "" {
		add("customer_id = $%d", q.CustomerID)
	}
	if len(q.Metadata) > 0 {
		add("metadata @> $%d::jsonb", jsonOrNull(q.Metadata))
	}
	if !q.CreatedFrom.IsZero() {
		add("created_at >= $%d", q.CreatedFrom)
	}
	if !q.CreatedBefore.IsZero() {
		add("created_at < $%d", q.CreatedBefore)
	}
	if q.Before > 0 {
		add("first_position < $%d", q.Before)
	}
	schema := pgx.Identifier{l.log.ReadSchema()}.Sanitize()
	args = append(args, name, q.Limit+1)
	return fmt.Sprintf(`
		SELECT c.position, o.first_position, o.object
		FROM %[1]s.projections c
		LEFT JOIN LATERAL (
			SELECT first_position, (state->'object')::text AS object
			FROM %[1]s.%[2]s
			WHERE %[3]s
			ORDER BY first_position DESC
			LIMIT $%[5]d
		) o ON true
		WHERE c.name = $%[4]d AND c.serving`,
		schema, pgx.Identifier{name}.Sanitize(), strings.Join(where, " AND "), len(args)-1, len(args)), args
}
