package projections

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// shelfRows is how many rows are fetched at a time.
const shelfRows = 2000

// belongs names the column that says which stream a row belongs to, of tables where
// that isn't the row's id.
var belongs = map[string]string{JournalName: "payment_id"}

// shelf is the rows of a table that are shown, in the order of the streams that they
// belong to.
type shelf struct {
	tx     pgx.Tx
	table  Table
	cursor string
	rows   int64 // that were fetched

	fetched []shownRow
	last    bool  // there are no more than what was fetched
	held    []Row // of one stream
}

// shownRow is a row that is shown, with the stream that it belongs to.
type shownRow struct {
	Row
	stream string
}

// open declares a cursor over the rows.
func (s *shelf) open(ctx context.Context, g Generation, bytewise bool) error {
	stream := "id"
	if column, ok := belongs[s.table.Name]; ok {
		stream = pgx.Identifier{column}.Sanitize()
	}
	order := stream + ` COLLATE "C"`
	if bytewise {
		order = stream // there may be an index with that order
	}
	var columns strings.Builder
	for _, c := range s.table.Columns {
		columns.WriteString(", " + pgx.Identifier{c.Name}.Sanitize())
	}
	_, err := s.tx.Exec(ctx, `DECLARE `+s.cursor+` NO SCROLL CURSOR FOR SELECT `+stream+`, id, first_position, position, state`+columns.String()+`
		FROM `+g.Table(s.table)+` ORDER BY `+order)
	return errors.Wrapf(err, "read %s", s.table.Name)
}

// of returns the rows of a stream, until the next call, and hands on those that belong
// to streams before it which weren't asked for; all that are left, if it is "".
func (s *shelf) of(ctx context.Context, stream string, before func(Row)) ([]Row, error) {
	s.held = s.held[:0]
	for {
		if len(s.fetched) == 0 {
			if err := s.fetch(ctx); err != nil {
				return nil, err
			}
		}
		if len(s.fetched) == 0 || stream != "" && s.fetched[0].stream > stream {
			return s.held, nil
		}
		next := s.fetched[0]
		s.fetched = s.fetched[1:]
		if next.stream == stream {
			s.held = append(s.held, next.Row)
		} else {
			before(next.Row)
		}
	}
}

func (s *shelf) fetch(ctx context.Context) error {
	if s.last {
		return nil
	}
	rows, err := s.tx.Query(ctx, fmt.Sprintf("FETCH %d FROM %s", shelfRows, s.cursor))
	if err == nil {
		s.fetched, err = pgx.CollectRows(rows, scanShown)
	}
	s.rows += int64(len(s.fetched))
	s.last = len(s.fetched) < shelfRows
	return errors.Wrapf(err, "read %s", s.table.Name)
}

func scanShown(row pgx.CollectableRow) (r shownRow, err error) {
	r.Values = make([]any, len(row.FieldDescriptions())-5)
	targets := []any{&r.stream, &r.ID, &r.First, &r.Position, nil}
	for i := range r.Values {
		targets = append(targets, &r.Values[i])
	}
	err = row.Scan(targets...)
	r.State = bytes.Clone(row.RawValues()[4]) // as it was written, to the byte
	return r, err
}

// differ names the columns in which a row differs; "": none.
func (s *shelf) differ(fresh, shown Row) string {
	var names []string
	differs := func(is bool, name string) {
		if is {
			names = append(names, name)
		}
	}
	differs(fresh.First != shown.First, "first_position")
	differs(fresh.Position != shown.Position, "position")
	differs(!bytes.Equal(fresh.State, shown.State), "state")
	for i, c := range s.table.Columns {
		differs(!equal(fresh.Values[i], shown.Values[i]), c.Name)
	}
	return strings.Join(names, ", ")
}

// equal reports whether a value that was computed is what PostgreSQL holds of it.
func equal(fresh, shown any) bool {
	switch f := fresh.(type) {
	case nil:
		return shown == nil
	case time.Time:
		s, ok := shown.(time.Time)
		return ok && s.Equal(f.Truncate(time.Microsecond))
	case int:
		return integer(shown) == any(int64(f))
	case int64:
		return integer(shown) == any(f)
	case pgtype.UUID:
		return shown == any(f.Bytes)
	case string:
		if s, ok := shown.(string); ok {
			return s == f
		}
		var v any // a JSON column
		return json.Unmarshal([]byte(f), &v) == nil && reflect.DeepEqual(v, shown)
	}
	return fresh == shown
}

// integer returns an integer of any size as an int64.
func integer(v any) any {
	switch v := v.(type) {
	case int32:
		return int64(v)
	case int16:
		return int64(v)
	}
	return v
}
