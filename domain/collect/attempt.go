package collect

import (
	"slices"
	"strconv"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/customer"
	"tender/domain/id"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
)

// Refusals of what is asked of a session.
var (
	ErrSessionNotActive  = domain.Refuse("session_not_active", "The payment session is no longer active.")
	ErrAttemptInProgress = domain.RefuseForNow("attempt_in_progress", "An attempt to pay waits for the acquirer's answer. Try again in a moment.")
	ErrUnknownAttempt    = domain.Refuse("attempt_id_unknown", "The attempt_id is not the one that the session's state gives. Read the state again.")
	ErrTooManyCards      = domain.Refuse("too_many_cards", "Too many different cards were tried for this session. Only those that were tried already may be tried again.")
)

// NextAttemptID is the single-use id of the session's next attempt. It follows
// from the session and the number of attempts alone, so that two pages that were
// opened side by side hold the same one and join in the same attempt.
func NextAttemptID(s session.State) string {
	n := len(s.AttemptIDs) + 1
	at := s.CheckoutID
	if !s.Attended() {
		at = s.ID // nobody opens a page of it
	}
	name := at + "/" + strconv.Itoa(n)
	return id.Format(id.Attempt, uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)))
}

// Attempt asks to pay a session. The saved method that pays is given beside it,
// with the parties; without one that is meant which was typed in.
type Attempt struct {
	ID        uuid.UUID // of the command; the payment's id is made from the first one's
	AttemptID string    // "": none was given, the next one is meant
	Details   method.Details
	Acquirer  string
	Takes     Takes
	// CardFingerprint is that of the card that pays, typed in or saved, among those of
	// this session; "": no card does. CardsMax is how many different ones may be tried.
	CardFingerprint string
	CardsMax        int
	// SaveAsked: the customer wants it saved, where the session prompts.
	SaveAsked bool
	// Kept is where it lies if it is to be saved; see [Keeps].
	Kept *Kept
	// Consent is the text that the customer confirmed; nil: they did not.
	Consent *Consent
	Now     domain.Moment
}

// StartAttempt returns the intent of a new attempt, for the session and for its
// payment, which begins with the first. At the customer, if there is one, the
// payment is open from here on.
func StartAttempt(s session.State, p payment.State, w Parties, c Attempt) (Changes, error) {
	next := NextAttemptID(s)
	switch {
	case s.Status != session.StatusActive, s.Expired(c.Now.At), s.CancelRequested != "":
		return Changes{}, ErrSessionNotActive
	case p.InFlight(), !s.Attended():
		return Changes{}, ErrAttemptInProgress
	case c.AttemptID != "" && c.AttemptID != next:
		return Changes{}, ErrUnknownAttempt
	case w.Customer.ID != s.CustomerID:
		return Changes{}, ErrIncomplete
	case w.Customer.Erased:
		return Changes{}, ErrSessionNotActive
	}
	if err := w.pays(&c); err != nil {
		return Changes{}, err
	}
	if !c.Takes.offers(s, c.Details.Type) {
		return Changes{}, ErrNotOffered
	}
	if c.CardFingerprint != "" && !slices.Contains(s.Cards, c.CardFingerprint) && len(s.Cards) >= c.CardsMax {
		return Changes{}, ErrTooManyCards
	}
	save, err := saving(s, w, c)
	if err != nil {
		return Changes{}, err
	}
	return begin(s, p, w, beginning{
		paymentID: id.Format(id.Payment, c.ID), acquirer: c.Acquirer, save: save, details: c.Details, fingerprint: c.CardFingerprint, now: c.Now,
	})
}

// pays holds a saved method to the customer whose session it is, and takes over
// what is known of it.
func (w Parties) pays(c *Attempt) error {
	if !w.Method.Exists() {
		return nil
	}
	if err := owns(w.Customer, w.Method); err != nil {
		return err
	}
	c.Details = w.Method.Details
	return nil
}

// beginning is what an attempt begins with.
type beginning struct {
	paymentID string // of a payment that begins with it
	acquirer  string
	save      *payment.Save
	details   method.Details
	// fingerprint is that of the card among those of the session; "": none is kept.
	fingerprint string
	now         domain.Moment
}

// begin returns the intent of the session's next attempt.
func begin(s session.State, p payment.State, w Parties, b beginning) (Changes, error) {
	number, attemptID := len(s.AttemptIDs)+1, NextAttemptID(s)
	changes := Changes{
		Session: Stream[session.Event]{ID: s.ID},
		Payment: Stream[payment.Event]{ID: s.PaymentID},
	}
	if !p.Exists() {
		changes.Payment = Stream[payment.Event]{ID: b.paymentID, New: true, Events: []payment.Event{initiated(s, b.acquirer)}}
	}
	paymentID := changes.Payment.ID
	changes.Payment.Events = append(changes.Payment.Events, payment.AttemptStarted{
		AttemptID: attemptID, Number: number, Key: paymentID + "-" + strconv.Itoa(number),
		AnswerBy: b.now.Wall.Add(payment.AnswerWindow), Details: b.details,
		PaymentMethodID: w.Method.ID, Save: b.save,
	})
	changes.Session.Events = []session.Event{session.AttemptStarted{
		PaymentID: paymentID, AttemptID: attemptID, Number: number, CardFingerprint: b.fingerprint,
	}}
	if s.CustomerID == "" {
		return changes, nil
	}
	opened, err := w.Customer.OpenPayment(paymentID, brings(s, b.save))
	if err != nil {
		return Changes{}, err
	}
	changes.Customer = Stream[customer.Event]{ID: s.CustomerID, Events: opened}
	return changes, nil
}

func initiated(s session.State, acquirer string) payment.Initiated {
	e := payment.Initiated{
		SessionID: s.ID, Amount: s.Amount, Currency: s.Currency, Country: s.Country,
		CaptureMethod: s.CaptureMethod, Intent: payment.IntentPayment, Acquirer: acquirer,
		ExternalReference: s.ExternalReference, Metadata: s.Metadata, CustomerID: s.CustomerID, ClockID: s.ClockID,
	}
	if s.Amount == 0 {
		e.Intent = payment.IntentVerification
	}
	if s.Series != nil {
		e.SubscriptionID = s.Series.SubscriptionID
	}
	if s.Charge != nil {
		e.MandateID, e.SubscriptionID = s.Charge.MandateID, s.Charge.SubscriptionID
	}
	return e
}

// Joins reports whether a request with this attempt id means an attempt that was
// started before: then it is told the state instead of paying again.
func Joins(s session.State, attemptID string) bool {
	return attemptID != "" && slices.Contains(s.AttemptIDs, attemptID)
}
