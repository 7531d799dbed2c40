package projections

import (
	"context"

	"github.com/jackc/pgx/v5"

	"tender/domain/id"
	"tender/eventstore"
)

// kinds implements [streamwise].
func (k Keyed[S]) kinds() []id.Prefix { return k.Streams }

// stream implements [streamwise].
func (k Keyed[S]) stream(id string) streamFold {
	return &keyedRow[S]{k: k, f: folded[S]{row: Row{ID: id}}}
}

// remove implements [streamwise].
func (k Keyed[S]) remove(ctx context.Context, tx pgx.Tx, g Generation, id string) error {
	return k.Table.Delete(ctx, tx, g, []string{id})
}

// keyedRow is the row of one stream, on its way.
type keyedRow[S any] struct {
	k Keyed[S]
	f folded[S]
}

func (r *keyedRow[S]) add(e eventstore.Event) error { return r.k.fold(&r.f, e) }

func (r *keyedRow[S]) finish(rows [][]Row) error {
	if !r.f.kept {
		return nil
	}
	if err := r.k.finish(&r.f); err != nil {
		return err
	}
	rows[0] = append(rows[0], r.f.row)
	return nil
}
