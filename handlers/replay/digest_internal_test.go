package replay

import (
	"testing"
	"time"
)

type inner struct {
	A int
	b *string
}

type outer struct {
	In    any
	Many  []inner
	By    map[string]inner
	At    time.Time
	Place *time.Location
	Later int
}

// Equal values are the same bytes, and no two others are.
func TestDescriptions(t *testing.T) {
	t.Parallel()
	x, y := "x", "x"
	noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	base := func() outer {
		return outer{
			In: inner{A: 1, b: &x}, Many: []inner{{A: 1}, {A: 2}}, By: map[string]inner{"p": {A: 1}, "q": {A: 2}, "r": {}},
			At: noon, Place: time.UTC,
		}
	}
	want := described(t, base())
	same := base()
	same.In, same.At = inner{A: 1, b: &y}, noon.In(time.FixedZone("here", 7200))
	if got := described(t, same); got != want {
		t.Errorf("the same is\n%s\nand\n%s", got, want)
	}
	seen := map[string]string{want: "itself"}
	for name, change := range map[string]func(*outer){
		"an unexported field":         func(o *outer) { z := "z"; o.In = inner{A: 1, b: &z} },
		"what is behind an interface": func(o *outer) { o.In = struct{ A int }{1} },
		"an order":                    func(o *outer) { o.Many[0], o.Many[1] = o.Many[1], o.Many[0] },
		"an element more":             func(o *outer) { o.Many = append(o.Many, inner{}) },
		"a key":                       func(o *outer) { o.By["s"] = o.By["r"]; delete(o.By, "r") },
		"an entry that is empty":      func(o *outer) { delete(o.By, "r") },
		"an instant":                  func(o *outer) { o.At = noon.Add(1) },
		"a zone":                      func(o *outer) { o.Place = time.FixedZone("here", 0) },
		"a field that is filled":      func(o *outer) { o.Later = 1 },
	} {
		o := base()
		change(&o)
		got := described(t, o)
		if other, there := seen[got]; there {
			t.Errorf("%s is described as %s is", name, other)
		}
		seen[got] = name
	}
	if _, err := describe(func() {}); err == nil {
		t.Error("a function is described")
	}
}

func described(t *testing.T, v any) string {
	t.Helper()
	b, err := describe(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
