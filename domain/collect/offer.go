package collect

import (
	"slices"

	"tender/domain"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
)

// Refusals of a way to pay.
var (
	ErrNotOffered     = &domain.Refusal{Code: "payment_method_not_offered", Detail: "This way to pay is not offered for this payment session.", Field: "/payment_method/type"}
	ErrNothingOffered = domain.Refuse("payment_method_not_offered", "None of the merchant's ways to pay fits this payment session.")
	ErrNotCharged     = &domain.Refusal{Code: "payment_method_not_offered", Detail: "This payment method can't be charged like this without the customer.", Field: "/options/payment_method_id"}
)

// Takes is what ways to pay there are whatever the session: which of them the
// merchant wants, and what its acquirer can.
type Takes struct {
	Wanted []method.Kind // nil: all that fit
	// Accounts are the kinds beside cards that the acquirer takes; Alone those of them
	// that it also takes without the customer.
	Accounts, Alone []method.Kind
	Banks           []method.Bank // that customers may choose from
}

// Offered returns the ways by which a session's customer may pay, in the order in
// which they are shown. Whatever the page shows, an attempt by another is refused.
func (t Takes) Offered(s session.State) []method.Way {
	var all []method.Way
	for _, w := range method.Ways() {
		if t.offers(s, w.Kind) {
			all = append(all, w)
		}
	}
	return all
}

func (t Takes) offers(s session.State, k method.Kind) bool {
	w, known := k.Way()
	switch {
	case !known, !s.Attended(), t.Wanted != nil && !slices.Contains(t.Wanted, k):
		return false
	case !w.Sells(s.Country, s.Currency), !t.takes(s, w):
		return false
	case w.AsksBank() && len(t.Banks) == 0:
		return false
	case s.SavesMethod(false) && !w.Savable:
		return false
	case s.Series != nil:
		return w.MayServe(s.Series.Terms) && t.alone(w)
	}
	return true
}

// charges reports whether the acquirer takes a saved method of a kind without the
// customer, as the session wants it.
func (t Takes) charges(s session.State, k method.Kind) bool {
	w, known := k.Way()
	return known && t.takes(s, w) && t.alone(w)
}

// takes reports whether the acquirer takes a way at all, and the way can do what the
// session wants. What can't reserve pays at once.
func (t Takes) takes(s session.State, w method.Way) bool {
	if w.Reserves {
		return true
	}
	sells := s.Amount > 0 && s.CaptureMethod != payment.CaptureManual
	return sells && slices.Contains(t.Accounts, w.Kind)
}

func (t Takes) alone(w method.Way) bool { return w.Reserves || slices.Contains(t.Alone, w.Kind) }
