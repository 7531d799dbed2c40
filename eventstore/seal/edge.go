package seal

import (
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// A tile holds the hashes of 2^tileHeight neighbours in the tree.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tile is a complete tile.
type tile struct {
	level  int
	number int64
	hashes []tlog.Hash
	root   tlog.Hash
}

// edge is the right edge of the tree: all that is needed to grow it. Of each level it
// holds the hashes that don't fill a tile yet.
type edge struct {
	size   int64
	levels [][]tlog.Hash
}

// add appends a leaf, and returns the tiles that it completes.
func (e *edge) add(leaf tlog.Hash) []tile {
	var complete []tile
	e.size++
	h := leaf
	for level := 0; ; level++ {
		if level == len(e.levels) {
			e.levels = append(e.levels, nil)
		}
		e.levels[level] = append(e.levels[level], h)
		if len(e.levels[level]) < tileWidth {
			return complete
		}
		t := newTile(level, e.size>>(tileHeight*(level+1))-1, e.levels[level])
		complete = append(complete, t)
		e.levels[level] = nil
		h = t.root
	}
}

func newTile(level int, number int64, hashes []tlog.Hash) tile {
	return tile{level: level, number: number, hashes: hashes, root: subtree(hashes)}
}

// latest returns those of the last n leaves that are in the tile that isn't complete.
func (e *edge) latest(n int64) []tlog.Hash {
	if len(e.levels) == 0 {
		return nil
	}
	return e.levels[0][max(int64(len(e.levels[0]))-n, 0):]
}

// root is the root of the tree; the edge must not be empty.
func (e *edge) root() tlog.Hash {
	peaks := e.peaks()
	root := peaks[len(peaks)-1]
	for _, peak := range slices.Backward(peaks[:len(peaks)-1]) {
		root = tlog.NodeHash(peak, root)
	}
	return root
}

// peaks are the roots of the complete subtrees that the tree consists of, largest
// first.
func (e *edge) peaks() []tlog.Hash {
	var peaks []tlog.Hash
	for _, hashes := range slices.Backward(e.levels) {
		for width := tileWidth / 2; width > 0; width /= 2 {
			if len(hashes)&width != 0 {
				peaks = append(peaks, subtree(hashes[:width]))
				hashes = hashes[width:]
			}
		}
	}
	return peaks
}

// subtree is the root over a power of two of hashes.
func subtree(hashes []tlog.Hash) tlog.Hash {
	row := slices.Clone(hashes)
	for len(row) > 1 {
		for i := range len(row) / 2 {
			row[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
		row = row[:len(row)/2]
	}
	return row[0]
}
