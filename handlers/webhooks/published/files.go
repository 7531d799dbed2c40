package published

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/errors"
)

// Where things lie below the repository's root.
const (
	documentPath  = "docs/events.md"
	catalogueDir  = "docs/events"
	goldenDir     = "handlers/webhooks/published/testdata"
	subscriptions = "endpoint_events.schema.json"
)

// schemas are all that are published, by the names of their files.
func schemas() map[string]*Schema {
	all := map[string]*Schema{subscriptions: subscribable()}
	for _, t := range sent() {
		all[t+schemaSuffix] = bodyOf(t)
	}
	return all
}

const (
	schemaSuffix  = ".schema.json"
	exampleSuffix = ".example.json"
)

func directionOf(name string) Direction {
	if name == subscriptions {
		return Asked
	}
	return Sent
}

// files are the catalogue as it should lie in docs/events, by the files' names.
func files() (map[string][]byte, error) {
	all := map[string][]byte{}
	for name, s := range schemas() {
		b, err := written(s)
		if err != nil {
			return nil, err
		}
		all[name] = b
	}
	for _, e := range examples() {
		if e.name != e.told {
			continue // another case of the same type
		}
		g, err := e.render()
		if err != nil {
			return nil, err
		}
		b, err := written(json.RawMessage(g.Body))
		if err != nil {
			return nil, err
		}
		all[e.told+exampleSuffix] = b
	}
	return all, nil
}

// written is JSON for people.
func written(v any) ([]byte, error) {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	w.SetIndent("", "  ")
	err := w.Encode(v)
	return b.Bytes(), errors.Wrap(err, "write JSON")
}

// broken compares what is published below root with what would be, and says what
// receivers would miss.
func broken(root string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(root, catalogueDir, "*"+schemaSuffix))
	if err != nil {
		return nil, errors.Wrap(err, "list the published schemas")
	}
	var sentences []string
	next := schemas()
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, errors.Wrap(err, "read a published schema")
		}
		name := filepath.Base(path)
		var was Schema
		if err := json.Unmarshal(b, &was); err != nil {
			return nil, errors.Wrapf(err, "read %s", name)
		}
		if next[name] == nil {
			sentences = append(sentences, strings.TrimSuffix(name, schemaSuffix)+" would be gone.")
			continue
		}
		for _, s := range Breaks(&was, next[name], directionOf(name)) {
			sentences = append(sentences, strings.TrimSuffix(name, schemaSuffix)+": "+s)
		}
	}
	return sentences, nil
}

// Generate writes the catalogue below the repository's root. It refuses, and writes
// nothing, where that would break a schema that is published. Golden bytes that are
// there are never written again.
func Generate(root string) error {
	sentences, err := broken(root)
	if err != nil {
		return err
	}
	if len(sentences) > 0 {
		return errors.Newf("receivers rely on what is published:\n%s", strings.Join(sentences, "\n"))
	}
	all, err := files()
	if err != nil {
		return err
	}
	for name, b := range all {
		if err := write(filepath.Join(root, catalogueDir, name), b); err != nil {
			return err
		}
	}
	document, err := os.ReadFile(filepath.Join(root, documentPath))
	if err != nil {
		return errors.Wrap(err, "read the document")
	}
	text, err := withTables(string(document))
	if err != nil {
		return err
	}
	if err := write(filepath.Join(root, documentPath), []byte(text)); err != nil {
		return err
	}
	return generateGolden(root)
}

func generateGolden(root string) error {
	for _, e := range examples() {
		path := filepath.Join(root, goldenDir, e.fileName())
		if _, err := os.Stat(path); err == nil {
			continue
		}
		g, err := e.render()
		if err != nil {
			return err
		}
		b, err := written(g)
		if err != nil {
			return err
		}
		if err := write(path, b); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return errors.Wrap(err, "write the catalogue")
	}
	return errors.Wrap(os.WriteFile(path, b, 0o644), "write the catalogue")
}
