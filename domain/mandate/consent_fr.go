package mandate

import (
	"fmt"
	"strings"

	"tender/domain/money"
)

// french is the terms' sentences in French, "" where one says nothing. They say what
// [Terms.english] says, sentence by sentence.
func (t Terms) french(merchant string) []string {
	return []string{
		fmt.Sprintf("Vous autorisez %s à débiter %s sur le moyen de paiement que vous utilisez maintenant, sans vous redemander votre accord.", merchant, t.amountFrench()),
		t.planFrench(), t.numberFrench(), t.limitsFrench(), t.spanFrench(), t.additionFrench(), t.placeFrench(),
	}
}

// moneyFrench writes an amount as French does, with the currency's code behind it, so
// that there is no doubt about the currency: "1 234,50 ZAR".
func moneyFrench(amount int64, currency string) string {
	const narrow, noBreak = "\u202f", "\u00a0"
	if known, ok := money.Lookup(currency); !ok || !known.HasMinorUnit() {
		return money.Format(amount, currency) // which has no decimal point to set
	}
	whole, cents, _ := strings.Cut(money.FormatPlain(amount, currency), ".")
	var out strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteString(narrow)
		}
		out.WriteRune(digit)
	}
	if cents != "" {
		out.WriteString("," + cents)
	}
	return out.String() + noBreak + currency
}

// countedFrench writes a number of things; 0 and 1 are singular.
func countedFrench(n int, noun string) string {
	if n < 2 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (t Terms) amountFrench() string {
	format := func(amount int64) string { return moneyFrench(amount, t.Currency) }
	least, most := t.bounds()
	switch i := t.Instalments; {
	case i != nil && len(i.Items) > 0:
		return fmt.Sprintf("%s en %s", format(i.TotalAmount), countedFrench(len(i.Items), "échéance"))
	case i != nil:
		return fmt.Sprintf("%s en %s de %s", format(i.TotalAmount), countedFrench(i.MaxOccurrences, "échéance"), format(i.Amount))
	case least == 0 && most == 0:
		return "tout montant en " + t.Currency
	case least == most:
		return format(most) + " à chaque fois"
	case least == 0:
		return "jusqu’à " + format(most) + " à chaque fois"
	case most == 0:
		return format(least) + " ou plus à chaque fois"
	default:
		return fmt.Sprintf("entre %s et %s à chaque fois", format(least), format(most))
	}
}

func (t Terms) planFrench() string {
	if rule := t.Cadence(); !rule.IsZero() {
		return "Les paiements sont prévus " + rule.DescribeFrench(t.Validity.Start) + "."
	}
	if t.Instalments == nil {
		return ""
	}
	items := make([]string, len(t.Instalments.Items))
	for i, item := range t.Instalments.Items {
		items[i] = fmt.Sprintf("%s le %s", moneyFrench(item.Amount, t.Currency), item.Date.WordsFrench())
	}
	return "Chacune est débitée à sa date, ou plus tard\u00a0: " + strings.Join(items, "\u00a0; ") + "."
}

func (t Terms) numberFrench() string {
	switch {
	case t.MaxOccurrences > 0:
		return fmt.Sprintf("Il peut y avoir au plus %s.", countedFrench(t.MaxOccurrences, "paiement"))
	case t.Instalments != nil, t.PeriodLimits != nil, !t.Cadence().IsZero():
		return ""
	default:
		return "Le nombre de paiements n’a pas de limite."
	}
}

func (t Terms) limitsFrench() string {
	p := t.PeriodLimits
	if p == nil {
		return ""
	}
	in := "Par " + p.Window.DescribeFrench(p.Period)
	most := moneyFrench(p.MaxAmount, t.Currency)
	switch {
	case p.MaxAmount == 0:
		return fmt.Sprintf("%s, il peut y avoir au plus %s.", in, countedFrench(p.MaxCount, "paiement"))
	case p.MaxCount == 0:
		return fmt.Sprintf("%s, au plus %s en tout peuvent être débités.", in, most)
	default:
		return fmt.Sprintf("%s, il peut y avoir au plus %s, et au plus %s en tout peuvent être débités.", in, countedFrench(p.MaxCount, "paiement"), most)
	}
}

func (t Terms) spanFrench() string {
	switch start, end := t.Validity.Start.WordsFrench(), t.Validity.End.WordsFrench(); {
	case start != "" && end != "":
		return fmt.Sprintf("Ceci vaut du %s au %s.", start, end)
	case start != "":
		return fmt.Sprintf("Ceci vaut à partir du %s, sans date de fin.", start)
	case end != "":
		return fmt.Sprintf("Ceci vaut jusqu’au %s.", end)
	case t.Instalments != nil:
		return "Ceci vaut jusqu’au paiement de toutes les échéances."
	default:
		return "Ceci n’a pas de date de fin."
	}
}

func (t Terms) additionFrench() string {
	if t.addition() == "" {
		return ""
	}
	return "Ce que vous payez maintenant s’y ajoute."
}

func (t Terms) placeFrench() string {
	if t.place() == "" {
		return ""
	}
	return fmt.Sprintf("Les dates sont des jours du fuseau horaire %s.", t.TimeZone)
}
