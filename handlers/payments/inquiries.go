package payments

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/acquirers"
	"tender/domain/payment"
	"tender/handlers/engine"
	"tender/handlers/problem"
)

// Limits of what is kept of asking in vain.
const (
	inquiriesKept    = 30 * 24 * time.Hour
	inquiriesSwept   = 10 // at each time that one is noted
	inquiryTimeout   = 2 * time.Second
	inquiriesReadMax = 25_000 // keys at once: a page of payments with all that each may wait for
)

// AnswerNone is what an inquiry comes to that the acquirer doesn't answer.
const AnswerNone acquirers.Status = "none"

// Inquiries say how often an acquirer was asked in vain what became of a call.
type Inquiries struct {
	Key    string
	Asked  int
	At     time.Time        // the last time
	Answer acquirers.Status // the last one: [AnswerNone], or what leaves it open
}

// ask has the acquirer say what became of key, or close it, and records that. It is
// never told to do it again.
func (s *Service) ask(ctx context.Context, key string) (engine.Done, acquirers.Status, error) {
	callCtx, cancel := context.WithTimeout(ctx, payment.CallTimeout)
	defer cancel()
	answer, err := s.Acquirer.Settle(callCtx, key)
	if err != nil {
		s.noteInquiry(ctx, key, AnswerNone)
		return engine.Done{}, AnswerNone, errors.Wrap(err, "settle with the acquirer")
	}
	if !final(answer) {
		s.noteInquiry(ctx, key, answer.Status)
	}
	answer.Key = key
	done, _, err := s.Record(ctx, answer)
	if errors.As(err, new(problem.Problem)) {
		return done, answer.Status, nil // a decline is an outcome like any other
	}
	return done, answer.Status, err
}

// Settle ends the doubt about key. Workers call it for intents whose window is
// over, and for customers who did not come back.
func (s *Service) Settle(ctx context.Context, key string) (engine.Done, error) {
	if s.Acquirer == nil {
		return engine.Done{}, errors.New("no acquirer is configured for this mode")
	}
	if done, settled, err := s.sendAgain(ctx, key); settled || err != nil {
		return done, err
	}
	done, _, err := s.ask(ctx, key)
	return done, err
}

// noteInquiry counts that the acquirer was asked about key, and has said nothing that
// ends the doubt. It is a figure to look at: where it can't be kept, work goes on.
func (s *Service) noteInquiry(ctx context.Context, key string, answer acquirers.Status) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), inquiryTimeout)
	defer cancel()
	now := s.Engine.Now().Wall
	_, err := s.Engine.Store.Pool().Exec(ctx, `
		WITH old AS (
			DELETE FROM `+s.inquiries()+` WHERE key IN (
				SELECT key FROM `+s.inquiries()+` WHERE asked_at < $4 ORDER BY asked_at LIMIT $5 FOR UPDATE SKIP LOCKED)
		)
		INSERT INTO `+s.inquiries()+` AS i (key, asked, asked_at, last_answer) VALUES ($1, 1, $2, $3)
		ON CONFLICT (key) DO UPDATE
		SET asked = i.asked + 1, asked_at = greatest(i.asked_at, excluded.asked_at), last_answer = excluded.last_answer`,
		key, now, string(answer), now.Add(-inquiriesKept), inquiriesSwept)
	if err != nil {
		s.Log.WarnContext(ctx, "that the acquirer was asked in vain could not be noted", "key", key, "error", err)
	}
}

// Asked returns how often the acquirer was asked in vain about keys; those that it was
// never asked about are missing.
func (s *Service) Asked(ctx context.Context, keys []string) (map[string]Inquiries, error) {
	if len(keys) > inquiriesReadMax {
		return nil, errors.AssertionFailedf("inquiries about %d keys are too many to read at once", len(keys))
	}
	rows, err := s.Engine.Store.Pool().Query(ctx, `
		SELECT key, asked, asked_at, last_answer FROM `+s.inquiries()+` WHERE key = ANY ($1)`, keys)
	if err != nil {
		return nil, errors.Wrap(err, "read inquiries")
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Inquiries])
	if err != nil {
		return nil, errors.Wrap(err, "read inquiries")
	}
	found := make(map[string]Inquiries, len(all))
	for _, i := range all {
		found[i.Key] = i
	}
	return found, nil
}

func (s *Service) inquiries() string {
	return pgx.Identifier{s.Engine.Store.Log().WorkSchema(), "inquiries"}.Sanitize()
}
