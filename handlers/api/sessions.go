package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/google/uuid"

	"tender/domain/customer"
	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/session"
	"tender/handlers/problem"
	"tender/handlers/token"
	"tender/projections/object"
)

func (s *Server) createSession(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	in, err := readSession(r.body, r.mode, r.merchant.Value.Settings.TimeZone, r.account.Engine.Now().Wall)
	present, failed := r.presentOf(ctx, in)
	if failed != nil {
		return written{}, failed
	}
	late := in.checkTimes(present)
	if err != nil {
		return written{}, alongside(err, late)
	}
	if err := in.allowedTo(r.caller.key.Kind); err != nil {
		return written{}, err
	}
	fingerprint(in)
	if len(late) > 0 {
		return written{}, r.unlessSentBefore(ctx, late)
	}
	c := session.Create{
		ID: r.commandID(), Type: in.Type, Amount: in.Amount, Currency: in.Currency,
		CaptureMethod: in.CaptureMethod, ExternalReference: in.ExternalReference, Metadata: in.Metadata,
		Options: in.Options, ReturnURL: in.ReturnURL, ExpiresAt: in.ExpiresAt, Save: in.Save, Series: in.Series,
	}
	if in.Options != nil {
		c.CustomerID = in.Options.CustomerID
	}
	if in.Type == session.TypeNextInSeries {
		return s.charge(ctx, r, c)
	}
	// Who has the checkout's id may pay: it is drawn, not derived, and holds
	// nothing of the time.
	var random uuid.UUID
	_, _ = rand.Read(random[:])
	c.CheckoutID = id.Format(id.Checkout, random)
	c.SessionURL = s.BaseURL + "/checkout/" + c.CheckoutID
	newcomer, err := s.newcomer(ctx, r, in)
	if err != nil {
		return written{}, err
	}
	done, err := r.account.Payments.CreateSession(ctx, r.origin, r.key, newcomer, c)
	return written{status: http.StatusCreated, stream: c.SessionID(), done: done}, err
}

// newcomer puts who a session's new customer is into the vault; nil where none is
// made. A series belongs to a customer: one is made where none is named, but for a
// subscription that is somebody's already.
func (s *Server) newcomer(ctx context.Context, r *writeRequest, in sessionRequest) (*customer.Create, error) {
	named := in.Options != nil && (in.Options.CustomerID != "" || in.Options.SubscriptionID != "")
	if in.Customer == nil && (in.Type != session.TypeFirstInSeries || named) {
		return nil, nil
	}
	c := customer.Create{ID: r.commandID()}
	if in.Customer == nil {
		return &c, nil
	}
	ref, err := r.account.People.Safe.KeepProfile(ctx, c.CustomerID(), in.Customer.Profile)
	c.ProfileRef, c.ClockID = ref, in.Customer.TestClockID
	return &c, err
}

// charge makes a payment without the customer.
func (s *Server) charge(ctx context.Context, r *writeRequest, c session.Create) (written, error) {
	o := c.Options
	c.Charge = &session.Charge{PaymentMethodID: o.PaymentMethodID, MandateID: o.MandateID}
	done, outstanding, err := r.account.Payments.Charge(ctx, r.origin, r.key, c)
	return written{
		status: http.StatusCreated, stream: c.SessionID(), done: done, outstanding: outstanding, outstandingStatus: http.StatusCreated,
	}, err
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

// createdSession is what a request that makes a session is answered with, the first
// time and every time again.
type createdSession struct {
	object.Session
	ClientToken string `json:"client_token,omitempty"`
}

// publicSession is what a browser gets to know of a session that it made.
type publicSession struct {
	ID          string         `json:"id"`
	Status      session.Status `json:"status"`
	SessionURL  string         `json:"session_url"`
	ClientToken string         `json:"client_token,omitempty"`
	ExpiresAt   *object.Time   `json:"expires_at,omitempty"`
}

// sessionAfter shows a session as a write left it: as much of it as the key may see.
// What opens its checkout in a frame is shown to who made it, and to nobody else.
func (s *Server) sessionAfter(r *writeRequest, o object.Session) any {
	if r.PathValue("id") != "" {
		return o
	}
	if r.caller.key.Kind == merchant.KeyPublic {
		return publicSession{ID: o.ID, Status: o.Status, SessionURL: o.SessionURL, ClientToken: s.clientToken(o), ExpiresAt: o.ExpiresAt}
	}
	return createdSession{Session: o, ClientToken: s.clientToken(o)}
}

// clientToken is the token of an embedded session; "" of any other. It is the same
// whenever it is made.
func (s *Server) clientToken(o object.Session) string {
	p := o.Presentation()
	if !p.Embedded() || o.ExpiresAt == nil {
		return ""
	}
	return s.ClientTokens.Client(token.Client{
		SessionID: o.ID, Mode: o.Mode, Presentation: string(p.Mode), ExpiresAt: time.Time(*o.ExpiresAt),
	})
}
