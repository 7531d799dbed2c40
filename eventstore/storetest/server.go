package storetest

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tender/eventstore/pgserver"
)

// PrivateServer is a PostgreSQL that belongs to one test, syncs to disk, and may
// be killed and started again. Its port, and so the URLs of DB, stay the same.
type PrivateServer struct {
	DB

	config pgserver.Config
	server *pgserver.Server
}

// Server starts a server for this test, with one migrated database, and deletes
// it when the test is over. It takes a second or two: a test that only needs
// tables takes a Database.
func Server(t testing.TB, options ...Option) *PrivateServer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), setupMax)
	defer cancel()
	// Not t.TempDir, which the user that root drops to can't reach.
	parent, err := os.MkdirTemp("", "tender-server-")
	if err != nil {
		t.Fatalf("directory of the server: %v", err)
	}
	if err := os.Chmod(parent, 0o711); err != nil {
		t.Fatalf("directory of the server: %v", err)
	}
	p := &PrivateServer{config: pgserver.Config{DataDir: filepath.Join(parent, "postgres")}}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupMax)
		defer cancel()
		if p.server != nil {
			_ = p.server.Kill()
		}
		if err := pgserver.Remove(ctx, p.config.DataDir); err != nil {
			t.Errorf("remove the server: %v", err)
		}
		_ = os.RemoveAll(parent)
	})
	p.start(t)
	p.config.Port = p.server.Port()
	superURL, err := url.Parse(p.server.URL(pgserver.Superuser, "postgres"))
	if err != nil {
		t.Fatalf("URL of the server: %v", err)
	}
	p.DB = database(superURL, "postgres")
	if err := migrate(ctx, p.DB, rolePasswords(superURL), collect(options)); err != nil {
		t.Fatalf("migrate: %+v", err)
	}
	return p
}

// Kill ends all of the server's processes with SIGKILL, and returns when they
// are gone.
func (p *PrivateServer) Kill(t testing.TB) {
	t.Helper()
	if err := p.server.Kill(); err != nil {
		t.Fatalf("kill the server: %v", err)
	}
}

// Stop shuts the server down in order.
func (p *PrivateServer) Stop(t testing.TB) {
	t.Helper()
	if err := p.server.Stop(context.Background()); err != nil {
		t.Fatalf("stop the server: %v", err)
	}
}

// Start starts the server again after Kill or Stop. It returns when it has
// recovered and accepts connections.
func (p *PrivateServer) Start(t testing.TB) {
	t.Helper()
	p.start(t)
}

// Pause halts the postmaster, so that no new connection is answered, and Resume
// lets it go on. Connections that stand are not touched.
func (p *PrivateServer) Pause(t testing.TB) { p.signal(t, syscall.SIGSTOP) }

// Resume undoes Pause.
func (p *PrivateServer) Resume(t testing.TB) { p.signal(t, syscall.SIGCONT) }

func (p *PrivateServer) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(p.server.Pid(), s); err != nil {
		t.Fatalf("signal the server: %v", err)
	}
}

func (p *PrivateServer) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), setupMax)
	defer cancel()
	server, err := pgserver.Start(ctx, p.config)
	if err != nil {
		t.Fatalf("start the server: %v", err)
	}
	p.server = server
}
