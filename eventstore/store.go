// Package eventstore is the log: one PostgreSQL schema per mode that events are
// added to and never changed in, in one dense order that is the order of commits.
//
// It knows streams, versions, positions, idempotency keys and look-up keys. It
// refuses to know what any event means: payloads are bytes to it. It keeps no
// state in memory that an answer would rest on, but who holds a look-up key, which never
// changes; and it holds no read models but one, those look-up keys.
package eventstore

import (
	"context"
	"net"
	"time"

	"github.com/cockroachdb/errors"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// readConnectionsDefault is the size of each pool if no option says otherwise.
const readConnectionsDefault = 8

// idleInTransactionMax is how long a stopped process may hold the locks of a read
// model.
const idleInTransactionMax = "5s"

// connectTimeout bounds each try to connect.
const connectTimeout = 5 * time.Second

// A lost peer is found out within 10 s on either side: this many seconds without
// a sign of life, then so many tries so many seconds apart.
const (
	keepaliveIdle     = 4 * time.Second
	keepaliveInterval = 2 * time.Second
	keepaliveCount    = 2
	unackedMax        = 8 * time.Second
)

// Store is one log, open. It is safe for use by any number of goroutines.
type Store struct {
	log     Log
	reads   *pgxpool.Pool // of the log
	pool    *pgxpool.Pool // for everything else
	batcher *batcher
	signal  *Signal
	claims  *lru.Cache[claimKey, string] // look-up keys and the streams that hold them
}

// Option changes how a log is opened.
type Option func(*options)

type options struct {
	readConnections int32
	observe         func(Batch)
}

// WithReadConnections sets how many connections serve reads of the log, and how
// many again are in Pool; appends have one of their own. At least 1; 8 by default.
func WithReadConnections(n int32) Option {
	return func(o *options) { o.readConnections = n }
}

// Open connects to the log as the role tender_app: a pool for reads, one for read
// models and work tables, one connection for appends. It never migrates; a schema that this build wasn't made
// for is [ErrSchemaVersion]. The caller must Close the store.
func Open(ctx context.Context, log Log, url string, opts ...Option) (*Store, error) {
	if err := log.check(); err != nil {
		return nil, err
	}
	o := options{readConnections: readConnectionsDefault, observe: func(Batch) {}}
	for _, opt := range opts {
		opt(&o)
	}
	reads, err := openPool(ctx, log, url, o.readConnections, func(config *pgx.ConnConfig) {
		// A plan that was made while a table was empty must not stay and read it
		// from end to end: every look-up in the log has its index.
		config.RuntimeParams["enable_seqscan"] = "off"
		// With one plan for each query there is nothing to choose, and planning
		// would cost more than most of them.
		config.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	})
	if err != nil {
		return nil, err
	}
	pool, err := openPool(ctx, log, url, o.readConnections, func(config *pgx.ConnConfig) {
		config.RuntimeParams["synchronous_commit"] = "off"
		config.RuntimeParams["idle_in_transaction_session_timeout"] = idleInTransactionMax
	})
	if err != nil {
		reads.Close()
		return nil, err
	}
	s := &Store{log: log, reads: reads, pool: pool, claims: newClaimMemory()}
	if err := s.begin(ctx, url, o.observe); err != nil {
		reads.Close()
		pool.Close()
		return nil, err
	}
	return s, nil
}

func openPool(ctx context.Context, log Log, url string, connections int32, adjust func(*pgx.ConnConfig)) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.Wrap(err, "the log's database URL")
	}
	config.MaxConns = max(connections, 1)
	configure(config.ConnConfig, log)
	adjust(config.ConnConfig)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	return pool, errors.Wrap(err, "open the log")
}

// begin checks the schema and starts the batcher, whose tries observe is told.
func (s *Store) begin(ctx context.Context, url string, observe func(Batch)) error {
	if err := checkSchema(ctx, s.reads, s.log); err != nil {
		return err
	}
	head, _, err := s.Head(ctx)
	if err != nil {
		return err
	}
	config, err := appendConfig(url, s.log)
	if err != nil {
		return err
	}
	l := &link{config: config, log: s.log}
	if err := l.connect(ctx); err != nil {
		return err
	}
	s.signal = newSignal(head)
	s.batcher = newBatcher(l, s.signal, observe)
	return nil
}

// configure sets what holds for every connection of a log.
func configure(config *pgx.ConnConfig, log Log) {
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["application_name"] = "tender " + log.Mode
	config.RuntimeParams["client_encoding"] = "UTF8"
	config.RuntimeParams["timezone"] = "UTC"
	// Compiling a statement takes longer than any of ours runs.
	config.RuntimeParams["jit"] = "off"
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepaliveIdle, Interval: keepaliveInterval, Count: keepaliveCount,
		},
		Control: limitUnacked,
	}
	config.DialFunc = dialer.DialContext
}

// Close stops the store: what is queued is still appended, within 10 s, what
// comes later is [ErrClosed].
func (s *Store) Close() {
	s.batcher.close()
	s.reads.Close()
	s.pool.Close()
}

// Log returns which log this is.
func (s *Store) Log() Log { return s.log }

// Pool returns the connections as the role tender_app, for read models and work
// tables. The log itself is written through Append only.
//
// Commits on them don't wait for the disk: what they write can be derived again, or
// is a hint, and after a crash of PostgreSQL the last of it is lost as a whole,
// never in part. Whatever must last says SET LOCAL synchronous_commit = on. A
// transaction that its process leaves idle for 5 s is ended, with its locks.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Stats returns how the pools stand, by what they are for.
func (s *Store) Stats() map[string]func() *pgxpool.Stat {
	return map[string]func() *pgxpool.Stat{"reads": s.reads.Stat, "work": s.pool.Stat}
}

// Signal returns what tells of this process's commits.
func (s *Store) Signal() *Signal { return s.signal }
