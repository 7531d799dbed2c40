package api_test

import (
	"slices"
	"strings"
	"testing"
)

func TestEndpointsAreListedByStatus(t *testing.T) {
	t.Parallel()
	b := setupEndpoints(t)
	made := map[string]string{}
	var position string
	for _, status := range []string{"enabled", "paused", "disabled"} {
		path := b.endpoint(t)
		a := send(t, b.Caller, "PATCH", path, object{"status": status}).Is(200)
		made[status], position = strings.TrimPrefix(path, endpoints+"/"), a.Header.Get(positionHeader)
	}
	for status, want := range made {
		got := ids(b.list(t, endpoints, "status", status, "min_position", position).Is(200))
		if !slices.Equal(got, []string{want}) {
			t.Errorf("%s endpoints are %v, want %s", status, got, want)
		}
	}
	if got := ids(b.list(t, endpoints, "min_position", position).Is(200)); len(got) != len(made) {
		t.Errorf("all endpoints are %v", got)
	}
	blames(t, b.list(t, endpoints, "status", "failing"), "status: not_an_option")
}
