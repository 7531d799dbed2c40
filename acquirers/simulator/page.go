package simulator

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"tender/acquirers"
	"tender/domain/money"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// pageStyle is the one style that the page may have, by its hash.
var pageStyle = func() string {
	digest := sha256.Sum256([]byte(pageCSS))
	return "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
}()

// page is what the customer's page shows: that of their bank, or their telephone.
type page struct {
	House   string // whose page it is
	Crest   string // its initials
	Tag     string // what it is about
	Look    string // phone: like one; "": like a bank's page
	Title   string
	Lead    string
	Mark    string // good, bad or quiet: the colour of an outcome
	Ask     bool   // show the two buttons
	Amount  string
	Rows    []row
	Back    string // where "Back to the shop" leads; "": nowhere
	Refresh bool   // go there by itself after a while
	Footer  string
	Style   template.CSS

	Accounts []account // to choose from; which one makes no difference
}

// row is a line below the amount.
type row struct{ Term, Is string }

// account is one that a bank's customer has.
type account struct{ Name, Number string }

var accounts = []account{
	{"Everyday account", "•••• 4021"},
	{"Savings account", "•••• 7788"},
}

// testBank is whose page it is where no bank was named.
const testBank = "Test Bank"

const footer = "This bank is part of a test. No money moves."

var (
	unknownPage = page{House: testBank, Crest: "TB", Footer: footer, Title: "Page not found", Mark: "quiet",
		Lead: "There is no payment to approve at this address. Go back to the shop and start again."}
	brokenPage = page{House: testBank, Crest: "TB", Footer: footer, Title: "Something went wrong", Mark: "bad",
		Lead: "Your decision could not be taken. Please try again in a moment."}
)

// pageOf returns what a customer is shown of an operation that they decide on.
func pageOf(o operation) page {
	p := page{
		House: testBank, Crest: "TB", Tag: "3-D Secure", Footer: footer,
		Amount: money.Format(o.Amount, o.Currency), Back: o.ReturnURL, Refresh: true, Mark: "quiet",
	}
	switch o.flow() {
	case flowRedirect:
		p.ofBank(o)
	case flowPush:
		p.ofPhone(o)
	default:
		if o.Last4 != "" {
			p.Rows = []row{{"Card", o.Scheme + " " + masked(o.Last4)}}
		}
	}
	if o.asks() {
		p.ask(o)
	} else {
		p.tell(o)
	}
	return p
}

// ofBank makes the page that of the bank which the customer chose. The bank's name
// is all that it has of it.
func (p *page) ofBank(o operation) {
	b, _ := bankOf(o.Bank)
	p.House, p.Tag = b.name, kindOf(o.Account).name
	p.Rows = []row{{"To", payeeOf(o)}, {"Reference", shortReference(o)}}
	if b.character == pays {
		p.Crest = initials(b.name)
		p.Footer = "This page plays the bank in a test. No money moves, and " + b.name + " has no part in it."
	}
}

// ofPhone makes the page the telephone that the customer approves on.
func (p *page) ofPhone(o operation) {
	kind := kindOf(o.Account)
	p.House, p.Crest, p.Tag, p.Look = kind.name, initials(kind.name), "Test telephone", "phone"
	p.Rows = []row{{"To", payeeOf(o)}, {"From", masked(o.Last4)}}
	p.Refresh = false // the shop's page moves on by itself
	p.Footer = "This page plays the customer's telephone in a test. No money moves."
}

// ask puts the question.
func (p *page) ask(o operation) {
	p.Title, p.Lead = "Approve this payment?", "A shop asks your bank for a payment. Approve it only if you have just made it."
	p.Ask, p.Back, p.Refresh, p.Mark = true, "", false, ""
	switch {
	case o.flow() == flowRedirect:
		p.Accounts = accounts
	case o.flow() == flowPush:
		p.Lead = "Approve it only if you have just made it."
	case o.Amount == 0:
		p.Title, p.Lead = "Confirm your card?", "A shop asks your bank whether this card is yours. Nothing is charged."
	}
}

// tell says what has come of it.
func (p *page) tell(o operation) {
	switch {
	case o.Status == acquirers.StatusApproved:
		p.Title, p.Lead, p.Mark = "You approved this payment", "There is nothing more to do here.", "good"
	case o.Status == acquirers.StatusPending && o.Decision == approved:
		p.Title, p.Lead, p.Mark = "You approved this payment", "The shop has not been told yet. There is nothing more to do here.", "good"
	case o.Status == acquirers.StatusPending:
		p.Title, p.Lead, p.Mark = "You refused this payment", "The shop has not been told yet. Nothing was paid.", "bad"
	case o.Status == acquirers.StatusDeclined && o.Decision == approved:
		p.Title, p.Lead, p.Mark = "The payment was declined", "You approved it, and the bank declined it. Nothing was paid.", "bad"
	case o.Status == acquirers.StatusDeclined:
		p.Title, p.Lead, p.Mark = "You refused this payment", "Nothing was charged.", "bad"
	case o.Decision == approved:
		p.Title, p.Lead = "This request has ended", "The shop no longer waits. If money comes all the same, it is sent back."
	default:
		p.Title, p.Lead = "This request has ended", "The shop no longer waits for your decision. Nothing was charged."
	}
}

// writePage renders into memory first, so that a page is whole or not sent.
func (s *Server) writePage(w http.ResponseWriter, r *http.Request, status int, p page) {
	p.Style = template.CSS(pageCSS) //nolint:gosec // embedded, not anybody's input
	var html bytes.Buffer
	if err := pageTemplate.Execute(&html, p); err != nil {
		s.log.ErrorContext(r.Context(), "simulator: the page cannot be rendered", "error", err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	writePageHeaders(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if p.Refresh && p.Back != "" {
		w.Header().Set("Refresh", "5; url="+p.Back)
	}
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes())
}

// writePageHeaders shuts the page off: no script, no frame, no referrer, no
// cache, and nothing loaded from anywhere. There is no form-action on purpose:
// browsers hold every redirect that follows a form to it, and where the shop
// leads its customers after the decision is not ours to know. Nothing that
// anybody sent us becomes markup here, so no form but ours can stand on the page.
func writePageHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src "+pageStyle+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
}

// masked is a number of which only the last four digits are known.
func masked(last4 string) string { return "•••• " + last4 }

func payeeOf(o operation) string {
	if o.Payee == "" {
		return "The shop that you come from"
	}
	return o.Payee
}

// shortReference is what a statement has room for.
func shortReference(o operation) string {
	const shown = 10
	return strings.ToUpper(o.Reference[max(0, len(o.Reference)-shown):])
}

// initials are the first letters of a name's first two words, or its first letter.
func initials(name string) string {
	var all []rune
	for word := range strings.FieldsSeq(name) {
		if first, _ := utf8.DecodeRuneInString(word); len(all) < 2 {
			all = append(all, unicode.ToUpper(first))
		}
	}
	return string(all)
}
