package projections

import (
	"tender/domain/id"
	"tender/eventstore"
)

// kinds implements [streamwise].
func (k Keyed[S]) kinds() []id.Prefix { return k.Streams }

// row implements [streamwise].
func (k Keyed[S]) row(stream string) rowFold {
	return &keyedRow[S]{k: k, f: folded[S]{row: Row{ID: stream}}}
}

// keyedRow is the row of one stream, on its way.
type keyedRow[S any] struct {
	k Keyed[S]
	f folded[S]
}

func (r *keyedRow[S]) add(e eventstore.Event) error { return r.k.fold(&r.f, e) }

func (r *keyedRow[S]) finish() (Row, bool, error) {
	if !r.f.kept {
		return Row{}, false, nil
	}
	err := r.k.finish(&r.f)
	return r.f.row, err == nil, err
}
