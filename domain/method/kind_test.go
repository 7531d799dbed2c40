package method_test

import (
	"fmt"
	"testing"
	"time"

	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/money"
	"tender/domain/recurrence"
)

func way(t *testing.T, k method.Kind) method.Way {
	t.Helper()
	w, known := k.Way()
	if !known {
		t.Fatalf("%s is not in the table", k)
	}
	return w
}

// What must hold of every row, also of the next one.
func TestTheTableOfWays(t *testing.T) {
	t.Parallel()
	seen := map[method.Kind]bool{}
	for _, w := range method.Ways() {
		if seen[w.Kind] || w.ActionWindow < time.Minute {
			t.Errorf("%s stands there twice, or leaves no time: %v", w.Kind, w.ActionWindow)
		}
		seen[w.Kind] = true
		if (w.Flow == method.FlowCard) != (w.Kind == method.KindCard) || w.Reserves != (w.Flow == method.FlowCard) {
			t.Errorf("%s has the flow %s, and reserves: %t", w.Kind, w.Flow, w.Reserves)
		}
		if len(w.Serves) > 0 && !w.Savable {
			t.Errorf("%s serves mandates, and can't be saved", w.Kind)
		}
		for _, m := range w.Markets {
			if _, known := money.Lookup(m.Currency); !known || len(m.Country) != 2 {
				t.Errorf("%s is sold in %v", w.Kind, m)
			}
			if _, _, wrong := w.CheckAccount(method.AccountInput{Phone: "1"}, m.Country, nil); w.AsksPhone() && (len(wrong) != 1 || wrong[0].Detail != "The telephone number has too few or too many digits.") {
				t.Errorf("%s: the numbering plan of %s is not known: %v", w.Kind, m.Country, wrong)
			}
		}
	}
	if _, known := method.Kind("cash").Way(); known || !seen[method.KindCapitecPay] || !seen[method.KindMTNMoMo] || !seen[method.KindInstantEFT] {
		t.Errorf("the table holds %v", seen)
	}
}

func TestSells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind              method.Kind
		country, currency string
		want              bool
	}{
		{method.KindCard, "ZA", "ZAR", true}, {method.KindCard, "NZ", "JPY", true},
		{method.KindInstantEFT, "ZA", "ZAR", true}, {method.KindInstantEFT, "ZA", "USD", false}, {method.KindInstantEFT, "NA", "ZAR", false},
		{method.KindCapitecPay, "ZA", "ZAR", true}, {method.KindCapitecPay, "", "", false},
		{method.KindMTNMoMo, "GH", "GHS", true}, {method.KindMTNMoMo, "UG", "GHS", false}, {method.KindMTNMoMo, "CI", "XOF", true}, {method.KindMTNMoMo, "CM", "XOF", false},
	} {
		if got := way(t, c.kind).Sells(c.country, c.currency); got != c.want {
			t.Errorf("%s in %s for %s: %t", c.kind, c.country, c.currency, got)
		}
	}
}

// The cadences are the contract's; everything else is a card's business.
func TestMayServe(t *testing.T) {
	t.Parallel()
	allowed := map[method.Cadence]bool{
		{Type: recurrence.Daily, Every: 1}: true, {Type: recurrence.Weekly, Every: 1}: true, {Type: recurrence.Weekly, Every: 2}: true,
		{Type: recurrence.Monthly, Every: 1}: true, {Type: recurrence.Monthly, Every: 6}: true, {Type: recurrence.Yearly, Every: 1}: true,
	}
	for _, typ := range []recurrence.Type{recurrence.Daily, recurrence.Weekly, recurrence.Monthly, recurrence.Yearly} {
		for every := 1; every <= 13; every++ {
			rule, wrong := recurrence.Parse(fmt.Appendf(nil, `{"type":%q,"interval_count":%d}`, typ, every))
			if len(wrong) > 0 {
				t.Fatal(wrong)
			}
			scheduled := mandate.Terms{Kind: mandate.KindScheduled, Recurrence: rule}
			if got, want := way(t, method.KindCapitecPay).MayServe(scheduled), allowed[method.Cadence{Type: typ, Every: every}]; got != want {
				t.Errorf("%s %d: served: %t", typ, every, got)
			}
			for _, other := range []mandate.Terms{
				{Kind: mandate.KindOnDemand, Recurrence: rule}, {Kind: mandate.KindInstalment, Instalments: &mandate.Instalments{Recurrence: rule}},
			} {
				if way(t, method.KindCapitecPay).MayServe(other) || !way(t, method.KindCard).MayServe(other) {
					t.Errorf("%s, %s %d: capitec_pay serves it, or a card does not", other.Kind, typ, every)
				}
			}
			if way(t, method.KindInstantEFT).MayServe(scheduled) || way(t, method.KindMTNMoMo).MayServe(scheduled) || !way(t, method.KindCard).MayServe(scheduled) {
				t.Errorf("%s %d: served by what serves no mandate, or not by a card", typ, every)
			}
		}
	}
	if way(t, method.KindCapitecPay).MayServe(mandate.Terms{Kind: mandate.KindOnDemand}) {
		t.Error("capitec_pay serves mandates without a recurrence")
	}
}
