package mandate

import (
	"fmt"
	"strings"

	"tender/domain/money"
	"tender/domain/recurrence"
)

// language is what writes terms in the words of one. Words that a customer has once
// confirmed are evidence: when any of them changes, or those of package recurrence that
// stand among them, the version changes, too.
type language struct {
	version  string
	merchant string // one without a name
	lines    func(t Terms, merchant string) []string
}

// languages are those that there are words in, by their BCP 47 code. English is
// written where another is wanted.
var languages = map[string]language{
	"en": {version: "en-1", merchant: "the merchant", lines: Terms.english},
	"fr": {version: "fr-1", merchant: "le marchand", lines: Terms.french},
}

// TermsText renders terms in plain words, for the customer to confirm: one
// sentence a line, without markup. Equal terms give equal texts. The version names
// the words, with the language that they are in: that of the locale, a BCP 47 tag, or
// English.
func TermsText(t Terms, merchant, locale string) (text, version string) {
	code, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(locale), "_", "-"), "-")
	in, ok := languages[code]
	if !ok {
		in = languages["en"]
	}
	name := strings.Join(strings.Fields(merchant), " ")
	if name == "" {
		name = in.merchant
	}
	return strings.Join(nonEmpty(in.lines(t, name)), "\n"), in.version
}

// english is the terms' sentences, "" where one says nothing.
func (t Terms) english(merchant string) []string {
	return []string{t.permission(merchant), t.plan(), t.number(), t.limits(), t.span(), t.addition(), t.place()}
}

func nonEmpty(lines []string) []string {
	var kept []string
	for _, line := range lines {
		if line != "" {
			kept = append(kept, line)
		}
	}
	return kept
}

// permission says what may be charged.
func (t Terms) permission(merchant string) string {
	return fmt.Sprintf("You allow %s to charge %s to the payment method that you use now, without asking you again.", merchant, t.amountInWords())
}

func (t Terms) amountInWords() string {
	format := func(amount int64) string { return money.Format(amount, t.Currency) }
	least, most := t.bounds()
	switch i := t.Instalments; {
	case i != nil && len(i.Items) > 0:
		return fmt.Sprintf("%s in %s", format(i.TotalAmount), counted(len(i.Items), "instalment"))
	case i != nil:
		return fmt.Sprintf("%s in %s of %s", format(i.TotalAmount), counted(i.MaxOccurrences, "instalment"), format(i.Amount))
	case least == 0 && most == 0:
		return fmt.Sprintf("any amount in %s", t.Currency)
	case least == most:
		return format(most) + " at a time"
	case least == 0:
		return "up to " + format(most) + " at a time"
	case most == 0:
		return format(least) + " or more at a time"
	default:
		return fmt.Sprintf("between %s and %s at a time", format(least), format(most))
	}
}

// plan says when payments are planned. They may come later: after a failed try, or
// where something held them up.
func (t Terms) plan() string {
	if rule := t.Cadence(); !rule.IsZero() {
		return "Payments are planned for " + rule.Describe(t.Validity.Start) + "."
	}
	if t.Instalments == nil {
		return ""
	}
	items := make([]string, len(t.Instalments.Items))
	for i, item := range t.Instalments.Items {
		items[i] = fmt.Sprintf("%s on %s", money.Format(item.Amount, t.Currency), item.Date.Words())
	}
	return "Each is charged on its date, or later: " + strings.Join(items, "; ") + "."
}

// number says how many payments there may be in all, where nothing else gives an
// idea of it.
func (t Terms) number() string {
	switch {
	case t.MaxOccurrences > 0:
		return fmt.Sprintf("At most %s may be made.", counted(t.MaxOccurrences, "payment"))
	case t.Instalments != nil, t.PeriodLimits != nil, !t.Cadence().IsZero():
		return ""
	default:
		return "The number of payments has no limit."
	}
}

func (t Terms) limits() string {
	p := t.PeriodLimits
	if p == nil {
		return ""
	}
	in := "In any " + p.Window.Describe(p.Period)
	most := money.Format(p.MaxAmount, t.Currency)
	switch {
	case p.MaxAmount == 0:
		return fmt.Sprintf("%s, at most %s may be made.", in, counted(p.MaxCount, "payment"))
	case p.MaxCount == 0:
		return fmt.Sprintf("%s, at most %s in all may be charged.", in, most)
	default:
		return fmt.Sprintf("%s, at most %s may be made, and at most %s in all charged.", in, counted(p.MaxCount, "payment"), most)
	}
}

// span says for how long the permission holds.
func (t Terms) span() string {
	switch start, end := t.Validity.Start.Words(), t.Validity.End.Words(); {
	case start != "" && end != "":
		return fmt.Sprintf("This holds from %s to %s.", start, end)
	case start != "":
		return fmt.Sprintf("This holds from %s on and has no end date.", start)
	case end != "":
		return fmt.Sprintf("This holds until %s.", end)
	case t.Instalments != nil:
		return "This holds until all instalments are paid."
	default:
		return "This has no end date."
	}
}

// addition says that the payment at the checkout counts towards nothing.
func (t Terms) addition() string {
	if t.Instalments == nil && t.MaxOccurrences == 0 && t.PeriodLimits == nil {
		return ""
	}
	return "What you pay now comes in addition."
}

// place says whose days are meant, where days are.
func (t Terms) place() string {
	if t.Validity == (Validity{}) && t.Cadence() == (recurrence.Rule{}) && t.PeriodLimits == nil && t.Instalments == nil {
		return ""
	}
	return fmt.Sprintf("Dates are days in the time zone %s.", t.TimeZone)
}
