package logproof_test

import (
	"math/bits"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"tender/cmd/internal/logproof"
)

// TestTheTreeIsThatOfRFC6962 holds the tree to x/mod's own, at every size.
func TestTheTreeIsThatOfRFC6962(t *testing.T) {
	t.Parallel()
	const size = 300
	var stored []logproof.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	var tree logproof.Tree
	trees := []logproof.Tree{tree.Clone()}
	for n := range int64(size) {
		leaf := tlog.RecordHash([]byte{byte(n), byte(n >> 8)})
		hashes, err := tlog.StoredHashesForRecordHash(n, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		tree.Add(leaf)
		trees = append(trees, tree.Clone())
	}
	for n, tree := range trees {
		want, err := tlog.TreeHash(int64(n), reader)
		if got := tree.Root(); err != nil || got != want || tree.Size() != int64(n) {
			t.Fatalf("size %d: root %v, want %v, %v", n, got, want, err)
		}
	}
	for from := range int64(size) {
		for _, to := range []int64{from, from + 1, (from + size) / 2, size} {
			tree := trees[from].Clone()
			hashes := subtrees(from, to, func(level int, n int64) logproof.Hash {
				h, err := reader([]int64{tlog.StoredHashIndex(level, n)})
				if err != nil {
					t.Fatal(err)
				}
				return h[0]
			})
			if err := tree.Complete(to, hashes); err != nil || tree.Root() != trees[to].Root() {
				t.Fatalf("from %d to %d: %v", from, to, err)
			}
			if tooMany := trees[from].Clone(); tooMany.Complete(to, append(hashes, logproof.Hash{})) == nil {
				t.Fatalf("from %d to %d: a hash too many is accepted", from, to)
			}
		}
	}
	if _, err := logproof.TreeOf(6, make([]logproof.Hash, 3)); err == nil {
		t.Error("a tree of 6 leaves with 3 subtrees is accepted")
	}
}

// subtrees are the complete ones that lead from a size to another, by definition:
// each the largest that is aligned and fits.
func subtrees(from, to int64, hash func(level int, n int64) logproof.Hash) []logproof.Hash {
	var hashes []logproof.Hash
	for from < to {
		level := 0
		for level+1 < bits.Len64(uint64(to)) && from%(2<<level) == 0 && from+(2<<level) <= to {
			level++
		}
		hashes = append(hashes, hash(level, from>>level))
		from += 1 << level
	}
	return hashes
}
