// Package embed brings the checkout into merchants' own pages: it serves embed.js, and
// leads the frame that the script makes to the session which a client token names.
//
// What is shown in the frame, and who may frame it, the checkout says; docs/embedding.md
// says why it is as it is.
package embed

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"tender/domain/id"
	"tender/domain/merchant"
	"tender/handlers/checkout"
	"tender/handlers/checkout/page"
	"tender/handlers/payments"
	"tender/handlers/problem"
	"tender/handlers/token"
)

//go:embed embed.js
var source []byte

// originMark stands in the script for the origin that serves it.
const originMark = `"{{origin}}"`

// digestBytes of the script's hash make its version.
const digestBytes = 8

// Config is what the handler is made of.
type Config struct {
	Modes   map[string]*payments.Service
	Tokens  *token.Signer
	BaseURL string
	Log     *slog.Logger
}

// Server serves the script and the way into the frame.
type Server struct {
	Config
	script  []byte
	version string
}

// New returns the handler.
func New(c Config) *Server {
	origin, err := json.Marshal(originOf(c.BaseURL))
	if err != nil {
		panic(err) // it is a string
	}
	s := &Server{Config: c, script: bytes.Replace(source, []byte(originMark), origin, 1)}
	digest := sha256.Sum256(s.script)
	s.version = hex.EncodeToString(digest[:digestBytes])
	return s
}

func originOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	return u.Scheme + "://" + u.Host
}

// Register makes the handler serve its paths.
func (s *Server) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /embed.js", s.serveScript)
	mux.HandleFunc("GET /embed/{client_token}", s.open)
}

// serveScript serves embed.js to pages of any origin. With its own version in the
// query it may be kept for good; without, browsers ask again after a few minutes, so
// that a mended script arrives.
func (s *Server) serveScript(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=300")
	if r.URL.Query().Get("v") == s.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("ETag", `"`+s.version+`"`)
	h.Set("Access-Control-Allow-Origin", "*") // for the integrity attribute of a script element
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.script))
}

// What a frame is refused for, as the page around it is told.
const (
	refusedToken  = "invalid_token"      // it is none of ours, or of no session
	refusedOrigin = "origin_not_allowed" // the merchant has not allowed the page's
)

// open leads a frame to the checkout of the session that the token names. The token
// gives no more than that: whether the session can still be paid the checkout judges by
// the log, and in whose frame the browser. To whom no frame will be shown is told so
// here, because browsers keep it to themselves.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	parent := r.URL.Query().Get(checkout.ParentParam)
	c, err := s.Tokens.OpenClient(r.PathValue("client_token"))
	service := s.Modes[c.Mode]
	if err != nil || service == nil || !id.Valid(id.Session, c.SessionID) {
		s.refuse(w, r, http.StatusNotFound, refusedToken)
		return
	}
	g := service.Engine
	session := g.Sessions.Ref(c.SessionID)
	if err := g.Refresh(r.Context(), session); err != nil {
		s.fail(w, r, err)
		return
	}
	if !session.Value.Exists() || session.Value.CheckoutID == "" {
		s.refuse(w, r, http.StatusNotFound, refusedToken)
		return
	}
	owner := g.Merchants.Ref(session.MerchantID)
	if err := g.Refresh(r.Context(), owner); err != nil {
		s.fail(w, r, err)
		return
	}
	if parent != "" && !owner.Value.AllowsOrigin(parent) {
		s.refuse(w, r, http.StatusForbidden, refusedOrigin)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", checkout.FramePath(session.Value.CheckoutID, parent))
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.Log.ErrorContext(r.Context(), "an embedded checkout can't be opened", "error", err)
	problem.Write(w, r, s.BaseURL, problem.From(err))
}

// refuse says that there is nothing here, and to the page that frames it, why. That
// page may be anybody's: it learns the code and nothing else, and only the origin that
// it says it is at may show the frame, and hears of it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	v := page.View{State: page.StateNotFound, Nonce: page.NewNonce(), Lang: page.Language("", r.Header.Get("Accept-Language"))}
	if parent := r.URL.Query().Get(checkout.ParentParam); merchant.Allowable(parent) {
		v.Frame, v.FrameAncestors = &page.Frame{Parent: parent, Refused: code}, []string{parent}
	}
	var out bytes.Buffer
	if err := page.Render(&out, v); err != nil {
		s.fail(w, r, err)
		return
	}
	page.SetHeaders(w.Header(), v.Nonce, v.FrameAncestors)
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}
