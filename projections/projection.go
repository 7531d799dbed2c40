package projections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/id"
	"tender/eventstore"
)

const (
	// batchMax is how many events a projection applies in one transaction at most.
	batchMax = 1000
	// catchUpMax is the same for a generation that nobody has seen yet: rows that change
	// several times are written once, and many at a time.
	catchUpMax = 5000
)

// Projection is a read model: a definition, and a fold from events to rows.
type Projection interface {
	Definition() Definition
	// Apply changes the rows of generation g by events, which follow one another
	// without a gap and have not been applied before. It works within tx alone and
	// depends on nothing but the rows of g and the events: the same events give the
	// same rows, in whatever batches they come.
	//
	// It ignores event types that it knows not to concern it, and answers a
	// [codec.NewerError] to those that this build doesn't know: a newer build will
	// apply them. Errors by which PostgreSQL says that it is unwell are retried. Any
	// other error, and a panic, is the fault of one of the events; the runner finds
	// out of which, and does what the definition's Policy says.
	Apply(ctx context.Context, tx pgx.Tx, g Generation, events []eventstore.Event) error
}

// Definition is what a projection is made of. A change to it, but for the
// policy and the pace, makes a new generation beside the old one, which is served once it
// has caught up.
type Definition struct {
	Name string // also of its cursor and lease; lower case, like a table's
	// Version rises when the fold gives other rows for the same events.
	Version int
	Tables  []Table
	Policy  Policy
	// Every is how often a batch is applied at most while the projection keeps up; 0
	// stands for 200 ms.
	Every time.Duration
}

// streamwise is a [Projection] whose rows belong to a stream each, and follow from the
// events of that stream alone.
type streamwise interface {
	// kinds are those of the streams that have rows.
	kinds() []id.Prefix
	// stream returns a fold of a stream's events, from its first, into its rows.
	stream(id string) streamFold
	// remove removes the rows of a stream.
	remove(ctx context.Context, tx pgx.Tx, g Generation, id string) error
}

func streamwiseOf(p Projection) (streamwise, bool) {
	s, can := p.(streamwise)
	return s, can && len(s.kinds()) > 0
}

// streamFold folds the events of one stream.
type streamFold interface {
	add(e eventstore.Event) error
	// finish adds the stream's rows to those of each of the definition's tables.
	finish(rows [][]Row) error
}

// Policy says what happens at an event that can't be applied. It is recorded either
// way, before anything else happens.
type Policy int

const (
	// Stop leaves the projection where it is until an operator resumes it.
	Stop Policy = iota
	// ParkStream sets the event's stream aside and goes on with all others. Later
	// events of that stream are recorded, not applied.
	ParkStream
)

// Generation is one set of a projection's tables. Several may be kept up to date
// beside each other; the views show one of them.
type Generation struct {
	schema string
	Number int
}

// Table returns the quoted name of the table t in this generation.
func (g Generation) Table(t Table) string {
	return pgx.Identifier{g.schema, g.name(t)}.Sanitize()
}

func (g Generation) name(t Table) string { return t.Name + "_g" + strconv.Itoa(g.Number) }

// Table is one table of a projection: rows by id, each with its state and the
// columns that lists select by. Readers use the view of the same name in the log's
// read schema, and name their columns.
//
// Besides Columns it has: id; first_position, of the first event that concerned the
// row, by which lists are ordered; position, of the last one; and state, JSON.
// Within a view a column never changes its type or goes away: that is another table.
type Table struct {
	Name    string
	Columns []Column
	// Indexes, each as what stands behind ON and the table's name in CREATE INDEX,
	// for instance "(merchant_id, first_position DESC)". A generation that is made anew
	// has them at its end.
	Indexes []string
	// Lookups are indexes that Apply itself finds rows by, so that they have to be there
	// from its first event on.
	Lookups []string
}

// Column is a column that is computed from a row's state. Arrays are not supported.
type Column struct {
	Name    string
	Type    string // PostgreSQL's, for instance "text" or "timestamptz"
	NotNull bool
}

// fingerprint identifies what a generation was made by.
func (d Definition) fingerprint() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d\n", d.Name, d.Version)
	for _, t := range d.Tables {
		fmt.Fprintf(&b, "%s %v %q %q\n", t.Name, t.Columns, t.Indexes, t.Lookups)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:16])
}

// namePattern leaves room for a generation's suffix within PostgreSQL's 63 bytes.
var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// ownNames are the tables that the runner keeps in the same schema.
var ownNames = map[string]bool{"projections": true, "parked_events": true}

// check finds mistakes of the program: names that can't be used, or are used twice.
func check(all []Projection) error {
	names, tables := map[string]bool{}, map[string]bool{}
	for _, p := range all {
		d := p.Definition()
		if !namePattern.MatchString(d.Name) || names[d.Name] {
			return errors.AssertionFailedf("projection %q: the name can't be used, or is used twice", d.Name)
		}
		names[d.Name] = true
		for _, t := range d.Tables {
			if !namePattern.MatchString(t.Name) || tables[t.Name] || ownNames[t.Name] {
				return errors.AssertionFailedf("projection %s, table %q: the name can't be used, or is used twice", d.Name, t.Name)
			}
			tables[t.Name] = true
		}
	}
	return nil
}
