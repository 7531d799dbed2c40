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
	given, known := decisions[r.PostFormValue("decision")]
	if !known {
		s.showChallenge(w, r)
		return
	}
	o, found := s.challenge(w, r)
	if !found {
		return
	}
	ctx, cancel := performing(r)
	defer cancel()
	if o.asks() {
		var told []notification
		var err error
		if o, told, err = s.take(ctx, o.Key, given); err != nil {
			s.log.ErrorContext(ctx, "simulator: the book failed", "path", r.Pattern, "error", err)
			s.writePage(w, r, http.StatusInternalServerError, brokenPage)
			return
		}
		s.tell(told)
		s.goOn(o)
	}
	back := o.ReturnURL
	if o.flow() == flowPush || back == "" {
		// Their telephone: the shop's page is elsewhere, and moves on by itself.
		back = o.address(s.public)
	}
	writePageHeaders(w)
	http.Redirect(w, r, back, http.StatusSeeOther)
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

// take enters the customer's decision, unless they have decided before or the
// operation has come to another end meanwhile: then it returns that, and no
// notification.
func (s *Server) take(ctx context.Context, key string, d decision) (operation, []notification, error) {
	return s.change(ctx, key, func(o *operation, now time.Time) bool {
		if !o.asks() {
			return false
		}
		o.decide(d, now)
		return true
	})
}

// change lets step change the authorisation under a key while nobody else does, and
// enters what it has come to, with the notifications that tell of it. It does nothing
// where step returns false.
func (s *Server) change(
	ctx context.Context, key string, step func(o *operation, now time.Time) bool,
) (o operation, told []notification, err error) {
	err = pgx.BeginFunc(ctx, s.book.pool, func(tx pgx.Tx) error {
		if o, err = find(ctx, tx, key, "for update"); err != nil {
			return err
		}
		was := o
		if !step(&o, truncated(s.cfg.Now())) {
			return nil
		}
		if err := finish(ctx, tx, o, was.Status); err != nil {
			return err
		}
		if o.Status == acquirers.StatusApproved {
			if err := open(ctx, tx, o); err != nil {
				return err
			}
		}
		told, err = s.tidings(ctx, tx, was, o)
		return err
	})
	return o, told, err
}

// tidings puts into the outbox what is told of an authorisation that was one thing
// and is another now: nothing while it is pending, and all twice where the bank
// repeats itself, with what was before in between.
func (s *Server) tidings(ctx context.Context, tx pgx.Tx, was, is operation) ([]notification, error) {
	if is.Status == acquirers.StatusPending {
		return nil, nil
	}
	n, err := s.outbox.add(ctx, tx, is.answer(s.public))
	if err != nil || is.Behaviour != toldTwice {
		return []notification{n}, err
	}
	stale, err := s.outbox.add(ctx, tx, was.answer(s.public))
	if err != nil {
		return nil, err
	}
	again, err := s.outbox.addAgain(ctx, tx, n, is.Key)
	return []notification{n, stale, again}, err
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

// tell sends notifications, and waits a little for the first one's acknowledgement.
func (s *Server) tell(told []notification) {
	if len(told) == 0 {
		return
	}
	patience := time.NewTimer(acknowledgeWait)
	defer patience.Stop()
	select {
	case <-s.outbox.sendNow(told...):
	case <-patience.C:
	case <-s.closing.Done():
	}
}
