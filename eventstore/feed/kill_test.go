package feed_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore/feed"
	"tender/eventstore/storetest"
)

// serverEnv makes the test binary a nats-server that keeps its files in the directory
// that it names, so that a test can kill it.
const serverEnv = "TENDER_TEST_FEED_SERVER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serverEnv); dir != "" {
		serve(dir, os.Getenv(serverEnv+"_PORT"))
		return
	}
	os.Exit(m.Run())
}

// serve runs a server until standard input ends or the process is killed.
func serve(dir, port string) {
	cfg := feed.ServerConfig{StoreDir: dir, RelayPassword: "relay", ReaderPassword: "reader"}
	if _, err := fmt.Sscan(port, &cfg.Port); err != nil {
		panic(err)
	}
	s, err := feed.StartServer(cfg)
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Port())
	_, _ = os.Stdin.Read(make([]byte, 1)) // returns when the test ends
}

// spawn starts a server process and returns its port.
func spawn(t *testing.T, dir string, port int) (*exec.Cmd, int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverEnv+"="+dir, fmt.Sprintf("%s_PORT=%d", serverEnv, port))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the server process said nothing: %v", err)
	}
	if _, err := fmt.Sscan(line, &port); err != nil {
		t.Fatal(err)
	}
	return cmd, port
}

func TestServerKilledInTheMiddleOfBatches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, port := spawn(t, dir, 0)
	url := fmt.Sprintf("nats://%%s@127.0.0.1:%d", port)
	b := &bundle{t: t, ctx: t.Context(), db: storetest.Database(t)}
	b.store = storetest.Open(t, b.db, "test")
	nc := b.connect(fmt.Sprintf(url, "relay:relay"))
	for range 2 {
		r, err := feed.NewRelay(b.store, nc, feed.RelayConfig{Lowest: zero})
		if err != nil {
			t.Fatal(err)
		}
		b.background(func(ctx context.Context) { _ = r.Run(ctx) })
	}
	reader := b.reader(b.connect(fmt.Sprintf(url, "reader:reader")))
	const kills, each = 4, 1500
	done := make(chan struct{})
	go func() { defer close(done); b.fill(kills * each) }()
	for i := range kills {
		if _, err := b.store.Signal().Wait(b.ctx, int64(i*each+each/2)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		cmd, _ = spawn(t, dir, port)
	}
	<-done
	b.follow(reader, 0, kills*each)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	want := b.log()
	var s jetstream.Stream
	eventually(t, "the stream reaches the log's head", func() bool {
		s, err = js.Stream(b.ctx, "LOG_test")
		return err == nil && int(s.CachedInfo().State.LastSeq) == len(want)
	})
	for _, e := range want {
		msg, err := s.GetMsg(b.ctx, uint64(e.Position))
		if err != nil {
			t.Fatalf("message %d: %v", e.Position, err)
		}
		if got, err := feed.Decode(msg.Data); err != nil || !same(got, e) {
			t.Fatalf("message %d holds %+v (%v), the log %+v", e.Position, got, err, e)
		}
	}
	if forged := reader.State().Forged; forged != 0 {
		t.Errorf("%d alarms", forged)
	}
}
