package money

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestAddTable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		a, b int64
		want int64
		ok   bool
	}{
		{"nothing", 0, 0, 0, true},
		{"two amounts", 60_000, 40_000, 100_000, true},
		{"a refund", 60_000, -60_000, 0, true},
		{"up to the largest", math.MaxInt64 - 1, 1, math.MaxInt64, true},
		{"past the largest", math.MaxInt64, 1, 0, false},
		{"twice the largest", math.MaxInt64, math.MaxInt64, 0, false},
		{"down to the smallest", math.MinInt64 + 1, -1, math.MinInt64, true},
		{"past the smallest", math.MinInt64, -1, 0, false},
		{"twice the smallest", math.MinInt64, math.MinInt64, 0, false},
		{"the extremes", math.MinInt64, math.MaxInt64, -1, true},
		{"the largest amounts", AmountMax, AmountMax, 2 * AmountMax, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := Add(tt.a, tt.b)
			if got != tt.want || ok != tt.ok {
				t.Errorf("Add(%d, %d) = %d, %t; want %d, %t", tt.a, tt.b, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestAddAgreesWithBigIntegers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyInt64().Draw(t, "a"), anyInt64().Draw(t, "b")
		exact := new(big.Int).Add(big.NewInt(a), big.NewInt(b))
		got, ok := Add(a, b)
		if ok != exact.IsInt64() {
			t.Fatalf("Add(%d, %d) says %t, the sum is %s", a, b, ok, exact)
		}
		if ok && got != exact.Int64() || !ok && got != 0 {
			t.Fatalf("Add(%d, %d) = %d, the sum is %s", a, b, got, exact)
		}
	})
}

// anyInt64 draws the neighbourhood of the extremes often enough to matter.
func anyInt64() *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.Int64(),
		rapid.Int64Range(-2_000, 2_000),
		rapid.Int64Range(math.MaxInt64-2, math.MaxInt64),
		rapid.Int64Range(math.MinInt64, math.MinInt64+2),
	)
}
