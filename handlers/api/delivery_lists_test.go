package api_test

import (
	"slices"
	"testing"

	"tender/projections"
)

// Deliveries of one event to several endpoints are of one position: pages hold as
// many as were asked for all the same, and each delivery stands on one of them.
func TestDeliveriesOfOneEventAreSpreadOverPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, projections.Deliveries())
	for range 3 {
		b.endpoint(t)
	}
	made, position := b.sessions(t, 3)
	all := ids(b.list(t, deliveries, "min_position", position).Is(200).Shows(object{"has_more": false}))
	if len(all) != 3*len(made) {
		t.Fatalf("%d deliveries", len(all))
	}
	for limit, pages := range map[string][]int{"1": {1, 1, 1, 1, 1, 1, 1, 1, 1}, "2": {2, 2, 2, 2, 1}, "3": {3, 3, 3}, "4": {4, 4, 1}} {
		var got []string
		cursor := ""
		for i, want := range pages {
			a := b.list(t, deliveries, "limit", limit, "cursor", cursor).Is(200).Shows(object{"has_more": i < len(pages)-1})
			if a.Len("data") != want {
				t.Errorf("page %d of %s has %d", i, limit, a.Len("data"))
			}
			got, cursor = append(got, ids(a)...), a.Text("next_cursor")
		}
		if !slices.Equal(got, all) {
			t.Errorf("in pages of %s they are %v, not %v", limit, got, all)
		}
	}
}
