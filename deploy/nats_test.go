package deploy_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tender/domain"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/storetest"
)

const (
	relayPassword  = "relay-password"
	readerPassword = "reader-password"
	// patience bounds every wait: far more than any should take.
	patience = 2 * time.Minute
)

// The example's passwords come from the environment, which all tests share.
func init() {
	_ = os.Setenv("NATS_RELAY_PASSWORD", relayPassword)
	_ = os.Setenv("NATS_READER_PASSWORD", readerPassword)
}

// natsServer runs a server by the example, but for its directory and ports.
func natsServer(t *testing.T) (url func(user, password string) string, options *server.Options) {
	t.Helper()
	options, err := server.ProcessConfigFile("nats-server.conf")
	must(t, err)
	asConfigured := *options
	_, address := startNATS(t, 0, t.TempDir())
	return func(user, password string) string { return "nats://" + user + ":" + password + "@" + address }, &asConfigured
}

// startNATS starts a server by the example on a port, 0 for any, with its files in
// dir, and returns what ends it and where it is.
func startNATS(t *testing.T, port int, dir string) (stop func(), address string) {
	t.Helper()
	options, err := server.ProcessConfigFile("nats-server.conf")
	must(t, err)
	options.Host, options.Port, options.HTTPHost, options.HTTPPort = "127.0.0.1", port, "", 0
	if port == 0 {
		options.Port = server.RANDOM_PORT
	}
	options.StoreDir, options.NoSigs, options.NoLog = dir, true, true
	ns, err := server.NewServer(options)
	must(t, err)
	ns.Start()
	stop = func() { ns.Shutdown(); ns.WaitForShutdown() }
	t.Cleanup(stop)
	if !ns.ReadyForConnections(patience) {
		t.Fatal("the server is not ready")
	}
	return stop, ns.Addr().(*net.TCPAddr).String()
}

func connect(t *testing.T, url string) *nats.Conn {
	t.Helper()
	nc, err := feed.Connect(url, t.Name())
	must(t, err)
	t.Cleanup(nc.Close)
	return nc
}

func TestNATSSyncsBeforeItAcknowledges(t *testing.T) {
	t.Parallel()
	_, options := natsServer(t)
	if !options.SyncAlways {
		t.Error("sync_interval is not always")
	}
	if options.StoreDir != "/var/lib/nats" || !strings.Contains(read(t, "compose.yaml"), "nats:"+options.StoreDir) {
		t.Errorf("the files lie in %s, which compose.yaml doesn't keep", options.StoreDir)
	}
}

// The relay and a reader of ours do their work with the example's rights.
func TestTheFeedRunsOnTheExample(t *testing.T) {
	t.Parallel()
	url, _ := natsServer(t)
	store := storetest.Open(t, storetest.Database(t), "test")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// A stream that is made begins behind the lowest cursor: here, with the log.
	beginning := func(context.Context) (int64, error) { return 0, nil }
	relay, err := feed.NewRelay(store, connect(t, url("relay", relayPassword)), feed.RelayConfig{Lowest: beginning})
	must(t, err)
	reading := connect(t, url("reader", readerPassword))
	denied := make(chan error, 16)
	reading.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		select {
		case denied <- err:
		default:
		}
	})
	reader, err := feed.NewReader(store, reading)
	must(t, err)
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{}, 3)
	for _, loop := range []func(){
		func() { _ = relay.Run(running) }, func() { _ = reader.Run(running) },
		func() { feed.Announce(running, store, reading) },
	} {
		go func() { loop(); done <- struct{}{} }()
	}
	defer func() { stop(); <-done; <-done; <-done }()

	appendOne(t, ctx, store)
	events, err := reader.Read(ctx, 0, 10)
	must(t, err)
	if len(events) != 1 || events[0].Position != 1 {
		t.Fatalf("read %d events", len(events))
	}
	js, err := jetstream.New(reading)
	must(t, err)
	eventuallyHas(t, ctx, js, store.Log().StreamName(), 1)
	must(t, reading.FlushWithContext(ctx))
	select {
	case err := <-denied:
		t.Errorf("the reader is refused: %v", err)
	default:
	}
}

func appendOne(t *testing.T, ctx context.Context, store *eventstore.Store) {
	t.Helper()
	const stream = "ps_deploy"
	_, err := store.Append(ctx, eventstore.Command{
		ID: uuid.Must(uuid.NewV7()), MerchantID: "mer_deploy", RequestID: "req_deploy",
		Actor:  domain.Actor{Kind: "merchant", ID: "key_deploy"},
		Expect: []eventstore.Expectation{{Stream: stream}},
		Events: []eventstore.NewEvent{{
			Stream: stream, Type: "session.created", SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()),
			At: time.Now().UTC().Truncate(time.Millisecond), Payload: []byte(`{}`),
		}},
	})
	must(t, err)
}

// eventuallyHas waits until the stream holds so many messages.
func eventuallyHas(t *testing.T, ctx context.Context, js jetstream.JetStream, name string, messages uint64) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		stream, err := js.Stream(ctx, name)
		if err == nil && stream.CachedInfo().State.Msgs == messages {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("stream %s never held %d messages: %v", name, messages, err)
		case <-tick.C:
		}
	}
}

func TestOnlyTheRelayPublishes(t *testing.T) {
	t.Parallel()
	url, _ := natsServer(t)
	relay, err := jetstream.New(connect(t, url("relay", relayPassword)))
	must(t, err)
	reader, err := jetstream.New(connect(t, url("reader", readerPassword)))
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	config := jetstream.StreamConfig{Name: "LOG_test", Subjects: []string{"tender.test.events.>"}}
	stream, err := relay.CreateStream(ctx, config)
	must(t, err)
	_, err = relay.Publish(ctx, "tender.test.events.session.created", nil)
	must(t, err)

	refused := func(what string, do func(context.Context) error) {
		t.Helper()
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := do(short); err == nil {
			t.Errorf("%s was allowed", what)
		}
	}
	refused("publishing, as reader,", func(ctx context.Context) error {
		_, err := reader.Publish(ctx, "tender.test.events.session.created", nil)
		return err
	})
	refused("publishing a checkpoint, as reader,", func(ctx context.Context) error {
		_, err := reader.Publish(ctx, "tender.test.checkpoints", nil)
		return err
	})
	refused("making a stream, as reader,", func(ctx context.Context) error {
		_, err := reader.CreateStream(ctx, jetstream.StreamConfig{Name: "MINE", Subjects: []string{"mine"}})
		return err
	})
	refused("deleting the stream, as relay,", func(ctx context.Context) error { return relay.DeleteStream(ctx, "LOG_test") })
	refused("purging the stream, as relay,", func(ctx context.Context) error { return stream.Purge(ctx) })
	refused("deleting a message, as relay,", func(ctx context.Context) error { return stream.DeleteMsg(ctx, 1) })
	sealed, err := relay.CreateStream(ctx, jetstream.StreamConfig{Name: "SEAL_test", Subjects: []string{"tender.test.checkpoints"}, DenyDelete: true, DenyPurge: true})
	must(t, err)
	_, err = relay.Publish(ctx, "tender.test.checkpoints", nil)
	must(t, err)
	refused("purging the checkpoints, as relay,", func(ctx context.Context) error { return sealed.Purge(ctx) })
	info, err := stream.Info(ctx)
	must(t, err)
	if info.State.Msgs != 1 {
		t.Errorf("the stream holds %d messages", info.State.Msgs)
	}
}

func TestNobodyComesInWithoutAPassword(t *testing.T) {
	t.Parallel()
	url, _ := natsServer(t)
	for _, address := range []string{url("relay", "wrong"), strings.Replace(url("", ""), ":@", "", 1)} {
		nc, err := nats.Connect(address, nats.MaxReconnects(0))
		if err == nil {
			nc.Close()
			t.Error("came in")
		} else if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("refused for another reason: %v", err)
		}
	}
}
