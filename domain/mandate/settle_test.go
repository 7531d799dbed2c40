package mandate_test

import (
	"errors"
	"strings"
	"testing"

	"tender/domain/decline"
	"tender/domain/mandate"
)

func TestCharge(t *testing.T) {
	t.Parallel()
	s := begin(t, `{"time_zone":"Africa/Johannesburg"}`).on("2026-01-31T22:30:00Z").starts(500, "pay_1")
	s.happened(mandate.ChargeStarted{PaymentID: "pay_1", SessionID: "ps_pay_1", Amount: 500, Currency: "ZAR", Date: "2026-02-01"})
}

func TestSettle(t *testing.T) {
	t.Parallel()
	given := func(t *testing.T) *story { return begin(t, ``).starts(500, "pay_1") }
	failed := mandate.ChargeFailed{PaymentID: "pay_1", Amount: 500, Currency: "ZAR", Failure: declined}
	check(t, map[string]func(*testing.T){
		"paid": func(t *testing.T) {
			given(t).pays("pay_1").happened(mandate.ChargeSucceeded{PaymentID: "pay_1", Amount: 500, Currency: "ZAR"}).counts(1, 500)
		},
		"reserved": func(t *testing.T) {
			given(t).reserves("pay_1").happened(mandate.ChargeSucceeded{PaymentID: "pay_1", Amount: 500, Currency: "ZAR", Reserved: true}).counts(1, 500)
		},
		"failed": func(t *testing.T) {
			given(t).fails("pay_1").happened(failed).counts(0, 0).is(mandate.StatusActive)
		},
		"failed hard": func(t *testing.T) {
			lost := decline.New(decline.CardDeclined, decline.LostCard)
			given(t).do(mandate.Settle{PaymentID: "pay_1", Failure: lost}).is(mandate.StatusActive)
		},
		"the cardholder says no to all": func(t *testing.T) {
			s := given(t).starts(1, "pay_2").do(mandate.Settle{PaymentID: "pay_1", Failure: revoking})
			s.happened(
				mandate.ChargeFailed{PaymentID: "pay_1", Amount: 500, Currency: "ZAR", Failure: revoking},
				mandate.Revoked{By: mandate.ByIssuer, Reason: "stop_payment"},
			).is(mandate.StatusRevoked).forbids(1, mandate.NotActive)
			s.do(mandate.Settle{PaymentID: "pay_2", Failure: revoking})
			s.happened(mandate.ChargeFailed{PaymentID: "pay_2", Amount: 1, Currency: "ZAR", Failure: revoking})
		},
		"the same again": func(t *testing.T) {
			for _, end := range []func(*story, ...string) *story{(*story).pays, (*story).reserves, (*story).fails} {
				for _, again := range []func(*story, ...string) *story{(*story).pays, (*story).reserves, (*story).fails} {
					again(end(given(t), "pay_1"), "pay_1").happened()
				}
			}
		},
		"the first of the series": func(t *testing.T) {
			given(t).pays("pay_0").happened().fails("pay_0").happened().do(mandate.Reduce{PaymentID: "pay_0", Amount: 1, Final: true}).happened().counts(1, 500)
		},
		"after the end": func(t *testing.T) {
			s := begin(t, `{"max_occurrences":2}`).starts(500, "pay_1", "pay_2").do(mandate.Revoke{By: mandate.ByMerchant}).pays("pay_1", "pay_2").counts(2, 1000)
			s.happened(mandate.ChargeSucceeded{PaymentID: "pay_2", Amount: 500, Currency: "ZAR"}).is(mandate.StatusRevoked)
		},
	})
}

func TestReduce(t *testing.T) {
	t.Parallel()
	given := func(t *testing.T) *story { return begin(t, ``).starts(500, "pay_1", "pay_2").reserves("pay_1") }
	check(t, map[string]func(*testing.T){
		"part": func(t *testing.T) {
			given(t).do(mandate.Reduce{PaymentID: "pay_1", Amount: 200}).
				happened(mandate.ChargeReduced{PaymentID: "pay_1", Amount: 200, Currency: "ZAR"}).counts(2, 800)
		},
		"part, for good": func(t *testing.T) {
			given(t).do(mandate.Reduce{PaymentID: "pay_1", Amount: 200, Final: true}).
				happened(mandate.ChargeReduced{PaymentID: "pay_1", Amount: 200, Currency: "ZAR", Final: true}).counts(2, 800).
				do(mandate.Reduce{PaymentID: "pay_1", Amount: 200, Final: true}).happened()
		},
		"all is for good": func(t *testing.T) {
			given(t).do(mandate.Reduce{PaymentID: "pay_1", Amount: 500}).
				happened(mandate.ChargeReduced{PaymentID: "pay_1", Amount: 500, Currency: "ZAR", Whole: true, Final: true}).counts(1, 500)
		},
		"all, bit by bit": func(t *testing.T) {
			given(t).do(mandate.Reduce{PaymentID: "pay_1", Amount: 200}).do(mandate.Reduce{PaymentID: "pay_1", Amount: 300}).
				happened(mandate.ChargeReduced{PaymentID: "pay_1", Amount: 300, Currency: "ZAR", Whole: true, Final: true}).counts(1, 500)
		},
		"captured to the end": func(t *testing.T) {
			given(t).do(mandate.Reduce{PaymentID: "pay_1", Final: true}).
				happened(mandate.ChargeReduced{PaymentID: "pay_1", Currency: "ZAR", Final: true}).counts(2, 1000)
		},
		"nothing": func(t *testing.T) {
			given(t).do(mandate.Reduce{PaymentID: "pay_1"}).happened()
		},
		"paid at once": func(t *testing.T) {
			given(t).pays("pay_2").do(mandate.Reduce{PaymentID: "pay_2", Amount: 500, Final: true}).happened().counts(2, 1000)
		},
		"out of order": func(t *testing.T) {
			for _, c := range []mandate.Reduce{{PaymentID: "pay_2", Amount: 1}, {PaymentID: "pay_2", Final: true}, {PaymentID: "pay_1", Amount: 501}, {PaymentID: "pay_1", Amount: -1, Final: true}} {
				if err := given(t).try(c); !errors.Is(err, mandate.ErrOutOfOrder) {
					t.Errorf("%+v is answered with %v", c, err)
				}
			}
		},
	})
}

// It is said that nothing more is let through as soon as it is so, and not before.
func TestExhausted(t *testing.T) {
	t.Parallel()
	paid := func(payment string) mandate.Event {
		return mandate.ChargeSucceeded{PaymentID: payment, Amount: 5, Currency: "ZAR"}
	}
	given := func(t *testing.T) *story { return begin(t, `{"max_occurrences":2}`).starts(5, "pay_1", "pay_2") }
	check(t, map[string]func(*testing.T){
		"by the last payment": func(t *testing.T) {
			given(t).pays("pay_1").happened(paid("pay_1")).pays("pay_2").happened(paid("pay_2"), mandate.Exhausted{}).is(mandate.StatusExhausted)
		},
		"not while one is in flight": func(t *testing.T) {
			given(t).pays("pay_2").happened(paid("pay_2")).is(mandate.StatusActive)
		},
		"not while one is reserved": func(t *testing.T) {
			s := given(t).reserves("pay_1").pays("pay_2").happened(paid("pay_2"))
			s.do(mandate.Reduce{PaymentID: "pay_1", Amount: 1}).is(mandate.StatusActive)
			s.do(mandate.Reduce{PaymentID: "pay_1", Final: true}).
				happened(mandate.ChargeReduced{PaymentID: "pay_1", Currency: "ZAR", Final: true}, mandate.Exhausted{})
		},
		"not by what is given back whole": func(t *testing.T) {
			given(t).reserves("pay_1").pays("pay_2").do(mandate.Reduce{PaymentID: "pay_1", Amount: 5}).
				happened(mandate.ChargeReduced{PaymentID: "pay_1", Amount: 5, Currency: "ZAR", Whole: true, Final: true}).is(mandate.StatusActive)
		},
		"not by a window that is full": func(t *testing.T) {
			begin(t, `{"period_limits":{"period":"year","max_count":1},"validity_period":{"end_date":"2026-12-31"}}`).starts(5, "pay_1").pays("pay_1").is(mandate.StatusActive)
		},
		"not after another end": func(t *testing.T) {
			s := begin(t, `{"max_occurrences":1,"validity_period":{"end_date":"2026-01-31"}}`).starts(5, "pay_1").on("2026-02-01")
			s.do(mandate.Expire{Now: moment(s.now)}).pays("pay_1").happened(paid("pay_1")).is(mandate.StatusExpired)
		},
	})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	s := begin(t, ``).starts(1, "pay_1")
	s.do(mandate.Revoke{By: mandate.ByMerchant, Reason: "moved away"}).happened(mandate.Revoked{By: mandate.ByMerchant, Reason: "moved away"})
	s.is(mandate.StatusRevoked).forbids(1, mandate.NotActive).do(mandate.Revoke{By: mandate.BySystem}).happened().fails("pay_1")

	if got := s.refused(s.charge("pay_2", 1)).Broken[0].Detail; got != "The mandate is revoked." {
		t.Error(got)
	}
	longest := strings.Repeat("é", mandate.ReasonCharactersMax)
	begin(t, ``).do(mandate.Revoke{By: mandate.ByMerchant, Reason: longest})
	if err := begin(t, ``).try(mandate.Revoke{By: mandate.ByMerchant, Reason: longest + "e"}); !errors.Is(err, mandate.ErrReasonTooLong) {
		t.Errorf("a longer reason is answered with %v", err)
	}
}

func TestExpire(t *testing.T) {
	t.Parallel()
	check(t, map[string]func(*testing.T){
		"at its end": func(t *testing.T) {
			s := begin(t, `{"time_zone":"America/New_York","validity_period":{"end_date":"2028-02-29"}}`).starts(1, "pay_1")
			end, err := s.state.Terms.EndsAt()
			if err != nil || !end.Equal(instant(t, "2028-03-01T05:00:00Z")) {
				t.Errorf("it ends at %s, %v", end, err)
			}
			s.do(mandate.Expire{Now: moment(end.Add(-1))}).happened()
			s.do(mandate.Expire{Now: moment(end)}).happened(mandate.Expired{}).is(mandate.StatusExpired)
			s.do(mandate.Expire{Now: moment(end)}).happened().pays("pay_1").counts(1, 1)
			s.now = end
			s.forbids(1, mandate.OutsideValidityPeriod, mandate.NotActive)
		},
		"without an end": func(t *testing.T) {
			s := begin(t, `{"validity_period":{"start_date":"2026-01-01"}}`).on("9999-12-31")
			s.do(mandate.Expire{Now: moment(s.now)}).happened()
			if end, err := s.state.Terms.EndsAt(); err != nil || !end.IsZero() {
				t.Errorf("it ends at %s, %v", end, err)
			}
		},
		"by its own clock": func(t *testing.T) {
			s := begin(t, `{"validity_period":{"end_date":"2026-01-31"}}`)
			now := moment(s.now)
			now.Wall = instant(t, "2030-01-01")
			s.do(mandate.Expire{Now: now}).happened()
			now.At, now.Wall = now.Wall, now.At
			s.do(mandate.Expire{Now: now}).happened(mandate.Expired{})
		},
		"after another end": func(t *testing.T) {
			s := begin(t, `{"validity_period":{"end_date":"2026-01-31"}}`).do(mandate.Revoke{By: mandate.ByMerchant}).on("2026-02-01")
			s.do(mandate.Expire{Now: moment(s.now)}).happened().is(mandate.StatusRevoked)
		},
	})
}

func TestNoMandate(t *testing.T) {
	t.Parallel()
	for _, c := range []mandate.Command{mandate.Charge{Amount: 1}, mandate.Settle{}, mandate.Reduce{}, mandate.Revoke{}, mandate.Expire{}} {
		if _, err := mandate.Decide(mandate.State{}, c); !errors.Is(err, mandate.ErrNotFound) {
			t.Errorf("%T is answered with %v", c, err)
		}
	}
	if err := begin(t, ``).try(mandate.Create{}); !errors.Is(err, mandate.ErrExists) {
		t.Errorf("a mandate that is made twice: %v", err)
	}
}
