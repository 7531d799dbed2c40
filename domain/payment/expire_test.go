package payment_test

import (
	"testing"
	"time"

	"tender/domain"
	"tender/domain/payment"
)

// expires is what happens at the end of an authorisation.
func expires(amount int64, d time.Duration) []payment.Event {
	reversal := reversalRequested(9, amount, reference)
	reversal.AnswerBy = noon.Add(d + payment.AnswerWindow)
	return []payment.Event{payment.AuthorisationExpired{Amount: amount, Currency: "ZAR"}, reversal}
}

func TestAuthorisationExpires(t *testing.T) {
	t.Parallel()
	expire := func(d time.Duration) payment.ExpireAuthorisation {
		return payment.ExpireAuthorisation{ID: commandID(9), Now: now(d)}
	}
	nothing := func(name string, given []payment.Event, when payment.ExpireAuthorisation) rule {
		return rule{name, given, when, nil, nil}
	}
	over := authorised(100, payment.AuthorisationExpired{Amount: 100, Currency: "ZAR"}, reversalRequested(1, 100, reference))

	check(t, []rule{
		{"at the end", authorised(100), expire(later), expires(100, later), nil},
		{"after the end", authorised(100), expire(2 * later), expires(100, 2*later), nil},
		{"with what a capture left", authorised(100, wholly(1, 60)...), expire(later), expires(40, later), nil},
		{"after a capture was declined", authorised(100, captureRequested(1, 60), captureFailed(1, 60)), expire(later), expires(100, later), nil},
		{"what was refunded was captured", authorised(100, append(wholly(1, 60), back(2, 60)...)...), expire(later), expires(40, later), nil},
		{"after a void was declined", authorised(100, voidRequested(1, 100), voidFailed(1, 100)), expire(later), expires(100, later), nil},
		{
			"by the object's clock, answered by the wall", authorised(100),
			payment.ExpireAuthorisation{ID: commandID(9), Now: domain.Moment{At: noon.Add(later), Wall: noon}},
			expires(100, 0), nil,
		},

		nothing("an instant before the end", authorised(100), expire(later-time.Millisecond)),
		nothing(
			"after the end by the wall alone", authorised(100),
			payment.ExpireAuthorisation{ID: commandID(9), Now: domain.Moment{At: noon, Wall: noon.Add(later)}},
		),
		nothing("where the acquirer names no end", endless(100), expire(100*later)),
		nothing("twice", over, expire(later)),
		nothing("once it is reversed", after(over, reversed(1, 100)), expire(later)),
		nothing("once the reversal was refused", after(over, reversalFailed(1, 100)), expire(later)),
		nothing("all captured", authorised(100, wholly(1, 100)...), expire(later)),
		nothing("all voided", authorised(100, voidRequested(1, 100), voided(1, 100)), expire(later)),
		nothing("a capture is in flight", authorised(100, captureRequested(1, 60)), expire(later)),
		nothing("a void is in flight", authorised(100, voidRequested(1, 100)), expire(later)),
		nothing("a refund is in flight", authorised(100, append(wholly(1, 60), refundRequested(2, 60))...), expire(later)),
		nothing("a reversal of another attempt is in flight", authorised(100, reversalRequested(1, 100, "auth_0")), expire(later)),
		nothing("captured automatically", sold(100), expire(later)),
		nothing("a verification", authorised(0), expire(later)),
		nothing("never authorised", failed(false), expire(later)),
		nothing("there is no payment", nil, expire(later)),
	})
}

func TestAuthorisationExpiryDue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given []payment.Event
		want  bool
	}{
		"authorised":             {authorised(100), true},
		"part captured":          {authorised(100, wholly(1, 60)...), true},
		"a capture in flight":    {authorised(100, captureRequested(1, 100)), true},
		"all captured":           {authorised(100, wholly(1, 100)...), false},
		"all voided":             {authorised(100, voidRequested(1, 100), voided(1, 100)), false},
		"expired":                {authorised(100, payment.AuthorisationExpired{Amount: 100, Currency: "ZAR"}), false},
		"without an end":         {endless(100), false},
		"captured automatically": {sold(100), false},
		"failed":                 {failed(true), false},
		"no payment":             {nil, false},
	} {
		if got := fold(c.given).AuthorisationExpiryDue(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
