package projections

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/id"
	"tender/eventstore"
)

// Keyed is a projection of one table whose rows are folds of their own: each event
// concerns the rows that Keys names, each row's state is folded by Fold, and Row
// says what stands in its columns. Per batch it costs one query for the rows that
// there are and one statement for all that changed.
type Keyed[S any] struct {
	Name    string
	Version int // rises when Keys, Fold or Row give something else
	Policy  Policy
	Every   time.Duration // as in [Definition]
	Table   Table
	// Streams says that each stream of these kinds has a row of its own, by the
	// stream's name, which its own events concern and no others: such a table can be
	// filled stream by stream. Otherwise Keys says which rows there are.
	Streams []id.Prefix
	// Keys returns the ids of the rows that e concerns; none for most types.
	Keys func(e eventstore.Event) ([]string, error)
	// Fold returns the state s of row id after e; the zero value is that of a row
	// which isn't there. States are kept as JSON: what that loses must not matter.
	Fold func(s S, id string, e eventstore.Event) (S, error)
	// Keep says whether a row with state s is kept; nil: always. The state of a row
	// that isn't is forgotten, and the next event that concerns it begins anew.
	Keep func(s S) bool
	// Row returns the values of Table.Columns, in their order.
	Row func(id string, s S) []any
}

// Definition implements [Projection].
func (k Keyed[S]) Definition() Definition {
	return Definition{Name: k.Name, Version: k.Version, Tables: []Table{k.Table}, Policy: k.Policy, Every: k.Every}
}

// touch says that an event concerns a row.
type touch struct {
	id    string
	event int // its index in the batch
}

// folded is a row that a batch concerns, and what its state has become.
type folded[S any] struct {
	row   Row
	state S
	kept  bool // false: there is no such row now
}

// Apply implements [Projection].
func (k Keyed[S]) Apply(ctx context.Context, tx pgx.Tx, g Generation, events []eventstore.Event) error {
	touches, ids, err := k.touches(events)
	if err != nil || len(ids) == 0 {
		return err
	}
	found, err := k.Table.Load(ctx, tx, g, ids)
	if err != nil {
		return err
	}
	all := make(map[string]*folded[S], len(ids))
	for _, t := range touches {
		f := all[t.id]
		if f == nil {
			f = &folded[S]{row: Row{ID: t.id}}
			if row, there := found[t.id]; there {
				f.row, f.kept = row, true
				if err := json.Unmarshal(row.State, &f.state); err != nil {
					return errors.Wrapf(err, "state of %s row %s", k.Table.Name, t.id)
				}
			}
			all[t.id] = f
		}
		if err := k.fold(f, events[t.event]); err != nil {
			return err
		}
	}
	return k.write(ctx, tx, g, ids, all)
}

// fold brings f up to e. Whether the row is kept is asked at each event, so that
// the outcome doesn't depend on where batches end.
func (k Keyed[S]) fold(f *folded[S], e eventstore.Event) error {
	next, err := k.Fold(f.state, f.row.ID, e)
	if err != nil {
		return errors.Wrapf(err, "event %d, %s row %s", e.Position, k.Table.Name, f.row.ID)
	}
	if !f.kept {
		f.row.First = e.Position
	}
	f.state, f.row.Position = next, e.Position
	if f.kept = k.Keep == nil || k.Keep(next); !f.kept {
		var zero S
		f.state = zero
	}
	return nil
}

// Concerns implements selective. What it can't tell, Apply will say.
func (k Keyed[S]) Concerns(events []eventstore.Event) (concerned bool) {
	defer func() {
		if recover() != nil {
			concerned = true
		}
	}()
	return slices.ContainsFunc(events, func(e eventstore.Event) bool {
		keys, err := k.keys(e)
		return err != nil || len(keys) > 0
	})
}

// keys returns the ids of the rows that e concerns.
func (k Keyed[S]) keys(e eventstore.Event) ([]string, error) {
	switch {
	case len(k.Streams) == 0:
		return k.Keys(e)
	case slices.Contains(k.Streams, id.PrefixOf(e.Stream)):
		return []string{e.Stream}, nil
	}
	return nil, nil
}

// touches returns which rows the events concern, in the events' order, and the ids
// of all, each once.
func (k Keyed[S]) touches(events []eventstore.Event) (all []touch, ids []string, err error) {
	seen := make(map[string]bool, len(events))
	for i, e := range events {
		keys, err := k.keys(e)
		if err != nil {
			return nil, nil, errors.Wrapf(err, "event %d", e.Position)
		}
		for _, id := range keys {
			all = append(all, touch{id: id, event: i})
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	return all, ids, nil
}

// finish writes f's state into its row.
func (k Keyed[S]) finish(f *folded[S]) error {
	state, err := json.Marshal(f.state)
	if err != nil {
		return errors.Wrapf(err, "state of %s row %s", k.Table.Name, f.row.ID)
	}
	f.row.State, f.row.Values = state, k.Row(f.row.ID, f.state)
	return nil
}

func (k Keyed[S]) write(ctx context.Context, tx pgx.Tx, g Generation, ids []string, all map[string]*folded[S]) error {
	put := make([]Row, 0, len(ids))
	var gone []string
	for _, id := range ids {
		f := all[id]
		if !f.kept {
			gone = append(gone, id)
			continue
		}
		if err := k.finish(f); err != nil {
			return err
		}
		put = append(put, f.row)
	}
	if err := k.Table.Delete(ctx, tx, g, gone); err != nil {
		return err
	}
	return k.Table.Put(ctx, tx, g, put)
}
