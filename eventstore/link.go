package eventstore

import (
	"context"
	"fmt"
	"maps"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// link is the batcher's own connection: one goroutine's, made anew when it breaks.
type link struct {
	config *pgx.ConnConfig
	log    Log
	conn   *pgx.Conn
	cols   columns
}

// appendStatement is the name that the call is prepared under.
const appendStatement = "append"

// AppendSettings are what the session that appends asks of PostgreSQL. No timeout of
// the server's may cut a batch off, but a server must notice within 10 s that this
// process or the way to it is gone, because its transaction holds the lock. Whoever
// stands in between, such as a pooler, must let them through.
func AppendSettings() map[string]string {
	return map[string]string{
		"statement_timeout":                   "0",
		"lock_timeout":                        "0",
		"idle_in_transaction_session_timeout": "8s",
		"client_connection_check_interval":    "2s",
		"tcp_keepalives_idle":                 fmt.Sprint(keepaliveIdle.Seconds()),
		"tcp_keepalives_interval":             fmt.Sprint(keepaliveInterval.Seconds()),
		"tcp_keepalives_count":                fmt.Sprint(keepaliveCount),
		"tcp_user_timeout":                    fmt.Sprint(unackedMax.Milliseconds()),
		"default_transaction_isolation":       "read committed",
	}
}

// appendConfig returns how the batcher connects.
func appendConfig(url string, log Log) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.Wrap(err, "the log's database URL")
	}
	configure(config, log)
	config.RuntimeParams["application_name"] = "tender " + log.Mode + " append"
	maps.Copy(config.RuntimeParams, AppendSettings())
	return config, nil
}

// append sends one batch: one statement, one transaction, one round trip.
func (l *link) append(ctx context.Context, batch []*pending) ([]settled, error) {
	if err := l.connect(ctx); err != nil {
		return nil, err
	}
	l.cols.fill(batch)
	rows, err := l.conn.Query(ctx, appendStatement, l.cols.arguments()...)
	if err != nil {
		return nil, l.judge(err)
	}
	outcomes, err := readOutcomes(rows, batch)
	if err != nil {
		return nil, l.judge(err)
	}
	return outcomes, nil
}

func (l *link) connect(ctx context.Context) error {
	if l.conn != nil && !l.conn.IsClosed() {
		return nil
	}
	l.drop()
	conn, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return errors.Mark(errors.Wrap(err, "connect to append"), errUnanswered)
	}
	l.conn = conn
	if err := l.prepare(ctx); err != nil {
		l.drop()
		return errors.Mark(errors.Wrap(err, "prepare to append"), errUnanswered)
	}
	return nil
}

func (l *link) prepare(ctx context.Context) error {
	// An append is answered when it is on disk, whatever the role's default says.
	_, err := l.conn.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false)
		WHERE current_setting('synchronous_commit') IN ('off', 'local')`)
	if err != nil {
		return err
	}
	_, err = l.conn.Prepare(ctx, appendStatement, l.cols.call(l.log))
	return err
}

func (l *link) drop() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	_ = l.conn.Close(ctx) // what is lost is lost
	l.conn = nil
}

// errUnanswered marks errors after which a batch is sent again as it is.
var errUnanswered = errors.New("no answer")

// judge marks an error that says nothing about the batch itself. The connection is
// made anew then: it may lead to a server that has stepped down.
func (l *link) judge(err error) error {
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr) && unrelated(pgErr.Code):
		l.drop()
		return errors.Mark(err, errUnanswered)
	case pgErr == nil && l.conn.IsClosed():
		return errors.Mark(err, errUnanswered)
	}
	return err
}

// unrelated reports a SQLSTATE that may meet any statement at any time.
func unrelated(code string) bool {
	switch code[:2] {
	// Connection, rollback, resources, object in use, operator intervention, system error.
	case "08", "40", "53", "55", "57", "58":
		return true
	}
	return code == "25006" // the server takes no writes: it has become a standby
}

// refused reports an error that lies in the batch.
func refused(err error) bool { return !errors.Is(err, errUnanswered) }

// refusal wraps PostgreSQL's error for the one command that is to blame.
func refusal(err error) error { return fmt.Errorf("%w: %w", ErrRefusedByDatabase, err) }
