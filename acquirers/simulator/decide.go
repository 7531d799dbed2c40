package simulator

import (
	"time"

	"tender/acquirers"
)

// verdict is what the simulator makes of an authorisation before it looks into
// its book.
type verdict struct {
	status       acquirers.Status
	errorCode    string
	declineCode  string
	message      string
	threeDSecure acquirers.ThreeDSecure
	answerLost   bool
}

func decline(errorCode, declineCode, message string) verdict {
	return verdict{status: acquirers.StatusDeclined, errorCode: errorCode, declineCode: declineCode, message: message}
}

// decide judges an authorisation at the instant now. The order is a bank's: is
// this an account, is the card still good, is the CVC right, and only then how
// this card behaves.
func decide(a acquirers.Authorisation, card character, t trace, now time.Time) verdict {
	switch {
	case a.Account != nil:
		return decideAccount(a, card)
	case card.behaviour == notATestCard:
		return decline(card.errorCode, card.declineCode, "The number is not one of the test cards.")
	case expired(a.Card, now):
		return decline(expiredCard, "", "The card's expiry date has passed.")
	case !cvcAccepted(a, t.Scheme):
		return decline(incorrectCVC, "", "The CVC has the wrong length for the card's scheme.")
	}
	return behave(a, card)
}

// behave judges by the card's own behaviour. What an [everyThird] card answers
// without the customer is counted, and therefore judged in the book.
func behave(a acquirers.Authorisation, card character) verdict {
	present := a.Initiator == acquirers.InitiatorCustomer
	sale := a.Capture && a.Amount > 0
	ok := verdict{status: acquirers.StatusApproved}
	if present && a.Authentication == acquirers.AuthenticationChallenge {
		// Authenticated without a challenge: the bank knows the device.
		ok.threeDSecure = acquirers.ThreeDSecureAuthenticated
	}
	switch card.behaviour {
	case declines:
		return decline(card.errorCode, card.declineCode, "The test card declines every payment.")
	case challenges:
		if present && a.Authentication != acquirers.AuthenticationNone {
			return verdict{status: acquirers.StatusActionRequired}
		}
	case needsCustomer:
		if !present {
			return decline(card.errorCode, card.declineCode, "The test card declines without the customer.")
		}
	case captureDeclined:
		if sale { // a sale is an authorisation with its first capture
			return decline(card.errorCode, card.declineCode, "The test card declines every capture.")
		}
	case firstCaptureLost:
		ok.answerLost = sale
	case answerLost:
		ok.answerLost = true
	case succeeds, everyThird, requestLost, requestDelayed, answerDelayed,
		refundDeclined, refundLost, refundFailsLate, notATestCard,
		approvesItself, refusesItself, bankRefuses, silent, toldLate, toldTwice, paysAfterTheEnd:
	}
	return ok
}

// expired reports whether the card's month has ended. Cards are good to the last
// instant of the month that is printed on them, in UTC.
func expired(c acquirers.Card, now time.Time) bool {
	end := time.Date(c.ExpYear, time.Month(c.ExpMonth)+1, 1, 0, 0, 0, 0, time.UTC)
	return c.ExpMonth < 1 || c.ExpMonth > 12 || !now.Before(end)
}

// cvcAccepted reports whether the CVC is right. It may be missing only where the
// card was stored before.
func cvcAccepted(a acquirers.Authorisation, scheme string) bool {
	stored := a.StoredCredential == acquirers.StoredCredentialSubsequent
	return stored && a.Card.CVC == "" || cvcFits(scheme, a.Card)
}
