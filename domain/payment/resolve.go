package payment

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
)

// Refusals of what people say of a call that the acquirer doesn't answer.
var (
	ErrNotUnresolved     = domain.Refuse("not_unresolved", "The operation is not one that the acquirer has left unanswered for a day.")
	ErrResolutionPending = domain.Refuse("resolution_pending", "Another resolution of the operation is proposed. Confirm or reject that one first.")
	ErrResolutionUnknown = domain.Refuse("not_found", "There is no such resolution.")
	ErrSecondPerson      = domain.Refuse("second_person_needed", "Whoever proposed a resolution can't confirm it: that takes another person.")
	ErrConfirmedAlready  = domain.Refuse("resolution_over", "The resolution was confirmed already.")
	ErrRejectedAlready   = domain.Refuse("resolution_over", "The resolution was rejected.")
	ErrLapsed            = domain.Refuse("resolution_over", "The resolution has lapsed: the acquirer's answer came first.")
	ErrTooManyProposed   = domain.Refuse("too_many_resolutions", fmt.Sprintf("A payment takes at most %d proposed resolutions.", ResolutionsMax))
)

// Verdict is what is said to have become of a call: the facts that the acquirer's
// answer would have brought.
type Verdict struct {
	OperationID string `json:"operation_id"` // the attempt's or the operation's
	Key         string `json:"key"`
	Performed   bool   `json:"performed"`
	// Reference is the acquirer's, where it was performed.
	Reference            string    `json:"reference,omitempty"`
	NetworkTransactionID string    `json:"network_transaction_id,omitempty"` // of a card's attempt, where it is known
	ExpiresAt            time.Time `json:"expires_at,omitzero"`              // of an authorisation that waits for captures
	EffectiveAt          time.Time `json:"effective_at,omitzero"`            // when the acquirer dates it
	// Failure is why it was not performed.
	Failure *Failure `json:"failure,omitempty"`
}

// equals reports whether two verdicts say the same.
func (v Verdict) equals(w Verdict) bool {
	sameFailure := v.Failure == nil && w.Failure == nil || v.Failure != nil && w.Failure != nil && *v.Failure == *w.Failure
	sameTimes := v.ExpiresAt.Equal(w.ExpiresAt) && v.EffectiveAt.Equal(w.EffectiveAt)
	v.Failure, v.ExpiresAt, v.EffectiveAt = w.Failure, w.ExpiresAt, w.EffectiveAt
	return sameFailure && sameTimes && v == w
}

// Resolution is a verdict of a person's, and what became of it.
type Resolution struct {
	ID      string
	Verdict Verdict
	Reason  string
	By      string // the person who proposed it
	Status  ResolutionStatus
	EndedBy string // the person who confirmed or rejected it
}

// ResolutionStatus says what became of a resolution.
type ResolutionStatus string

// What may become of a resolution.
const (
	ResolutionStatusProposed  ResolutionStatus = "proposed"
	ResolutionStatusConfirmed ResolutionStatus = "confirmed"
	ResolutionStatusRejected  ResolutionStatus = "rejected"
	// ResolutionStatusLapsed: the acquirer's answer came before a second person.
	ResolutionStatusLapsed ResolutionStatus = "lapsed"
)

// ProposeResolution says what became of a call that the acquirer has left unanswered.
type ProposeResolution struct {
	ID      uuid.UUID // of the command; the resolution's id is made from it
	Verdict Verdict   // the key is the operation's
	Reason  string    // for those who read the log later; no personal data
	By      string    // the person
	Now     domain.Moment
}

// ConfirmResolution agrees to what another person has proposed. What comes of that, the
// verdict is settled for, as the acquirer's answer would be.
type ConfirmResolution struct {
	ResolutionID string
	By           string // the person
	Now          domain.Moment
}

// RejectResolution turns down what was proposed, or takes it back.
type RejectResolution struct {
	ResolutionID string
	Reason       string // ""
	By           string // the person
}

func (ProposeResolution) paymentCommand() {}
func (ConfirmResolution) paymentCommand() {}
func (RejectResolution) paymentCommand()  {}

// Resolution returns the resolution with this id.
func (s State) Resolution(id string) (Resolution, bool) {
	i := slices.IndexFunc(s.Resolutions, func(r Resolution) bool { return r.ID == id })
	if i < 0 {
		return Resolution{}, false
	}
	return s.Resolutions[i], true
}

// ProposedFor returns the resolution of an operation that waits for a second person.
func (s State) ProposedFor(key string) (Resolution, bool) {
	i := slices.IndexFunc(s.Resolutions, func(r Resolution) bool { return r.Verdict.Key == key && r.Status == ResolutionStatusProposed })
	if i < 0 {
		return Resolution{}, false
	}
	return s.Resolutions[i], true
}

// propose takes a person's word on an operation. The same word of the same person
// again changes nothing.
func (s State) propose(c ProposeResolution) ([]Event, error) {
	i := slices.IndexFunc(s.Calls(), func(call Call) bool { return call.ID == c.Verdict.OperationID })
	if i < 0 || !s.Calls()[i].Unresolved(c.Now.Wall) {
		return nil, ErrNotUnresolved
	}
	call := s.Calls()[i]
	c.Verdict.Key = call.Key
	if err := errors.Join(s.checkVerdict(call, c.Verdict, c.Now.Wall), checkReason(c.Reason, true)); err != nil {
		return nil, err
	}
	if r, proposed := s.ProposedFor(call.Key); proposed {
		if r.By == c.By && r.Reason == c.Reason && r.Verdict.equals(c.Verdict) {
			return nil, nil
		}
		return nil, ErrResolutionPending
	}
	if len(s.Resolutions) >= ResolutionsMax {
		return nil, ErrTooManyProposed
	}
	return []Event{ResolutionProposed{ResolutionID: id.Format(id.Resolution, c.ID), Verdict: c.Verdict, Reason: c.Reason, By: c.By}}, nil
}

// confirm agrees to a resolution. Nobody agrees with themselves, whichever key they
// come with.
func (s State) confirm(c ConfirmResolution) ([]Event, error) {
	r, known := s.Resolution(c.ResolutionID)
	switch {
	case !known:
		return nil, ErrResolutionUnknown
	case r.By == c.By:
		return nil, ErrSecondPerson
	case r.Status == ResolutionStatusConfirmed && r.EndedBy == c.By:
		return nil, nil
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.Calls(), func(call Call) bool { return call.Key == r.Verdict.Key })
	if i < 0 || !s.Calls()[i].Unresolved(c.Now.Wall) {
		return nil, ErrNotUnresolved // the acquirer has sent the customer somewhere meanwhile
	}
	return []Event{ResolutionConfirmed{ResolutionID: r.ID, By: c.By}}, nil
}

// reject turns a resolution down, by whoever it is.
func (s State) reject(c RejectResolution) ([]Event, error) {
	r, known := s.Resolution(c.ResolutionID)
	switch {
	case !known:
		return nil, ErrResolutionUnknown
	case r.Status == ResolutionStatusRejected:
		return nil, nil
	}
	if err := errors.Join(r.open(), checkReason(c.Reason, false)); err != nil {
		return nil, err
	}
	return []Event{ResolutionRejected{ResolutionID: r.ID, Reason: c.Reason, By: c.By}}, nil
}

// open refuses what would become of a resolution that is over.
func (r Resolution) open() error {
	switch r.Status {
	case ResolutionStatusConfirmed:
		return ErrConfirmedAlready
	case ResolutionStatusRejected:
		return ErrRejectedAlready
	case ResolutionStatusLapsed:
		return ErrLapsed
	case ResolutionStatusProposed:
	}
	return nil
}

// ended returns s in which a resolution is over.
func (s State) ended(resolutionID string, status ResolutionStatus, by string) State {
	s.Resolutions = slices.Clone(s.Resolutions)
	for i, r := range s.Resolutions {
		if r.ID == resolutionID {
			s.Resolutions[i].Status, s.Resolutions[i].EndedBy = status, by
		}
	}
	return s
}

// lapsed returns s in which nobody has to say any more what became of key.
func (s State) lapsed(key string) State {
	if r, proposed := s.ProposedFor(key); proposed {
		return s.ended(r.ID, ResolutionStatusLapsed, "")
	}
	return s
}
