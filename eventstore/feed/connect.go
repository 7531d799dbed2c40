package feed

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/nats-io/nats.go"
)

const (
	connectTimeout = 2 * time.Second
	reconnectWait  = 250 * time.Millisecond
	pingInterval   = 5 * time.Second
)

// Connect returns a connection to the NATS server or cluster at url, for a
// [Relay], a [Reader] or [Announce]. NATS may be down, now or later: the
// connection is made, and made again, whenever that becomes possible. Nothing is
// buffered meanwhile, because a batch that has waited is a batch that is out of
// date. Only a url that can't be read is an error.
func Connect(url, name string) (*nats.Conn, error) {
	nc, err := nats.Connect(url,
		nats.Name(name),
		nats.Timeout(connectTimeout),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				slog.Warn("NATS is gone; the feed goes on from the log", "connection", name, "error", err.Error())
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { slog.Info("NATS is back", "connection", name) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			slog.Warn("NATS reports an error", "connection", name, "error", err.Error())
		}),
	)
	return nc, errors.Wrap(err, "connect to NATS")
}
