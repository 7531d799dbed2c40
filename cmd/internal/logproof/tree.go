package logproof

import (
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Tree is a Merkle tree (RFC 6962) that is built from left to right and keeps only
// what its root needs: one hash for each bit that is set in its size. The zero Tree
// is empty.
type Tree struct {
	size  int64
	peaks []Hash // of the complete subtrees, largest first
}

// TreeOf returns the tree of a size whose complete subtrees, largest first, have
// these hashes.
func TreeOf(size int64, peaks []Hash) (Tree, error) {
	if size < 0 || bits.OnesCount64(uint64(size)) != len(peaks) {
		return Tree{}, fmt.Errorf("a tree of %d leaves has %d complete subtrees, not %d", size, bits.OnesCount64(uint64(max(size, 0))), len(peaks))
	}
	return Tree{size: size, peaks: slices.Clone(peaks)}, nil
}

// Size returns the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Clone returns a tree that grows by itself.
func (t *Tree) Clone() Tree { return Tree{size: t.size, peaks: slices.Clone(t.peaks)} }

// Add appends a leaf.
func (t *Tree) Add(leaf Hash) { t.add(0, leaf) }

// add appends a complete subtree of 2^level leaves; size must be a multiple of that.
func (t *Tree) add(level int, h Hash) {
	for carry := t.size >> level; carry&1 == 1; carry >>= 1 {
		last := len(t.peaks) - 1
		h = tlog.NodeHash(t.peaks[last], h)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, h)
	t.size += 1 << level
}

// Complete appends the complete subtrees that lead from t's size to size, each as
// large as it can be, and returns how many of hashes that took.
func (t *Tree) Complete(size int64, hashes []Hash) error {
	for t.size < size {
		if len(hashes) == 0 {
			return fmt.Errorf("hashes are missing to lead from %d leaves to %d", t.size, size)
		}
		t.add(nextLevel(t.size, size), hashes[0])
		hashes = hashes[1:]
	}
	if len(hashes) != 0 || t.size != size {
		return fmt.Errorf("there are more hashes than lead from here to %d leaves", size)
	}
	return nil
}

// nextLevel is that of the largest complete subtree that begins at leaf from and
// ends at or before size.
func nextLevel(from, size int64) int {
	level := bits.Len64(uint64(size-from)) - 1
	if from == 0 {
		return level
	}
	return min(level, bits.TrailingZeros64(uint64(from)))
}

// Root returns the tree's hash; that of an empty tree is SHA-256 of nothing.
func (t *Tree) Root() Hash {
	if t.size == 0 {
		h, _ := tlog.TreeHash(0, nil) // reads nothing, so it can't fail
		return h
	}
	root := t.peaks[len(t.peaks)-1]
	for _, peak := range slices.Backward(t.peaks[:len(t.peaks)-1]) {
		root = tlog.NodeHash(peak, root)
	}
	return root
}
