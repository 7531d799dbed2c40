package feed

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore"
)

const (
	// batchMax is how many messages an atomic batch may hold; a server takes no
	// more by default.
	batchMax = 1000
	// batchBytesMax keeps a batch well within what a server buffers (128 MiB for
	// a stream) when several relays race.
	batchBytesMax = 8 << 20
	// commitTimeout bounds the wait for a batch's acknowledgement. The server
	// forgets a batch whose sender is silent for 10 s.
	commitTimeout = 8 * time.Second
)

// The headers of an atomic batch. The last message carries the commit.
const (
	batchIDHeader       = "Nats-Batch-Id"
	batchSequenceHeader = "Nats-Batch-Sequence"
	batchCommitHeader   = "Nats-Batch-Commit"
)

// The codes by which JetStream says that the stream does not end where a batch
// follows: with the sequence that it has instead, and without.
const (
	wrongLastSequence         = 10071
	wrongLastSequenceConstant = 10164
)

// errLostRace says that another relay published first.
var errLostRace = errors.New("another relay was first")

// publish sends events as one atomic batch and waits until it is stored; its limits
// may leave some of the last ones for the next batch. It returns the stream's new
// end, or errLostRace if the stream did not end right before the first event.
//
// After any other error the batch may or may not have been stored, now or a little
// later. That is safe: whoever publishes next states the sequence that it follows.
func (r *Relay) publish(ctx context.Context, events []eventstore.Event) (tail, error) {
	// A batch's id is drawn for each try: the server keeps a try that broke off
	// for 10 s, and a second one under its id would be added to it.
	msgs, err := r.batch(events, uuid.NewString())
	if err != nil {
		return tail{}, err
	}
	if !r.nc.IsConnected() {
		return tail{}, nats.ErrDisconnected
	}
	last := len(msgs) - 1
	for _, m := range msgs[:last] {
		if err := r.nc.PublishMsg(m); err != nil {
			return tail{}, errors.Wrap(err, "publish a batch")
		}
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	reply, err := r.nc.RequestMsgWithContext(ctx, msgs[last])
	if err != nil {
		return tail{}, errors.Wrap(err, "commit a batch")
	}
	end := tail{position: events[last].Position, hash: events[last].Hash}
	return end, acknowledged(reply.Data, uint64(end.position))
}

// batch makes the messages for as many of events as fit into one batch.
func (r *Relay) batch(events []eventstore.Event, id string) ([]*nats.Msg, error) {
	msgs := make([]*nats.Msg, 0, len(events))
	size, payloadMax := 0, r.nc.MaxPayload()
	for i, e := range events {
		m := &nats.Msg{Subject: subject(r.log, e.Type), Data: Encode(e), Header: nats.Header{}}
		if n := int64(m.Size()) + 512; payloadMax > 0 && n > payloadMax {
			return nil, errors.Wrapf(ErrTooLarge, "position %d: %d bytes of %d", e.Position, n, payloadMax)
		}
		if size += len(m.Data); i > 0 && size > batchBytesMax {
			break
		}
		m.Header.Set(batchIDHeader, id)
		m.Header.Set(batchSequenceHeader, strconv.Itoa(i+1))
		msgs = append(msgs, m)
	}
	msgs[0].Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatInt(events[0].Position-1, 10))
	msgs[len(msgs)-1].Header.Set(batchCommitHeader, "1")
	if len(msgs) == 1 {
		// One message is atomic as it is, and cheaper without the batch's files.
		for _, h := range []string{batchIDHeader, batchSequenceHeader, batchCommitHeader} {
			msgs[0].Header.Del(h)
		}
	}
	return msgs, nil
}

// acknowledged reads JetStream's answer to a batch whose last message must have got
// the sequence want.
func acknowledged(reply []byte, want uint64) error {
	var ack struct {
		Sequence uint64              `json:"seq"`
		Error    *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply, &ack); err != nil {
		return errors.Wrapf(err, "read JetStream's answer %q", reply)
	}
	switch {
	case ack.Error != nil && (ack.Error.ErrorCode == wrongLastSequence || ack.Error.ErrorCode == wrongLastSequenceConstant):
		return errLostRace
	case ack.Error != nil:
		return errors.Wrap(ack.Error, "JetStream refuses a batch")
	case ack.Sequence != want:
		return errors.Wrapf(ErrStreamDiverged, "a batch ended at sequence %d, not %d", ack.Sequence, want)
	}
	return nil
}
