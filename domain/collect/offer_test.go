package collect_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/recurrence"
	"tender/domain/session"
)

// everything is an acquirer that takes all there is, and a merchant who wants it.
var everything = collect.Takes{
	Accounts: []method.Kind{method.KindInstantEFT, method.KindCapitecPay, method.KindMTNMoMo},
	Alone:    []method.Kind{method.KindCapitecPay},
	Banks:    []method.Bank{{ID: "fnb", Name: "FNB"}},
}

func monthly(t tester, every int) mandate.Terms {
	t.Helper()
	rule, wrong := recurrence.Parse(fmt.Appendf(nil, `{"type":"monthly","interval_count":%d}`, every))
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	return mandate.Terms{Kind: mandate.KindScheduled, Currency: "ZAR", TimeZone: "UTC", Recurrence: rule}
}

func kindsOf(ways []method.Way) []method.Kind {
	var kinds []method.Kind
	for _, w := range ways {
		kinds = append(kinds, w.Kind)
	}
	return kinds
}

func TestOffered(t *testing.T) {
	t.Parallel()
	const card, eft, capitec, momo = method.KindCard, method.KindInstantEFT, method.KindCapitecPay, method.KindMTNMoMo
	kinds := func(k ...method.Kind) []method.Kind { return k }
	base := session.State{ID: sessionID, Type: session.TypeOneTime, Amount: amount, Currency: "ZAR", Country: "ZA", CaptureMethod: payment.CaptureAutomatic}
	ask := func(change func(*session.State)) session.State {
		s := base
		change(&s)
		return s
	}
	series := func(terms mandate.Terms) session.State {
		return ask(func(s *session.State) { s.Type, s.Series = session.TypeFirstInSeries, &session.Series{Terms: terms} })
	}
	without := func(change func(*collect.Takes)) collect.Takes {
		takes := everything
		change(&takes)
		return takes
	}
	for name, c := range map[string]struct {
		session session.State
		takes   collect.Takes
		want    []method.Kind
	}{
		"everything fits":                               {base, everything, kinds(card, eft, capitec, momo)},
		"cards alone are taken":                         {base, collect.Takes{}, kinds(card)},
		"no banks to choose":                            {base, without(func(t *collect.Takes) { t.Banks = nil }), kinds(card, capitec, momo)},
		"the merchant's choice":                         {base, without(func(t *collect.Takes) { t.Wanted = kinds(momo, eft) }), kinds(eft, momo)},
		"chosen, and not taken":                         {base, collect.Takes{Wanted: kinds(capitec)}, nil},
		"chosen, and unheard of":                        {base, without(func(t *collect.Takes) { t.Wanted = kinds("cash") }), nil},
		"taken, and unheard of":                         {base, without(func(t *collect.Takes) { t.Accounts = kinds("cash") }), kinds(card)},
		"captured later":                                {ask(func(s *session.State) { s.CaptureMethod = payment.CaptureManual }), everything, kinds(card)},
		"a verification":                                {ask(func(s *session.State) { s.Amount = 0 }), everything, kinds(card)},
		"another currency":                              {ask(func(s *session.State) { s.Currency = "USD" }), everything, kinds(card)},
		"another country":                               {ask(func(s *session.State) { s.Country, s.Currency = "GH", "GHS" }), everything, kinds(card, momo)},
		"with what is saved":                            {ask(func(s *session.State) { s.Save = session.SaveAlways }), everything, kinds(card, capitec)},
		"with what may be saved":                        {ask(func(s *session.State) { s.Save = session.SavePrompt }), everything, kinds(card, eft, capitec, momo)},
		"without the customer":                          {ask(func(s *session.State) { s.Type = session.TypeNextInSeries }), everything, nil},
		"a series that fits":                            {series(monthly(t, 6)), everything, kinds(card, capitec)},
		"a series too often":                            {series(monthly(t, 2)), everything, kinds(card)},
		"a series on demand":                            {series(anything), everything, kinds(card)},
		"a series, and the acquirer needs the customer": {series(monthly(t, 6)), without(func(t *collect.Takes) { t.Alone = nil }), kinds(card)},
	} {
		if got := kindsOf(c.takes.Offered(c.session)); !slices.Equal(got, c.want) {
			t.Errorf("%s: offered are %v, not %v", name, got, c.want)
		}
	}
}

// Whatever is asked for, an attempt is taken by what is offered, and by nothing else;
// and what can't reserve is never asked to.
func TestOnlyWhatIsOfferedPays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		ask := w.asks(session.TypeOneTime, "")
		ask.Amount = rapid.SampledFrom([]int64{0, amount}).Draw(t, "amount")
		ask.CaptureMethod = rapid.SampledFrom([]payment.CaptureMethod{payment.CaptureAutomatic, payment.CaptureManual}).Draw(t, "capture")
		market := rapid.SampledFrom([]method.Market{{Country: "ZA", Currency: "ZAR"}, {Country: "GH", Currency: "GHS"}, {Country: "ZA", Currency: "JPY"}}).Draw(t, "market")
		ask.Country, ask.Currency = market.Country, market.Currency
		if ask.Amount > 0 {
			ask.Save = rapid.SampledFrom([]session.Save{session.SaveNever, session.SavePrompt, session.SaveAlways}).Draw(t, "save")
		}
		takes := everything
		if rapid.Bool().Draw(t, "chosen") {
			takes.Wanted = []method.Kind{rapid.SampledFrom([]method.Kind{method.KindCard, method.KindInstantEFT, method.KindCapitecPay, method.KindMTNMoMo}).Draw(t, "wanted")}
		}
		changes, err := collect.CreateSession(customer.State{}, nil, takes, ask)
		if err != nil {
			if !errors.Is(err, collect.ErrNothingOffered) {
				t.Fatal(err)
			}
			return
		}
		w.decided(t, changes, nil)
		s := w.sessions[ask.SessionID()]
		offered := kindsOf(takes.Offered(s))
		if len(offered) == 0 {
			t.Fatal("a session was made that nobody can pay")
		}
		kind := rapid.SampledFrom([]method.Kind{method.KindCard, method.KindInstantEFT, method.KindCapitecPay, method.KindMTNMoMo}).Draw(t, "kind")
		way, _ := kind.Way()
		try := w.triesBy(s, kind)
		try.Takes = takes
		begun, err := collect.StartAttempt(s, payment.State{}, w.parties(s, ""), try)
		switch {
		case !slices.Contains(offered, kind):
			if !errors.Is(err, collect.ErrNotOffered) {
				t.Fatalf("%s is not offered, and the answer is %v", kind, err)
			}
		case s.Save == session.SavePrompt && !way.Savable:
			if !errors.Is(err, collect.ErrNotSavable) {
				t.Fatalf("%s can't be saved, and the answer is %v", kind, err)
			}
		default:
			w.decided(t, begun, err)
			w.answers(t, begun.Payment.ID, collect.OutcomeApproved, decline.Failure{})
			p := w.payments[begun.Payment.ID]
			if p.Reserves() != (kind == method.KindCard) || !p.Reserves() && (p.Captured != s.Amount || p.Capturable() != 0 || p.Open()) {
				t.Fatalf("paid by %s it is %+v", kind, p)
			}
		}
	})
}

// A pushed attempt waits for the customer from the acquirer's word on that it has
// accepted it, and like any other that does.
func TestApproval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   method.Kind
		word   collect.OutcomeKind
		action payment.ActionKind // "": none is asked for
	}{
		{method.KindCapitecPay, collect.OutcomePending, payment.ActionApprove},
		{method.KindMTNMoMo, collect.OutcomePending, payment.ActionApprove},
		{method.KindInstantEFT, collect.OutcomeActionRequired, payment.ActionRedirect},
		{method.KindInstantEFT, collect.OutcomePending, ""},
		{method.KindCard, collect.OutcomePending, ""},
	} {
		w := newWorld()
		s := w.sessions[w.session(t, w.asks(session.TypeOneTime, ""))]
		paymentID := w.attemptsBy(t, s, c.kind)
		changes := w.answers(t, paymentID, c.word, decline.Failure{})
		p := w.payments[paymentID]
		if c.action == "" {
			if !changes.Empty() || p.WaitsForCustomer() {
				t.Errorf("%s, %s: what happens is %+v", c.kind, c.word, changes)
			}
			continue
		}
		asks := payment.ActionRequired{AttemptID: p.Attempt.ID, Action: c.action, URL: "https://acs.example", ActionBy: w.now.Wall.Add(15 * 60e9)}
		if got := holds[payment.ActionRequired](t, one(changes.Payment), 1)[0]; got != asks {
			t.Errorf("%s: asked for is %+v, not %+v", c.kind, got, asks)
		}
		if again := w.answers(t, paymentID, c.word, decline.Failure{}); !again.Empty() {
			t.Errorf("%s: asked for again: %+v", c.kind, again)
		}
		asked, err := collect.CancelSession(s, p, collect.Cancel{ID: w.command(), By: session.ByCustomer, Now: w.now})
		if err != nil || len(holds[session.CancelRequested](t, one(asked.Session), 1)) != 1 {
			t.Errorf("%s: it can't be given up: %v", c.kind, err)
		}
		closed := w.answers(t, paymentID, collect.OutcomeClosed, decline.Failure{})
		want := decline.Failure{ErrorCode: decline.TimedOut, Account: true}
		if got := holds[payment.AttemptFailed](t, one(closed.Payment), 1)[0]; got.Failure != want || got.Final {
			t.Errorf("%s: it ends as %+v", c.kind, got)
		}
		late := w.settles(t, paymentID, collect.Outcome{
			ID: w.command(), Key: p.Attempt.Key, Kind: collect.OutcomeApproved, Reference: "late", Now: w.now,
		})
		back := holds[payment.ReversalRequested](t, one(late.Payment), 1)[0]
		if !back.Refund || back.Amount != amount || back.Reference != "late" {
			t.Errorf("%s: what came too late is given back by %+v", c.kind, back)
		}
	}
}

// A series may begin with an account and go on with it alone.
func TestSeriesByAccount(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ask := w.asks(session.TypeFirstInSeries, w.newcomer(t))
	ask.Series.Terms = monthly(t, 1)
	s := w.sessions[w.session(t, ask)]
	paymentID := w.attemptsBy(t, s, method.KindCapitecPay)
	w.answers(t, paymentID, collect.OutcomePending, decline.Failure{})
	changes := w.answers(t, paymentID, collect.OutcomeApproved, decline.Failure{})
	by := completed(t, changes)
	if got := holds[payment.Paid](t, one(changes.Payment), 1)[0]; got.NetworkTransactionID != "" {
		t.Errorf("a card scheme has called it %s", got.NetworkTransactionID)
	}
	if got := holds[mandate.Created](t, changes.Mandates, 1)[0]; got.Reference != "auth" || got.NetworkTransactionID != "" {
		t.Errorf("later payments name the first one by %q and %q", got.Reference, got.NetworkTransactionID)
	}
	saved := holds[method.Saved](t, changes.Methods, 1)[0]
	if !reflect.DeepEqual(saved.Details, accountOf(method.KindCapitecPay)) || by.MandateID == "" || saved.VaultRef == "" {
		t.Errorf("saved is %+v, under %s", saved, by.MandateID)
	}

	charge := w.charge(by)
	if _, err := collect.StartCharge(w.chargeParties(charge), charge); !errors.Is(err, collect.ErrNotCharged) {
		t.Errorf("an acquirer that takes no accounts: %v", err)
	}
	charge.Takes = everything
	charge.Session.CaptureMethod = payment.CaptureManual
	if _, err := collect.StartCharge(w.chargeParties(charge), charge); !errors.Is(err, collect.ErrNotCharged) {
		t.Errorf("captured later: %v", err)
	}
	charge.Session.CaptureMethod = payment.CaptureAutomatic
	begun, err := collect.StartCharge(w.chargeParties(charge), charge)
	w.decided(t, begun, err)
	if got := holds[payment.AttemptStarted](t, one(begun.Payment), 1)[0]; !reflect.DeepEqual(got.Details, saved.Details) || got.PaymentMethodID != by.PaymentMethodID {
		t.Errorf("it is charged by %+v", got)
	}
	if waits := w.answers(t, begun.Payment.ID, collect.OutcomePending, decline.Failure{}); !waits.Empty() {
		t.Errorf("nobody is there to approve: %+v", waits)
	}
	if done := completed(t, w.answers(t, begun.Payment.ID, collect.OutcomeApproved, decline.Failure{})); done.Outcome != session.OutcomePaid {
		t.Errorf("it ends as %+v", done)
	}
}

// Why an account did not pay is told as of an account, in every stream.
func TestAccountDeclines(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ask := w.asks(session.TypeFirstInSeries, w.newcomer(t))
	ask.Series.Terms = monthly(t, 1)
	s := w.sessions[w.session(t, ask)]
	first := w.attemptsBy(t, s, method.KindCapitecPay)
	want := declined
	want.Account = true

	refused := w.answers(t, first, collect.OutcomeDeclined, declined)
	atPayment, atSession := holds[payment.AttemptFailed](t, one(refused.Payment), 1)[0], holds[session.AttemptFailed](t, one(refused.Session), 1)[0]
	if atPayment.Failure != want || atSession.Failure != want {
		t.Errorf("with the customer it fails as %+v and %+v", atPayment.Failure, atSession.Failure)
	}

	by := completed(t, w.answers(t, w.attemptsBy(t, w.sessions[s.ID], method.KindCapitecPay), collect.OutcomeApproved, decline.Failure{}))
	charge := w.charge(by)
	charge.Takes = everything
	begun, err := collect.StartCharge(w.chargeParties(charge), charge)
	w.decided(t, begun, err)
	alone := w.answers(t, begun.Payment.ID, collect.OutcomeDeclined, declined)
	atMandate := holds[mandate.ChargeFailed](t, alone.Mandates, 1)[0]
	if done := completed(t, alone); done.Failure == nil || *done.Failure != want || atMandate.Failure != want {
		t.Errorf("without the customer it fails as %+v and %+v", done.Failure, atMandate.Failure)
	}
}
