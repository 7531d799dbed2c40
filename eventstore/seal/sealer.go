package seal

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
	"tender/eventstore/lease"
)

const (
	// intervalDefault is how often what is new is sealed.
	intervalDefault = time.Second
	// batchMax is how many events one checkpoint adds at most.
	batchMax = 4096
	// leaseTTL is how long the sealer of a dead process keeps others waiting.
	leaseTTL = 5 * time.Second
	// recheckRounds is after how many intervals a stopped sealer looks again; after an
	// error that time may mend it is one.
	recheckRounds = 5
	// alarmRepeat is how often a stopped sealer says so in the process's log.
	alarmRepeat = time.Minute
	// thinEvery is how often old checkpoints are thinned out.
	thinEvery = time.Hour
)

// ErrBroken says that the log is not the one that was sealed. Nothing is sealed then
// until somebody has looked.
var ErrBroken = errors.New("the log is not what was sealed")

// Outlet takes checkpoints out of the database's reach.
type Outlet interface {
	// Name says in the process's log which outlet it is.
	Name() string
	// Latest returns what left this way last, the last one first: a few notes, so that
	// one that is no checkpoint hides nothing; none if nothing has left. Nothing is put
	// before they were read, and compared with the log.
	Latest(ctx context.Context) ([]string, error)
	// Put lets a checkpoint out. It returns once that will not be lost.
	Put(ctx context.Context, note string) error
}

// Config says how a log is sealed.
type Config struct {
	Store   *eventstore.Store
	Keys    *Keys
	Outlets []Outlet
	// Leases lets one process at a time seal; correctness doesn't rest on it.
	// Nil: without.
	Leases *lease.Leases
	// Interval between rounds; 0: one second.
	Interval time.Duration
	Log      *slog.Logger
}

// Condition is what a sealer is doing.
type Condition string

// The conditions of a sealer.
const (
	Waiting Condition = "waiting" // for the lease, or not begun
	Running Condition = "running"
	Failing Condition = "failing" // PostgreSQL or the key file can't be reached; it tries again
	Stopped Condition = "stopped" // an alarm: somebody must look
)

// State is what a sealer says of itself; [Read] tells what is known to everybody.
type State struct {
	Condition Condition
	Sealed    int64 // the size of the last checkpoint that this sealer knows
	Err       error // why it fails or has stopped
}

// Sealer seals one log. Any number may run: of two that make the next checkpoint one
// is first.
type Sealer struct {
	cfg    Config
	log    eventstore.Log
	slog   *slog.Logger
	tables tables
	tree   tree

	alarmed time.Time // when the process's log was last told of an alarm
	thinned time.Time
	pending map[Outlet]string // what is to leave yet

	mu    sync.Mutex
	state State
}

// New returns a sealer. It does nothing before [Sealer.Run].
func New(cfg Config) *Sealer {
	if cfg.Interval == 0 {
		cfg.Interval = intervalDefault
	}
	t := newTables(cfg.Store)
	return &Sealer{
		cfg: cfg, log: cfg.Store.Log(), slog: cfg.Log.With("sealer", cfg.Store.Log().Schema()), tables: t,
		tree: tree{store: cfg.Store, tables: t}, pending: map[Outlet]string{}, state: State{Condition: Waiting},
	}
}

// State returns what the sealer is doing.
func (s *Sealer) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *Sealer) setState(c Condition, sealed int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = State{Condition: c, Sealed: sealed, Err: err}
}

// Run seals until ctx ends, and returns ctx's error. What time mends is waited out. A
// log that does not go on from where it was sealed stops the sealer: it signs
// nothing, says so in the log of the process and to [Read], and goes on only if the
// log is found to be right again.
func (s *Sealer) Run(ctx context.Context) error {
	if s.cfg.Leases == nil {
		return s.loop(ctx)
	}
	for ctx.Err() == nil {
		err := s.cfg.Leases.Hold(ctx, "seal", s.log.Schema(), leaseTTL, s.loop)
		s.setState(Waiting, s.State().Sealed, err)
	}
	return ctx.Err()
}

// loop seals, and begins again after each error.
func (s *Sealer) loop(ctx context.Context) error {
	for {
		err := s.session(ctx)
		wait := s.cfg.Interval
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errLostRace):
			wait = 0
		case errors.IsAny(err, ErrBroken, eventstore.ErrGap):
			s.stopped(ctx, err)
			wait = recheckRounds * s.cfg.Interval
		default:
			s.setState(Failing, s.State().Sealed, err)
			s.slog.WarnContext(ctx, "sealing fails and is tried again", "error", err.Error())
		}
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
}

// session takes up the log where it was sealed, and seals until something fails. An
// alarm ends once sealing goes on: what is wrong may lie after the last checkpoint,
// where only sealing comes upon it.
func (s *Sealer) session(ctx context.Context) error {
	r, err := s.takeUp(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(s.cfg.Interval)
	defer tick.Stop()
	for alarm := true; ; alarm = false {
		more, err := r.seal(ctx)
		if err != nil {
			return err
		}
		if err := r.compareOutlets(ctx); err != nil {
			return err
		}
		s.setState(Running, r.last.Size, nil)
		s.letOut(ctx)
		if alarm {
			if err := s.tables.clearAlarm(ctx); err != nil {
				return err
			}
		}
		if time.Since(s.thinned) >= thinEvery {
			if err := s.tables.thin(ctx, time.Now()); err != nil {
				return err
			}
			s.thinned = time.Now()
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// letOut gives the last checkpoint to every outlet that hasn't got it. One that can't
// be reached gets the then last one later.
func (s *Sealer) letOut(ctx context.Context) {
	for outlet, text := range s.pending {
		if err := outlet.Put(ctx, text); err != nil {
			if ctx.Err() == nil {
				s.slog.WarnContext(ctx, "a checkpoint leaves later", "outlet", outlet.Name(), "error", err.Error())
			}
			continue
		}
		delete(s.pending, outlet)
	}
}

// stopped raises the alarm, or keeps it up; the process's log is told now and then.
func (s *Sealer) stopped(ctx context.Context, err error) {
	sealed := s.State().Sealed
	s.setState(Stopped, sealed, err)
	if time.Since(s.alarmed) >= alarmRepeat {
		s.alarmed = time.Now()
		s.slog.ErrorContext(ctx, "sealing has stopped: the log is not what was sealed; run tender audit verify", "error", err.Error())
	}
	if err := s.tables.raiseAlarm(ctx, sealed, err.Error()); err != nil {
		s.slog.WarnContext(ctx, "the alarm could not be recorded", "error", err.Error())
	}
}

// pause waits for d, and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
