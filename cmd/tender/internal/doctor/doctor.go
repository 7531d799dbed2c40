// Package doctor looks an installation over and says of each thing that it looked
// at how it stands: what was found, how that was seen, and what to do about it.
//
// It changes nothing. Whatever is down is a finding; the rest is looked at all the
// same. It knows the installation from outside, by the catalogues of PostgreSQL and
// by what NATS says, so that it sees what a process at work would trip over.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"tender/eventstore"
	"tender/projections"
)

const (
	// checkTimeout bounds one check, on the server's side, too.
	checkTimeout    = 5 * time.Second
	statementBounds = "4s"
	// checksAtOnce is how many checks run beside each other, each on a connection.
	checksAtOnce = 4
	// connectTimeout bounds each try to connect.
	connectTimeout = 3 * time.Second
)

// Level says how bad a finding is.
type Level string

// The levels, from good to bad.
const (
	OK   Level = "ok"
	Warn Level = "warn" // works, and wants to be looked at
	Fail Level = "fail" // is wrong, and wants to be mended
)

// Finding is one thing that was looked at.
type Finding struct {
	Area  string `json:"area"`
	Level Level  `json:"level"`
	What  string `json:"what"`           // a sentence
	Seen  string `json:"seen,omitempty"` // by what it was seen
	Do    string `json:"do,omitempty"`   // a sentence, with the command between backticks
}

// Config says what is looked at. What isn't named is not looked at, and said.
type Config struct {
	DatabaseURL   string // role tender_app
	AdminURL      string // role tender_admin, which sees more of the server
	NATSURL       string // the user that reads
	VaultURL      string
	MasterKeyFile string
	SealKeyFile   string
	CheckpointDir string
	Modes         []string
	// ReadModels are those of this build, for a mode.
	ReadModels func(mode string) []projections.Projection
}

// exam is one look at an installation.
type exam struct {
	Config
	app, admin *pgxpool.Pool // nil: not named, or not to be reached
	nats       *nats.Conn    // the same
	logs       map[string]*eventstore.Store

	transactionOld, transactionIdle, lockHeld time.Duration
}

func newExam(c Config) *exam {
	return &exam{
		Config: c, logs: map[string]*eventstore.Store{},
		transactionOld: transactionOld, transactionIdle: transactionIdle, lockHeld: lockHeld,
	}
}

// check is one thing to look at.
type check struct {
	area string
	run  func(ctx context.Context, c *chart) error
}

// chart takes what a check finds.
type chart struct {
	area  string
	found []Finding
}

func (c *chart) add(level Level, what, seen, do string) {
	c.found = append(c.found, Finding{Area: c.area, Level: level, What: what, Seen: seen, Do: do})
}

func (c *chart) ok(what, seen string)       { c.add(OK, what, seen, "") }
func (c *chart) warn(what, seen, do string) { c.add(Warn, what, seen, do) }
func (c *chart) fail(what, seen, do string) { c.add(Fail, what, seen, do) }

// bad reports whether anything but good was found.
func (c *chart) bad() bool {
	return slices.ContainsFunc(c.found, func(f Finding) bool { return f.Level != OK })
}

// Examine looks at everything. It takes some seconds at most, whatever is down.
func Examine(ctx context.Context, c Config) []Finding {
	e := newExam(c)
	defer e.close()
	found := perform(ctx, []check{
		{areaPostgreSQL, e.reachDatabase},
		{areaPostgreSQL, e.reachAsAdmin},
		{areaNATS, e.reachNATS},
	})
	if e.app != nil {
		var schemas []check
		for _, mode := range c.Modes {
			schemas = append(schemas, check{"log " + mode, func(ctx context.Context, c *chart) error { return e.openLog(ctx, c, mode) }})
		}
		found = append(found, one(ctx, schemas)...)
	}
	return append(found, perform(ctx, e.checks())...)
}

// checks are those that go by what could be reached.
func (e *exam) checks() []check {
	all := []check{
		{areaVault, e.masterKey},
		{areaDisk, e.localDisk},
	}
	if e.app != nil {
		all = append(all,
			check{areaPostgreSQL, e.settings}, check{areaPostgreSQL, e.sessionSettings}, check{areaPostgreSQL, e.connections},
			check{areaPostgreSQL, e.transactions}, check{areaPostgreSQL, e.age}, check{areaPostgreSQL, e.standbys},
			check{areaPrivileges, e.roles}, check{areaPrivileges, e.foreignSchemas},
			check{areaClocks, e.databaseClock}, check{areaDisk, e.databaseDisk},
		)
	}
	if e.nats != nil {
		all = append(all, check{areaNATS, e.natsRights}, check{areaNATS, e.jetStream}, check{areaClocks, e.natsClock})
	}
	for _, mode := range e.Modes {
		all = append(all, e.checksOf(mode)...)
	}
	return all
}

// checksOf are those of one log.
func (e *exam) checksOf(mode string) []check {
	log := eventstore.Log{Mode: mode}
	var all []check
	if e.app != nil {
		p := patient{exam: e, log: log}
		all = append(all, check{areaPrivileges, p.tables}, check{areaPrivileges, p.triggers}, check{areaPrivileges, p.functions})
	}
	store := e.logs[mode]
	if store == nil {
		return all
	}
	p := patient{exam: e, log: log, store: store, cursors: projections.NewCursors(store)}
	all = append(all,
		check{"log " + mode, p.ends}, check{"log " + mode, p.partitions}, check{"log " + mode, p.growth},
		check{"read models " + mode, p.readModels}, check{"read models " + mode, p.definitions},
		check{"work " + mode, p.loops}, check{"work " + mode, p.due}, check{"work " + mode, p.deliveries}, check{"work " + mode, p.notifications},
		check{"work " + mode, p.unresolved},
		check{"sealing " + mode, p.sealing}, check{"sealing " + mode, p.sealKey}, check{"sealing " + mode, p.outlets},
	)
	if mode == staffMode {
		all = append(all, check{areaStaff, p.staffKeys})
	}
	if e.nats != nil {
		all = append(all, check{"feed " + mode, p.stream})
	}
	return all
}

// patient is one log.
type patient struct {
	*exam
	log     eventstore.Log
	store   *eventstore.Store
	cursors *projections.Cursors
}

// The areas that are no log's own.
const (
	areaPostgreSQL = "postgresql"
	areaPrivileges = "privileges"
	areaNATS       = "nats"
	areaClocks     = "clocks"
	areaDisk       = "disk"
	areaVault      = "vault"
	areaStaff      = "staff"
)

// perform runs checks beside each other, and returns what they found in their order.
func perform(ctx context.Context, checks []check) []Finding {
	found := make([][]Finding, len(checks))
	places := make(chan struct{}, checksAtOnce)
	var running sync.WaitGroup
	for i, k := range checks {
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			found[i] = k.perform(ctx)
		})
	}
	running.Wait()
	return slices.Concat(found...)
}

// one runs checks one after the other.
func one(ctx context.Context, checks []check) (found []Finding) {
	for _, k := range checks {
		found = append(found, k.perform(ctx)...)
	}
	return found
}

func (k check) perform(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	c := &chart{area: k.area}
	err := k.run(ctx, c)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		c.fail(fmt.Sprintf("A look took longer than %s and was given up.", checkTimeout), err.Error(), "Mend what is wrong above, then run `tender doctor` again.")
	default:
		c.fail("A look came to nothing.", err.Error(), "Mend what is wrong above, then run `tender doctor` again.")
	}
	return c.found
}

// close gives back every connection.
func (e *exam) close() {
	for _, store := range e.logs {
		store.Close()
	}
	for _, pool := range []*pgxpool.Pool{e.app, e.admin} {
		if pool != nil {
			pool.Close()
		}
	}
	if e.nats != nil {
		e.nats.Close()
	}
}

// counted is a number with its noun.
func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// openLog opens a log as a serving process does, which checks its schema.
func (e *exam) openLog(ctx context.Context, c *chart, mode string) error {
	log := eventstore.Log{Mode: mode}
	store, err := eventstore.Open(ctx, log, e.DatabaseURL, eventstore.WithReadConnections(checksAtOnce))
	switch {
	case err == nil:
		e.logs[mode] = store
		c.ok("The schema is this build's, and the log opens.", log.Schema()+".schema_version")
		return nil
	case errors.Is(err, eventstore.ErrSchemaVersion):
		c.fail("The log's schema is of another version than this build.", err.Error(),
			"Where it is older, bring it up with `tender migrate`, with this build; where it is newer, run a build that is as new.")
		return nil
	}
	c.fail("The log can't be opened.", err.Error(), "Mend what PostgreSQL says, then run `tender doctor` again.")
	return nil
}
