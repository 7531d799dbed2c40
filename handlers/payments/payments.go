// Package payments carries out what merchants, customers and the clock ask of
// sessions and payments: it appends the intent, calls the acquirer, and appends
// the outcome. It decides nothing itself.
//
// A call is never made inside a database transaction, and never before its
// intent is durable. Whoever dies in between leaves an intent that a worker
// settles.
package payments

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tender/acquirers"
	"tender/domain"
	"tender/domain/merchant"
	"tender/domain/payment"
	"tender/handlers/engine"
	"tender/handlers/limits"
	"tender/handlers/people"
	"tender/handlers/problem"
)

// answerWait is how long a caller waits for the acquirer before it is told that
// the answer is outstanding.
const answerWait = payment.CallTimeout

// outcomeRetryMin and outcomeRetryMax bound the wait between tries to append an
// outcome while PostgreSQL can't be reached.
const (
	outcomeRetryMin = 10 * time.Millisecond
	outcomeRetryMax = 2 * time.Second
)

// Service is the application's one way to sessions and payments of one log.
type Service struct {
	Engine   *engine.Engine
	Acquirer acquirers.Acquirer // nil: none is configured for this mode
	Cards    *people.Safe
	Guard    *limits.Guard // against abuse at the checkout
	BaseURL  string        // of the checkout and the API, without a slash at its end
	Log      *slog.Logger

	running sync.WaitGroup
}

// Drain waits for every call that is under way, and for its outcome.
func (s *Service) Drain() { s.running.Wait() }

// Outstanding says that the acquirer's answer did not come in time: the intent
// stands, and the outcome will follow.
type Outstanding struct{ Done engine.Done }

// await runs f whatever becomes of the caller, until the window ends in which
// only this process acts. It waits for f as long as a caller may be kept waiting,
// and reports whether f has ended.
func (s *Service) await(ctx context.Context, f func(ctx context.Context)) bool {
	ended := make(chan struct{})
	s.running.Go(func() {
		defer close(ended)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), payment.AnswerWindow)
		defer cancel()
		f(ctx)
	})
	timer := time.NewTimer(answerWait)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}

// ErrPageForbidden refuses a public key that a foreign site's page came with.
var ErrPageForbidden = domain.Refuse(problem.Forbidden, "Public keys are not for pages of this origin: it is not among the merchant's allowed_origins.")

// Permitted checks that the key which the caller came with is still good. The
// append checks the merchant's version, so a revocation holds from its commit on,
// and so does whatever else the merchant's account says.
func (s *Service) Permitted(ctx context.Context, tx *engine.Tx) (merchant.State, error) {
	m, err := engine.Read(ctx, tx, s.Engine.Merchants, tx.Origin.MerchantID)
	if err != nil {
		return merchant.State{}, err
	}
	if tx.Origin.Actor.Kind == domain.ActorMerchant {
		switch k, known := m.Value.Keys[tx.Origin.Actor.ID]; {
		case !known, k.Revoked:
			return merchant.State{}, domain.Refuse(problem.Forbidden, "The API key was revoked.")
		case k.Kind == merchant.KeyPublic && !m.Value.Settings.PublicKeys:
			return merchant.State{}, domain.Refuse(problem.Forbidden, "Public keys are switched off for this merchant.")
		case k.Kind == merchant.KeyPublic && tx.Origin.Page != "" && !m.Value.AllowsOrigin(tx.Origin.Page):
			return merchant.State{}, ErrPageForbidden
		}
	}
	return m.Value, nil
}

// notFound is the answer for an object that is not there, or not the caller's.
func notFound(kind string) problem.Problem {
	return problem.New(problem.NotFound, "There is no such "+kind+".")
}
