package simulator

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ServerConfig is all that a simulator needs to know.
type ServerConfig struct {
	DatabaseURL string // role tender_simulator
	PublicURL   string // where customers reach the server; begins the addresses of their pages
	APIKey      string // what callers must show as "Authorization: Bearer <key>"

	// NotifyURL is where notifications go; "": they are kept and not sent.
	NotifyURL          string
	NotificationSecret string // signs notifications
	// NotifyRetry is the wait after a notification's first failure; it doubles up
	// to a minute. 0: one second.
	NotifyRetry time.Duration
	// NotifyClient sends notifications; nil: a client of the server's own.
	NotifyClient *http.Client

	// Latency is added to every answer, to resemble an acquirer far away.
	Latency time.Duration
	// Delay waits, for the latency and for the faults of the test cards, and
	// returns early with an error when ctx ends; nil: by the wall's clock. See
	// [Faster].
	Delay func(ctx context.Context, d time.Duration) error
	// Now dates operations; nil: the wall's clock.
	Now func() time.Time

	// ConnectionsMax is the number of connections to PostgreSQL; 0: 16.
	ConnectionsMax int32
	// AsynchronousCommit answers before PostgreSQL has synced to disk. The book
	// then forgets its last moments when the machine fails, which no acquirer
	// may: for measurements only.
	AsynchronousCommit bool

	Logger *slog.Logger // nil: the default one
}

// Server is the simulator as a service. It is an [http.Handler]; [Server.Run]
// sends the notifications, and [Server.Serve] does both on a listener.
//
// Several servers may share one book.
type Server struct {
	cfg    ServerConfig
	book   book
	mux    *http.ServeMux
	log    *slog.Logger
	apiKey [sha256.Size]byte
	public string // where customers reach the server, without a slash at the end
	outbox *outbox

	// closing ends what is held back on purpose.
	closing context.Context
	close   context.CancelFunc

	closeBook sync.Once

	gate   sync.Mutex // guards closed against busy.Add
	closed bool
	busy   sync.WaitGroup
}

const connectionsDefault = 16

// drainTimeout is how long Serve lets requests finish.
const drainTimeout = 5 * time.Second

// NewServer connects to the book, whose schema must have been migrated to this
// build's version (else [ErrSchemaVersion]).
func NewServer(ctx context.Context, cfg ServerConfig) (*Server, error) {
	if cfg.DatabaseURL == "" || cfg.PublicURL == "" || cfg.APIKey == "" {
		return nil, errors.New("the simulator needs a database, a public URL and an API key")
	}
	if cfg.NotifyURL != "" && cfg.NotificationSecret == "" {
		return nil, errors.New("the simulator needs a secret to sign notifications with")
	}
	setDefaults(&cfg)
	pool, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:    cfg,
		book:   book{pool: pool, group: newGroup(pool)},
		log:    cfg.Logger,
		apiKey: sha256.Sum256([]byte(cfg.APIKey)),
		public: strings.TrimSuffix(cfg.PublicURL, "/"),
		outbox: newOutbox(pool, cfg),
	}
	s.closing, s.close = context.WithCancel(context.WithoutCancel(ctx))
	s.mux = s.routes()
	return s, nil
}

func setDefaults(cfg *ServerConfig) {
	if cfg.Delay == nil {
		cfg.Delay = wait
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.ConnectionsMax == 0 {
		cfg.ConnectionsMax = connectionsDefault
	}
	if cfg.NotifyRetry == 0 {
		cfg.NotifyRetry = time.Second
	}
	if cfg.NotifyClient == nil {
		cfg.NotifyClient = &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
}

// connect opens the pool and checks the schema's version.
func connect(ctx context.Context, cfg ServerConfig) (*pgxpool.Pool, error) {
	pgCfg, err := pgxpool.ParseConfig(cfg.DatabaseURL)
	if err != nil {
		return nil, errors.Wrap(err, "read the simulator's database URL")
	}
	pgCfg.MaxConns = cfg.ConnectionsMax
	pgCfg.ConnConfig.RuntimeParams["application_name"] = "tender simulator"
	if cfg.AsynchronousCommit {
		pgCfg.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	}
	pool, err := pgxpool.NewWithConfig(ctx, pgCfg)
	if err != nil {
		return nil, errors.Wrap(err, "connect to the simulator's book")
	}
	if err := checkSchema(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/authorisations", s.authenticated(s.authorise))
	mux.Handle("POST /v1/captures", s.authenticated(s.capture))
	mux.Handle("POST /v1/voids", s.authenticated(s.void))
	mux.Handle("POST /v1/refunds", s.authenticated(s.refund))
	mux.Handle("POST /v1/settle", s.authenticated(s.settle))
	mux.Handle("GET /v1/book", s.authenticated(s.listBook))
	for _, path := range []string{pathChallenge, pathBank, pathPhone} {
		mux.HandleFunc("GET "+path+"{token}", s.showChallenge)
		mux.HandleFunc("POST "+path+"{token}", s.decideChallenge)
	}
	mux.HandleFunc("GET /healthz", s.health)
	return mux
}

// ServeHTTP answers one request; after Close with 503.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		writeFault(w, http.StatusServiceUnavailable, faultUnavailable, "The simulator is shutting down.")
		return
	}
	defer s.busy.Done()
	s.mux.ServeHTTP(w, r)
}

// enter counts a piece of work that Close must wait for, and reports false once
// Close has been called.
func (s *Server) enter() bool {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return false
	}
	s.busy.Add(1)
	return true
}

// Run sends notifications until ctx ends or the server is closed, and takes up
// what was to go on by itself and was left by another process. Without it a
// notification is tried once, when it arises.
func (s *Server) Run(ctx context.Context) error {
	if !s.enter() {
		return nil
	}
	defer s.busy.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	if err := s.resume(ctx); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "simulator: unfinished operations wait for the next start", "error", err)
	}
	return s.outbox.run(ctx)
}

// Serve answers on ln and sends notifications until ctx ends, then lets what is
// under way finish for up to five seconds. Close the server afterwards.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 2)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { ended <- s.Run(ctx) }()
	go func() { ended <- server.Serve(ln) }()

	var first error
	select {
	case <-ctx.Done():
	case first = <-ended:
	}
	cancel()
	s.close()
	drain, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer stop()
	if err := server.Shutdown(drain); err != nil {
		_ = server.Close()
	}
	if errors.Is(first, http.ErrServerClosed) || errors.Is(first, context.Canceled) {
		first = nil
	}
	return errors.Wrap(first, "serve the simulator")
}

// Close ends what is held back, waits for what is being performed, and leaves
// the book. It may be called again.
func (s *Server) Close() {
	s.gate.Lock()
	s.closed = true
	s.gate.Unlock()
	s.close()
	s.busy.Wait()
	s.outbox.close()
	s.closeBook.Do(s.book.group.close)
	s.book.pool.Close()
}

// wait waits by the wall's clock.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Faster returns a [ServerConfig.Delay] whose seconds pass factor times as fast
// as the wall's; factor is 1 or more.
func Faster(factor int) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error { return wait(ctx, d/time.Duration(factor)) }
}
