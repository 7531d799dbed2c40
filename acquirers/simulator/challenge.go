package simulator

import (
	"context"
	"net/http"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/acquirers"
)

// acknowledgeWait is how long a customer who has decided is kept until the
// notification has been acknowledged. Mostly it has by then, and the page that
// they come back to knows the outcome.
const acknowledgeWait = time.Second

// showChallenge answers GET /acs/{token} with the bank's page: the question, or
// that it has been answered, and the way back.
func (s *Server) showChallenge(w http.ResponseWriter, r *http.Request) {
	o, found := s.challenge(w, r)
	if found {
		s.writePage(w, r, http.StatusOK, pageOf(o))
	}
}

// decideChallenge answers POST /acs/{token} with decision=approve or
// decision=refuse. The outcome is in the book before the customer is led back;
// a decision that was made before stands, and leads back just so.
//
// The address is the proof that the form may be sent: nobody else knows it.
func (s *Server) decideChallenge(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, requestBytesMax)
	decision := r.PostFormValue("decision")
	if decision != "approve" && decision != "refuse" {
		s.showChallenge(w, r)
		return
	}
	o, found := s.challenge(w, r)
	if !found {
		return
	}
	ctx, cancel := performing(r)
	defer cancel()
	if o.Status == acquirers.StatusActionRequired {
		var n notification
		var err error
		if o, n, err = s.conclude(ctx, o.Key, decision == "approve"); err != nil {
			s.log.ErrorContext(ctx, "simulator: the book failed", "path", r.Pattern, "error", err)
			s.writePage(w, r, http.StatusInternalServerError, brokenPage)
			return
		}
		s.tell(n)
	}
	if o.ReturnURL == "" {
		s.writePage(w, r, http.StatusOK, pageOf(o))
		return
	}
	writePageHeaders(w)
	http.Redirect(w, r, o.ReturnURL, http.StatusSeeOther)
}

// challenge finds the operation that the address names, and answers the customer
// where there is none.
func (s *Server) challenge(w http.ResponseWriter, r *http.Request) (operation, bool) {
	token := r.PathValue("token")
	var o operation
	err := pgx.ErrNoRows
	if isKey(token) {
		const byToken = `select ` + operationColumns + ` from simulator.operations where challenge_token = $1 and challenge_token <> ''`
		err = s.book.pool.QueryRow(r.Context(), byToken, token).Scan(o.columns()...)
	}
	switch {
	case err == nil:
		return o, true
	case errors.Is(err, pgx.ErrNoRows):
		s.writePage(w, r, http.StatusNotFound, unknownPage)
	default:
		s.log.ErrorContext(r.Context(), "simulator: the book failed", "path", r.Pattern, "error", err)
		s.writePage(w, r, http.StatusInternalServerError, brokenPage)
	}
	return operation{}, false
}

// conclude enters the customer's decision, unless the challenge has come to
// another end meanwhile: then it returns that, and no notification.
func (s *Server) conclude(ctx context.Context, key string, approved bool) (operation, notification, error) {
	var o operation
	var n notification
	err := pgx.BeginFunc(ctx, s.book.pool, func(tx pgx.Tx) error {
		var err error
		if o, err = find(ctx, tx, key, "for update"); err != nil || o.Status != acquirers.StatusActionRequired {
			return err
		}
		o.concludeChallenge(approved, truncated(s.cfg.Now()))
		if err := finish(ctx, tx, o); err != nil {
			return err
		}
		if o.Status == acquirers.StatusApproved {
			if err := open(ctx, tx, o); err != nil {
				return err
			}
		}
		n, err = s.outbox.add(ctx, tx, o.answer(s.acs))
		return err
	})
	return o, n, err
}

// concludeChallenge is what the customer's decision makes of the operation.
func (o *operation) concludeChallenge(approved bool, now time.Time) {
	o.EffectiveAt = now
	if approved {
		o.ThreeDSecure = acquirers.ThreeDSecureAuthenticated
		o.open(now)
		return
	}
	o.ThreeDSecure = acquirers.ThreeDSecureFailed
	o.decline(decline(authenticationFailed, "", "The customer refused the payment on the bank's page."))
}

// open opens the authorisation of an operation that has just been approved.
func open(ctx context.Context, tx pgx.Tx, o operation) error {
	captured := int64(0)
	if o.Sale {
		captured = o.Amount
	}
	const insert = `
		insert into simulator.authorisations (reference, currency, amount, captured, behaviour, expires_at)
		values ($1, $2, $3, $4, $5, $6)`
	_, err := tx.Exec(ctx, insert, o.Reference, o.Currency, o.Amount, captured, o.Behaviour, o.ExpiresAt)
	return errors.Wrap(err, "open an authorisation")
}

// tell sends a notification and waits a little for its acknowledgement.
func (s *Server) tell(n notification) {
	if n.id == "" {
		return
	}
	patience := time.NewTimer(acknowledgeWait)
	defer patience.Stop()
	select {
	case <-s.outbox.sendNow(n):
	case <-patience.C:
	case <-s.closing.Done():
	}
}
