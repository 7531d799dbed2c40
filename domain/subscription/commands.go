package subscription

import (
	"fmt"
	"unicode/utf8"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/id"
)

// Refusals of what is asked of a subscription.
var (
	ErrNotFound  = domain.Refuse("not_found", "There is no such subscription.")
	ErrExists    = domain.Refuse("subscription_exists", "The subscription exists already.")
	ErrEnded     = domain.Refuse("subscription_ended", "The subscription is cancelled or completed.")
	ErrPaused    = domain.Refuse("subscription_paused", "The subscription is paused already.")
	ErrNotPaused = domain.Refuse("subscription_not_paused", "The subscription is not paused.")
	// ErrAmountNotOverdue refuses a session that would give the subscription another
	// method and collect something else than what is overdue.
	ErrAmountNotOverdue = &domain.Refusal{
		Code: "overdue_amount_mismatch", Detail: "The amount must be 0, or the sum of what is overdue.", Field: "/amount",
	}
	ErrOverdueInFlight = domain.RefuseForNow("attempt_in_progress", "A payment of what is overdue waits for the acquirer's answer. Try again in a moment.")
	ErrReasonTooLong   = &domain.Refusal{
		Code: "invalid_request", Detail: fmt.Sprintf("reason may have at most %d characters.", ReasonCharactersMax), Field: "/reason",
	}
)

// Command is something that may be asked of a subscription.
//
//sumtype:decl
type Command interface{ subscriptionCommand() }

// Create makes a subscription, once its first session has completed. The plan comes
// from [Read].
type Create struct {
	ID              uuid.UUID // of the command; the subscription's id is made from it
	CustomerID      string
	PaymentMethodID string
	MandateID       string
	SessionID       string
	Plan            Plan
	ClockID         string
	Now             domain.Moment // when the session completed
}

// SubscriptionID is the id that the subscription made by c has.
func (c Create) SubscriptionID() string { return id.Format(id.Subscription, c.ID) }

// Start begins a try that [State.Due] wants. The answer is no events where that is
// not wanted any more, and then nothing may be sent.
type Start struct {
	Number  int
	Attempt int
	// Refused is the code with which the mandate or the method forbids the try for
	// good; "" if they let it through. Of several it is the one that needs another
	// mandate, if that is among them: [mandate.NotActive].
	Refused domain.Code
	Now     domain.Moment
}

// Settle records what became of a try in flight.
type Settle struct {
	Number  int
	Attempt int
	Failure *decline.Failure // nil: it succeeded
	Now     domain.Moment
}

// Pause stops the schedule until it is resumed. What is in flight is not cut off.
type Pause struct {
	By     By
	Reason string
}

// Resume lets a paused schedule go on with the occurrences after this moment.
type Resume struct{ Now domain.Moment }

// Cancel ends a subscription. What is in flight is not cut off.
type Cancel struct {
	By     By
	Reason string
	Now    domain.Moment
}

// End says that a mandate lets nothing through any more. A mandate that the
// subscription has no more changes nothing.
type End struct {
	MandateID string
	Cause     Cause
	Now       domain.Moment
}

// Cause says why a mandate lets nothing through any more.
type Cause string

// Why a mandate may let nothing through any more.
const (
	CauseRevoked        Cause = "revoked"
	CauseExpired        Cause = "expired"
	CauseExhausted      Cause = "exhausted"
	CauseMethodUnusable Cause = "method_unusable" // removed, or declined for good elsewhere
)

// ClaimOverdue reserves what is overdue for a session that gives the subscription
// another method, when that is about to be paid: from then on no try of the
// schedule and no other session can pay it. An amount of 0 claims nothing.
type ClaimOverdue struct {
	SessionID string
	Amount    int64 // the session's, in minor units
}

// ReleaseOverdue gives up what a session has claimed, because it was not paid.
type ReleaseOverdue struct {
	SessionID string
	Now       domain.Moment
}

// ReplaceMethod records that a session gave the subscription another method and
// mandate, and paid what it had claimed. It is never refused: it has happened.
type ReplaceMethod struct {
	SessionID       string
	PaymentMethodID string
	MandateID       string
	Now             domain.Moment
}

func (Create) subscriptionCommand()         {}
func (Start) subscriptionCommand()          {}
func (Settle) subscriptionCommand()         {}
func (Pause) subscriptionCommand()          {}
func (Resume) subscriptionCommand()         {}
func (Cancel) subscriptionCommand()         {}
func (End) subscriptionCommand()            {}
func (ClaimOverdue) subscriptionCommand()   {}
func (ReleaseOverdue) subscriptionCommand() {}
func (ReplaceMethod) subscriptionCommand()  {}

// Decide returns what happens when c is asked of a subscription in state s: events,
// none if there is nothing left to do, or a refusal. What the schedule itself wants
// is said by [State.Due].
func Decide(s State, c Command) ([]Event, error) {
	if create, ok := c.(Create); ok {
		return s.create(create)
	}
	if !s.Exists() {
		return nil, ErrNotFound
	}
	switch c := c.(type) {
	case Create:
		return nil, ErrExists
	case Start:
		return s.start(c), nil
	case Settle:
		return s.settle(c), nil
	case Pause:
		return s.pause(c)
	case Resume:
		return s.resume(c)
	case Cancel:
		return s.cancel(c)
	case End:
		return s.end(c), nil
	case ClaimOverdue:
		return s.claimOverdue(c)
	case ReleaseOverdue:
		return s.releaseOverdue(c), nil
	case ReplaceMethod:
		return s.replaceMethod(c), nil
	default:
		panic(fmt.Sprintf("subscription: %T is not handled", c))
	}
}

// create makes a subscription, which may be completed at once: if no occurrence
// lies after this moment.
func (s State) create(c Create) ([]Event, error) {
	if s.Exists() {
		return nil, ErrExists
	}
	made := State{ID: c.SubscriptionID()}
	return made.finish(c.Now.At, Created{
		CustomerID: c.CustomerID, PaymentMethodID: c.PaymentMethodID, MandateID: c.MandateID, SessionID: c.SessionID,
		Plan: c.Plan, After: c.Now.At.UTC(), ClockID: c.ClockID,
	}), nil
}

func checkReason(reason string) error {
	if utf8.RuneCountInString(reason) > ReasonCharactersMax {
		return ErrReasonTooLong
	}
	return nil
}
