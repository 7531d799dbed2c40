package recurrence

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

var (
	monthsFrench = [...]string{
		"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
	}
	weekdaysFrench = [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}
)

// WordsFrench writes the date for people who read French: "31 janvier 2026". The zero
// Date is nothing.
func (d Date) WordsFrench() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s %d", dayOfYearFrench(int(d.day), d.Month()), d.year)
}

func dayOfYearFrench(day int, month time.Month) string {
	return dayFrench(day) + " " + monthsFrench[month-1]
}

// dayFrench writes a day of the month: the first alone is an ordinal.
func dayFrench(day int) string {
	if day == 1 {
		return "1er"
	}
	return strconv.Itoa(day)
}

// DescribeFrench is [Rule.Describe] in French, as the end of a sentence: "chaque mois,
// le 1er et le 15".
func (r Rule) DescribeFrench(start Date) string {
	if r.IsZero() {
		return ""
	}
	if !start.IsZero() {
		r = r.from(start)
	}
	words := "chaque " + unitFrench[r.kind].one
	if r.every > 1 {
		words = fmt.Sprintf("%s %d %s", unitFrench[r.kind].every, r.every, unitFrench[r.kind].many)
	}
	if on := r.daysFrench(); on != "" {
		words += ", " + on
	}
	return words + adjustmentFrench[r.adjustment]
}

var unitFrench = map[Type]struct{ one, many, every string }{
	Daily: {"jour", "jours", "tous les"}, Weekly: {"semaine", "semaines", "toutes les"},
	Monthly: {"mois", "mois", "tous les"}, Yearly: {"année", "ans", "tous les"},
}

var adjustmentFrench = map[Adjustment]string{
	AdjustNext:     "\u00a0; un jour de week-end est reporté au jour de semaine suivant du même mois s’il y en a un, sinon au précédent",
	AdjustPrevious: "\u00a0; un jour de week-end est avancé au jour de semaine précédent du même mois s’il y en a un, sinon au suivant",
	AdjustNearest:  "\u00a0; un jour de week-end est déplacé au jour de semaine le plus proche du même mois",
}

func (r Rule) daysFrench() string {
	switch r.on {
	case onWeekday:
		var days []string
		for _, day := range r.days.list() {
			days = append(days, "le "+weekdaysFrench[weekdayAt(day)])
		}
		return listedFrench(days)
	case onDay:
		var days []string
		for _, day := range r.days.list() {
			days = append(days, "le "+dayFrench(day))
		}
		return listedFrench(days) + shorterMonthsFrench(r.days)
	case onNth:
		return r.nthFrench()
	case onDates:
		return r.datesFrench("le ")
	case onStart:
	}
	return ""
}

func shorterMonthsFrench(days daySet) string {
	switch lacking := days &^ days.through(28); {
	case lacking == 0:
		return ""
	case days.count() == 1:
		return " (dans un mois plus court, le dernier jour)"
	default:
		return " (dans un mois plus court, le dernier jour au lieu d’un jour qui manque)"
	}
}

func (r Rule) nthFrench() string {
	day := weekdaysFrench[r.nthDay]
	switch r.nth {
	case lastOfMonth:
		return "le dernier " + day
	case nthMax:
		return fmt.Sprintf("le %de %s (pas dans un mois qui n’en a que quatre)", nthMax, day)
	case 1:
		return "le 1er " + day
	default:
		return fmt.Sprintf("le %de %s", r.nth, day)
	}
}

// datesFrench lists the dates of a year, each with the article before it.
func (r Rule) datesFrench(article string) string {
	var dates []string
	for i, days := range r.dates {
		for _, day := range days.list() {
			dates = append(dates, article+dayOfYearFrench(day, time.Month(i+1)))
		}
	}
	words := listedFrench(dates)
	if r.dates[time.February-1].has(29) {
		words += " (le 28 février dans une année sans 29)"
	}
	return words
}

// DescribeFrench is [Window.Describe] in French: "mois civil", or "mois à partir du 15".
func (w Window) DescribeFrench(p Period) string {
	switch w.anchor {
	case PeriodWeek:
		return "semaine à partir du " + weekdaysFrench[w.weekday]
	case PeriodMonth:
		return "mois à partir du " + dayFrench(int(w.day)) + shorterMonthsFrench(daySet(0).with(int(w.day)))
	case PeriodYear:
		year := Rule{on: onDates}
		year.dates[w.month-1] = daySet(0).with(int(w.day))
		return "année à partir du " + year.datesFrench("")
	case PeriodDay:
	}
	return map[Period]string{
		PeriodDay: "jour civil", PeriodWeek: "semaine civile", PeriodMonth: "mois civil", PeriodYear: "année civile",
	}[p]
}

// listedFrench joins words as a sentence does: "a, b et c".
func listedFrench(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " et " + words[len(words)-1]
}
