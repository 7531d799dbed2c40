// Package demo is a shop that sells by Tender: the merchant that `tender dev`
// shows to newcomers at /demo.
//
// It is a merchant like any other. It knows the address of the API and a secret
// key, imports nothing of the engine (a test holds that), and is told of everything
// by webhooks, so that its code may be read as an example: client.go calls the API,
// webhooks.go receives what it tells, flows.go holds the sales. It has no database
// either: what it has to remember stands in the metadata of its sessions, and what
// it shows is kept in memory and read from the API again after a restart.
//
// What it shows are its own calls and the webhooks that it got, secrets masked. It
// is for loopback: there is one shop, and whoever reaches it sees it.
package demo

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
)

// Path is where the shop is; everything of it lies there and below.
const Path = "/demo"

// hooksPath is where the shop's webhooks arrive.
const hooksPath = Path + "/webhooks"

// Limits of the shop. What is kept of calls and webhooks is kept in memory.
const (
	rowsMax      = 12  // of the list of recent orders
	ordersMax    = 40  // the oldest is forgotten then; the API still has it
	entriesMax   = 200 // of one order's timeline
	messagesMax  = 2000
	formBytesMax = 4 << 10
	hookBytesMax = 1 << 20
	streamsMax   = 32
	callTimeout  = 20 * time.Second
	answerMax    = 1 << 20
	clockTurnMax = 2 * time.Minute
	clockPoll    = 150 * time.Millisecond
	streamMax    = 10 * time.Minute
	streamBeat   = 15 * time.Second
	streamPause  = 80 * time.Millisecond // between two words of change: they come in bursts
	endpointsMax = 100
	recalledMax  = 50
	// recallFor is for how long after a start lists may lack what was done just before it.
	recallFor     = 10 * time.Second
	noticeMaxRune = 300
)

// Config is what the shop is told.
type Config struct {
	URL  string // where the shop is reached, without a path: customers return and webhooks come there
	API  string // where Tender is
	Key  string // a secret key of test mode
	File string // where the shop keeps its webhook endpoint and that one's secret
	Log  *slog.Logger
}

// Shop serves the demo. Make one with [New].
type Shop struct {
	Config
	opened string          // tells this shop from the one before a restart
	ctx    context.Context // the shop's life: live pages and turning clocks end with it
	client http.Client
	mux    *http.ServeMux
	guard  *http.CrossOriginProtection
	open   chan struct{} // as many as there may be live pages

	endpoint endpointKeeper

	mu       sync.Mutex
	changed  chan struct{} // closed, and replaced, at each change
	revision int
	orders   map[string]*order // by reference
	owners   map[string]string // the id of an object → the reference of its order
	seen     map[string]*entry // messages, by their id: the same may come twice
	seenIDs  []string          // oldest first
	backdrop timeline          // what belongs to no order
	begun    time.Time
	recalled time.Time // when earlier orders were read from the API last; zero: they were not
}

// New opens a shop, which lasts until ctx ends. Nothing is called before somebody
// comes.
func New(ctx context.Context, c Config) *Shop {
	s := &Shop{
		Config: c, opened: rand.Text(), ctx: ctx, client: http.Client{Timeout: callTimeout}, mux: http.NewServeMux(),
		guard: http.NewCrossOriginProtection(), open: make(chan struct{}, streamsMax), changed: make(chan struct{}),
		begun: time.Now(), orders: map[string]*order{}, owners: map[string]string{}, seen: map[string]*entry{},
	}
	s.mux.HandleFunc("GET "+Path, s.shelf)
	s.mux.HandleFunc("GET "+Path+"/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Path, http.StatusSeeOther) })
	s.mux.HandleFunc("POST "+Path+"/orders", s.begin)
	s.mux.HandleFunc("GET "+Path+"/orders/{ref}", s.show)
	s.mux.HandleFunc("POST "+Path+"/orders/{ref}/{action}", s.act)
	s.mux.HandleFunc("GET "+Path+"/live", s.live)
	s.mux.HandleFunc("POST "+hooksPath, s.receive)
	s.mux.HandleFunc(Path+"/", func(w http.ResponseWriter, r *http.Request) { s.missing(w, r) })
	return s
}

// ServeHTTP serves the shop's pages and takes its webhooks. Only requests that name
// this machine are answered, whatever a name elsewhere may lead to, and nothing is
// done for another site's page.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !loopback(r.Host) {
		http.Error(w, "The demo shop is served on this machine only.", http.StatusMisdirectedRequest)
		return
	}
	if err := s.guard.Check(r); err != nil {
		http.Error(w, "The demo shop takes orders from its own pages only.", http.StatusForbidden)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// loopback reports whether a request's host is this machine.
func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// begin starts an order: it creates the session, and shows the order with the way
// to the checkout.
func (s *Shop) begin(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, formBytesMax)
	f := flowNamed(r.PostFormValue("flow"))
	if f == nil {
		s.missing(w, r)
		return
	}
	if err := s.listen(r.Context()); err != nil {
		s.broken(w, r, err)
		return
	}
	o := s.newOrder(f)
	if err := f.begin(s, r.Context(), o); err != nil {
		s.update(func() { s.forget(o) })
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, o.path(), http.StatusSeeOther)
}

// act does the next thing with an order, if it is one that its story offers now.
func (s *Shop) act(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, formBytesMax)
	o := s.find(r.Context(), r.PathValue("ref"))
	if o == nil {
		s.missing(w, r)
		return
	}
	name, turn := r.PathValue("action"), r.PostFormValue("turn")
	do := o.flow.actions[name]
	if do == nil {
		s.missing(w, r)
		return
	}
	// A page that is older than the order, or a second click, is no second wish:
	// what it asks for was done, and the order shows that.
	if s.offers(o, name, turn) {
		if err := do(s, r.Context(), o); err != nil && !errors.Is(err, context.Canceled) {
			s.refuse(o, name, err)
		}
	}
	http.Redirect(w, r, o.path(), http.StatusSeeOther)
}
