package worker

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/acquirers"
	"tender/eventstore"
	"tender/handlers/payments"
	"tender/handlers/problem"
)

// Limits of taking notifications.
const (
	notificationBytesMax = 64 << 10
	notificationPoll     = 2 * time.Second
	notificationBatch    = 100
)

// Notifications takes what acquirers report by themselves: each message is
// stored and acknowledged before it is acted on, so that a crash loses none.
type Notifications struct {
	Modes   map[string]*payments.Service
	BaseURL string
	Log     *slog.Logger

	arrived chan struct{}
}

// NewNotifications returns the taker of notifications for these logs.
func NewNotifications(modes map[string]*payments.Service, baseURL string, log *slog.Logger) *Notifications {
	return &Notifications{Modes: modes, BaseURL: baseURL, Log: log, arrived: make(chan struct{}, 1)}
}

// ServeHTTP takes one message at POST /acquirers/{name}/notifications.
func (n *Notifications) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(http.MaxBytesReader(w, r.Body, notificationBytesMax))
	if err != nil {
		problem.Write(w, r, n.BaseURL, problem.From(err))
		return
	}
	err = n.take(r.Context(), r.PathValue("name"), r.Header, message)
	if err != nil {
		p := problem.From(err)
		n.Log.WarnContext(r.Context(), "a notification was refused", "acquirer", r.PathValue("name"), "code", p.Code, "error", err)
		problem.Write(w, r, n.BaseURL, p)
		return
	}
	w.WriteHeader(http.StatusNoContent)
	select {
	case n.arrived <- struct{}{}:
	default:
	}
}

// take verifies and stores a message in the log that its payment is in.
func (n *Notifications) take(ctx context.Context, name string, header http.Header, message []byte) error {
	known := false
	for _, s := range n.Modes {
		if s.Acquirer == nil || s.Acquirer.Name() != name {
			continue
		}
		known = true
		notice, err := s.Acquirer.ReadNotification(header, message)
		if errors.Is(err, acquirers.ErrForged) {
			return problem.New(problem.InvalidSignature, "The notification's signature is wrong.")
		}
		if err != nil {
			return problem.New(problem.MalformedRequest, "The notification can't be read.")
		}
		paymentID, _, ok := payments.PaymentOf(notice.Answer.Key)
		if !ok {
			continue
		}
		heads, err := s.Engine.Store.Streams(ctx, eventstore.StreamAfter{Stream: paymentID, Version: 1 << 30})
		if err != nil {
			return err
		}
		if heads[0].Version > 0 {
			return n.store(ctx, s, name, notice)
		}
	}
	if !known {
		return problem.New(problem.NotFound, "There is no such acquirer.")
	}
	return problem.New(problem.NotFound, "There is no such payment.")
}

// store keeps what the message says. It holds no card data: an answer has none.
func (n *Notifications) store(ctx context.Context, s *payments.Service, name string, notice acquirers.Notification) error {
	answer, err := json.Marshal(notice.Answer)
	if err != nil {
		return errors.Wrap(err, "keep a notification")
	}
	err = pgx.BeginFunc(ctx, s.Engine.Store.Pool(), func(tx pgx.Tx) error {
		// The acquirer sends it no more once we have answered, so it must be on disk.
		if _, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = on`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO `+table(s)+` (acquirer, id, key, received_at, header, body)
			VALUES ($1, $2, $3, now(), '{}', $4) ON CONFLICT (acquirer, id) DO NOTHING`,
			name, notice.ID, notice.Answer.Key, answer)
		return err
	})
	return errors.Wrap(err, "store a notification")
}

func table(s *payments.Service) string {
	return pgx.Identifier{s.Engine.Store.Log().WorkSchema(), "notifications"}.Sanitize()
}

// Run acts on what was stored, until ctx ends.
func (n *Notifications) Run(ctx context.Context) error {
	tick := time.NewTicker(notificationPoll)
	defer tick.Stop()
	for {
		for _, s := range n.Modes {
			if err := n.handle(ctx, s); err != nil && ctx.Err() == nil {
				n.Log.WarnContext(ctx, "notifications wait", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-n.arrived:
		case <-tick.C:
		}
	}
}

// stored is a message that was taken and not acted on yet.
type stored struct {
	Acquirer, ID string
	Body         []byte
}

// handle acts on a batch. Two workers may do so at once: what a message says is
// recorded once, however often it is said.
func (n *Notifications) handle(ctx context.Context, s *payments.Service) error {
	if s.Acquirer == nil {
		return nil
	}
	rows, err := s.Engine.Store.Pool().Query(ctx, `
		SELECT acquirer, id, body FROM `+table(s)+` WHERE handled_at IS NULL ORDER BY received_at LIMIT $1`, notificationBatch)
	if err != nil {
		return errors.Wrap(err, "read notifications")
	}
	batch, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stored])
	if err != nil {
		return errors.Wrap(err, "read notifications")
	}
	var failed error
	for _, m := range batch {
		// One that can't be acted on is tried again and holds up no other.
		failed = errors.CombineErrors(failed, n.act(ctx, s, m))
	}
	return failed
}

// act does what one message says, once.
func (n *Notifications) act(ctx context.Context, s *payments.Service, m stored) error {
	var answer acquirers.Answer
	if err := json.Unmarshal(m.Body, &answer); err != nil {
		return errors.Wrapf(err, "read the stored notification %s", m.ID)
	}
	if _, _, err := s.Record(ctx, answer); err != nil && !errors.As(err, new(problem.Problem)) {
		return errors.Wrapf(err, "act on the notification %s", m.ID)
	}
	_, err := s.Engine.Store.Pool().Exec(ctx, `
		UPDATE `+table(s)+` SET handled_at = now() WHERE acquirer = $1 AND id = $2`, m.Acquirer, m.ID)
	return errors.Wrap(err, "close a notification")
}
