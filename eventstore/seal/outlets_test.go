package seal_test

import (
	"os"
	"path/filepath"
	"strings"
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
	if last, err := out.Last(b.ctx); err != nil || last != "" {
		t.Errorf("before there is a file: %q, %v", last, err)
	}
	var notes []string
	for i := range int64(3) {
		b.fill(1)
		notes = append(notes, b.sealTo(i+1, outlets(out)).Note)
		if last, err := out.Last(b.ctx); err != nil || last != notes[i] {
			t.Errorf("the last is %q, %v", last, err)
		}
	}
	path := filepath.Join(dir, "made", "log_test.checkpoints")
	text, err := os.ReadFile(path)
	if err != nil || string(text) != strings.Join(notes, "\n")+"\n" {
		t.Errorf("the file holds\n%s%v", text, err)
	}
	// A crash in the middle of writing, of any length.
	for cut := 1; cut < len(notes[2]); cut += 11 {
		if err := os.WriteFile(path, text[:len(text)-cut], 0o644); err != nil {
			t.Fatal(err)
		}
		want := notes[1]
		if last, err := out.Last(b.ctx); err != nil || last != want {
			t.Fatalf("cut by %d: the last is %q, %v", cut, last, err)
		}
		if err := out.Put(b.ctx, notes[2]); err != nil {
			t.Fatal(err)
		}
		if again, err := os.ReadFile(path); err != nil || string(again) != string(text) {
			t.Fatalf("cut by %d: the file holds\n%s%v", cut, again, err)
		}
	}
	if err := os.WriteFile(path, text[:50], 0o644); err != nil {
		t.Fatal(err)
	}
	if last, err := out.Last(b.ctx); err != nil || last != "" {
		t.Errorf("with half of the first: %q, %v", last, err)
	}
	// A sealer brings a file that is behind up to date, though nothing is new.
	_, _ = b.sealer(outlets(out))
	eventually(t, "the last checkpoint has left", func() bool {
		last, err := out.Last(b.ctx)
		return err == nil && last == notes[2]
	})
}

func TestCheckpointsAreKeptByNATS(t *testing.T) {
	b := setup(t)
	dir := t.TempDir()
	server, err := feed.StartServer(feed.ServerConfig{StoreDir: dir, NoSync: true, RelayPassword: "a", ReaderPassword: "b"})
	if err != nil {
		t.Fatal(err)
	}
	relay, reader := connect(t, server.RelayURL()), connect(t, server.ReaderURL())
	out, err := seal.NewNATS(relay, testLog)
	if err != nil {
		t.Fatal(err)
	}
	if last, err := out.Last(b.ctx); err != nil || last != "" {
		t.Errorf("before there is a stream: %q, %v", last, err)
	}
	b.fill(3)
	b.sealer(outlets(out))
	c := b.sealed(3)
	eventually(t, "the checkpoint has left", func() bool {
		last, err := out.Last(b.ctx)
		return err == nil && last == c.Note
	})
	// Whoever may read the feed can read it, and not publish another.
	anybody, err := seal.NewNATS(reader, testLog)
	if err != nil {
		t.Fatal(err)
	}
	if last, err := anybody.Last(b.ctx); err != nil || last != c.Note {
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
		last, err := out.Last(b.ctx)
		return err == nil && last == c.Note
	})
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
