package published

import (
	"encoding/json"
	"slices"
	"testing"
)

func parsed(t *testing.T, text string) *Schema {
	t.Helper()
	var s Schema
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

func TestBreaks(t *testing.T) {
	t.Parallel()
	closed := func(properties, required string) string {
		return `{"type":"object","properties":{` + properties + `},"required":[` + required + `],"additionalProperties":false}`
	}
	const a = `"a":{"type":"string"}`
	only := func(member string) string { return closed(`"a":`+member, ``) }
	inner := func(member string) string { return only(closed(`"b":`+member, ``)) }
	for name, c := range map[string]struct {
		was, next   string
		sent, asked []string
	}{
		"nothing":              {closed(a, `"a"`), closed(a, `"a"`), nil, nil},
		"a new optional field": {closed(a, `"a"`), closed(a+`,"b":{"type":"integer"}`, `"a"`), nil, nil},
		"a new field that is always there": {closed(a, `"a"`), closed(a+`,"b":{"type":"integer"}`, `"a","b"`),
			nil, []string{"the body could do without b, and would need it."}},
		"a field that is gone": {closed(a+`,"b":{"type":"integer"}`, `"a"`), closed(a, `"a"`),
			[]string{"b would be gone."}, []string{"b would be gone."}},
		"a required field that is gone": {closed(a, `"a"`), closed(``, ``), []string{"a would be gone."}, []string{"a would be gone."}},
		"a field that may now be missing": {closed(a, `"a"`), closed(a, ``),
			[]string{"a was always there, and could be missing."}, nil},
		"a field that must now be there": {closed(a, ``), closed(a, `"a"`),
			nil, []string{"the body could do without a, and would need it."}},
		"another type": {only(`{"type":"string"}`), only(`{"type":"integer"}`),
			[]string{"a was of the type string, and would be of the type integer."},
			[]string{"a was of the type string, and would be of the type integer."}},
		"another type further down": {inner(`{"type":"string"}`), inner(`{"type":"boolean"}`),
			[]string{"a/b was of the type string, and would be of the type boolean."},
			[]string{"a/b was of the type string, and would be of the type boolean."}},
		"no type any more": {only(`{"type":"string"}`), only(`{}`),
			[]string{"a was of the type string, and would be of the type any."},
			[]string{"a was of the type string, and would be of the type any."}},
		"another value": {only(`{"type":"string","const":"x"}`), only(`{"type":"string","const":"y"}`),
			[]string{"a had the value x, and would have y."}, []string{"a had the value x, and would have y."}},
		"no format any more": {only(`{"type":"string","format":"date"}`), only(`{"type":"string"}`),
			[]string{"a had the format date, and would have any."}, []string{"a had the format date, and would have any."}},
		"another pattern": {only(`{"type":"string","pattern":"x"}`), only(`{"type":"string","pattern":"y"}`),
			[]string{"a had the pattern x, and would have y."}, []string{"a had the pattern x, and would have y."}},
		"one value more": {only(`{"type":"string","enum":["x"]}`), only(`{"type":"string","enum":["x","y"]}`), nil, nil},
		"one value less": {only(`{"type":"string","enum":["x","y"]}`), only(`{"type":"string","enum":["y"]}`),
			nil, []string{"a could be x, and could be that no more."}},
		"a list of values where there was none": {only(`{"type":"string"}`), only(`{"type":"string","enum":["x"]}`),
			nil, []string{"a could be anything, and would have to be one of x."}},
		"no list of values any more": {only(`{"type":"string","enum":["x","y"]}`), only(`{"type":"string"}`),
			[]string{"a was one of x, y, and could be anything."}, nil},
		"another type in a list": {only(`{"type":"array","items":{"type":"string"}}`), only(`{"type":"array","items":{"type":"integer"}}`),
			[]string{"each of a was of the type string, and would be of the type integer."},
			[]string{"each of a was of the type string, and would be of the type integer."}},
		"another type in a map": {
			only(`{"type":"object","additionalProperties":{"type":"string"}}`), only(`{"type":"object","additionalProperties":{"type":"integer"}}`),
			[]string{"each value of a was of the type string, and would be of the type integer."},
			[]string{"each value of a was of the type string, and would be of the type integer."}},
		"an object instead of a map": {only(`{"type":"object","additionalProperties":{"type":"string"}}`), only(closed(``, ``)),
			[]string{"a was either a map or had named members, and would be the other of the two."},
			[]string{"a was either a map or had named members, and would be the other of the two."}},
		"one kind more": {only(`{"anyOf":[{"type":"integer"}]}`), only(`{"anyOf":[{"type":"integer"},{"type":"string"}]}`), nil, nil},
		"one kind less": {only(`{"anyOf":[{"type":"integer"},{"type":"string"}]}`), only(`{"anyOf":[{"type":"integer"}]}`),
			[]string{"a could be one of 2 kinds of value, and could be one of 1."},
			[]string{"a could be one of 2 kinds of value, and could be one of 1."}},
		"several kinds where there was one": {only(`{"type":"integer"}`), only(`{"anyOf":[{"type":"integer"},{"type":"string"}]}`),
			[]string{"a could be one of 1 kinds of value, and could be one of 2."},
			[]string{"a could be one of 1 kinds of value, and could be one of 2."}},
		"another kind": {only(`{"anyOf":[{"type":"integer"}]}`), only(`{"anyOf":[{"type":"string"}]}`),
			[]string{"a, as its kind 1, was of the type integer, and would be of the type string."},
			[]string{"a, as its kind 1, was of the type integer, and would be of the type string."}},
	} {
		for direction, want := range map[Direction][]string{Sent: c.sent, Asked: c.asked} {
			if got := Breaks(parsed(t, c.was), parsed(t, c.next), direction); !slices.Equal(got, want) {
				t.Errorf("%s, direction %d:\n%q\nnot\n%q", name, direction, got, want)
			}
		}
	}
}

// Two breaks are two sentences, and a schema as it is written breaks nothing when
// it is read.
func TestBreaksOfWhatIsPublished(t *testing.T) {
	t.Parallel()
	for name, s := range schemas() {
		b, err := written(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := Breaks(parsed(t, string(b)), s, directionOf(name)); len(got) > 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
	next := bodyOf("payment.captured")
	delete(next.Properties["data"].Properties, "paid_amount")
	next.Properties["data"].Properties["amount"].Type = "number"
	want := []string{
		"data/amount was of the type integer, and would be of the type number.",
		"data/paid_amount would be gone.",
	}
	if got := Breaks(bodyOf("payment.captured"), next, Sent); !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}
