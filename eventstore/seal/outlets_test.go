package seal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore/feed"
	"tender/eventstore/seal"
)

func TestTheFileIsAppendedTo(t *testing.T) {
	b := setup(t)
	dir := t.TempDir()
	out := seal.NewFile(filepath.Join(dir, "made"), testLog)
	if last, err := last(b.ctx, out); err != nil || last != "" {
		t.Errorf("before there is a file: %q, %v", last, err)
	}
	var notes []string
	for i := range int64(3) {
		b.fill(1)
		notes = append(notes, b.sealTo(i+1, outlets(out)).Note)
		if last, err := last(b.ctx, out); err != nil || last != notes[i] {
			t.Errorf("the last is %q, %v", last, err)
		}
	}
	path := filepath.Join(dir, "made", "log_test.checkpoints")
	text, err := os.ReadFile(path)
	if err != nil || string(text) != strings.Join(notes, "\n")+"\n" {
		t.Errorf("the file holds\n%s%v", text, err)
	}
	// A crash in the middle of writing, of any length.
	for cut := 1; cut < len(notes[2]); cut++ {
		want := notes[1]
		if cut < 3 { // the empty line behind it, and the end of its own
			want = notes[2]
		}
		half := string(text[:len(text)-cut])
		if err := os.WriteFile(path, []byte(half), 0o644); err != nil {
			t.Fatal(err)
		}
		if last, err := last(b.ctx, out); err != nil || last != want {
			t.Fatalf("cut by %d: the last is %q, %v", cut, last, err)
		}
		if err := out.Put(b.ctx, notes[2]); err != nil {
			t.Fatal(err)
		}
		if last, err := last(b.ctx, out); err != nil || last != notes[2] {
			t.Fatalf("cut by %d, and put once more: the last is %q, %v", cut, last, err)
		}
		if again, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(again), half) || !strings.HasSuffix(string(again), "\n\n"+notes[2]+"\n") {
			t.Fatalf("cut by %d: the file holds\n%s%v", cut, again, err)
		}
	}
	if err := os.WriteFile(path, text[:50], 0o644); err != nil {
		t.Fatal(err)
	}
	if last, err := last(b.ctx, out); err != nil || last != "" {
		t.Errorf("with half of the first: %q, %v", last, err)
	}
	// A sealer brings a file that is behind up to date, though nothing is new.
	_, _ = b.sealer(outlets(out))
	eventually(t, "the last checkpoint has left", func() bool {
		last, err := last(b.ctx, out)
		return err == nil && last == notes[2]
	})
}

// TestWhatIsInTheFileStaysThere has what nobody foresaw happen to it.
func TestWhatIsInTheFileStaysThere(t *testing.T) {
	b := setup(t)
	dir := t.TempDir()
	out, path := seal.NewFile(dir, testLog), filepath.Join(dir, "log_test.checkpoints")
	b.fill(1)
	first := b.sealTo(1).Note
	b.fill(1)
	second := b.sealTo(2).Note
	holds := func(when, want string) {
		t.Helper()
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("%s the file holds\n%s%v", when, text, err)
		}
	}
	// What tender audit checkpoint prints has no empty line behind it.
	if err := os.WriteFile(path, []byte(first), 0o644); err != nil {
		t.Fatal(err)
	}
	if last, err := last(b.ctx, out); err != nil || last != first {
		t.Errorf("the last is %q, %v", last, err)
	}
	holds("after a look", first)
	if err := out.Put(b.ctx, second); err != nil {
		t.Fatal(err)
	}
	holds("after another", first+"\n"+second+"\n")
	// A sealer that was suspended comes too late.
	if err := out.Put(b.ctx, first); err == nil {
		t.Error("an older one is put behind a later one")
	}
	ended, cancel := context.WithCancel(b.ctx)
	cancel()
	if err := out.Put(ended, second); !errors.Is(err, context.Canceled) {
		t.Errorf("after its time, it is put: %v", err)
	}
	// It may have been suspended while it wrote.
	other, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if err := out.Put(b.ctx, second); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("while another writes, it is put: %v", err)
	}
	holds("after all that", first+"\n"+second+"\n")
}

func TestCheckpointsAreKeptByNATS(t *testing.T) {
	b := setup(t)
	dir := t.TempDir()
	server, err := feed.StartServer(feed.ServerConfig{StoreDir: dir, NoSync: true, RelayPassword: "a", ReaderPassword: "b"})
	if err != nil {
		t.Fatal(err)
	}
	relay, reader := connect(t, server.RelayURL()), connect(t, server.ReaderURL())
	out, err := seal.NewNATS(relay, testLog, 1)
	if err != nil {
		t.Fatal(err)
	}
	if last, err := last(b.ctx, out); err != nil || last != "" {
		t.Errorf("before there is a stream: %q, %v", last, err)
	}
	b.fill(3)
	b.sealer(outlets(out))
	c := b.sealed(3)
	eventually(t, "the checkpoint has left", func() bool {
		last, err := last(b.ctx, out)
		return err == nil && last == c.Note
	})
	// Whoever may read the feed can read it, and not publish another.
	anybody, err := seal.NewNATS(reader, testLog, 1)
	if err != nil {
		t.Fatal(err)
	}
	if last, err := last(b.ctx, anybody); err != nil || last != c.Note {
		t.Errorf("a reader finds %q, %v", last, err)
	}
	if err := anybody.Put(b.ctx, "forged"); err == nil {
		t.Error("a reader may publish")
	}
	js, err := jetstream.New(relay)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(b.ctx, seal.StreamName(testLog)); err == nil {
		t.Error("the relay's user may delete the checkpoints")
	}
	// Without NATS sealing goes on, and the last checkpoint leaves later.
	port := server.Port()
	server.Stop()
	b.fill(1)
	c = b.sealed(4)
	server, err = feed.StartServer(feed.ServerConfig{StoreDir: dir, NoSync: true, Port: port, RelayPassword: "a", ReaderPassword: "b"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	eventually(t, "the checkpoint has left late", func() bool {
		last, err := last(b.ctx, out)
		return err == nil && last == c.Note
	})
}

// TestWhatIsNoCheckpointHidesNothing has somebody publish something else behind what
// has left, after the database was put back.
func TestWhatIsNoCheckpointHidesNothing(t *testing.T) {
	b := setup(t)
	server, err := feed.StartServer(feed.ServerConfig{StoreDir: t.TempDir(), NoSync: true, RelayPassword: "a", ReaderPassword: "b"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	relay := connect(t, server.RelayURL())
	out, err := seal.NewNATS(relay, testLog, 1)
	if err != nil {
		t.Fatal(err)
	}
	b.fill(10)
	first := b.sealTo(10, outlets(out))
	b.fill(10)
	b.sealTo(20, outlets(out))
	b.force(`DELETE FROM log_test.events WHERE position > 15`, `DELETE FROM work_test.checkpoints WHERE size > 10`)
	b.reopen()
	b.fill(30)
	stopped := func(when string) {
		t.Helper()
		s, stop := b.sealer(outlets(out))
		if err := b.stopped(s); !errors.Is(err, seal.ErrBroken) {
			t.Errorf("with %s, it stopped because of %v", when, err)
		}
		stop()
		if all := b.checkpoints(); len(all) != 1 {
			t.Errorf("with %s, %d checkpoints are in the database", when, len(all))
		}
	}
	publish := func(text string) {
		t.Helper()
		if err := out.Put(b.ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	publish("junk")
	stopped("junk behind it")
	publish(first.Note)
	stopped("an older one behind it")
	for range 20 {
		publish("junk")
	}
	stopped("much junk behind it")
}

func connect(t *testing.T, url string) *nats.Conn {
	t.Helper()
	nc, err := feed.Connect(url, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	eventually(t, "NATS is reached", nc.IsConnected)
	return nc
}
