package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/domain/id"
)

// outbox sends the notifications that stand in the book, each until it has been
// acknowledged with a 2xx. It may send one more than once, and in any order.
type outbox struct {
	pool   *pgxpool.Pool
	url    string
	secret string
	client *http.Client
	retry  time.Duration
	log    *slog.Logger

	ctx    context.Context // ends sends that nobody waits for
	cancel context.CancelFunc
	sends  sync.WaitGroup
}

// notification is one message on its way.
type notification struct {
	id       string // of its row; the message has the id that its body names
	body     []byte
	attempts int
}

const (
	notifyTimeout  = 5 * time.Second  // of one try
	notifyClaim    = 10 * time.Second // how long a sender has a notification to itself
	notifyRetryMax = time.Minute
	notifyPollMax  = time.Second
	notifyBatchMax = 16 // sent at the same time
	lastErrorMax   = 500
)

func newOutbox(pool *pgxpool.Pool, cfg ServerConfig) *outbox {
	o := &outbox{
		pool: pool, url: cfg.NotifyURL, secret: cfg.NotificationSecret, client: cfg.NotifyClient,
		retry: min(cfg.NotifyRetry, notifyRetryMax), log: cfg.Logger,
	}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	return o
}

// add puts a notification about an operation into the outbox, within the
// transaction that changes the operation. The caller has it to itself for
// notifyClaim, and should send it at once.
func (o *outbox) add(ctx context.Context, tx pgx.Tx, about answerBody) (notification, error) {
	n := notification{id: newNotificationID(), attempts: 1}
	var err error
	if n.body, err = json.Marshal(notificationBody{ID: n.id, Answer: about}); err != nil {
		return notification{}, errors.Wrap(err, "write a notification")
	}
	return n, o.insert(ctx, tx, n, about.Key)
}

// addAgain puts the same message into the outbox once more, as add does.
func (o *outbox) addAgain(ctx context.Context, tx pgx.Tx, n notification, key string) (notification, error) {
	n.id = newNotificationID()
	return n, o.insert(ctx, tx, n, key)
}

func newNotificationID() string { return id.Format("ntf", uuid.Must(uuid.NewV7())) }

func (o *outbox) insert(ctx context.Context, tx pgx.Tx, n notification, key string) error {
	const insert = `
		insert into simulator.notifications (id, key, body, attempts, next_at)
		values ($1, $2, $3, 1, clock_timestamp() + $4::interval)`
	_, err := tx.Exec(ctx, insert, n.id, key, n.body, notifyClaim)
	return errors.Wrap(err, "put a notification into the outbox")
}

// sendNow tries notifications that add returned, one after another, in the
// background; the channel is closed when the first has been tried, well or not.
func (o *outbox) sendNow(all ...notification) <-chan struct{} {
	first := make(chan struct{})
	o.sends.Go(func() {
		ended := sync.OnceFunc(func() { close(first) })
		defer ended()
		for _, n := range all {
			if o.url != "" {
				o.send(o.ctx, n)
			}
			ended()
		}
	})
	return first
}

// close ends the sends in the background. They are taken up again from the book.
func (o *outbox) close() {
	o.cancel()
	o.sends.Wait()
}

// run sends what is due until ctx ends.
func (o *outbox) run(ctx context.Context) error {
	if o.url == "" {
		<-ctx.Done()
		return nil
	}
	poll := time.NewTicker(min(o.retry, notifyPollMax))
	defer poll.Stop()
	for ctx.Err() == nil {
		due, err := o.claim(ctx)
		if err != nil && ctx.Err() == nil {
			o.log.WarnContext(ctx, "simulator: the outbox cannot be read", "error", err)
		}
		var sends sync.WaitGroup
		for _, n := range due {
			sends.Go(func() { o.send(ctx, n) })
		}
		sends.Wait()
		if len(due) == notifyBatchMax {
			continue
		}
		select {
		case <-ctx.Done():
		case <-poll.C:
		}
	}
	return nil
}

// claim takes the notifications that are due and moves their next try ahead, so
// that nobody else sends them meanwhile and somebody does if this process ends.
func (o *outbox) claim(ctx context.Context) ([]notification, error) {
	const claim = `
		update simulator.notifications
		   set attempts = attempts + 1, next_at = clock_timestamp() + $2::interval
		 where id in (select id from simulator.notifications
		               where acknowledged_at is null and next_at <= clock_timestamp()
		               order by next_at limit $1
		                 for update skip locked)
		returning id, body, attempts`
	rows, err := o.pool.Query(ctx, claim, notifyBatchMax, notifyClaim)
	if err != nil {
		return nil, errors.Wrap(err, "claim notifications")
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (notification, error) {
		var n notification
		err := row.Scan(&n.id, &n.body, &n.attempts)
		return n, err
	})
	return due, errors.Wrap(err, "claim notifications")
}

// send makes one try and writes down what it came to.
func (o *outbox) send(ctx context.Context, n notification) {
	err := o.post(ctx, n)
	// Written down even while we stop, so that the next process need not wait
	// for the claim to run out.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTimeout)
	defer cancel()
	if err == nil {
		const acknowledged = `
			update simulator.notifications set acknowledged_at = clock_timestamp(), last_error = '' where id = $1`
		_, err = o.pool.Exec(ctx, acknowledged, n.id)
	} else {
		wait := o.backoff(n.attempts)
		o.log.WarnContext(ctx, "simulator: a notification was not acknowledged",
			"notification", n.id, "attempt", n.attempts, "next_in", wait, "error", err)
		const failed = `
			update simulator.notifications set next_at = clock_timestamp() + $2::interval, last_error = $3
			 where id = $1 and acknowledged_at is null`
		_, err = o.pool.Exec(ctx, failed, n.id, wait, cutShort(err.Error()))
	}
	if err != nil {
		o.log.WarnContext(ctx, "simulator: the outbox cannot be written", "notification", n.id, "error", err)
	}
}

// post sends a notification once; nil means that it was acknowledged.
func (o *outbox) post(ctx context.Context, n notification) error {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(n.body))
	if err != nil {
		return errors.Wrap(err, "make a notification")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(SignatureHeader, sign(o.secret, time.Now(), n.body))
	res, err := o.client.Do(req)
	if err != nil {
		return errors.Wrap(err, "send a notification")
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.CopyN(io.Discard, res.Body, answerBytesMax) // so that the connection can be used again
	if res.StatusCode/100 != 2 {
		return errors.Newf("answered with status %d", res.StatusCode)
	}
	return nil
}

// backoff is the wait after a number of attempts: it doubles up to a minute.
func (o *outbox) backoff(attempts int) time.Duration {
	wait := o.retry
	for range attempts - 1 {
		if wait *= 2; wait >= notifyRetryMax {
			return notifyRetryMax
		}
	}
	return wait
}

func cutShort(s string) string {
	if len(s) > lastErrorMax {
		s = s[:lastErrorMax]
	}
	return string(bytes.ToValidUTF8([]byte(s), nil))
}
