package payment

import "tender/domain/id"

// expireAuthorisation ends an authorisation that is past its time and asks the
// acquirer to release what remains. While an answer is outstanding nothing
// happens: it comes first, and the expiry is still due afterwards.
func (s State) expireAuthorisation(c ExpireAuthorisation) ([]Event, error) {
	if !s.AuthorisationExpiryDue() || c.Now.At.Before(s.AuthorisationExpiresAt) || len(s.Pending) > 0 {
		return nil, nil
	}
	amount := s.Capturable()
	return []Event{
		AuthorisationExpired{Amount: amount, Currency: s.Currency},
		s.requestReversal(operationID(id.Reversal, c.ID), amount, s.Attempt.Reference, c.Now.Wall),
	}, nil
}

// AuthorisationExpiryDue reports whether anything is left that will expire. An
// authorisation that the acquirer gave no end never does.
func (s State) AuthorisationExpiryDue() bool {
	return s.authorisedManually() && !s.AuthorisationExpiresAt.IsZero() && s.Expired == 0 && s.Captured+s.Voided < s.Authorised
}
