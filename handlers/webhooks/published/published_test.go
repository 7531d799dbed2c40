package published

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/jsonschema/v6"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tender/domain/catalogue"
	"tender/domain/webhook"
	"tender/handlers/webhooks"
)

const root = "../../.."

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const remedy = "run go generate ./handlers/webhooks/published"

func TestWhatIsPublishedIsWhatTheCodeDoes(t *testing.T) {
	t.Parallel()
	want, err := files()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(root, catalogueDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if want[e.Name()] == nil {
			t.Errorf("%s/%s describes nothing that is sent", catalogueDir, e.Name())
		}
	}
	for name, b := range want {
		if committed := read(t, catalogueDir, name); !bytes.Equal(committed, b) {
			t.Errorf("%s/%s is not what the code does: %s", catalogueDir, name, remedy)
		}
	}
	document := string(read(t, documentPath))
	if text, err := withTables(document); err != nil || text != document {
		t.Errorf("the tables of %s are not what the code does: %s (%v)", documentPath, remedy, err)
	}
}

func TestNothingThatReceiversRelyOnGoes(t *testing.T) {
	t.Parallel()
	sentences, err := broken(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sentences {
		t.Error(s)
	}
}

// A published type that the code no longer knows is missed, and the generator
// writes nothing then.
func TestTheGeneratorRefusesToBreak(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gone, other := filepath.Join(dir, catalogueDir, "payment.settled"+schemaSuffix), filepath.Join(dir, catalogueDir, "payment.paid_out.json")
	was := bodyOf(webhook.PaymentCaptured)
	was.Properties["data"].Properties["fee"] = integer()
	b, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(gone), 0o755); err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(dir, catalogueDir, webhook.PaymentCaptured+schemaSuffix)
	for path, content := range map[string][]byte{gone: []byte(`{}`), changed: b, other: []byte("not a schema's name")} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err = Generate(dir)
	if err == nil || !strings.Contains(err.Error(), "payment.settled would be gone.") ||
		!strings.Contains(err.Error(), "payment.captured: data/fee would be gone.") {
		t.Errorf("it says %v", err)
	}
	if after, _ := os.ReadFile(changed); !bytes.Equal(after, b) {
		t.Error("the schema was written over")
	}
}

func compile(t *testing.T, name string, schema []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func fits(t *testing.T, s *jsonschema.Schema, body []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestExamplesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	var named []string
	for _, e := range examples() {
		s := compile(t, e.told+schemaSuffix, read(t, catalogueDir, e.told+schemaSuffix))
		g, err := e.render()
		if err != nil {
			t.Fatal(err)
		}
		if err := fits(t, s, []byte(g.Body)); err != nil {
			t.Errorf("the example %s does not fit its schema: %v", e.name, err)
		}
		if e.name != e.told {
			continue
		}
		named = append(named, e.name)
		if err := fits(t, s, read(t, catalogueDir, e.told+exampleSuffix)); err != nil {
			t.Errorf("the published example %s does not fit its schema: %v", e.name, err)
		}
		manners := []string{
			strings.Replace(g.Body, `"mode":"test"`, `"mode":"tset"`, 1),
			strings.Replace(g.Body, `"type":"`+e.told, `"type":"another`, 1),
			strings.Replace(strings.Replace(g.Body, `"data":{`, `"data":{"unheard_of":1,`, 1), ",}", "}", 1),
			strings.Replace(g.Body, `"timestamp":"`, `"timestamp":"on `, 1),
		}
		if e.told != webhook.TestType {
			manners = append(manners, strings.Replace(g.Body, `"version":`, `"edition":`, 1))
		}
		for _, wrong := range manners {
			if wrong == g.Body || fits(t, s, []byte(wrong)) == nil {
				t.Errorf("the schema of %s lets this through: %s", e.told, wrong)
			}
		}
	}
	want := sent()
	slices.Sort(want)
	slices.Sort(named)
	if !slices.Equal(named, want) {
		t.Errorf("examples are there of\n%q\nnot of\n%q", named, want)
	}
}

// Whatever it tells of, a message is one that the official library of Standard
// Webhooks verifies, and another body under its headers is none.
func TestTheOfficialLibraryVerifiesEveryType(t *testing.T) {
	t.Parallel()
	secret := webhooks.NewSecret()
	official, err := standardwebhooks.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	verified := map[string]bool{}
	for _, e := range examples() {
		message, err := webhooks.Render(exampleMode, e.events)
		if err != nil {
			t.Fatal(err)
		}
		headers := webhooks.Sign(message.ID, time.Now(), message.Body, secret)
		if err := official.Verify(message.Body, headers); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
		if official.Verify(append(message.Body, ' '), headers) == nil {
			t.Errorf("%s is verified with another body", e.name)
		}
		verified[message.Type] = true
	}
	for _, name := range sent() {
		if !verified[name] {
			t.Errorf("no %s was verified", name)
		}
	}
}

// What was sent once is sent again with the same bytes, out of what the log holds.
func TestBodiesKeepTheirBytes(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]golden{}
	for _, entry := range entries {
		var g golden
		if err := json.Unmarshal(read(t, goldenDir, entry.Name()), &g); err != nil {
			t.Fatal(err)
		}
		kept[entry.Name()] = g
		if again, err := g.again(); err != nil || string(again) != g.Body {
			t.Errorf("%s is sent again as\n%s\nnot as\n%s\n%v", entry.Name(), again, g.Body, err)
		}
	}
	for _, e := range examples() {
		g, err := e.render()
		if err != nil {
			t.Fatal(err)
		}
		was, ok := kept[e.fileName()]
		if !ok {
			t.Errorf("%s is not kept: %s", e.fileName(), remedy)
			continue
		}
		if was.Body != g.Body {
			t.Errorf("the example %s is sent as\n%s\nnot as\n%s", e.name, g.Body, was.Body)
		}
	}
}

// Every event of the log is in the table, and every public one comes from somewhere.
func TestEveryEventIsInTheTable(t *testing.T) {
	t.Parallel()
	all, err := tellings()
	if err != nil {
		t.Fatal(err)
	}
	var logged, told []string
	for _, row := range all {
		logged = append(logged, row.logged)
		if row.told != "" {
			told = append(told, row.told)
		}
		if row.told == webhook.PaymentFailed && row != (telling{"payment.attempt_failed", "payment.failed", "`final` is `true`"}) {
			t.Errorf("payment.failed is told where %+v", row)
		}
	}
	for _, name := range catalogue.Names() {
		if !slices.Contains(logged, name) {
			t.Errorf("%s is not in the table", name)
		}
	}
	for _, name := range webhook.Types() {
		if !slices.Contains(told, name) {
			t.Errorf("nothing is told as %s", name)
		}
	}
	if slices.Index(told, webhook.PaymentFailed) < 0 {
		t.Error("the condition on a final failure was not found out")
	}
}
