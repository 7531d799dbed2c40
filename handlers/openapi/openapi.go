// Package openapi holds the API's own description, an OpenAPI 3.1 document
// written by hand, and serves it: as it is, as a page to read, and as a page on
// each problem.
//
// The pages are rendered from the document on the server, once; they need
// neither JavaScript nor anything from elsewhere.
package openapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/handlers/problem"
)

//go:embed openapi.yaml
var source []byte

// Document returns the OpenAPI document, in YAML.
func Document() []byte { return bytes.Clone(source) }

// Paths that [Handler] serves. The page of one problem is [problem.IndexPath]
// with a slash and the problem's slug.
const (
	DocumentPath = "/openapi.yaml"
	DocsPath     = "/docs"
)

// cacheControl lets browsers keep what only a new build changes, for a little.
const cacheControl = "public, max-age=300"

// Handler serves the document and its pages. Make one with [New].
type Handler struct {
	document page
	docs     page
	problems page
	problem  map[string]page // by slug
	unknown  page
}

// page is an answer that is ready to be sent.
type page struct {
	status      int
	contentType string
	body        []byte
}

// New renders the pages. It fails only if the embedded document can't be read,
// which a test rules out.
func New() (*Handler, error) {
	doc, err := parse(source)
	if err != nil {
		return nil, errors.Wrap(err, "read the embedded OpenAPI document")
	}
	h := &Handler{document: newPage(http.StatusOK, "application/yaml", source), problem: map[string]page{}}
	if h.docs, err = render("docs.html", docsView(doc)); err != nil {
		return nil, err
	}
	all := problem.Kinds()
	if h.problems, err = render("problems.html", problemsView(doc, all)); err != nil {
		return nil, err
	}
	for _, kind := range all {
		view := problemsView(doc, []problem.Kind{kind})
		view.Title = kind.Title
		if h.problem[kind.Slug()], err = render("problems.html", view); err != nil {
			return nil, err
		}
	}
	if h.unknown, err = render("problems.html", problemsView(doc, nil)); err != nil {
		return nil, err
	}
	h.unknown.status = http.StatusNotFound
	return h, nil
}

// Register adds the handler's routes to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET "+DocumentPath, h.document.serve)
	mux.HandleFunc("GET "+DocsPath, h.docs.serve)
	mux.HandleFunc("GET "+problem.IndexPath, h.problems.serve)
	mux.HandleFunc("GET "+problem.IndexPath+"/{code}", func(w http.ResponseWriter, r *http.Request) {
		p, ok := h.problem[r.PathValue("code")]
		if !ok {
			p = h.unknown
		}
		p.serve(w, r)
	})
}

func newPage(status int, contentType string, body []byte) page {
	return page{status: status, contentType: contentType, body: body}
}

// contentSecurityPolicy allows the one style sheet that stands in the page, by
// its hash, and nothing else: no script, no image, no frame, no form.
var contentSecurityPolicy = policyFor(styleSheet)

func policyFor(style string) string {
	sum := sha256.Sum256([]byte(style))
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

func (p page) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", p.contentType)
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", cacheControl)
	if p.status != http.StatusOK {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Content-Length", strconv.Itoa(len(p.body)))
	w.WriteHeader(p.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(p.body)
	}
}
