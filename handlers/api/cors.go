package api

import (
	"context"
	"net/http"

	"tender/domain/merchant"
	"tender/handlers/problem"
)

// What a browser is told about requests from merchants' pages. They may send what a
// public key may do, and read, beside the body, what says how it went.
const (
	crossOriginPath    = "/collect/payment_sessions"
	crossOriginMethod  = http.MethodPost
	crossOriginHeaders = "Authorization, Content-Type, Idempotency-Key"
	crossOriginExposed = "Event-Position, Idempotent-Replayed, Request-Id, Retry-After"
	// preflightSeconds is how long browsers may remember a preflight: it says the same
	// every time. They make it shorter by themselves.
	preflightSeconds = "7200"

	allowOriginHeader = "Access-Control-Allow-Origin"
	exposeHeader      = "Access-Control-Expose-Headers"
)

// isPreflight reports whether a browser asks, before it sends a request for a page
// of another origin, whether it may.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.URL.Path == crossOriginPath &&
		r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers a preflight. It comes without a key, so whose page it is about is
// not known yet, and it is the same for every origin that a merchant may allow at all:
// it lets the browser send, nothing more. Whether the request is taken, and whether the
// page may read the answer, the key decides; see [share].
func (s *Server) preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Vary", "Origin")
	h.Set("Cache-Control", "no-store")
	if origin := r.Header.Get("Origin"); merchant.Allowable(origin) {
		h.Set(allowOriginHeader, origin)
		h.Set("Access-Control-Allow-Methods", crossOriginMethod)
		h.Set("Access-Control-Allow-Headers", crossOriginHeaders)
		h.Set("Access-Control-Max-Age", preflightSeconds)
	}
	w.WriteHeader(http.StatusNoContent)
}

// share lets the page that a request came from read its answer, whatever that will
// be, if the key is a public one of a merchant who allows the page's origin. With a
// secret key nobody's page reads anything: it has no place in a browser. Credentials
// of the browser's own are never asked for.
func share(w http.ResponseWriter, c caller) {
	if c.page == "" || c.key.Kind != merchant.KeyPublic || !c.merchant.Value.AllowsOrigin(c.page) {
		return
	}
	h := w.Header()
	h.Set(allowOriginHeader, c.page)
	h.Set(exposeHeader, crossOriginExposed)
}

// shareAnew is [share] after the decision said no to the key: what was remembered of
// the merchant is old, and the origin may be allowed no longer.
func shareAnew(ctx context.Context, w http.ResponseWriter, c caller, err error) {
	if c.page == "" || problem.From(err).Code != problem.Forbidden {
		return
	}
	w.Header().Del(allowOriginHeader)
	w.Header().Del(exposeHeader)
	if c.account.Engine.Refresh(ctx, c.merchant) == nil {
		share(w, c)
	}
}

// shared wraps the route that pages of other origins may call: its answers differ by
// which page asks.
func shared(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Origin")
		next.ServeHTTP(w, r)
	})
}
