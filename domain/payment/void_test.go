package payment_test

import (
	"testing"
	"time"

	"tender/domain"
	"tender/domain/payment"
)

// void is the ninth command of a test, given a second after noon.
func void() payment.Void { return payment.Void{ID: commandID(9), Now: now(time.Second)} }

func voidAfter(d time.Duration) payment.Void {
	return payment.Void{ID: commandID(9), Now: now(d)}
}

// givesBack is what an accepted void gives.
func givesBack(amount int64, d time.Duration) []payment.Event {
	e := voidRequested(9, amount)
	e.AnswerBy = noon.Add(d + payment.AnswerWindow)
	return []payment.Event{e}
}

func TestVoidGivesBackWhatRemains(t *testing.T) {
	t.Parallel()
	withMetadata := void()
	withMetadata.Metadata = map[string]string{"reason": "sold out"}
	metadataKept := voidRequested(9, 100)
	metadataKept.AnswerBy, metadataKept.Metadata = noon.Add(time.Second+payment.AnswerWindow), withMetadata.Metadata

	check(t, []rule{
		{"all of it", authorised(100), void(), givesBack(100, time.Second), nil},
		{"with metadata", authorised(100), withMetadata, []payment.Event{metadataKept}, nil},
		{"the rest of a capture", authorised(100, wholly(1, 60)...), void(), givesBack(40, time.Second), nil},
		{"the rest of two captures", authorised(100, append(wholly(1, 60), wholly(2, 39)...)...), void(), givesBack(1, time.Second), nil},
		{"after a capture was declined", authorised(100, captureRequested(1, 60), captureFailed(1, 60)), void(), givesBack(100, time.Second), nil},
		{"after a refund", authorised(100, append(wholly(1, 60), back(2, 60)...)...), void(), givesBack(40, time.Second), nil},
		{"again after a void was declined", authorised(100, voidRequested(1, 100), voidFailed(1, 100)), void(), givesBack(100, time.Second), nil},
		{"an instant before the end", authorised(100), voidAfter(later - time.Millisecond), givesBack(100, later-time.Millisecond), nil},
		{"long after, where the acquirer names no end", endless(100), voidAfter(100 * later), givesBack(100, 100*later), nil},
	})
}

func TestVoidRefused(t *testing.T) {
	t.Parallel()
	notAllowed := func(name string, given []payment.Event, when payment.Void) rule {
		return rule{name, given, when, nil, payment.ErrVoidNotAllowed}
	}
	already := func(name string, given []payment.Event, when payment.Void) rule {
		return rule{name, given, when, nil, payment.ErrAlreadyVoided}
	}
	nothing := func(name string, given []payment.Event, when payment.Void) rule {
		return rule{name, given, when, nil, payment.ErrNothingToVoid}
	}
	action := payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionRedirect, URL: "https://acs.example", ActionBy: noon.Add(15 * time.Minute)}
	allVoided := authorised(100, voidRequested(1, 100), voided(1, 100))
	expired := authorised(100, payment.AuthorisationExpired{Amount: 100, Currency: "ZAR"}, reversalRequested(1, 100, reference))

	check(t, []rule{
		notAllowed("there is no payment", nil, void()),
		notAllowed("with the acquirer", started(payment.CaptureManual, 100), void()),
		notAllowed("with the customer", after(started(payment.CaptureManual, 100), action), void()),
		notAllowed("failed, and may be tried again", failed(false), void()),
		notAllowed("failed for good", failed(true), void()),
		notAllowed("cancelled", failed(false, payment.Cancelled{}), void()),
		notAllowed("expired", failed(false, payment.Expired{}), void()),
		notAllowed("captured automatically", sold(100), void()),
		notAllowed("a verification", authorised(0), void()),

		already("all voided", allVoided, void()),
		already("all voided, and past the end", allVoided, voidAfter(later)),

		nothing("all captured", authorised(100, wholly(1, 100)...), void()),
		nothing("all captured, and past the end", authorised(100, wholly(1, 100)...), voidAfter(later)),
		nothing("part captured, the rest voided", authorised(100, append(wholly(1, 60), voidRequested(2, 40), voided(2, 40))...), void()),
		nothing("at the end", authorised(100), voidAfter(later)),
		nothing("after the end", authorised(100), voidAfter(2*later)),
		nothing("part captured, after the end", authorised(100, wholly(1, 60)...), voidAfter(later)),
		nothing("recorded as expired, and being reversed", expired, void()),
		nothing("recorded as expired, and reversed", after(expired, reversed(1, 100)), void()),
		nothing("recorded as expired, and the reversal refused", after(expired, reversalFailed(1, 100)), void()),
		nothing(
			"part captured, the rest recorded as expired",
			authorised(100, append(wholly(1, 60), payment.AuthorisationExpired{Amount: 40, Currency: "ZAR"}, reversalRequested(2, 40, reference))...), void(),
		),
		nothing("with a capture in flight, after the end", authorised(100, captureRequested(1, 60)), voidAfter(later)),
		nothing(
			"past the end by the object's clock, before it by the wall", authorised(100),
			payment.Void{ID: commandID(9), Now: domain.Moment{At: noon.Add(later), Wall: noon}},
		),
	})
}

// A void is of all that remains, and what remains is not known while anything
// is in flight.
func TestVoidWhileAnythingIsInFlight(t *testing.T) {
	t.Parallel()
	inProgress := func(name string, given []payment.Event, d time.Duration) rule {
		return rule{name, given, voidAfter(d), nil, payment.ErrOperationInProgress}
	}
	check(t, []rule{
		inProgress("a capture of part", authorised(100, captureRequested(1, 60)), time.Second),
		inProgress("a capture of all", authorised(100, captureRequested(1, 100)), time.Second),
		inProgress("a capture whose outcome is unknown", authorised(100, captureRequested(1, 60)), time.Hour),
		inProgress("the second of two captures", authorised(100, append(wholly(1, 60), captureRequested(2, 20))...), time.Second),
		inProgress("a void", authorised(100, voidRequested(1, 100)), time.Second),
		inProgress("a void whose outcome is unknown", authorised(100, voidRequested(1, 100)), time.Hour),
		inProgress("a refund", authorised(100, append(wholly(1, 60), refundRequested(2, 60))...), time.Second),
		inProgress("a reversal of another attempt", authorised(100, reversalRequested(1, 100, "auth_0")), time.Second),
		{"a reversal of another attempt that is done", authorised(100, reversalRequested(1, 100, "auth_0"), reversed(1, 100)), void(), givesBack(100, time.Second), nil},
	})
}
