package payment_test

import (
	"slices"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/payment"
)

// capture is the ninth command of a test, given a second after noon.
func capture(amount int64) payment.Capture {
	return payment.Capture{ID: commandID(9), Amount: amount, Now: now(time.Second)}
}

func captureAfter(amount int64, d time.Duration) payment.Capture {
	c := capture(amount)
	c.Now = now(d)
	return c
}

// asksFor is what an accepted capture at now gives.
func asksFor(amount int64, d time.Duration) []payment.Event {
	e := captureRequested(9, amount)
	e.AnswerBy = noon.Add(d + payment.AnswerWindow)
	return []payment.Event{e}
}

func TestCaptureTakesWhatIsReserved(t *testing.T) {
	t.Parallel()
	withMetadata := capture(60)
	withMetadata.Metadata = map[string]string{"parcel": "1"}
	metadataKept := captureRequested(9, 60)
	metadataKept.AnswerBy, metadataKept.Metadata = noon.Add(time.Second+payment.AnswerWindow), withMetadata.Metadata

	check(t, []rule{
		{"a part", authorised(100), capture(60), asksFor(60, time.Second), nil},
		{"the least there is", authorised(100), capture(1), asksFor(1, time.Second), nil},
		{"all of it, named", authorised(100), capture(100), asksFor(100, time.Second), nil},
		{"all of it, not named", authorised(100), capture(0), asksFor(100, time.Second), nil},
		{"with metadata", authorised(100), withMetadata, []payment.Event{metadataKept}, nil},
		{"the rest", authorised(100, wholly(1, 60)...), capture(40), asksFor(40, time.Second), nil},
		{"the rest, not named", authorised(100, wholly(1, 60)...), capture(0), asksFor(40, time.Second), nil},
		{"again what was declined", authorised(100, captureRequested(1, 100), captureFailed(1, 100)), capture(100), asksFor(100, time.Second), nil},
		{"after a void was declined", authorised(100, voidRequested(1, 100), voidFailed(1, 100)), capture(0), asksFor(100, time.Second), nil},
		{"an instant before the end", authorised(100), captureAfter(0, later-time.Millisecond), asksFor(100, later-time.Millisecond), nil},
		{
			"after the end by the wall, before it by the object's clock", authorised(100),
			payment.Capture{ID: commandID(9), Now: domain.Moment{At: noon, Wall: noon.Add(2 * later)}},
			[]payment.Event{func() payment.Event {
				e := captureRequested(9, 100)
				e.AnswerBy = noon.Add(2*later + payment.AnswerWindow)
				return e
			}()}, nil,
		},
		{"long after, where the acquirer names no end", endless(100), captureAfter(0, 100*later), asksFor(100, 100*later), nil},
	})
}

// endless is an authorisation that the acquirer gave no end.
func endless(amount int64) []payment.Event {
	return after(started(payment.CaptureManual, amount), payment.Authorised{AttemptID: attemptID, Amount: amount, Currency: "ZAR", Reference: reference})
}

func TestCaptureOfWhatIsNotAuthorised(t *testing.T) {
	t.Parallel()
	notAllowed := func(name string, given []payment.Event, when payment.Capture) rule {
		return rule{name, given, when, nil, payment.ErrCaptureNotAllowed}
	}
	action := payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionRedirect, URL: "https://acs.example", ActionBy: noon.Add(15 * time.Minute)}
	check(t, []rule{
		notAllowed("there is no payment", nil, capture(0)),
		notAllowed("the first attempt is not there yet", started(payment.CaptureManual, 100)[:1], capture(0)),
		notAllowed("with the acquirer", started(payment.CaptureManual, 100), capture(0)),
		notAllowed("with the customer", after(started(payment.CaptureManual, 100), action), capture(0)),
		notAllowed("failed, and may be tried again", failed(false), capture(0)),
		notAllowed("failed for good", failed(true), capture(0)),
		notAllowed("cancelled", failed(false, payment.Cancelled{}), capture(0)),
		notAllowed("expired", failed(false, payment.Expired{}), capture(0)),
		notAllowed("captured automatically", sold(100), capture(0)),
		notAllowed("a verification", authorised(0), capture(0)),
		notAllowed("all captured", authorised(100, wholly(1, 100)...), capture(0)),
		notAllowed("all captured in parts", authorised(100, append(wholly(1, 60), wholly(2, 40)...)...), capture(1)),
		notAllowed("all captured and refunded", authorised(100, append(wholly(1, 100), back(2, 100)...)...), capture(0)),
		notAllowed("all voided", authorised(100, voidRequested(1, 100), voided(1, 100)), capture(0)),
		notAllowed("part captured, the rest voided", authorised(100, append(wholly(1, 60), voidRequested(2, 40), voided(2, 40))...), capture(0)),

		notAllowed("more than there ever was of what was never authorised", failed(false), capture(1000)),
		notAllowed("more than remains of what is all captured", authorised(100, wholly(1, 100)...), capture(1)),
		notAllowed("all captured, and past the end", authorised(100, wholly(1, 100)...), captureAfter(0, later)),
		notAllowed("all voided, and past the end", authorised(100, voidRequested(1, 100), voided(1, 100)), captureAfter(0, later)),
	})
}

func TestCaptureOfWhatHasExpired(t *testing.T) {
	t.Parallel()
	expired := func(name string, given []payment.Event, when payment.Capture) rule {
		return rule{name, given, when, nil, payment.ErrAuthorisationExpired}
	}
	over := []payment.Event{payment.AuthorisationExpired{Amount: 100, Currency: "ZAR"}, reversalRequested(1, 100, reference)}
	partOver := append(wholly(1, 60), payment.AuthorisationExpired{Amount: 40, Currency: "ZAR"}, reversalRequested(2, 40, reference), reversed(2, 40))
	check(t, []rule{
		expired("at the end", authorised(100), captureAfter(0, later)),
		expired("after the end", authorised(100), captureAfter(0, 2*later)),
		expired("part captured, after the end", authorised(100, wholly(1, 60)...), captureAfter(40, later)),
		expired("recorded, and being reversed", authorised(100, over...), capture(0)),
		expired("recorded, and reversed", authorised(100, append(over, reversed(1, 100))...), capture(0)),
		expired("recorded, and the reversal refused", authorised(100, append(over, reversalFailed(1, 100))...), capture(0)),
		expired("part captured, the rest recorded as expired", authorised(100, partOver...), capture(1)),
		expired("recorded, and the clock was set back", authorised(100, over...), captureAfter(0, -time.Hour)),

		expired("more than remains, after the end", authorised(100), captureAfter(101, later)),
		expired("with a capture in flight, after the end", authorised(100, captureRequested(1, 60)), captureAfter(0, later)),
		expired(
			"by the object's clock, before it by the wall", authorised(100),
			payment.Capture{ID: commandID(9), Now: domain.Moment{At: noon.Add(later), Wall: noon}},
		),
	})
}

func TestCaptureOfMoreThanRemains(t *testing.T) {
	t.Parallel()
	tooHigh := func(name string, given []payment.Event, amount int64) rule {
		return rule{name, given, capture(amount), nil, payment.ErrCaptureTooHigh}
	}
	check(t, []rule{
		tooHigh("than was authorised", authorised(100), 101),
		tooHigh("than can be", authorised(100), 1<<62),
		tooHigh("than a capture left", authorised(100, wholly(1, 60)...), 41),
		tooHigh("than a capture in flight left", authorised(100, captureRequested(1, 60)), 41),
		tooHigh("than two captures in flight left", authorised(100, captureRequested(1, 60), captureRequested(2, 30)), 11),
		{"less than nothing", authorised(100), capture(-1), nil, payment.ErrCaptureAmountInvalid},
		{"less than nothing of nothing", nil, capture(-1), nil, payment.ErrCaptureAmountInvalid},
	})
}

func TestCapturesInFlight(t *testing.T) {
	t.Parallel()
	one := authorised(100, captureRequested(1, 60))
	late := payment.AnswerWindow // when the outcome of what was asked at noon is unknown
	inProgress := func(name string, given []payment.Event, when payment.Capture) rule {
		return rule{name, given, when, nil, payment.ErrOperationInProgress}
	}
	// An attempt that was recorded as failed turns out to have been approved,
	// beside the one that succeeded: its reversal is in flight.
	reversing := authorised(100, payment.Contradicted{Key: paymentID + "-0", Performed: true, Amount: 100, Currency: "ZAR", Reference: "auth_0"}, reversalRequested(1, 100, "auth_0"))

	check(t, []rule{
		{"a second that fits", one, capture(30), asksFor(30, time.Second), nil},
		{"a second that fits exactly", one, capture(40), asksFor(40, time.Second), nil},
		{"a second of all that remains", one, capture(0), asksFor(40, time.Second), nil},
		{"a third that fits", after(one, captureRequested(2, 30)), capture(10), asksFor(10, time.Second), nil},
		{"beside one that was performed", after(one, captureRequested(2, 30), captured(2, 30)), capture(10), asksFor(10, time.Second), nil},
		{"beside one that failed", after(one, captureRequested(2, 30), captureFailed(2, 30)), capture(40), asksFor(40, time.Second), nil},
		{"an instant before an outcome counts as unknown", one, captureAfter(10, late-time.Millisecond), asksFor(10, late-time.Millisecond), nil},
		{"once an unknown outcome is settled", after(one, captured(1, 60)), captureAfter(10, late), asksFor(10, late), nil},

		{"beside a refund", after(authorised(100, append(wholly(1, 60), refundRequested(2, 50))...)), capture(0), asksFor(40, time.Second), nil},
		{"after a refund", authorised(100, append(wholly(1, 60), back(2, 60)...)...), capture(0), asksFor(40, time.Second), nil},
		inProgress("the outcome of a refund is unknown", authorised(100, append(wholly(1, 60), refundRequested(2, 50))...), captureAfter(10, late)),
		inProgress("all that remains is in flight", authorised(100, captureRequested(1, 100)), capture(0)),
		inProgress("all that remains is in flight, in parts", after(one, captureRequested(2, 40)), capture(1)),
		inProgress("an outcome is unknown", one, captureAfter(10, late)),
		inProgress("one of two outcomes is unknown", after(one, payment.CaptureRequested{
			CaptureID: "cap_2", Amount: 10, Currency: "ZAR", Key: "k2", AnswerBy: noon.Add(time.Hour),
		}), captureAfter(10, late)),
		inProgress("more than remains, while an outcome is unknown", one, captureAfter(1000, late)),
		inProgress(
			"an outcome is unknown by the wall, on a clock that stands still", one,
			payment.Capture{ID: commandID(9), Amount: 10, Now: domain.Moment{At: noon, Wall: noon.Add(late)}},
		),
		{
			"an outcome is not unknown because a test clock has moved", one,
			payment.Capture{ID: commandID(9), Amount: 10, Now: domain.Moment{At: noon.Add(time.Hour), Wall: noon.Add(time.Second)}},
			asksFor(10, time.Second), nil,
		},
		inProgress("a void is in flight", authorised(100, voidRequested(1, 100)), capture(10)),
		inProgress("a void of the rest is in flight", authorised(100, append(wholly(1, 60), voidRequested(2, 40))...), capture(0)),
		inProgress("more than remains, while a void is in flight", authorised(100, voidRequested(1, 100)), capture(1000)),
		inProgress("a reversal of another attempt is in flight", reversing, capture(10)),
		{"a reversal of another attempt is done", after(reversing, reversed(1, 100)), capture(0), asksFor(100, time.Second), nil},
		{"a reversal of another attempt was refused", after(reversing, reversalFailed(1, 100)), capture(0), asksFor(100, time.Second), nil},
	})
}

// tried is a history of so many captures that were declined.
func tried(n int) []payment.Event {
	history := authorised(100)
	for i := range n {
		history = append(history, captureRequested(1000+i, 100), captureFailed(1000+i, 100))
	}
	return slices.Clip(history)
}

func TestOperationsAreBounded(t *testing.T) {
	t.Parallel()
	beyond := tried(payment.OperationsMax)
	for i := range payment.VoidsBeyondMax {
		beyond = append(beyond, voidRequested(5000+i, 100), voidFailed(5000+i, 100))
	}
	check(t, []rule{
		{"the last capture", tried(payment.OperationsMax - 1), capture(0), asksFor(100, time.Second), nil},
		{"one capture more", tried(payment.OperationsMax), capture(0), nil, payment.ErrTooManyOperations},
		{"one capture more, and too high", tried(payment.OperationsMax), capture(101), nil, payment.ErrCaptureTooHigh},
		{"a void is still possible", tried(payment.OperationsMax), void(), givesBack(100, time.Second), nil},
		{"the last void", beyond[:len(beyond)-2], void(), givesBack(100, time.Second), nil},
		{"one void more", beyond, void(), nil, payment.ErrTooManyOperations},
		{
			"the end comes all the same", beyond, payment.ExpireAuthorisation{ID: commandID(9), Now: now(later)},
			expires(100, later), nil,
		},
	})
}
