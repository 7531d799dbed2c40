package payments

import (
	"tender/domain/collect"
	"tender/domain/merchant"
	"tender/domain/method"
)

// Takes is what ways to pay there are for a merchant's sessions: what they want, and
// what the acquirer can.
func (s *Service) Takes(m merchant.State) collect.Takes {
	takes := s.acquirerTakes()
	takes.Wanted = m.Settings.PaymentMethods
	return takes
}

// acquirerTakes is what ways to pay there are, whatever the merchant wants: what a
// customer has agreed to goes on.
func (s *Service) acquirerTakes() collect.Takes {
	var takes collect.Takes
	if s.Acquirer == nil {
		return takes
	}
	can := s.Acquirer.Capabilities()
	for _, kind := range can.Accounts {
		takes.Accounts = append(takes.Accounts, method.Kind(kind))
	}
	for _, kind := range can.AccountsAlone {
		takes.Alone = append(takes.Alone, method.Kind(kind))
	}
	for _, b := range can.Banks {
		takes.Banks = append(takes.Banks, method.Bank(b))
	}
	return takes
}
