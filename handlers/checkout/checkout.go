// Package checkout is where customers pay: the page, and the JSON behind it.
// Who has a checkout's id may pay its session; nothing else is asked of them.
//
// The id is a capability. It stands in no log line of this package.
package checkout

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/handlers/brand"
	"tender/handlers/checkout/page"
	"tender/handlers/engine"
	"tender/handlers/limits"
	"tender/handlers/payments"
	"tender/handlers/problem"
	"tender/projections/object"
)

// checkoutsCachedMax is how many checkouts a process remembers the session of.
const checkoutsCachedMax = 20_000

// Config is what the checkout is made of.
type Config struct {
	// Modes are the logs' services. A checkout is looked up in each: its id does
	// not say which it belongs to.
	Modes   map[string]*payments.Service
	BaseURL string
	FormKey []byte // of the tokens that forms carry
	// Proxies are believed when they say where a customer is.
	Proxies limits.Proxies
	Log     *slog.Logger
}

// Server serves the checkout.
type Server struct {
	Config
	mux *http.ServeMux
	// places remembers where a checkout's session is. It never moves.
	places *lru.Cache[string, place]
	// logos remembers pictures. What an id stands for never changes.
	logos *lru.Cache[string, []byte]
}

// place is a session and the log that it is in.
type place struct {
	service   *payments.Service
	sessionID string
}

// New returns the checkout's handler.
func New(c Config) *Server {
	cache, err := lru.New[string, place](checkoutsCachedMax)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	logos, err := lru.New[string, []byte](logosCachedMax)
	if err != nil {
		panic(err) // as above
	}
	s := &Server{Config: c, mux: http.NewServeMux(), places: cache, logos: logos}
	s.mux.HandleFunc("GET /checkout/{checkout}", s.open)
	s.mux.HandleFunc("GET /checkout/{checkout}/state", s.state)
	s.mux.HandleFunc("POST /checkout/{checkout}/attempts", s.attempt)
	s.mux.HandleFunc("POST /checkout/{checkout}/cancel", s.cancel)
	s.mux.HandleFunc("GET "+brand.LogosPath+"{file}", s.logo)
	return s
}

// Register makes the checkout serve what is below its paths.
func (s *Server) Register(mux *http.ServeMux) {
	mux.Handle("/checkout/", s)
	mux.Handle(brand.LogosPath, s)
}

// ServeHTTP answers every request below the checkout's paths, also those for paths
// that there are not: people see a page.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := s.mux.Handler(r); pattern == "" {
		if allowed := problem.Methods(s.mux, r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			s.fail(w, r, problem.New(problem.MethodNotAllowed, "The path takes "+strings.Join(allowed, ", ")+"."))
			return
		}
		s.failPage(w, r, view{}, problem.New(problem.NotFound, "There is nothing at this path."))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// view is everything about a checkout that a page or a state is made from, as
// the log has it now.
type view struct {
	place
	id       string
	spoken   string // the language of the page, if it is for one; see [page.Language]
	session  *engine.Stream[session.State]
	shown    *engine.Stream[object.Session]
	merchant *engine.Stream[merchant.State]
	payment  *engine.Stream[payment.State]
	paid     *engine.Stream[object.Payment]
	action   *engine.Stream[object.Action]
	clock    *engine.Stream[object.Clock]                    // the customer's, if it is not the wall's
	owner    *engine.Stream[customer.State]                  // the session's customer, while it can be paid
	methods  map[string]*engine.Stream[object.PaymentMethod] // theirs
}

// find returns the session of the checkout in the path.
func (s *Server) find(ctx context.Context, checkoutID string) (place, error) {
	missing := problem.New(problem.NotFound, "There is no such checkout.")
	if !id.Valid(id.Checkout, checkoutID) {
		return place{}, missing
	}
	if p, ok := s.places.Get(checkoutID); ok {
		return p, nil
	}
	for _, service := range s.Modes {
		sessionID, ok, err := service.Engine.Store.Claimed(ctx, payments.ClaimCheckout, checkoutID)
		if err != nil {
			return place{}, err
		}
		if ok {
			p := place{service: service, sessionID: sessionID}
			s.places.Add(checkoutID, p)
			return p, nil
		}
	}
	return place{}, missing
}

// load reads the checkout as the log has it now: one query where everything that
// concerns it is remembered, and one more for each thing that leads to others.
func (s *Server) load(ctx context.Context, checkoutID string) (view, error) {
	return s.loadBy(ctx, checkoutID, (*engine.Engine).Refresh)
}

// loadPage reads the checkout in the path for its page, in a language that the page
// is written in: the merchant's, else the browser's. A program that asks for JSON is
// no reader, so that its headers choose nothing.
func (s *Server) loadPage(r *http.Request) (view, error) {
	v, err := s.load(r.Context(), r.PathValue("checkout"))
	if err == nil {
		v.spoken = page.Language(v.locale(), r.Header.Get("Accept-Language"))
	}
	return v, err
}

// recall is [Server.load] as far as this process remembers it: for what is held against
// the log before anybody is told of it, and for the answer to what was just recorded here.
func (s *Server) recall(ctx context.Context, checkoutID string) (view, error) {
	return s.loadBy(ctx, checkoutID, (*engine.Engine).Recall)
}

func (s *Server) loadBy(ctx context.Context, checkoutID string, read func(*engine.Engine, context.Context, ...engine.Ref) error) (view, error) {
	p, err := s.find(ctx, checkoutID)
	if err != nil {
		return view{}, err
	}
	v := view{place: p, id: checkoutID, methods: map[string]*engine.Stream[object.PaymentMethod]{}}
	for refs := v.unread(); len(refs) > 0; refs = v.unread() {
		if err := read(p.service.Engine, ctx, refs...); err != nil {
			return view{}, err
		}
	}
	return v, nil
}

// unread lists what the view lacks, as far as what it holds names it. It lists each
// stream once.
func (v *view) unread() []engine.Ref {
	g := v.service.Engine
	var refs []engine.Ref
	if v.session == nil {
		v.session, v.shown = g.Sessions.Ref(v.sessionID), g.SessionObjects.Ref(v.sessionID)
		refs = append(refs, v.session, v.shown)
	}
	st := v.session.Value
	if st.PaymentID != "" && v.payment == nil {
		v.payment, v.paid, v.action = g.Payments.Ref(st.PaymentID), g.PaymentObjects.Ref(st.PaymentID), g.Actions.Ref(st.PaymentID)
		refs = append(refs, v.payment, v.paid, v.action)
	}
	if st.Exists() && v.merchant == nil {
		// As the log has it: the merchant may have been changed by another process, and
		// the customer agrees to terms with its name in them.
		v.merchant = g.Merchants.Ref(v.session.MerchantID)
		refs = append(refs, v.merchant)
	}
	if st.ClockID != "" && v.clock == nil {
		v.clock = g.ClockObjects.Ref(st.ClockID)
		refs = append(refs, v.clock)
	}
	if st.CustomerID != "" && st.Status == session.StatusActive && v.owner == nil {
		v.owner = g.Customers.Ref(st.CustomerID)
		refs = append(refs, v.owner)
	}
	if v.owner != nil {
		refs = append(refs, v.unreadMethods()...)
	}
	return refs
}

func (v *view) unreadMethods() []engine.Ref {
	var refs []engine.Ref
	for _, methodID := range v.owner.Value.Methods {
		if v.methods[methodID] == nil {
			v.methods[methodID] = v.service.Engine.MethodObjects.Ref(methodID)
			refs = append(refs, v.methods[methodID])
		}
	}
	return refs
}

// now is the session's present: the wall's, or that of the clock which its customer
// lives on.
func (v *view) now() time.Time {
	if v.clock != nil {
		return time.Time(v.clock.Value.FrozenTime)
	}
	return v.service.Engine.Now().At
}

// inFlight reports whether an attempt waits for its outcome.
func (v *view) inFlight() bool { return v.payment != nil && v.payment.Value.InFlight() }

// payable reports whether the customer can make an attempt now.
func (v *view) payable() bool {
	return v.session.Value.Status == session.StatusActive && !v.inFlight() && !v.forgotten()
}

// forgotten reports whether the session's customer has been erased.
func (v *view) forgotten() bool { return v.owner != nil && v.owner.Value.Erased }

// attemptID is the attempt in flight, or the next one; "" once the session ended.
func (v *view) attemptID() string {
	switch {
	case v.session.Value.Status != session.StatusActive:
		return ""
	case v.inFlight():
		return v.payment.Value.Attempt.ID
	}
	return collect.NextAttemptID(v.session.Value)
}

// origin is where a customer's command comes from.
func (v *view) origin(r *http.Request) engine.Origin {
	return engine.Origin{
		CommandID: engine.NewID(), MerchantID: v.session.MerchantID, RequestID: engine.RequestID(r.Context()),
		Actor: domain.Actor{Kind: domain.ActorCustomer, ID: v.sessionID},
	}
}

// formToken is what a form must carry to be taken: only a page that we made
// could know it.
func (s *Server) formToken(checkoutID string) string {
	h := hmac.New(sha256.New, s.FormKey)
	h.Write([]byte("form " + checkoutID))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

func (s *Server) formTokenGood(checkoutID, token string) bool {
	return hmac.Equal([]byte(s.formToken(checkoutID)), []byte(token))
}

// crossSite reports whether the browser says that another site's page sent the
// request. Clients that are no browsers say nothing.
func crossSite(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") == "cross-site" }

// isForm reports whether the request is a form that a page posted.
func isForm(r *http.Request) bool {
	return hasMediaType(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}
