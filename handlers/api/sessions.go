package api

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/google/uuid"

	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/session"
	"tender/handlers/problem"
	"tender/projections/object"
)

func (s *Server) createSession(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	now := r.account.Engine.Now()
	in, err := readSession(r.body, r.mode, now.At)
	if err != nil {
		return written{}, err
	}
	fingerprint(in)
	if wrong := in.checkExpiry(now.At); len(wrong) > 0 {
		return written{}, r.unlessSentBefore(ctx, wrong)
	}
	// Who has the checkout's id may pay: it is drawn, not derived, and holds
	// nothing of the time.
	var random uuid.UUID
	_, _ = rand.Read(random[:])
	checkoutID := id.Format(id.Checkout, random)
	c := session.Create{
		ID: r.commandID(), CheckoutID: checkoutID, Type: in.Type, Amount: in.Amount, Currency: in.Currency,
		CaptureMethod: in.CaptureMethod, ExternalReference: in.ExternalReference, Metadata: in.Metadata,
		Options: in.Options, ReturnURL: in.ReturnURL, SessionURL: s.BaseURL + "/checkout/" + checkoutID,
		ExpiresAt: in.ExpiresAt,
	}
	done, err := r.account.Payments.CreateSession(ctx, r.origin, r.key, c)
	return written{status: http.StatusCreated, stream: c.SessionID(), done: done}, err
}

func (s *Server) cancelSession(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.secretOnly(); err != nil {
		return written{}, err
	}
	if err := r.body.Done(); err != nil {
		return written{}, err
	}
	sessionID := r.PathValue("id")
	if !id.Valid(id.Session, sessionID) {
		return written{}, problem.New(problem.NotFound, "There is no such payment session.")
	}
	fingerprint(struct{}{})
	done, outstanding, err := r.account.Payments.CancelSession(ctx, r.origin, r.key, sessionID, session.ByMerchant)
	return written{status: http.StatusOK, stream: sessionID, done: done, outstanding: outstanding}, err
}

func (s *Server) getSession(ctx context.Context, r *readRequest) (shown, error) {
	ref := r.account.Engine.SessionObjects.Ref(r.PathValue("id"))
	return one(ctx, r, id.Session, "payment session", ref)
}

// publicSession is what a browser gets to know of a session that it made.
type publicSession struct {
	ID         string         `json:"id"`
	Status     session.Status `json:"status"`
	SessionURL string         `json:"session_url"`
	ExpiresAt  object.Time    `json:"expires_at"`
}

func forKey(kind merchant.KeyKind, o object.Session) any {
	if kind == merchant.KeyPublic {
		return publicSession{ID: o.ID, Status: o.Status, SessionURL: o.SessionURL, ExpiresAt: o.ExpiresAt}
	}
	return o
}
