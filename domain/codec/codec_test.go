package codec_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"tender/domain/codec"
)

// event is what a small aggregate could have happen to it.
type event interface{ codec.Named }

type opened struct {
	By string `json:"by"`
}

type closed struct {
	Broken chan int `json:"broken,omitempty"` // no JSON holds a channel
}

type forgotten struct{}

func (opened) Type() string    { return "door.opened" }
func (closed) Type() string    { return "door.closed" }
func (forgotten) Type() string { return "door.forgotten" }

func setup() codec.Codec[event] {
	return codec.New(
		codec.Define("door.opened", 3, func(e opened) event { return e }),
		codec.Define("door.closed", 1, func(e closed) event { return e }),
	)
}

func TestEncodeAndDecode(t *testing.T) {
	t.Parallel()
	c := setup()
	got := c.Encode(opened{By: "Ama"})
	if got.Type != "door.opened" || got.SchemaVersion != 3 || string(got.Payload) != `{"by":"Ama"}` {
		t.Errorf("encoded as %s v%d %s", got.Type, got.SchemaVersion, got.Payload)
	}
	for version := 1; version <= 3; version++ {
		back, err := c.Decode("door.opened", version, got.Payload)
		if err != nil || back != event(opened{By: "Ama"}) {
			t.Errorf("version %d is read as %#v, %v", version, back, err)
		}
	}
}

// What a newer build wrote is named, so that the caller can say so; no part of
// it is guessed.
func TestDecodeOfWhatIsNewer(t *testing.T) {
	t.Parallel()
	c := setup()
	for _, newer := range []codec.NewerError{
		{Type: "door.opened", SchemaVersion: 4},
		{Type: "door.painted", SchemaVersion: 1},
		{Type: "", SchemaVersion: 1},
	} {
		e, err := c.Decode(newer.Type, newer.SchemaVersion, json.RawMessage(`{}`))
		var got *codec.NewerError
		if e != nil || !errors.As(err, &got) || *got != newer {
			t.Errorf("%s v%d gives %v, %v", newer.Type, newer.SchemaVersion, e, err)
		}
	}
	err := &codec.NewerError{Type: "door.painted", SchemaVersion: 2}
	if want := "event door.painted (schema version 2) is newer than this build"; err.Error() != want {
		t.Errorf("it says %q", err)
	}
}

func TestDecodeOfWhatIsBroken(t *testing.T) {
	t.Parallel()
	c := setup()
	for _, payload := range []string{``, `{`, `[]`, `{"by":1}`, `"by"`, `{} {}`} {
		e, err := c.Decode("door.opened", 1, json.RawMessage(payload))
		if err == nil || e != nil || !strings.Contains(err.Error(), "door.opened") {
			t.Errorf("%q gives %v, %v", payload, e, err)
		}
		if errors.As(err, new(*codec.NewerError)) {
			t.Errorf("%q counts as newer", payload)
		}
	}
}

func TestNamesAreSorted(t *testing.T) {
	t.Parallel()
	if got := setup().Names(); !slices.Equal(got, []string{"door.closed", "door.opened"}) {
		t.Errorf("the names are %v", got)
	}
}

func TestMistakesInTheProgram(t *testing.T) {
	t.Parallel()
	for name, mistake := range map[string]func(){
		"a type that is defined twice": func() {
			codec.New(
				codec.Define("door.opened", 1, func(e opened) event { return e }),
				codec.Define("door.opened", 2, func(e opened) event { return e }),
			)
		},
		"an event that is not defined":      func() { setup().Encode(forgotten{}) },
		"an event that JSON does not allow": func() { setup().Encode(closed{Broken: make(chan int)}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s goes unnoticed", name)
				}
			}()
			mistake()
		}()
	}
}
