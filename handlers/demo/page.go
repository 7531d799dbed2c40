package demo

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/demo.css
var css string

//go:embed assets/demo.js
var script string

// pages are parsed once; a template that is broken fails every test.
var pages = map[string]*template.Template{
	"shelf": parsePage("shelf.html"), "order": parsePage("order.html"), "lost": parsePage("lost.html"),
}

// icons are the drawings of what is on the shelf.
var icons = template.Must(template.ParseFS(templateFiles, "templates/icons.html"))

func parsePage(name string) *template.Template {
	t := template.New("layout.html").Option("missingkey=error").Funcs(template.FuncMap{
		"day": day, "clock": clockTime, "docs": docsPath, "icon": icon, "prose": prose,
	})
	return template.Must(t.ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+name))
}

func icon(flow string) (template.HTML, error) {
	var b bytes.Buffer
	err := icons.ExecuteTemplate(&b, "icon-"+flow, nil)
	return template.HTML(b.String()), errors.Wrap(err, "draw an icon") //nolint:gosec // a template of ours, without data
}

// shopZone is the shop's time zone, South Africa's: it has no summer time.
var shopZone = time.FixedZone("SAST", 2*60*60)

// prose takes a sentence apart at its backticks: what they enclose is code.
func prose(text string) []token {
	var all []token
	for i, part := range strings.Split(text, "`") {
		kind := tokenPlain
		if i%2 == 1 {
			kind = tokenName
		}
		all = append(all, token{kind, part})
	}
	return all
}

// day is a date as people in the shop write it.
func day(t time.Time) string { return t.In(shopZone).Format("2 Jan 2006") }

// clockTime is a moment of today. The script puts it into the reader's own zone.
func clockTime(t time.Time) string { return t.UTC().Format("15:04:05.000") }

// docsPath is where the API's description explains an operation.
func docsPath(operation string) string { return "/docs#" + operation }

// shell is what every page of the shop has.
type shell struct {
	Title    string
	Nonce    string
	Opened   string // by whom: pages of a shop before a restart begin anew
	Revision int
	Live     bool // the page changes while somebody looks at it
}

// CSS and Script are ours, embedded, and go into the page as they are.
func (shell) CSS() template.CSS   { return template.CSS(css) }   //nolint:gosec // our own file
func (shell) Script() template.JS { return template.JS(script) } //nolint:gosec // our own file

// Shop is where the shop begins.
func (shell) Shop() string { return Path }

// shelf shows what there is to buy, and what was bought lately.
func (s *Shop) shelf(w http.ResponseWriter, r *http.Request) {
	s.recall(r.Context())
	s.mu.Lock()
	v := s.shelfView()
	s.mu.Unlock()
	s.render(w, r, http.StatusOK, "shelf", &v.shell, &v)
}

// show shows one order. A customer who comes back from the checkout comes here, with
// the session's id: then the shop asks what has become of it, whatever the address
// says.
func (s *Shop) show(w http.ResponseWriter, r *http.Request) {
	o := s.find(r.Context(), r.PathValue("ref"))
	if o == nil {
		s.missing(w, r)
		return
	}
	if sessionID := r.URL.Query().Get("session_id"); sessionID != "" {
		s.welcome(r, o, sessionID)
		http.Redirect(w, r, o.path(), http.StatusSeeOther)
		return
	}
	s.mu.Lock()
	v := s.orderView(o)
	s.mu.Unlock()
	s.render(w, r, http.StatusOK, "order", &v.shell, &v)
}

// welcome takes in a customer who comes back: an id that isn't one of the order's
// is nothing to ask about.
func (s *Shop) welcome(r *http.Request, o *order, sessionID string) {
	s.mu.Lock()
	_, ours := o.sessions[sessionID]
	s.mu.Unlock()
	if !ours {
		return
	}
	s.note(o, "The customer comes back from the checkout")
	err := s.do(r.Context(), o, call{
		says: "Ask what became of the session", operation: "getPaymentSession", method: http.MethodGet, path: "/collect/payment_sessions/" + sessionID,
	}, nil)
	s.mu.Lock()
	paymentID := o.sessions[sessionID].value.PaymentID
	_, known := o.payments[paymentID]
	s.mu.Unlock()
	if err != nil || paymentID == "" || known {
		return
	}
	_ = s.do(r.Context(), o, call{ // without it the page says a little less
		says: "Read its payment", operation: "getPayment", method: http.MethodGet, path: "/collect/payments/" + paymentID,
	}, nil)
}

// missing answers where there is nothing.
func (s *Shop) missing(w http.ResponseWriter, r *http.Request) {
	s.lost(w, r, http.StatusNotFound, "There is nothing here", "The order may be from before the data directory was emptied.")
}

// broken answers where Tender did not do what the shop needs.
func (s *Shop) broken(w http.ResponseWriter, r *http.Request, err error) {
	s.Log.WarnContext(r.Context(), "the demo shop can't go on", "error", err)
	s.lost(w, r, http.StatusBadGateway, "The shop can’t go on", err.Error())
}

// lostView is a page without anything to do.
type lostView struct {
	shell
	Says string
}

func (s *Shop) lost(w http.ResponseWriter, r *http.Request, status int, title, says string) {
	v := lostView{shell{Title: title}, says}
	s.render(w, r, status, "lost", &v.shell, &v)
}

// render answers with a page.
func (s *Shop) render(w http.ResponseWriter, r *http.Request, status int, name string, shell *shell, view any) {
	shell.Nonce = rand.Text()
	var b bytes.Buffer
	if err := pages[name].Execute(&b, view); err != nil {
		s.Log.ErrorContext(r.Context(), "a page of the demo shop is broken", "error", errors.Wrap(err, name))
		http.Error(w, "The page is broken.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+shell.Nonce+"'; script-src 'nonce-"+shell.Nonce+"'; "+
		"img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin") // the checks of forms read the origin
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}
