package simulator

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"

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

// page is what the bank's page shows.
type page struct {
	Title   string
	Lead    string
	Mark    string // good, bad or quiet: the colour of an outcome
	Ask     bool   // show the two buttons
	Amount  string
	Card    string
	Back    string // where "Back to the shop" leads; "": nowhere
	Refresh bool   // go there by itself after a while
	Style   template.CSS
}

var (
	unknownPage = page{Title: "Page not found", Mark: "quiet",
		Lead: "There is no payment to approve at this address. Go back to the shop and start again."}
	brokenPage = page{Title: "Something went wrong", Mark: "bad",
		Lead: "Your decision could not be taken. Please try again in a moment."}
)

// pageOf returns what a customer is shown of an operation with a challenge.
func pageOf(o operation) page {
	p := page{
		Amount: money.Format(o.Amount, o.Currency), Card: displayCard(o),
		Back: o.ReturnURL, Refresh: true, Mark: "quiet",
	}
	switch o.Status {
	case acquirers.StatusActionRequired:
		p.Title, p.Lead = "Approve this payment?", "A shop asks your bank for a payment. Approve it only if you have just made it."
		p.Ask, p.Back, p.Refresh, p.Mark = true, "", false, ""
		if o.Amount == 0 {
			p.Title, p.Lead = "Confirm your card?", "A shop asks your bank whether this card is yours. Nothing is charged."
		}
	case acquirers.StatusApproved:
		p.Title, p.Lead, p.Mark = "You approved this payment", "There is nothing more to do here.", "good"
	case acquirers.StatusDeclined:
		p.Title, p.Lead, p.Mark = "You refused this payment", "Nothing was charged.", "bad"
	case acquirers.StatusClosed, acquirers.StatusPending:
		p.Title, p.Lead = "This request has ended", "The shop no longer waits for your decision. Nothing was charged."
	}
	return p
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

func displayCard(o operation) string {
	if o.Last4 == "" {
		return ""
	}
	return o.Scheme + " •••• " + o.Last4
}
