package main

import (
	"net/http"
	"net/url"

	"github.com/cockroachdb/errors"

	"tender/domain/payment"
)

// refusedOf turns the refusal that a play is about into success, and success into an
// error: then it was not about that.
func refusedOf(err error) error {
	if err == nil {
		return errors.New("it went well, although the test card should have failed")
	}
	var p *apiProblem
	if errors.As(err, &p) && p.Status == http.StatusPaymentRequired {
		return nil
	}
	return err
}

func playFailed(s *scene) (string, error) {
	made, err := s.session(nil)
	if err != nil {
		return "", err
	}
	for range payment.AttemptsMax {
		if err := s.pay(made, cardDeclined); err != nil {
			return "", err
		}
	}
	err = s.client.call(s.ctx, http.MethodGet, "/collect/payment_sessions/"+made.ID, nil, &made)
	return made.PaymentID, err
}

func playCaptured(s *scene) (string, error) {
	made, err := s.reserved(cardGood)
	if err != nil {
		return "", err
	}
	return made.PaymentID, s.post("/collect/payments/"+made.PaymentID+"/captures", object{"amount": scenePart}, nil)
}

func playCaptureFailed(s *scene) (string, error) {
	made, err := s.reserved(cardCaptureFails)
	if err != nil {
		return "", err
	}
	return made.PaymentID, refusedOf(s.post("/collect/payments/"+made.PaymentID+"/captures", object{}, nil))
}

func playVoided(s *scene) (string, error) {
	made, err := s.reserved(cardGood)
	if err != nil {
		return "", err
	}
	return made.PaymentID, s.post("/collect/payments/"+made.PaymentID+"/voids", object{}, nil)
}

func playRefunded(s *scene) (string, error) {
	made, err := s.paid(nil, cardGood)
	if err != nil {
		return "", err
	}
	return made.PaymentID, s.post("/collect/payments/"+made.PaymentID+"/refunds", object{"amount": scenePart}, nil)
}

func playRefundFailed(s *scene) (string, error) {
	made, err := s.paid(nil, cardRefundFails)
	if err != nil {
		return "", err
	}
	return made.PaymentID, refusedOf(s.post("/collect/payments/"+made.PaymentID+"/refunds", object{}, nil))
}

func playAuthorisationExpired(s *scene) (string, error) {
	clockID, onIt, err := s.clock()
	if err != nil {
		return "", err
	}
	made, err := s.paid(func(body, options object) { manual(body, options); onIt(body, options) }, cardGood)
	if err != nil {
		return "", err
	}
	return made.PaymentID, s.advance(clockID, "2026-03-01")
}

func playMethodRemoved(s *scene) (string, error) {
	made, err := s.first(object{}, cardGood)
	if err != nil {
		return "", err
	}
	return made.PaymentMethodID, s.client.call(s.ctx, http.MethodDelete, "/collect/payment_methods/"+made.PaymentMethodID, nil, nil)
}

func playMandateRevoked(s *scene) (string, error) {
	made, err := s.first(object{}, cardGood)
	if err != nil {
		return "", err
	}
	return made.MandateID, s.post("/collect/mandates/"+made.MandateID+"/revoke", object{}, nil)
}

func playMandateExhausted(s *scene) (string, error) {
	made, err := s.first(object{"type": "on_demand", "max_occurrences": 1}, cardGood)
	if err != nil {
		return "", err
	}
	_, err = s.session(func(body, options object) {
		body["type"] = "next_in_series"
		options["customer_id"], options["payment_method_id"] = made.CustomerID, made.PaymentMethodID
	})
	return made.MandateID, err
}

func playMandateExpired(s *scene) (string, error) {
	clockID, onIt, err := s.clock()
	if err != nil {
		return "", err
	}
	made, err := s.paid(func(body, options object) {
		body["type"] = "first_in_series"
		options["mandate_options"] = object{"type": "on_demand", "validity_period": object{"start_date": "2026-01-01", "end_date": "2026-01-31"}}
		onIt(body, options)
	}, cardGood)
	if err != nil {
		return "", err
	}
	return made.MandateID, s.advance(clockID, "2026-02-02")
}

func playSubscriptionPaused(s *scene) (string, error) {
	made, err := s.subscribed(nil, cardGood)
	if err != nil {
		return "", err
	}
	return made.SubscriptionID, s.post("/collect/subscriptions/"+made.SubscriptionID+"/pause", object{}, nil)
}

func playSubscriptionFails(s *scene) (string, error) { return s.collected(cardAbsentDeclined) }

func playSubscriptionStands(s *scene) (string, error) { return s.collected(cardAbsentRefused) }

// collected has a subscription's first occurrence fall due with a card like this.
func (s *scene) collected(number string) (string, error) {
	clockID, onIt, err := s.clock()
	if err != nil {
		return "", err
	}
	made, err := s.subscribed(onIt, number)
	if err != nil {
		return "", err
	}
	return made.SubscriptionID, s.advance(clockID, "2026-02-02")
}

func playSubscriptionCompletes(s *scene) (string, error) {
	clockID, onIt, err := s.clock()
	if err != nil {
		return "", err
	}
	made, err := s.subscribed(func(body, options object) {
		options["subscription_options"] = object{"active_period": object{"start_date": "2026-01-01", "end_date": "2026-02-15"}}
		onIt(body, options)
	}, cardGood)
	if err != nil {
		return "", err
	}
	return made.SubscriptionID, s.advance(clockID, "2026-03-02")
}

// playTest sends a test message to each endpoint that is enabled, and returns the
// last one's delivery.
func playTest(s *scene) (string, error) {
	type shown struct{ ID, Status string }
	var enabled []string
	err := pages(s.ctx, &s.client, endpointsPath, url.Values{}, func(e shown) bool {
		if e.Status == "enabled" {
			enabled = append(enabled, e.ID)
		}
		return true
	})
	if err != nil {
		return "", err
	}
	if len(enabled) == 0 {
		return "", errors.New("no webhook endpoint is enabled; tender listen makes one")
	}
	var delivery shown
	for _, endpointID := range enabled {
		if err := s.post(endpointsPath+"/"+endpointID+"/test", object{}, &delivery); err != nil {
			return "", err
		}
	}
	return delivery.ID, nil
}
