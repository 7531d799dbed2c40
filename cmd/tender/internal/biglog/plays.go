package biglog

import "math/rand/v2"

// play is a course of things, from its beginning to its end.
type play struct {
	weight int // how often chance chooses it, beside the others'
	take   func(*lane)
}

// plays are all that there are. Each kind of event occurs in one of them at least,
// whatever chance decides within it: a new event type wants a new play, or another turn
// of one.
var plays = []play{
	// Payments with the customer.
	{220, (*lane).sale}, {40, (*lane).saleAtLast}, {40, (*lane).challenge}, {40, (*lane).payByAccount},
	{50, (*lane).captureAll}, {60, (*lane).captureInParts}, {10, (*lane).captureFails},
	{15, (*lane).voidAll}, {3, (*lane).voidFails}, {12, (*lane).authorisationExpires},
	{40, (*lane).refund}, {6, (*lane).refundFails}, {3, (*lane).refundFailsLate},
	{30, (*lane).abandon}, {12, (*lane).giveUp}, {8, (*lane).leaveAfterFailure}, {6, (*lane).cancelWhileAway}, {4, (*lane).allAttemptsFail},
	{4, (*lane).nobodyAnswers}, {3, (*lane).lateApproval}, {2, (*lane).lateCapture}, {2, (*lane).lateDecline},
	{2, (*lane).resolvedByHand},
	// Customers and their methods.
	{16, (*lane).verifyCard}, {24, (*lane).payWithSavedCard}, {6, (*lane).removeMethod}, {8, (*lane).eraseCustomer},
	// Series.
	{30, (*lane).chargeOnDemand}, {6, (*lane).chargeAndGiveBack}, {8, (*lane).methodForbidden}, {4, (*lane).cardholderRevokes},
	{8, (*lane).mandateExhausted}, {4, (*lane).mandateExpires}, {5, (*lane).instalments},
	{24, (*lane).subscribe}, {6, (*lane).subscribeWithRetries}, {5, (*lane).subscriptionPauses}, {5, (*lane).subscriptionEnds},
	{6, (*lane).methodReplaced}, {4, (*lane).overdueReleased}, {4, (*lane).nobodyReplaces}, {4, (*lane).onAClock}, {2, (*lane).clockDeleted},
	// The merchant and the house.
	{4, (*lane).endpointLives}, {2, (*lane).endpointFails}, {3, (*lane).recover}, {2, (*lane).recoveryStops},
	{3, (*lane).settingsChange}, {2, (*lane).slowed}, {4, (*lane).staffLooks}, {1, (*lane).leavesOut},
}

// chosen is a play that chance chooses.
func chosen(random *rand.Rand) play {
	sum := 0
	for _, p := range plays {
		sum += p.weight
	}
	n := random.IntN(sum)
	for _, p := range plays {
		if n -= p.weight; n < 0 {
			return p
		}
	}
	panic("biglog: weights that add up to nothing")
}
