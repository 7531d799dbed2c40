package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// templateLock is the advisory lock under which templates and roles are made:
// test processes run side by side.
const templateLock = 0x74656e646572 // "tender"

// adminConnections bounds what a test process needs to make and drop databases.
const adminConnections = 2

// run is this process's view of the run's server.
type run struct {
	superURL *url.URL
	pool     *pgxpool.Pool

	mu        sync.Mutex
	templates map[string]bool // made or found by this process
}

// theRun connects to the run's server, once per process.
var theRun = sync.OnceValues(func() (*run, error) {
	text := os.Getenv(ServerEnv)
	if text == "" {
		var err error
		if text, err = sharedServer(); err != nil {
			return nil, err
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.Newf("%s is no URL", ServerEnv) // it holds a password
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, errors.Newf("%s is no URL of a PostgreSQL server", ServerEnv)
	}
	config.MaxConns = adminConnections
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, errors.Wrap(err, "connect to the test server")
	}
	return &run{superURL: u, pool: pool, templates: map[string]bool{}}, nil
})

// buildHash is the hash of this program, and so of every migration that it
// embeds and of the code that performs them.
var buildHash = sync.OnceValues(func() (string, error) {
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", errors.Wrap(err, "open the test program")
	}
	defer program.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, program); err != nil {
		return "", errors.Wrap(err, "read the test program")
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
})

// template returns the name of the migrated template, made if it isn't there.
func (r *run) template(ctx context.Context, extras []extra) (string, error) {
	build, err := buildHash()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	_, _ = io.WriteString(hash, build)
	for _, e := range extras {
		_, _ = io.WriteString(hash, "\x00"+e.name)
	}
	name := "tmpl_" + hex.EncodeToString(hash.Sum(nil)[:12])

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.templates[name] {
		return name, nil
	}
	err = r.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(templateLock)); err != nil {
			return err
		}
		defer func() {
			_, _ = conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(templateLock))
		}()
		return r.ensureTemplate(ctx, conn.Conn(), name, extras)
	})
	if err == nil {
		r.templates[name] = true
	}
	return name, err
}

// ensureTemplate makes the template under the lock. Only a finished one is
// marked as a template; another one was cut off and is made anew.
func (r *run) ensureTemplate(ctx context.Context, conn *pgx.Conn, name string, extras []extra) error {
	var finished bool
	err := conn.QueryRow(ctx, `SELECT datistemplate FROM pg_database WHERE datname = $1`, name).Scan(&finished)
	if finished {
		return nil
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	quoted := pgx.Identifier{name}.Sanitize()
	for _, statement := range []string{
		`DROP DATABASE IF EXISTS ` + quoted + ` WITH (FORCE)`,
		`CREATE DATABASE ` + quoted,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := migrate(ctx, database(r.superURL, name), rolePasswords(r.superURL), extras); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `ALTER DATABASE `+quoted+` WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`)
	return err
}

// clone makes a database like the template, with its grants, which PostgreSQL
// doesn't copy.
func (r *run) clone(ctx context.Context, template, name string) error {
	quoted := pgx.Identifier{name}.Sanitize()
	// Copying files costs two checkpoints, which are cheap without fsync, and a
	// third of what copying through the write-ahead log does.
	_, err := r.pool.Exec(ctx, `CREATE DATABASE `+quoted+` TEMPLATE `+pgx.Identifier{template}.Sanitize()+` STRATEGY file_copy`)
	if err != nil {
		return errors.Wrap(err, "clone the template")
	}
	rows, err := r.pool.Query(ctx, `
		SELECT format('GRANT %s ON DATABASE %I TO %s', acl.privilege_type, $2::text,
		              CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE acl.grantee::regrole::text END)
		FROM pg_database, aclexplode(datacl) AS acl
		WHERE datname = $1`, template, name)
	if err != nil {
		return errors.Wrap(err, "read the template's grants")
	}
	grants, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return errors.Wrap(err, "read the template's grants")
	}
	_, err = r.pool.Exec(ctx, strings.Join(grants, ";"))
	return errors.Wrap(err, "grant as in the template")
}

// drop ends whatever still uses a test's database and drops it.
func (r *run) drop(ctx context.Context, name string) error {
	_, err := r.pool.Exec(ctx, `DROP DATABASE IF EXISTS `+pgx.Identifier{name}.Sanitize()+` WITH (FORCE)`)
	return err
}
