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

// open leads a frame to the checkout of the session that the token names. The token
// gives no more than that: whether the session can still be paid, and in whose frame,
// the checkout judges by the log.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	c, err := s.Tokens.OpenClient(r.PathValue("client_token"))
	service := s.Modes[c.Mode]
	if err != nil || service == nil || !id.Valid(id.Session, c.SessionID) {
		s.refuse(w, r)
		return
	}
	ref := service.Engine.Sessions.Ref(c.SessionID)
	if err := service.Engine.Refresh(r.Context(), ref); err != nil {
		s.Log.ErrorContext(r.Context(), "an embedded checkout can't be opened", "error", err)
		problem.Write(w, r, s.BaseURL, problem.From(err))
		return
	}
	if !ref.Value.Exists() || ref.Value.CheckoutID == "" {
		s.refuse(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", checkout.FramePath(ref.Value.CheckoutID, r.URL.Query().Get(checkout.ParentParam)))
	w.WriteHeader(http.StatusSeeOther)
}

// refuse says that there is nothing here, in no frame.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request) {
	v := page.View{State: page.StateNotFound, Nonce: page.NewNonce()}
	var out bytes.Buffer
	if err := page.Render(&out, v); err != nil {
		problem.Write(w, r, s.BaseURL, problem.From(err))
		return
	}
	page.SetHeaders(w.Header(), v.Nonce, nil)
	w.WriteHeader(http.StatusNotFound)
	_, _ = out.WriteTo(w)
}
