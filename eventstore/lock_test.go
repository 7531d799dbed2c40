package eventstore_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/eventstore"
)

// holdLock takes the lock that appends take, so that commands gather behind it,
// until release is called.
func holdLock(t *testing.T, b *testBundle) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(b.ctx, b.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(b.ctx, `SELECT pg_advisory_lock($1)`, eventstore.LockKey(testLog)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Errorf("release the lock: %v", err)
		}
	}
}

// plug keeps a batch under way until release is called: what is appended meanwhile
// gathers in the queue.
func plug(t *testing.T, b *testBundle) (release func()) {
	t.Helper()
	unlock := holdLock(t, b)
	done := make(chan error, 1)
	go func() {
		_, err := b.store.Append(b.ctx, write("plug_"+newID().String(), 0, 0))
		done <- err
	}()
	eventually(t, "a batch waits for the lock", func() bool { return lockWaiters(t, b) == 1 })
	return func() {
		unlock()
		if err := <-done; err != nil {
			t.Errorf("append: %v", err)
		}
	}
}

// gathered waits until n commands are in the queue.
func gathered(t *testing.T, s *eventstore.Store, n int) {
	t.Helper()
	eventually(t, "commands gather", func() bool { return eventstore.Queued(s) == n })
}
