package seal

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore"
)

const (
	// natsTimeout bounds what NATS may hold up sealing; a checkpoint that it doesn't
	// take leaves with the next round.
	natsTimeout = 2 * time.Second
	// natsLatest is how many messages are looked at to find the last checkpoint. There
	// is more than one in case that somebody publishes something else.
	natsLatest = 16
	// natsBytesMax is what the stream keeps: some 200 000 checkpoints.
	natsBytesMax = 64 << 20
)

// Subject is where a log's checkpoints are published.
func Subject(log eventstore.Log) string { return "tender." + log.Mode + ".checkpoints" }

// StreamName is the JetStream stream that keeps them.
func StreamName(log eventstore.Log) string { return "SEAL_" + log.Mode }

// NATS lets checkpoints out into a JetStream stream, where whoever may read the feed
// can follow them.
type NATS struct {
	js       jetstream.JetStream
	log      eventstore.Log
	replicas int
}

// NewNATS returns the stream of a log's checkpoints over nc, whose user must have the
// right to publish there and to make the stream, on so many servers of a cluster.
func NewNATS(nc *nats.Conn, log eventstore.Log, replicas int) (*NATS, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(natsTimeout))
	return &NATS{js: js, log: log, replicas: replicas}, errors.Wrap(err, "reach JetStream")
}

// Name implements [Outlet].
func (n *NATS) Name() string { return "NATS" }

// Latest implements [Outlet].
func (n *NATS) Latest(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, natsTimeout)
	defer cancel()
	stream, err := n.js.Stream(ctx, StreamName(n.log))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.Wrap(err, "look up the stream of checkpoints")
	}
	var notes []string
	state := stream.CachedInfo().State
	for sequence := state.LastSeq; sequence >= max(state.FirstSeq, 1) && len(notes) < natsLatest; sequence-- {
		message, err := stream.GetMsg(ctx, sequence)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break // the oldest go when there is no room
		}
		if err != nil {
			return nil, errors.Wrap(err, "read checkpoints from NATS")
		}
		notes = append(notes, string(message.Data))
	}
	return notes, nil
}

// Put implements [Outlet]. The stream is made if it isn't there.
func (n *NATS) Put(ctx context.Context, note string) error {
	ctx, cancel := context.WithTimeout(ctx, natsTimeout)
	defer cancel()
	err := n.publish(ctx, note)
	if !errors.Is(err, jetstream.ErrNoStreamResponse) {
		return err
	}
	_, err = n.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: StreamName(n.log), Subjects: []string{Subject(n.log)},
		Description: "the signed checkpoints of one log",
		Storage:     jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		MaxBytes: natsBytesMax, Replicas: n.replicas, DenyDelete: true, DenyPurge: true,
	})
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return errors.Wrap(err, "make the stream of checkpoints")
	}
	return n.publish(ctx, note)
}

func (n *NATS) publish(ctx context.Context, note string) error {
	_, err := n.js.Publish(ctx, Subject(n.log), []byte(note), jetstream.WithRetryAttempts(0))
	return errors.Wrap(err, "publish a checkpoint")
}
