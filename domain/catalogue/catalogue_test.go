package catalogue_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"tender/domain/catalogue"
	"tender/domain/codec"
)

// golden is one golden file of some aggregate.
type golden struct {
	path    string
	name    string // of the event type
	version int
	payload []byte
}

var goldenName = regexp.MustCompile(`^([a-z_]+\.[a-z_]+)\.v([1-9][0-9]*)\.json$`)

// goldens returns every golden file of an event, of every aggregate.
func goldens(t testing.TB) []golden {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "*", "testdata", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	for _, path := range paths {
		parts := goldenName.FindStringSubmatch(filepath.Base(path))
		if parts == nil {
			continue
		}
		version, err := strconv.Atoi(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		payload, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, golden{path: path, name: parts[1], version: version, payload: bytes.TrimSuffix(payload, []byte("\n"))})
	}
	return all
}

func TestEveryEventHasAGoldenFile(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, g := range goldens(t) {
		have[fmt.Sprintf("%s.v%d", g.name, g.version)] = true
		if !slices.Contains(catalogue.Names(), g.name) {
			t.Errorf("%s is the golden file of an event that this build can't read", g.path)
		}
	}
	for _, name := range catalogue.Names() {
		// A type is known at its first version and at all after it.
		for version := 1; known(name, version); version++ {
			if file := fmt.Sprintf("%s.v%d", name, version); !have[file] {
				t.Errorf("there is no golden file %s.json", file)
			}
		}
	}
}

func known(name string, version int) bool {
	_, err := catalogue.Decode(name, version, []byte(`{}`))
	return !errors.As(err, new(*codec.NewerError))
}

// The catalogue finds every aggregate's codec, and the codec the event.
func TestEveryGoldenFileIsRead(t *testing.T) {
	t.Parallel()
	for _, g := range goldens(t) {
		e, err := catalogue.Decode(g.name, g.version, g.payload)
		if err != nil || e.Type() != g.name {
			t.Errorf("%s is read as %#v, %v", g.path, e, err)
		}
		if v := reflect.ValueOf(e); v.IsValid() && v.NumField() > 0 && v.IsZero() {
			t.Errorf("%s is read as nothing", g.path)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	names := catalogue.Names()
	aggregates := map[string]bool{}
	for _, name := range names {
		aggregate, _, _ := bytes.Cut([]byte(name), []byte("."))
		aggregates[string(aggregate)] = true
	}
	for _, aggregate := range []string{"session", "payment", "merchant", "webhook", "staff"} {
		if !aggregates[aggregate] {
			t.Errorf("no event of %s is listed", aggregate)
		}
	}
	sorted := slices.Sorted(slices.Values(names))
	if twice := len(slices.Compact(sorted)); twice != len(names) {
		t.Errorf("%d of %d names are different", twice, len(names))
	}
}

func TestDecodeOfWhatIsNewer(t *testing.T) {
	t.Parallel()
	newer := []codec.NewerError{
		{Type: "", SchemaVersion: 1},
		{Type: "payment", SchemaVersion: 1},
		{Type: "payment.", SchemaVersion: 1},
		{Type: "payment.guessed", SchemaVersion: 1},
		{Type: "dispute.created", SchemaVersion: 1},
		{Type: "Payment.captured", SchemaVersion: 1},
	}
	for _, name := range catalogue.Names() {
		newer = append(newer, codec.NewerError{Type: name, SchemaVersion: 1000})
	}
	for _, want := range newer {
		e, err := catalogue.Decode(want.Type, want.SchemaVersion, []byte(`{}`))
		var got *codec.NewerError
		if e != nil || !errors.As(err, &got) || *got != want {
			t.Errorf("%s v%d gives %v, %v", want.Type, want.SchemaVersion, e, err)
		}
	}
}

// What can't be read is no event at all, not even an empty one.
func TestDecodeOfWhatIsBroken(t *testing.T) {
	t.Parallel()
	for _, name := range catalogue.Names() {
		if e, err := catalogue.Decode(name, 1, []byte(`{"`)); err == nil || e != nil {
			t.Errorf("a broken %s gives %v, %v", name, e, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.name, g.version, g.payload)
	}
	f.Add("mandate.created", 1, []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := catalogue.Decode(name, version, payload)
		if (e == nil) != (err != nil) {
			t.Fatalf("%s v%d gives %v, %v", name, version, e, err)
		}
		if err == nil && e.Type() != name {
			t.Fatalf("%s is read as %s", name, e.Type())
		}
	})
}
