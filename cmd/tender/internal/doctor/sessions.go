package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/eventstore"
)

const (
	// processConnections is how many connections one serving process may hold: of each
	// log two pools of 8 and one that appends, and 4 of the vault.
	processConnections = 2*(2*8+1) + 4
	// transactionOld is from when on a transaction is in vacuum's way, and
	// transactionIdle one that does nothing.
	transactionOld  = 10 * time.Minute
	transactionIdle = time.Minute
	// lockHeld is for how long nobody needs the append lock.
	lockHeld = 3 * time.Second
	// ageWarn and ageFail are of the oldest transaction id; at 2 billion PostgreSQL
	// takes no more writes.
	ageWarn, ageFail = 500_000_000, 1_500_000_000
	// standbyLag and slotBytes are how far behind a standby may be.
	standbyLag = time.Minute
	slotBytes  = 4 << 30
)

// sessionSettings compares what the appender's session asks for with what it gets:
// a pooler in between may keep it back.
func (e *exam) sessionSettings(ctx context.Context, c *chart) error {
	config, err := pgx.ParseConfig(e.DatabaseURL)
	if err != nil {
		return err
	}
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["application_name"] = "tender doctor"
	wanted := eventstore.AppendSettings()
	maps.Copy(config.RuntimeParams, wanted)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if strings.HasPrefix(name, "tcp_") && strings.HasPrefix(config.Host, "/") {
			continue // there is no TCP in a socket of the machine's own
		}
		var have, same string
		if err := tx.QueryRow(ctx, `SELECT current_setting($1)`, name).Scan(&have); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT set_config($1, $2, true)`, name, wanted[name]).Scan(&same); err != nil {
			return err
		}
		if have != same {
			missing = append(missing, fmt.Sprintf("%s is %s instead of %s", name, have, same))
		}
	}
	if len(missing) > 0 {
		c.fail("Sessions don't get the settings that they ask for: a process that dies can hold the append lock for minutes.", strings.Join(missing, "; "),
			"A pooler stands in between: let DATABASE_URL lead to PostgreSQL itself.")
		return nil
	}
	c.ok("Sessions get the settings by which a dead holder of the append lock is noticed.", "client_connection_check_interval, TCP keepalives, idle_in_transaction_session_timeout")
	return nil
}

// connections compares those in use, and those that the processes may come to use,
// with how many there may be.
func (e *exam) connections(ctx context.Context, c *chart) error {
	var most, used, processes int64
	err := e.app.QueryRow(ctx, `SELECT
		current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint,
		count(*) FILTER (WHERE coalesce(backend_type, 'client backend') = 'client backend' AND usesysid IS NOT NULL), -- of other roles' sessions the kind is hidden
		count(*) FILTER (WHERE application_name = 'tender live append')
		FROM pg_stat_activity`).Scan(&most, &used, &processes)
	if err != nil {
		return err
	}
	processes = max(processes-1, 0) // one is ours
	needed := processes * processConnections
	seen := fmt.Sprintf("%d of %d are in use; %s may come to use %d", used, most, counted(processes, "serving process", "serving processes"), needed)
	do := fmt.Sprintf("Raise the limit, then restart PostgreSQL: `psql \"$TENDER_SUPERUSER_URL\" -c \"ALTER SYSTEM SET max_connections = %d\"`; or run fewer processes.", roundUp(max(needed, used)+processConnections))
	switch {
	case used*10 > most*9:
		c.fail("PostgreSQL's connections are almost used up: new ones will be refused.", seen, do)
	case needed > most:
		c.warn("The processes may come to use more connections than PostgreSQL has.", seen, do)
	default:
		c.ok("There are connections enough.", seen)
	}
	return nil
}

// roundUp rounds to the next 50.
func roundUp(n int64) int64 { return (n + 49) / 50 * 50 }

// transactions looks for those that hold the append lock, or keep vacuum from
// clearing up.
func (e *exam) transactions(ctx context.Context, c *chart) error {
	db := e.app
	if e.admin != nil {
		db = e.admin
	}
	rows, err := db.Query(ctx, `SELECT pid, usename::text, application_name, coalesce(state, ''), extract(epoch FROM clock_timestamp() - xact_start)::float8,
			coalesce(extract(epoch FROM clock_timestamp() - state_change)::float8, 0)
		FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'
		ORDER BY xact_start LIMIT 20`)
	if err != nil {
		return err
	}
	var pid int
	var role, name, state string
	var since, changed float64
	_, err = pgx.ForEachRow(rows, []any{&pid, &role, &name, &state, &since, &changed}, func() error {
		open, idle := seconds(since), seconds(changed)
		isIdle := strings.HasPrefix(state, "idle in transaction") && idle > e.transactionIdle
		if open < e.transactionOld && !isIdle {
			return nil
		}
		what := fmt.Sprintf("A transaction of %s has been open for %s, and keeps vacuum from clearing up.", role, open.Round(time.Second))
		if isIdle {
			what = fmt.Sprintf("A transaction of %s has done nothing for %s, and holds its locks.", role, idle.Round(time.Second))
		}
		c.warn(what, fmt.Sprintf("pg_stat_activity, pid %d, application %q", pid, name),
			fmt.Sprintf("Find out whose it is, and end it: `psql \"$TENDER_SUPERUSER_URL\" -c \"SELECT pg_terminate_backend(%d)\"`.", pid))
		return nil
	})
	if err != nil {
		return err
	}
	if err := e.prepared(ctx, c); err != nil {
		return err
	}
	if err := e.holders(ctx, c); err != nil {
		return err
	}
	if !c.bad() {
		c.ok("No transaction is in the way.", "pg_stat_activity, pg_prepared_xacts, who waits for the append lock")
	}
	return nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// prepared looks for transactions that no session holds any more.
func (e *exam) prepared(ctx context.Context, c *chart) error {
	rows, err := e.app.Query(ctx, `SELECT gid, owner::text, extract(epoch FROM clock_timestamp() - prepared)::float8 FROM pg_prepared_xacts
		WHERE database = current_database() AND prepared < clock_timestamp() - $1::interval ORDER BY prepared LIMIT 20`, e.transactionIdle)
	if err != nil {
		return err
	}
	var gid, owner string
	var since float64
	_, err = pgx.ForEachRow(rows, []any{&gid, &owner, &since}, func() error {
		c.fail(fmt.Sprintf("A prepared transaction of %s is %s old. Tender makes none; it holds its locks across restarts.", owner, seconds(since).Round(time.Second)),
			"pg_prepared_xacts", fmt.Sprintf("Undo it, as its owner or a superuser: `psql \"$TENDER_SUPERUSER_URL\" -c \"ROLLBACK PREPARED '%s'\"`.", strings.ReplaceAll(gid, "'", "''")))
		return nil
	})
	return err
}

// holders looks for who keeps appends waiting.
func (e *exam) holders(ctx context.Context, c *chart) error {
	rows, err := e.app.Query(ctx, `SELECT DISTINCT b.pid, coalesce(h.usename::text, ''), coalesce(h.application_name, '')
		FROM pg_stat_activity a CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS b (pid) LEFT JOIN pg_stat_activity h ON h.pid = b.pid
		WHERE a.application_name IN ('tender test append', 'tender live append') AND a.wait_event_type = 'Lock'
		  AND clock_timestamp() - a.query_start > $1::interval AND coalesce(h.application_name, '') NOT LIKE 'tender % append'`, e.lockHeld)
	if err != nil {
		return err
	}
	var pid int
	var role, name string
	_, err = pgx.ForEachRow(rows, []any{&pid, &role, &name}, func() error {
		c.fail(fmt.Sprintf("A session of %s keeps every append waiting.", role), fmt.Sprintf("pg_blocking_pids, pid %d, application %q", pid, name),
			fmt.Sprintf("End it: `psql \"$TENDER_SUPERUSER_URL\" -c \"SELECT pg_terminate_backend(%d)\"`.", pid))
		return nil
	})
	return err
}

// age looks at how far the server is from running out of transaction ids.
func (e *exam) age(ctx context.Context, c *chart) error {
	var age int64
	if err := e.app.QueryRow(ctx, `SELECT max(age(datfrozenxid))::bigint FROM pg_database`).Scan(&age); err != nil {
		return err
	}
	seen := fmt.Sprintf("the oldest is %d transactions old; at 2 billion PostgreSQL takes no more writes", age)
	do := "Find what keeps vacuum from freezing (old transactions, slots, autovacuum off), then freeze: `vacuumdb --all --freeze`, as a superuser."
	switch {
	case age > ageFail:
		c.fail("PostgreSQL is running out of transaction ids.", seen, do)
	case age > ageWarn:
		c.warn("Transaction ids are not frozen as they should be.", seen, do)
	default:
		c.ok("Transaction ids are frozen in time.", seen)
	}
	return nil
}

// standbys looks at who copies the server, and at what waits for them.
func (e *exam) standbys(ctx context.Context, c *chart) error {
	rows, err := e.app.Query(ctx, `SELECT slot_name::text, active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint
		FROM pg_replication_slots WHERE restart_lsn IS NOT NULL AND NOT pg_is_in_recovery()`)
	if err != nil {
		return err
	}
	var name string
	var active bool
	var kept int64
	_, err = pgx.ForEachRow(rows, []any{&name, &active, &kept}, func() error {
		if kept > slotBytes && !active {
			c.fail(fmt.Sprintf("Nobody reads the replication slot %s; PostgreSQL keeps its log for it until the disk is full.", name),
				fmt.Sprintf("pg_replication_slots: %s are kept", bytes(kept)),
				fmt.Sprintf("Bring its reader back, or drop it: `psql \"$TENDER_SUPERUSER_URL\" -c \"SELECT pg_drop_replication_slot('%s')\"`.", name))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := e.archive(ctx, c); err != nil {
		return err
	}
	if e.admin != nil {
		if err := e.replicas(ctx, c); err != nil {
			return err
		}
	}
	if !c.bad() {
		c.ok("Nothing waits for a standby or an archive.", "pg_stat_replication, pg_replication_slots, pg_stat_archiver")
	}
	return nil
}

// archive looks whether the write-ahead log is archived, where it is meant to be.
func (e *exam) archive(ctx context.Context, c *chart) error {
	var fails bool
	err := e.app.QueryRow(ctx, `SELECT current_setting('archive_mode') <> 'off'
		AND coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) FROM pg_stat_archiver`).Scan(&fails)
	if err != nil {
		return err
	}
	if fails {
		c.fail("The write-ahead log can't be archived: backups end, and the disk fills.", "pg_stat_archiver: the last try failed",
			"PostgreSQL's log says why archive_command fails; look at `psql \"$DATABASE_ADMIN_URL\" -c \"SELECT * FROM pg_stat_archiver\"`.")
	}
	return nil
}

// replicas looks at the standbys themselves.
func (e *exam) replicas(ctx context.Context, c *chart) error {
	var late []string
	var synchronous, wanted bool
	err := e.admin.QueryRow(ctx, `SELECT
		coalesce(array_agg(application_name || ' by ' || coalesce(replay_lag, '0')) FILTER (WHERE replay_lag > $1::interval), '{}')::text[],
		coalesce(bool_or(sync_state IN ('sync', 'quorum')), false), current_setting('synchronous_standby_names') <> ''
		FROM pg_stat_replication`, standbyLag).Scan(&late, &synchronous, &wanted)
	if err != nil {
		return err
	}
	if wanted && !synchronous {
		c.fail("Appends wait for a synchronous standby, and there is none.", "synchronous_standby_names is set; pg_stat_replication has none that is",
			"Bring the standby back, or do without: `psql \"$TENDER_SUPERUSER_URL\" -c \"ALTER SYSTEM SET synchronous_standby_names = ''\" -c \"SELECT pg_reload_conf()\"`.")
	}
	if len(late) > 0 {
		c.warn("Standbys are behind: what fails over to them loses what they lack.", "pg_stat_replication: "+strings.Join(late, ", "),
			"Look at the standby's disk and network; `psql \"$DATABASE_ADMIN_URL\" -c \"SELECT * FROM pg_stat_replication\"` shows how far it is.")
	}
	return nil
}
