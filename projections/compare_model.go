package projections

import (
	"cmp"
	"context"
	"slices"

	"github.com/cockroachdb/errors"

	"tender/domain/readmodel"
	"tender/eventstore"
)

// model is a read model that is held against the log, stream by stream.
type model struct {
	name     string
	folds    streamwise
	position int64            // the cursor's
	parked   map[string]int64 // streams that are set aside, from which position on
	// skipped are the events that are left out, as of the cursor; undecided the streams
	// of which that is decided anew beyond it: they may be shown either way.
	skipped   map[int64]readmodel.EventSkipped
	undecided map[string]bool
	shelves   []*shelf // by table

	row   streamFold // of the stream in hand
	blind bool       // which can't be folded, or compared
	fresh [][]Row    // what it comes to, by table
}

// shown is how many rows were looked at.
func (m *model) shown() (n int64) {
	for _, s := range m.shelves {
		n += s.rows
	}
	return n
}

// begin begins a stream's rows.
func (m *model) begin(stream string) { m.row, m.blind = m.folds.stream(stream), m.undecided[stream] }

// fold takes an event of the stream in hand.
func (m *model) fold(e eventstore.Event) (wrong *Difference) {
	if m.blind || !m.takesIn(e) {
		return nil
	}
	defer func() {
		if fault := recover(); fault != nil {
			wrong = m.unfolded(e, errors.Newf("panic: %v", fault))
		}
	}()
	if err := m.row.add(e); err != nil {
		return m.unfolded(e, err)
	}
	return nil
}

func (m *model) unfolded(e eventstore.Event, why error) *Difference {
	m.blind = true
	return &Difference{What: RowUnfolded, Projection: m.name, Table: m.shelves[0].table.Name, Key: e.Stream, Position: e.Position, Detail: why.Error()}
}

// end holds what is shown of the stream in hand against its rows.
func (m *model) end(ctx context.Context, stream string, found func(Difference)) error {
	for i := range m.fresh {
		m.fresh[i] = m.fresh[i][:0]
	}
	if !m.blind {
		if err := m.row.finish(m.fresh); err != nil {
			return errors.Wrapf(err, "the rows of %s in %s", stream, m.name)
		}
	}
	for i, s := range m.shelves {
		shown, err := s.of(ctx, stream, m.added(s, found))
		if err != nil {
			return err
		}
		if !m.blind {
			m.hold(s, m.fresh[i], shown, found)
		}
	}
	return nil
}

// hold holds the rows of one stream against each other.
func (m *model) hold(s *shelf, fresh, shown []Row, found func(Difference)) {
	byID := func(a, b Row) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(fresh, byID)
	slices.SortFunc(shown, byID)
	for len(fresh)+len(shown) > 0 {
		switch {
		case len(shown) == 0 || len(fresh) > 0 && fresh[0].ID < shown[0].ID:
			found(m.difference(RowMissing, s, fresh[0], ""))
			fresh = fresh[1:]
		case len(fresh) == 0 || shown[0].ID < fresh[0].ID:
			found(m.difference(RowAdded, s, shown[0], ""))
			shown = shown[1:]
		default:
			if differs := s.differ(fresh[0], shown[0]); differs != "" {
				found(m.difference(RowDifferent, s, fresh[0], differs))
			}
			fresh, shown = fresh[1:], shown[1:]
		}
	}
}

// rest tells of the rows behind the last stream.
func (m *model) rest(ctx context.Context, found func(Difference)) error {
	for _, s := range m.shelves {
		if _, err := s.of(ctx, "", m.added(s, found)); err != nil {
			return err
		}
	}
	return nil
}

// added tells of a row of a stream that has none.
func (m *model) added(s *shelf, found func(Difference)) func(Row) {
	return func(r Row) { found(m.difference(RowAdded, s, r, "")) }
}

func (m *model) difference(what What, s *shelf, r Row, detail string) Difference {
	return Difference{What: what, Projection: m.name, Table: s.table.Name, Key: r.ID, Position: r.Position, Detail: detail}
}
