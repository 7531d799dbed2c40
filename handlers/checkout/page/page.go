// Package page renders the hosted checkout page: HTML for every state that a
// payment session can show to a customer.
//
// It works without JavaScript, loads nothing but the merchant's logo from its own
// origin (style and script are in the page, under a nonce), and is the same page for phone and desktop. It refuses to know
// what a session is: it shows a [View], and decides nothing about money. A card's
// number and security code never pass through it; forms send them elsewhere.
package page

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/domain/merchant"
	"tender/domain/method"
)

// Limits of what a page does by itself.
const (
	leadOnSeconds   = 5 // before an end page leads back to the merchant
	refreshSeconds  = 5 // between two looks at an outstanding outcome, without JavaScript
	attemptsLeftFew = 3 // from here on the customer is told
)

// ErrUnsafeURL marks an address in a View that must not stand in a page.
var ErrUnsafeURL = errors.New("address is not fit for a page")

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/checkout.css
var css string

// templateOf names the file that makes the content of each state's page.
var templateOf = map[State]string{
	StateForm:        "pay.html",
	StateDeclined:    "pay.html",
	StateRedirecting: "redirecting.html",
	StateApproving:   "approving.html",
	StateProcessing:  "processing.html",
	StateSucceeded:   "succeeded.html",
	StateExpired:     "ended.html",
	StateCancelled:   "ended.html",
	StateFailed:      "ended.html",
	StateNotFound:    "ended.html",
	StateProblem:     "problem.html",
}

// What is embedded is read once; it can't fail at run time without having failed
// in every test.
var (
	catalogues = must(readCatalogues(localeFiles, "locales"))
	templates  = must(parseTemplates())
	schemes    = must(schemeTable(method.Ranges()))
	script     = must(readScript(scriptFiles, "assets/script"))
	marks      = must(readMarks(markFiles, "marks"))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func parseTemplates() (map[string]*template.Template, error) {
	layout, err := template.New("layout.html").Option("missingkey=error").
		ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/fields.html")
	if err != nil {
		return nil, errors.Wrap(err, "parsing the layout")
	}
	all := make(map[string]*template.Template)
	for _, name := range templateOf {
		t, err := layout.Clone()
		if err != nil {
			return nil, errors.Wrap(err, "copying the layout")
		}
		if all[name], err = t.ParseFS(templateFiles, "templates/"+name); err != nil {
			return nil, errors.Wrapf(err, "parsing %s", name)
		}
	}
	return all, nil
}

// schemeTable is the card ranges for the script: [scheme, from, to, lengths, CVC
// digits] each, so that page and engine know cards by one table.
func schemeTable(ranges []method.Range) (string, error) {
	rows := make([][]any, len(ranges))
	for i, r := range ranges {
		rows[i] = []any{schemeName(string(r.Scheme)), r.From, r.To, r.Lengths, r.CVC}
	}
	raw, err := json.Marshal(rows)
	return string(raw), errors.Wrap(err, "encoding the card ranges")
}

// Render writes the page that v asks for. Nothing is written if it can't be
// made; an address that must not stand in a page is ErrUnsafeURL.
func Render(w io.Writer, v View) error {
	if err := checkURLs(v); err != nil {
		return err
	}
	name, ok := templateOf[v.State]
	if !ok {
		return errors.AssertionFailedf("no page for state %q", v.State)
	}
	var b bytes.Buffer
	if err := templates[name].Execute(&b, shown{View: v, texts: nearest(catalogues, v.Lang, defaultLanguage)}); err != nil {
		return errors.Wrapf(err, "rendering page %s", v.State)
	}
	_, err := b.WriteTo(w)
	return errors.Wrap(err, "writing the page")
}

// appScheme is a merchant's own app; see the contract of return_url.
var appScheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]{1,30}$`)

// dangerous schemes do something in the browser itself.
var dangerous = map[string]bool{
	"javascript": true, "data": true, "vbscript": true, "file": true, "blob": true, "about": true, "intent": true,
}

func checkURLs(v View) error {
	for _, own := range []string{v.PageURL, v.PayURL, v.CancelURL, v.StateURL, v.Logo.URL} {
		if own != "" && (own[0] != '/' || strings.HasPrefix(own, "//") || strings.Contains(own, `\`)) {
			return errors.Wrap(ErrUnsafeURL, "an address of ours is no path")
		}
	}
	if v.SupportURL != "" && !merchant.SupportURLGood(v.SupportURL) {
		return errors.Wrap(ErrUnsafeURL, "the support address")
	}
	for _, abroad := range []struct {
		url, what string
		app       bool
	}{{v.NextURL, "the next action's address", false}, {v.ReturnURL, "the return address", true}} {
		if abroad.url == "" {
			continue
		}
		u, err := url.Parse(abroad.url)
		if err != nil {
			return errors.Wrap(ErrUnsafeURL, abroad.what)
		}
		web := u.Scheme == "https" || u.Scheme == "http"
		app := abroad.app && appScheme.MatchString(u.Scheme) && !dangerous[u.Scheme]
		if !web && !app {
			return errors.Wrap(ErrUnsafeURL, abroad.what)
		}
	}
	return nil
}

// shown is a View with what the templates ask about it.
type shown struct {
	View
	texts catalogue
}

// Price is the amount, or "" where nothing is charged.
func (s shown) Price() string {
	if s.Verifies {
		return ""
	}
	return s.Amount()
}

// CSS and Script are ours, embedded, and go into the page as they are.
func (s shown) CSS() template.CSS   { return template.CSS(css) }   //nolint:gosec // our own file
func (s shown) Script() template.JS { return template.JS(script) } //nolint:gosec // our own file

// Schemes is the table of card ranges for the script.
func (s shown) Schemes() string { return schemes }

// Back, Next and Support are marked safe because checkURLs has seen them: the
// template knows no app schemes, and no telephones.
func (s shown) Back() template.URL { return template.URL(s.ReturnURL) } //nolint:gosec // checked
func (s shown) Next() template.URL { return template.URL(s.NextURL) }   //nolint:gosec // checked

func (s shown) Support() template.URL { return template.URL(s.SupportURL) } //nolint:gosec // checked

// SupportOpens reports whether the support address is a page, which is opened beside
// this one, so that what was typed here stays.
func (s shown) SupportOpens() bool { return strings.HasPrefix(s.SupportURL, "https:") }

// Stay is the address of this page that does not lead on.
func (s shown) Stay() string { return s.PageURL + "?" + StayParam + "=1" }

func (s shown) LeadOnSeconds() string  { return strconv.Itoa(leadOnSeconds) }
func (s shown) RefreshSeconds() string { return strconv.Itoa(refreshSeconds) }

// Asks reports whether the page asks for a card.
func (s shown) Asks() bool { return s.State == StateForm || s.State == StateDeclined }

// Waits reports whether the page waits for what happens elsewhere.
func (s shown) Waits() bool { return s.State == StateProcessing || s.State == StateApproving }

// LeadsBack reports whether this page goes back to the merchant by itself.
func (s shown) LeadsBack() bool {
	ended := s.State == StateSucceeded || s.State == StateExpired || s.State == StateCancelled || s.State == StateFailed
	return s.LeadOn && ended && s.ReturnURL != "" && s.PageURL != ""
}

// Initial stands for the merchant where a logo would.
func (s shown) Initial() string {
	for _, r := range s.Merchant {
		return strings.ToUpper(string(r))
	}
	return ""
}
