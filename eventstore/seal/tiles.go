package seal

import (
	"context"

	"github.com/cockroachdb/errors"
	"golang.org/x/mod/sumdb/tlog"

	"tender/eventstore"
)

// readBatch is how many events are read from the log at a time.
const readBatch = 4096

// LeafHash is the leaf of an event in the tree: SHA-256 over a zero byte and its
// encoding.
func LeafHash(e eventstore.Event) tlog.Hash {
	return tlog.RecordHash(eventstore.AppendEncoded(make([]byte, 0, 512+len(e.Payload)), e))
}

// tree reads the tree's hashes, from the tiles, and where there is none from the log.
type tree struct {
	store  *eventstore.Store
	tables tables
}

// leaves computes the leaves with the numbers from..to−1 from the log.
func (t tree) leaves(ctx context.Context, from, to int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, to-from)
	for position := from; position < to; {
		events, err := t.store.After(ctx, position, int(min(to-position, readBatch)))
		if err != nil {
			return nil, err
		}
		if len(events) == 0 {
			return nil, errors.Wrapf(ErrBroken, "the log ends at %d, but it was longer", position)
		}
		for _, e := range events {
			hashes = append(hashes, LeafHash(e))
		}
		position += int64(len(events))
	}
	return hashes, nil
}

// nodes returns n hashes of a tile from its beginning on, whether it is complete or
// not: leaves at level 0, as they were kept or else from the log; the roots of the
// tiles below at the others.
func (t tree) nodes(ctx context.Context, level int, number int64, n int) ([]tlog.Hash, error) {
	first := number * tileWidth
	if level == 0 {
		if n < tileWidth {
			if kept, err := t.tables.leaves(ctx, number); len(kept) >= n || err != nil {
				return kept[:min(n, len(kept))], err
			}
		}
		return t.leaves(ctx, first, first+int64(n))
	}
	roots, err := t.tables.roots(ctx, level-1, first, n)
	if err != nil {
		return nil, err
	}
	for len(roots) < n {
		below, err := t.makeTile(ctx, level-1, first+int64(len(roots)))
		if err != nil {
			return nil, err
		}
		roots = append(roots, below.root)
	}
	return roots, nil
}

// tile returns at least the first n hashes of a tile, stored or not.
func (t tree) tile(ctx context.Context, level int, number int64, n int) ([]byte, error) {
	hashes, err := t.tables.hashes(ctx, level, number)
	if hashes != nil || err != nil {
		return hashes, err
	}
	if n == tileWidth {
		made, err := t.makeTile(ctx, level, number)
		return flat(made.hashes), err
	}
	nodes, err := t.nodes(ctx, level, number, n)
	return flat(nodes), err
}

// makeTile makes a complete tile again, from the log or from the tiles below it, and
// stores it.
func (t tree) makeTile(ctx context.Context, level int, number int64) (tile, error) {
	hashes, err := t.nodes(ctx, level, number, tileWidth)
	if err != nil {
		return tile{}, err
	}
	made := newTile(level, number, hashes)
	return made, errors.Wrap(t.tables.put(ctx, t.tables.pool, []tile{made}), "store a tile")
}

// edge returns the right edge of the tree of a size.
func (t tree) edge(ctx context.Context, size int64) (edge, error) {
	e := edge{size: size}
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		count := size >> (tileHeight * level)
		hashes, err := t.nodes(ctx, level, count/tileWidth, int(count%tileWidth))
		if err != nil {
			return edge{}, err
		}
		e.levels = append(e.levels, hashes)
	}
	return e, nil
}

// remade drops all that was kept of the tree and makes those of a checkpoint's tree again, from the log
// alone.
func (t tree) remade(ctx context.Context, c Checkpoint) (edge, error) {
	if err := t.tables.drop(ctx); err != nil {
		return edge{}, err
	}
	e, err := t.edge(ctx, c.Size)
	if err != nil {
		return edge{}, err
	}
	if e.root() != c.Root {
		return edge{}, errors.Wrapf(ErrBroken, "the log's first %d events are not those that were sealed", c.Size)
	}
	return e, nil
}

// read calls f with what reads a checkpoint's tree, and reports whether an error means
// that the tiles don't lead to its root.
func (t tree) read(ctx context.Context, c Checkpoint, f func(tlog.HashReader) error) (wrong bool, err error) {
	// Whatever this reader returns has been proven to lead to the checkpoint's root.
	tiles := &tileReader{tree: t, ctx: ctx}
	err = f(tlog.TileHashReader(c.tree(), tiles))
	if tiles.failed != nil {
		return false, tiles.failed
	}
	return err != nil, errors.Wrap(err, "the tiles don't lead to the checkpoint")
}

// tileReader is a tree as x/mod reads it.
type tileReader struct {
	tree
	ctx    context.Context
	failed error // to read at all
}

// Height implements [tlog.TileReader].
func (*tileReader) Height() int { return tileHeight }

// ReadTiles implements [tlog.TileReader]. The last tile of each level is not complete
// and not stored.
func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		hashes, err := r.tile(r.ctx, t.L, t.N, t.W)
		if err != nil {
			r.failed = err
			return nil, err
		}
		data[i] = hashes[:t.W*tlog.HashSize]
	}
	return data, nil
}

// SaveTiles implements [tlog.TileReader]: what was read is stored already.
func (*tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
