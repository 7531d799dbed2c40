package biglog

import (
	"encoding/hex"
	"time"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/eventstore"
	"tender/handlers/payments"
)

const (
	acquirer = "simulator"
	// cardsMax is how many different cards may be tried for a session.
	cardsMax = 20
	// authorisedFor is how long an authorisation is good.
	authorisedFor = 7 * 24 * time.Hour
)

// takes are the ways to pay that there are.
var takes = collect.Takes{
	Accounts: []method.Kind{method.KindInstantEFT, method.KindCapitecPay, method.KindMTNMoMo},
	Alone:    []method.Kind{method.KindCapitecPay},
	Banks:    []method.Bank{{ID: "first", Name: "First Bank"}},
}

func (l *lane) asMerchant() domain.Actor {
	return domain.Actor{Kind: domain.ActorMerchant, ID: l.keyID}
}

func asSystem(what string) domain.Actor { return domain.Actor{Kind: domain.ActorSystem, ID: what} }

// decided adds a decision to c, in the order in which the engine writes it.
func (c *command) decided(changes collect.Changes, effective time.Time) {
	l := c.lane
	writes(c, l.customers, changes.Customer.ID, changes.Customer.Events...)
	for _, s := range changes.Methods {
		writes(c, l.methods, s.ID, s.Events...)
	}
	for _, s := range changes.Subscriptions {
		writes(c, l.subscriptions, s.ID, s.Events...)
	}
	for _, s := range changes.Mandates {
		writes(c, l.mandates, s.ID, s.Events...)
	}
	writesAt(c, l.payments, changes.Payment.ID, effective, changes.Payment.Events...)
	writes(c, l.sessions, changes.Session.ID, changes.Session.Events...)
}

// newcomer is a customer who is made along with a session.
func (l *lane) newcomer() *customer.Create {
	return &customer.Create{ID: l.draw(), ProfileRef: l.vaultRef(), ClockID: l.clockID}
}

func (l *lane) vaultRef() string { return "vlt_" + l.drawRandom().String() }

// session has the merchant make a session, and returns its id.
func (l *lane) session(c session.Create, newcomer *customer.Create) string {
	l.pass(time.Duration(l.between(1, 90)) * time.Second)
	by := l.command(l.asMerchant())
	c.ID, c.CheckoutID, c.Now = by.ID, id.Format(id.Checkout, l.drawRandom()), l.now
	c.Country, c.Currency, c.SessionURL = l.market.country, l.market.currency, "https://pay.example/checkout/"+c.CheckoutID
	if c.Type == "" {
		c.Type = session.TypeOneTime
	}
	if c.CaptureMethod == "" {
		c.CaptureMethod = payment.CaptureAutomatic
	}
	if l.once(60) {
		c.ExternalReference = "ORDER-" + l.digits(6)
		c.Metadata = map[string]string{"basket": l.digits(4), "channel": "web"}
	}
	changes, err := collect.CreateSession(l.customers.of(c.CustomerID), newcomer, takes, c)
	l.must(err)
	by.decided(changes, time.Time{})
	by.Claims = append(by.Claims, eventstore.Claim{Kind: payments.ClaimCheckout, Value: c.CheckoutID, Stream: changes.Session.ID})
	by.send()
	return changes.Session.ID
}

// amount draws one, in minor units.
func (l *lane) amount() int64 { return int64(l.between(5, 2000)) * 100 }

// of is what a session asks for that isn't otherwise special.
func of(amount int64) session.Create { return session.Create{Amount: amount} }

// means are what a customer pays with.
type means struct {
	details  method.Details
	methodID string // a saved one; "": it is typed in
	save     bool
}

// card is one that is typed in.
func (l *lane) card() means {
	schemes := []string{"VISA", "MASTERCARD", "AMEX"}
	n := l.random.IntN(len(schemes))
	return means{details: method.CardOf(method.CardDetails{
		Type: "CREDIT", Scheme: schemes[n], BIN: []string{"424242", "555555", "378282"}[n], Last4: l.digits(4), ExpMonth: l.between(1, 12), ExpYear: 2034,
	})}
}

func (l *lane) account(k method.Kind, d method.AccountDetails) means {
	return means{details: method.AccountOf(k, d)}
}

// saved is a saved method of the customer's.
func saved(methodID string) means { return means{methodID: methodID} }

// tries begins an attempt to pay a session, and returns its payment's id.
func (l *lane) tries(sessionID string, with means) string {
	l.pass(time.Duration(l.between(5, 120)) * time.Second)
	s := l.sessions.of(sessionID)
	by := l.command(domain.Actor{Kind: domain.ActorCustomer, ID: sessionID})
	w := collect.Parties{Customer: l.customers.of(s.CustomerID), Method: l.methods.of(with.methodID)}
	try := collect.Attempt{
		ID: by.ID, Details: with.details, Acquirer: acquirer, Takes: takes, CardsMax: cardsMax, SaveAsked: with.save, Now: l.now,
	}
	if with.details.Card != nil {
		try.CardFingerprint = l.fingerprint()
	}
	if with.methodID == "" {
		if _, saves := collect.Keeps(s, try.Details.Type, try.SaveAsked, try.ID); saves {
			try.Kept = &collect.Kept{VaultRef: l.vaultRef(), Fingerprint: l.fingerprint()}
		}
	}
	if s.Series != nil {
		text, version := mandate.TermsText(s.Series.Terms, l.merchants.of(l.merchantID).Settings.Name, "en")
		try.Consent = &collect.Consent{Text: text, TextVersion: version, Locale: "en"}
	}
	changes, err := collect.StartAttempt(s, l.payments.of(s.PaymentID), w, try)
	l.must(err)
	changes = l.claimsOverdue(s, w.Customer, changes)
	by.decided(changes, time.Time{})
	by.send()
	return changes.Payment.ID
}

func (l *lane) fingerprint() string {
	u := l.drawRandom()
	return hex.EncodeToString(u[:])
}

// answers records the acquirer's word on a payment's last attempt.
func (l *lane) answers(paymentID string, kind collect.OutcomeKind, f decline.Failure) {
	l.hears(paymentID, l.payments.of(paymentID).Attempt.Key, kind, f)
}

// hears records the acquirer's word on any of a payment's attempts.
func (l *lane) hears(paymentID, key string, kind collect.OutcomeKind, f decline.Failure) {
	l.pass(time.Duration(l.between(100, 4000)) * time.Millisecond)
	by := l.command(domain.Actor{Kind: domain.ActorAcquirer, ID: acquirer})
	by.because(paymentID, key)
	p := l.payments.of(paymentID)
	s := l.sessions.of(p.SessionID)
	w := collect.Parties{Customer: l.customers.of(p.CustomerID), Method: l.methods.of(p.Attempt.PaymentMethodID), Mandate: l.mandates.of(p.MandateID)}
	w.Replaced = l.replaced(s)
	o := collect.Outcome{ID: by.ID, Key: key, Kind: kind, Failure: f, Now: l.now}
	var effective time.Time
	switch kind {
	case collect.OutcomeApproved:
		o.Reference, o.NetworkTransactionID, o.ExpiresAt = l.reference(by, paymentID), l.digits(15), l.now.At.Add(authorisedFor)
		effective = l.effective()
	case collect.OutcomeActionRequired, collect.OutcomePending:
		o.URL = "https://bank.example/" + l.digits(10)
	case collect.OutcomeDeclined, collect.OutcomeClosed:
	}
	changes, err := collect.SettleAttempt(s, p, w, o)
	l.must(err)
	by.decided(l.subscribed(s, w.Customer, o, changes), effective)
	by.send()
}

// reference draws the acquirer's, and claims it.
func (l *lane) reference(by *command, paymentID string) string {
	reference := id.Format("sim", l.draw())
	by.Claims = append(by.Claims, eventstore.Claim{Kind: payments.ClaimReference, Value: acquirer + "/" + reference, Stream: paymentID, Soft: true})
	return reference
}

// effective is when the acquirer says that it happened.
func (l *lane) effective() time.Time {
	return l.now.At.Add(-time.Duration(l.random.IntN(3_600_000)) * time.Millisecond)
}

// approved is the answer that a payment's last attempt succeeded, declined that it
// didn't.
func (l *lane) approved(paymentID string) {
	l.answers(paymentID, collect.OutcomeApproved, decline.Failure{})
}

func (l *lane) declined(paymentID string, c decline.Code) {
	l.answers(paymentID, collect.OutcomeDeclined, decline.New(decline.CardDeclined, c))
}

// pays pays a session, and returns its payment's id.
func (l *lane) pays(sessionID string, with means) string {
	paymentID := l.tries(sessionID, with)
	l.approved(paymentID)
	return paymentID
}

// reserves makes a session whose amount is captured later, and has it paid.
func (l *lane) reserves(amount int64) string {
	c := of(amount)
	c.CaptureMethod = payment.CaptureManual
	return l.pays(l.session(c, nil), l.card())
}
