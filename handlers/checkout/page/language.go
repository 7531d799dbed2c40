package page

import (
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// acceptedMax bounds what is read of an Accept-Language header.
const acceptedMax = 500 // bytes

// Language is the locale of a page: the merchant's, if there are texts in its
// language, else the first of an Accept-Language header that there are texts in, else
// English. It is a BCP 47 tag of language, script and region.
func Language(merchants, accepted string) string {
	if tag, ok := spoken(merchants); ok {
		return tag
	}
	if len(accepted) <= acceptedMax {
		tags, _, _ := language.ParseAcceptLanguage(accepted) // in the order of wish; none if it is no such header
		for _, t := range tags {
			if tag, ok := spoken(t.String()); ok {
				return tag
			}
		}
	}
	return defaultLanguage
}

// spoken reduces a tag to language, script and region, if there are texts in it.
func spoken(tag string) (string, bool) {
	parsed, err := language.Parse(tag)
	if err != nil {
		return "", false
	}
	base, script, region := parsed.Raw()
	if _, ok := catalogues[base.String()]; !ok {
		return "", false
	}
	reduced, err := language.Compose(base, script, region)
	if err != nil {
		return "", false
	}
	return strings.ReplaceAll(strings.ReplaceAll(reduced.String(), "-Zzzz", ""), "-ZZ", ""), true
}

// nearest chooses what there is for a BCP 47 tag: for the tag itself, or for what
// remains of it when subtags are cut off from the right, or what is chosen otherwise.
// The keys are in lower case.
func nearest[T any](all map[string]T, tag, otherwise string) T {
	tag = strings.ToLower(strings.ReplaceAll(tag, "_", "-"))
	for tag != "" {
		if one, ok := all[tag]; ok {
			return one
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	return all[otherwise]
}

// Language is that of the texts, which may not be the wanted one, with the region for
// which amounts and dates are written.
func (s shown) Language() string {
	if tag, ok := spoken(s.Lang); ok && nearest(catalogues, tag, "").lang == s.texts.lang {
		return tag
	}
	return s.texts.lang
}

// Amount is the amount as the page's readers write it.
func (s shown) Amount() string { return formatAmount(s.View.Amount, s.Currency, s.Language()) }

// Plural is the text for a number of things, in the form that the language has for it.
func (s shown) Plural(key string, n int) (string, error) {
	form, ok := pluralForms[plural.Cardinal.MatchPlural(language.Make(s.texts.lang), n, 0, 0, 0, 0)]
	if full := key + "." + form; ok && s.texts.has(full) {
		key = full
	} else {
		key += ".other"
	}
	return s.T(key, "count", strconv.Itoa(n))
}

// pluralForms are the endings of the texts that go with a number, as CLDR names them.
var pluralForms = map[plural.Form]string{
	plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
}

// Time is an instant for people, in UTC; the script puts it into their own zone.
func (s shown) Time(t time.Time) (string, error) {
	names, err := s.T("time.months")
	if err != nil {
		return "", err
	}
	months := strings.Split(names, "|")
	if len(months) != 12 {
		return "", errors.AssertionFailedf("the texts in %q name %d months", s.texts.lang, len(months))
	}
	t = t.UTC()
	return s.T("time.layout", "day", t.Format("2"), "month", months[t.Month()-1], "year", t.Format("2006"),
		"hour", t.Format("15"), "minute", t.Format("04"))
}

// Machine is an instant for the script.
func (s shown) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Left is how many seconds are left until an instant, for the script; 0 where nothing
// counts down.
func (s shown) Left(t time.Time) int {
	if s.Now.IsZero() || !t.After(s.Now) {
		return 0
	}
	return int(t.Sub(s.Now).Seconds())
}

// until is an instant that the page counts down to.
type until struct {
	Page shown
	At   time.Time
}

// Until is the instant for its template.
func (s shown) Until(t time.Time) until { return until{s, t} }
