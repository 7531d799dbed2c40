package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore/feed"
)

const (
	// relayLate is for how long an event is in the log at most before it is in the
	// feed.
	relayLate = 10 * time.Second
	// streamFull is how full JetStream's store may be, in percent.
	streamFull = 90
	// settleTime is how long NATS is given to refuse what was published.
	settleTime = 300 * time.Millisecond
)

// reachNATS connects once: a server that is down is a finding.
func (e *exam) reachNATS(ctx context.Context, c *chart) error {
	if e.NATSURL == "" {
		c.warn("The feed was not looked at.", "NATS_URL is not set", "Set NATS_URL and run `tender doctor` again.")
		return nil
	}
	nc, err := nats.Connect(e.NATSURL, nats.Name("tender doctor"), nats.Timeout(connectTimeout), nats.NoReconnect(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // LastError has it
	if err != nil {
		why := "nats.Connect: " + err.Error()
		if strings.Contains(why, "parse ") { // it quotes the URL, password and all
			why = "NATS_URL can't be read"
		}
		c.fail("NATS can't be reached. Payments go on; read models and webhooks are later.", why,
			"Start it, or mend the way to it: `nats server check connection -s \"$NATS_URL\"`. Tender connects by itself then.")
		return nil
	}
	e.nats = nc
	rtt, err := nc.RTT()
	if err != nil {
		return err
	}
	c.ok(fmt.Sprintf("NATS %s answers.", nc.ConnectedServerVersion()), fmt.Sprintf("a round trip took %s", rtt.Round(10*time.Microsecond)))
	return nil
}

// natsRights tries, where it does no harm, whether the user that reads may do what
// only the relay's may: no stream listens to the subjects of a log that there is not.
func (e *exam) natsRights(ctx context.Context, c *chart) error {
	for _, try := range []struct{ subject, may, right string }{
		{"tender.doctor.events.none", "publish events", "tender.*.events.>"},
		{"tender.doctor.checkpoints", "publish checkpoints", "tender.*.checkpoints"},
		{"$JS.API.STREAM.DELETE.DOCTOR_none", "delete streams", "$JS.API.STREAM.DELETE.>"},
		{"$JS.API.STREAM.PURGE.DOCTOR_none", "purge streams", "$JS.API.STREAM.PURGE.>"},
	} {
		refused, err := e.refused(ctx, try.subject)
		if err != nil {
			return err
		}
		if !refused {
			c.fail(fmt.Sprintf("The user in NATS_URL may %s.", try.may), "a message to "+try.subject+", which nobody listens to, was not refused",
				fmt.Sprintf("Take %s out of what this user may publish in NATS's configuration (`deploy/nats-server.conf` is an example), then reload it.", try.right))
		}
	}
	if !c.bad() {
		c.ok("The user that reads can neither publish events nor delete them.", "messages to subjects that nobody listens to were refused")
	}
	return nil
}

// refused publishes to a subject that nobody listens to, and reports whether the
// server didn't let it.
func (e *exam) refused(ctx context.Context, subject string) (bool, error) {
	nc, err := nats.Connect(e.NATSURL, nats.Name("tender doctor"), nats.Timeout(connectTimeout), nats.NoReconnect())
	if err != nil {
		return false, err
	}
	defer nc.Close()
	refused := make(chan struct{}, 1)
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			select {
			case refused <- struct{}{}:
			default:
			}
		}
	})
	if err := nc.Publish(subject, nil); err != nil {
		return false, err
	}
	if err := nc.FlushWithContext(ctx); err != nil {
		return false, err
	}
	// The refusal came before the answer to the flush; it is handed over beside it.
	select {
	case <-refused:
		return true, nil
	case <-time.After(settleTime):
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// jetStream looks at the store as a whole.
func (e *exam) jetStream(ctx context.Context, c *chart) error {
	js, err := jetstream.New(e.nats)
	if err != nil {
		return err
	}
	account, err := js.AccountInfo(ctx)
	if errors.IsAny(err, jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount) {
		c.fail("JetStream is not switched on for this user.", err.Error(), "Switch it on in NATS's configuration (`deploy/nats-server.conf` is an example), then restart NATS.")
		return nil
	}
	if err != nil {
		return err
	}
	used, most := account.Store, account.Limits.MaxStore
	if most > 0 && used*100 > uint64(most)*streamFull {
		c.warn("JetStream's store is almost full.", fmt.Sprintf("%s of %s are used", bytes(int64(used)), bytes(most)),
			"Raise max_file_store in NATS's configuration, or remove streams that are not Tender's: `nats stream report`.")
		return nil
	}
	c.ok("JetStream has room.", fmt.Sprintf("%s are used", bytes(int64(used))))
	return nil
}

// stream compares a log's stream with the log.
func (p patient) stream(ctx context.Context, c *chart) error {
	js, err := jetstream.New(p.nats)
	if err != nil {
		return err
	}
	name := p.log.StreamName()
	s, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		head, _, err := p.store.Head(ctx)
		if err != nil || head == 0 {
			return err
		}
		c.fail("The feed's stream isn't there: nobody relays.", "JetStream knows no stream "+name,
			"Start a process with the role relay: `tender serve --roles relay`. It makes the stream anew from the log within seconds.")
		return nil
	}
	if err != nil {
		return err
	}
	info := s.CachedInfo()
	p.config(c, name, info)
	if err := p.compareEnd(ctx, c, s, info.State); err != nil {
		return err
	}
	if !c.bad() {
		c.ok(fmt.Sprintf("The stream %s is as it should be, and ends as the log does.", name),
			fmt.Sprintf("its configuration; its last message, number %d, is the log's event at that position", info.State.LastSeq))
	}
	return nil
}

// config compares how the stream is kept with how it must be.
func (p patient) config(c *chart, name string, info *jetstream.StreamInfo) {
	cfg := info.Config
	anew := fmt.Sprintf("Delete the stream as NATS's operator, `nats stream rm %s`: the relay makes it anew from the log within seconds. The log itself is not touched.", name)
	for _, w := range []struct {
		wrong bool
		what  string
	}{
		{cfg.Storage != jetstream.FileStorage, "is kept in memory"},
		{!cfg.DenyDelete, "lets messages be deleted"},
		{!cfg.DenyPurge, "can be purged"},
		{cfg.Retention != jetstream.LimitsPolicy, "drops what was read"},
		{!cfg.AllowAtomicPublish, "takes no atomic batches"},
		{len(cfg.Subjects) != 1 || cfg.Subjects[0] != "tender."+p.log.Mode+".events.>", "listens to " + strings.Join(cfg.Subjects, ", ")},
		{cfg.Mirror != nil || len(cfg.Sources) > 0, "copies another stream"},
	} {
		if w.wrong {
			c.fail(fmt.Sprintf("The stream %s %s.", name, w.what), "its configuration", anew)
		}
	}
	if cfg.MaxBytes <= 0 || cfg.MaxAge <= 0 {
		c.warn(fmt.Sprintf("The stream %s has no limit of age or bytes, and fills the disk.", name), "max_age and max_bytes of its configuration", anew)
	}
	if info.Cluster != nil && info.Cluster.Name != "" && cfg.Replicas < 3 {
		c.warn(fmt.Sprintf("NATS is a cluster, and the stream %s lies on %s of it only: with that the feed is gone until it is back.", name, counted(int64(cfg.Replicas), "server", "servers")),
			"num_replicas of its configuration", "Let that server sync always (`sync_interval: always`); the relay fills the stream again from the log if it is lost.")
	}
}

// compareEnd compares the stream's end with the log, which is read after it.
func (p patient) compareEnd(ctx context.Context, c *chart, s jetstream.Stream, state jetstream.StreamState) error {
	name, last := p.log.StreamName(), int64(state.LastSeq)
	head, _, err := p.store.Head(ctx)
	if err != nil {
		return err
	}
	if last > head {
		c.fail(fmt.Sprintf("The feed is ahead of the log, by %s: the database was put back to an earlier state, or somebody else publishes.", counted(last-head, "event", "events")),
			fmt.Sprintf("the stream %s ends at %d, the log at %d", name, last, head), p.deleteStream())
		return nil
	}
	if last > 0 && state.Msgs > 0 {
		same, err := p.sameAt(ctx, s, last)
		if err != nil {
			return err
		}
		if !same {
			c.fail("The feed holds another history than the log: the database was put back to an earlier state, or somebody else publishes.",
				fmt.Sprintf("the last message of %s, number %d, is not the log's event there", name, last), p.deleteStream())
			return nil
		}
	}
	if last == head {
		return nil
	}
	var since float64
	err = p.store.Pool().QueryRow(ctx, `SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float8 FROM `+p.events()+` WHERE position = $1`, last+1).Scan(&since)
	if err != nil {
		return err
	}
	if seconds(since) > relayLate {
		c.fail(fmt.Sprintf("The feed is %s behind the log, since %s: nobody relays, or the relay fails.", counted(head-last, "event", "events"), seconds(since).Round(time.Second)),
			fmt.Sprintf("the stream %s ends at %d, the log at %d", name, last, head),
			"Start a process with the role relay, `tender serve --roles relay`; if one runs, its log says under `relay` why it fails.")
	}
	return nil
}

func (p patient) deleteStream() string {
	return fmt.Sprintf("Make sure that the database is the right one and that nobody else publishes; then delete the stream as NATS's operator, `nats stream rm %s` (with tender dev: stop it, remove the directory nats in its data directory, start it). The relay makes it anew from the log within seconds.", p.log.StreamName())
}

// sameAt reports whether the message with this sequence is the log's event.
func (p patient) sameAt(ctx context.Context, s jetstream.Stream, position int64) (bool, error) {
	msg, err := s.GetMsg(ctx, uint64(position))
	if errors.Is(err, jetstream.ErrMsgNotFound) { // expired meanwhile
		return true, nil
	}
	if err != nil {
		return false, err
	}
	events, err := p.store.After(ctx, position-1, 1)
	if err != nil {
		return false, err
	}
	e, err := feed.Decode(msg.Data)
	return err == nil && len(events) == 1 && e.Position == position && e.Hash == events[0].Hash, nil
}
