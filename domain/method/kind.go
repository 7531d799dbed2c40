package method

import (
	"slices"
	"time"

	"tender/domain/mandate"
	"tender/domain/recurrence"
)

// Kind names a way to pay, as payment_method_details does.
type Kind string

// The kinds that there are.
const (
	KindCard       Kind = "card"
	KindInstantEFT Kind = "instant_eft"
	KindCapitecPay Kind = "capitec_pay"
	KindMTNMoMo    Kind = "mtn_momo"
)

// Flow is how a customer pays by a kind of method.
type Flow string

// The flows. Whatever is particular to one kind stands in the table of kinds; what
// follows from its flow is the same for all of one flow.
const (
	// FlowCard: a card number is typed in, and perhaps the issuer asks for more.
	FlowCard Flow = "card"
	// FlowRedirect: the customer chooses a bank, pays at its page and comes back,
	// perhaps before the bank's answer.
	FlowRedirect Flow = "redirect"
	// FlowPush: the customer gives a telephone number, and approves on that telephone.
	FlowPush Flow = "push"
)

// Way is what there is to know of a kind of method. The next kind is a row in the
// table of ways, and a logo.
type Way struct {
	Kind Kind
	Flow Flow
	// Markets are where it is used; nil: everywhere.
	Markets []Market
	// Savable: it can be kept for later payments.
	Savable bool
	// Serves are the mandates that payments may be made under with it; nil: none.
	Serves []Serves
	// Reserves: it can reserve money that is captured later, and can be verified
	// without taking any. What can't pays at once and in full.
	Reserves bool
	// ActionWindow is how long the customer may take elsewhere, at their bank or with
	// their telephone, until the attempt is given up.
	ActionWindow time.Duration
}

// Market is a country, by ISO 3166-1 alpha-2, and a currency that is paid in there.
type Market struct{ Country, Currency string }

// Serves are mandates of one kind. Cadences are those that their recurrence may
// have; nil: any, or none.
type Serves struct {
	Mandate  mandate.Kind
	Cadences []Cadence
}

// Cadence is how often a recurrence comes: every so many days, weeks, months or years.
type Cadence struct {
	Type  recurrence.Type
	Every int
}

// actionWindow is how long a customer may take unless a way says otherwise.
const actionWindow = 15 * time.Minute

var southAfrica = []Market{{"ZA", "ZAR"}}

// ways is the table of kinds, in the order in which they are offered.
//
// Where MTN MoMo is used, and in which currency, are the target environments of its
// collections API (https://momodeveloper.mtn.com).
var ways = []Way{
	{
		Kind: KindCard, Flow: FlowCard, Savable: true, Reserves: true, ActionWindow: actionWindow,
		Serves: []Serves{{Mandate: mandate.KindScheduled}, {Mandate: mandate.KindOnDemand}, {Mandate: mandate.KindInstalment}},
	},
	{Kind: KindInstantEFT, Flow: FlowRedirect, Markets: southAfrica, ActionWindow: actionWindow},
	{
		Kind: KindCapitecPay, Flow: FlowPush, Markets: southAfrica, Savable: true, ActionWindow: actionWindow,
		Serves: []Serves{{Mandate: mandate.KindScheduled, Cadences: []Cadence{
			{recurrence.Daily, 1}, {recurrence.Weekly, 1}, {recurrence.Weekly, 2}, {recurrence.Monthly, 1}, {recurrence.Monthly, 6}, {recurrence.Yearly, 1},
		}}},
	},
	{
		Kind: KindMTNMoMo, Flow: FlowPush, ActionWindow: actionWindow,
		Markets: []Market{
			{"BJ", "XOF"}, {"CG", "XAF"}, {"CI", "XOF"}, {"CM", "XAF"}, {"GH", "GHS"}, {"GN", "GNF"},
			{"LR", "LRD"}, {"RW", "RWF"}, {"SZ", "SZL"}, {"UG", "UGX"}, {"ZA", "ZAR"}, {"ZM", "ZMW"},
		},
	},
}

// Ways returns the table of kinds, in the order in which they are offered. The
// caller owns the outer slice only.
func Ways() []Way { return slices.Clone(ways) }

// Way returns what there is to know of a kind; false for one that this build does
// not know.
func (k Kind) Way() (Way, bool) {
	i := slices.IndexFunc(ways, func(w Way) bool { return w.Kind == k })
	if i < 0 {
		return Way{}, false
	}
	return ways[i], true
}

// IsAccount reports whether what pays is an account, and no card. What is not known
// here counts as a card.
func (k Kind) IsAccount() bool {
	w, known := k.Way()
	return known && w.Flow != FlowCard
}

// AsksBank reports whether the customer chooses a bank.
func (w Way) AsksBank() bool { return w.Flow == FlowRedirect }

// AsksPhone reports whether the customer gives a telephone number.
func (w Way) AsksPhone() bool { return w.Flow == FlowPush }

// Sells reports whether the way is used where the merchant is, in a currency.
func (w Way) Sells(country, currency string) bool {
	return w.Markets == nil || slices.Contains(w.Markets, Market{country, currency})
}

// MayServe reports whether payments under a mandate with these terms may be made
// with it.
func (w Way) MayServe(t mandate.Terms) bool {
	return slices.ContainsFunc(w.Serves, func(s Serves) bool {
		rule := t.Cadence()
		return s.Mandate == t.Kind && (s.Cadences == nil || slices.Contains(s.Cadences, Cadence{rule.Type(), rule.IntervalCount()}))
	})
}
