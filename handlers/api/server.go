// Package api is what merchants call: it decodes requests, hands them to the
// engine, and encodes what comes back. It decides nothing about money.
package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"tender/domain/id"
	"tender/eventstore"
	"tender/eventstore/trace"
	"tender/handlers/brand"
	"tender/handlers/clocks"
	"tender/handlers/engine"
	"tender/handlers/payments"
	"tender/handlers/people"
	"tender/handlers/problem"
	"tender/handlers/subscriptions"
	"tender/handlers/token"
	"tender/handlers/webhooks"
	"tender/handlers/webhooks/egress"
	"tender/projections"
)

// Account is what the API needs of one mode.
type Account struct {
	Engine   *engine.Engine
	Payments *payments.Service
	People   *people.Service
	// Subscriptions are what the platform collects by itself.
	Subscriptions *subscriptions.Service
	Clocks        *clocks.Service
	Lists         *projections.Lists
	Cursors       *projections.Cursors
	// Secrets keeps what webhooks are signed with; WebhookPolicy says where they
	// may go.
	Secrets       *webhooks.Secrets
	WebhookPolicy egress.Policy
	Resends       *webhooks.Resends
	Recoveries    *webhooks.Recoveries
	Brands        *brand.Service
}

// Config is what a server is made of.
type Config struct {
	Accounts map[string]*Account // by mode
	BaseURL  string              // without a slash at its end
	Sealer   *token.Sealer
	// ClientTokens signs what opens an embedded session's checkout in a frame.
	ClientTokens *token.Signer
	// FingerprintKey is the key of the HMACs by which requests with one
	// idempotency key are compared.
	FingerprintKey []byte
	Log            *slog.Logger
	// Root, if any, is where this handler is the last resort: a path that has
	// other methods there is told apart from one that there is not.
	Root *http.ServeMux
}

// keysCachedMax is how many API keys a process remembers the merchant of.
const keysCachedMax = 10_000

// Server serves the merchants' API.
type Server struct {
	Config
	mux *http.ServeMux
	// merchants remembers whose key a hash is. A claim never changes, so it
	// can't grow stale; whether the key is good is asked of the log.
	merchants *lru.Cache[string, string]
	// outstanding remembers commands that were answered here while their outcome was
	// not known: who repeats one needs not wait for its first answer.
	outstanding *lru.Cache[uuid.UUID, struct{}]
}

// New returns the API's handler.
func New(c Config) *Server {
	cache, err := lru.New[string, string](keysCachedMax)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	outstanding, err := lru.New[uuid.UUID, struct{}](keysCachedMax)
	if err != nil {
		panic(err) // as above
	}
	s := &Server{Config: c, mux: http.NewServeMux(), merchants: cache, outstanding: outstanding}
	s.routes()
	return s
}

func (s *Server) routes() {
	post := func(pattern string, h writeHandler) { s.mux.Handle("POST "+pattern, s.write(h)) }
	get := func(pattern string, h readHandler) { s.mux.Handle("GET "+pattern, s.read(h)) }
	s.mux.Handle("POST /collect/payment_sessions", shared(s.write(s.createSession)))
	get("/collect/payment_sessions", s.list(sessionList))
	get("/collect/payment_sessions/{id}", s.getSession)
	post("/collect/payment_sessions/{id}/cancel", s.cancelSession)
	get("/collect/payments", s.list(paymentList))
	get("/collect/payments/{id}", s.getPayment)
	post("/collect/payments/{id}/captures", s.capture)
	post("/collect/payments/{id}/voids", s.void)
	post("/collect/payments/{id}/refunds", s.refund)
	s.peopleRoutes()
	s.subscriptionRoutes()
	s.clockRoutes()
	s.webhookRoutes()
	s.brandRoutes()
}

// ServeHTTP answers every request of the API, also those for paths that there
// are not.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isPreflight(r) {
		s.preflight(w, r)
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.unrouted(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// unrouted answers what no route takes: a 405 with the methods that there are,
// or a 404.
func (s *Server) unrouted(w http.ResponseWriter, r *http.Request) {
	allowed := problem.Methods(s.mux, r)
	if s.Root != nil {
		allowed = append(allowed, problem.Methods(s.Root, r)...)
	}
	if len(allowed) == 0 {
		s.fail(w, r, problem.New(problem.NotFound, "There is nothing at this path."))
		return
	}
	w.Header()["Allow"] = []string{join(allowed)}
	s.fail(w, r, problem.New(problem.MethodNotAllowed, "The path takes "+join(allowed)+"."))
}

func join(list []string) string {
	out := list[0]
	for _, s := range list[1:] {
		out += ", " + s
	}
	return out
}

// fail answers with the problem that err is, and logs what the caller is not told.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.From(err)
	if p.Status() >= http.StatusInternalServerError {
		level := slog.LevelError
		if p.Code == problem.PositionNotReached { // said by the contract, and no fault
			level = slog.LevelInfo
		}
		s.Log.Log(r.Context(), level, "request failed", "method", r.Method, "route", r.Pattern,
			"request_id", w.Header().Get("Request-Id"), "code", p.Code, "error", err)
	}
	problem.Write(w, r, s.BaseURL, p)
}

// HeaderBytesMax is how large a request's line and headers may be together. The
// server in front of [Middleware] has to take more than that: what is too large for
// it net/http answers in its own words, which are no problem document.
const HeaderBytesMax = 32 << 10

// Served is what a request came to, without anything that tells one from another of
// its kind.
type Served struct {
	Method string // as [Method] says it
	Route  string // the path's pattern; "" where none was looked for
	Status int    // 0: the answer was broken off before it began
	Took   time.Duration
}

// errFailed says that a request failed by our fault.
var errFailed = errors.New("the answer is a failure of ours")

// end ends the span of a request.
func (s Served) end(end trace.End) {
	var err error
	if s.Status == 0 || s.Status >= http.StatusInternalServerError {
		err = errFailed
	}
	end(err, "http.request.method", s.Method, trace.Route, s.Route, "http.response.status_code", strconv.Itoa(s.Status))
}

// methods are those that are called by their names: a client may make up others.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// Method is a request's method where that is one of HTTP's own, else "other".
func Method(m string) string {
	if slices.Contains(methods, m) {
		return m
	}
	return "other"
}

// Middleware gives every answer its Request-Id, refuses headers that are too large,
// keeps a fault of one request from ending the process, logs one line per request,
// and tells observe, if any, what each came to.
func Middleware(log *slog.Logger, base string, observe func(Served), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		requestID := id.Format(id.Request, engine.NewID())
		ctx, end := trace.Begin(trace.Join(r.Context(), r.Header), Method(r.Method), trace.Kind, trace.Server, "request_id", requestID)
		w.Header().Set("Request-Id", requestID)
		rec := &recorder{ResponseWriter: w}
		r = r.WithContext(engine.WithRequestID(ctx, requestID))
		defer func() {
			fault := recover()
			if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				defer panic(fault) // an answer that can't be finished is cut off by the server
			} else if fault != nil {
				log.ErrorContext(r.Context(), "panic", "request_id", requestID, "fault", fault, "stack", string(debug.Stack()))
				if rec.status == 0 {
					problem.Write(rec, r, base, problem.New(problem.InternalError, ""))
				}
			}
			took := time.Since(begun)
			log.InfoContext(r.Context(), "request", "method", r.Method, "route", r.Pattern, "status", rec.status,
				"duration_ms", float64(took.Microseconds())/1000, "bytes", rec.bytes, "request_id", requestID)
			served := Served{Method: Method(r.Method), Route: r.Pattern[strings.IndexByte(r.Pattern, ' ')+1:], Status: rec.status, Took: took}
			served.end(end)
			if observe != nil {
				observe(served)
			}
		}()
		if headerBytes(r) > HeaderBytesMax {
			problem.Write(rec, r, base, problem.New(problem.HeaderTooLarge,
				fmt.Sprintf("The request line and the headers are larger than %d bytes.", HeaderBytesMax)))
			return
		}
		next.ServeHTTP(rec, r)
	})
}

// headerBytes is how large a request is up to its body.
func headerBytes(r *http.Request) int {
	n := len(r.RequestURI)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// recorder notes what was answered, for the log line.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += n
	return n, errors.Wrap(err, "write an answer")
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// keyTaken reports whether err says that the idempotency key was used before.
func keyTaken(err error) (eventstore.KeyRecord, bool) {
	var taken *eventstore.KeyTaken
	if errors.As(err, &taken) {
		return taken.Record, true
	}
	return eventstore.KeyRecord{}, false
}
