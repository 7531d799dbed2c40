package page

import (
	"embed"
	"encoding/json"
	"io/fs"
	"path"
	"strings"

	"github.com/cockroachdb/errors"
)

// defaultLanguage is spoken where the wanted one has no file.
const defaultLanguage = "en"

//go:embed locales/*.json
var localeFiles embed.FS

// catalogue holds the texts of one language by key. Texts name their parameters
// in braces, for example "Pay {amount}".
type catalogue struct {
	lang  string
	texts map[string]string
}

// text returns the text for key, with each name of pairs replaced by the value
// that follows it.
func (c catalogue) text(key string, pairs ...string) (string, error) {
	s, ok := c.texts[key]
	if !ok {
		return "", errors.Newf("the texts in %q lack %q", c.lang, key)
	}
	if len(pairs) == 0 {
		return s, nil
	}
	replace := make([]string, len(pairs))
	for i, p := range pairs {
		if i%2 == 0 {
			p = "{" + p + "}"
		}
		replace[i] = p
	}
	return strings.NewReplacer(replace...).Replace(s), nil
}

func (c catalogue) has(key string) bool {
	_, ok := c.texts[key]
	return ok
}

// readCatalogues reads every language in dir: one JSON object of texts per file,
// which is named after the language. What a file leaves out, and what is missing
// for a new release, is shown in the default language rather than not at all.
func readCatalogues(files fs.FS, dir string) (map[string]catalogue, error) {
	names, err := fs.Glob(files, dir+"/*.json")
	if err != nil {
		return nil, errors.Wrap(err, "listing the texts")
	}
	all := make(map[string]catalogue, len(names))
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, errors.Wrapf(err, "reading %s", name)
		}
		c := catalogue{lang: strings.TrimSuffix(path.Base(name), ".json")}
		if err := json.Unmarshal(raw, &c.texts); err != nil {
			return nil, errors.Wrapf(err, "reading %s", name)
		}
		all[strings.ToLower(c.lang)] = c
	}
	base, ok := all[defaultLanguage]
	if !ok {
		return nil, errors.AssertionFailedf("there are no texts in %q", defaultLanguage)
	}
	for _, c := range all {
		for key, text := range base.texts {
			if !c.has(key) {
				c.texts[key] = text
			}
		}
	}
	return all, nil
}
