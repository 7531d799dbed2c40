package body

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"tender/domain"
	"tender/handlers/problem"
)

// Whatever is read is what encoding/json reads, less what is refused on purpose.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `[]`, `{"amount":1}`, `{"amount":1e400,"b":[1,{"c":null}]}`, `{"a":1,"a":2}`, `{"a":{"b":1},"\u0061":2}`,
		`{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":1}{}`, `{"a":1,}`, `{"a/b~":""}`, strings.Repeat(`{"a":`, 40), `{"a":01}`, "\ufeff{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parse(body)
		if err != nil {
			return
		}
		var want map[string]any
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("it reads what encoding/json refuses: %v", err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("it is read as %v, not %v", got, want)
		}
	})
}

// What stands for half a character is refused, and nothing that only looks like it.
func TestHalfSurrogates(t *testing.T) {
	t.Parallel()
	for text, half := range map[string]bool{
		`"\ud800"`: true, `"\uDFFF"`: true, `"\ude00\ud83d"`: true, `"\ud83d\ud83d\ude00"`: true, `"\ud83dx"`: true,
		`"\ud83d\n"`: true, `"\ud83d`: true, `"\ud83d\`: true, `"\\\ud83d"`: true, `"\ud83d\ude00\ude00"`: true,
		`"\ud83d\ude00"`: false, `"\uD83D\uDE00"`: false, `"\\ud83d"`: false, `"\ufffd"`: false, `"\u00e9\n"`: false, `\u`: false, `\`: false, ``: false,
	} {
		if got := halfSurrogate([]byte(text)); got != half {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// Members are blamed by pointers that lead to them.
func TestPointers(t *testing.T) {
	t.Parallel()
	o, err := parse([]byte(`{"a/b":{"c~d":{"":1}}}`))
	if err != nil {
		t.Fatal(err)
	}
	f := newFields(o)
	f.Object("a/b").Object("c~d").Integer("e")
	f.Object("a/b").Object("c~d").Unknown()
	f.Object("a/b").Wrong("", "invalid", "")
	var got []string
	for _, e := range *f.errs {
		got = append(got, e.Pointer)
	}
	if want := []string{"/a~1b/c~0d/", "/a~1b"}; !reflect.DeepEqual(got, want) {
		t.Errorf("blamed are %q, not %q", got, want)
	}
}

func TestInstants(t *testing.T) {
	t.Parallel()
	for given, code := range map[string]domain.Code{
		"2026-11-22T09:30:00Z":      "",
		"1970-01-01T00:00:00Z":      "",
		"9999-12-31T23:59:59Z":      "",
		"0001-01-01T00:00:00Z":      problem.TooSmall,
		"1969-12-31T23:59:59Z":      problem.TooSmall,
		"1970-01-01T00:00:00+02:00": problem.TooSmall,
		"9999-12-31T23:59:59-02:00": problem.TooLarge,
		"2026-11-22":                problem.InvalidFormat,
		"yesterday":                 problem.InvalidFormat,
	} {
		f := newFields(map[string]any{"since": given})
		_, ok := f.Instant("since")
		if code == "" {
			if !ok || f.Done() != nil {
				t.Errorf("%s is refused: %v", given, f.Done())
			}
			continue
		}
		if ok || len(*f.errs) != 1 || (*f.errs)[0].Code != code || (*f.errs)[0].Pointer != "/since" {
			t.Errorf("%s: %t, %+v", given, ok, *f.errs)
		}
	}
}
