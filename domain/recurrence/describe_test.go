package recurrence_test

import (
	"testing"

	"tender/domain/recurrence"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, start, want string }{
		{`{"type":"daily","interval_count":1}`, "2026-01-31", "every day"},
		{`{"type":"daily","interval_count":2}`, "2026-01-31", "every 2 days"},
		{`{"type":"weekly","interval_count":1}`, "2026-01-31", "every week on Saturday"},
		{`{"type":"weekly","interval_count":1}`, "", "every week"},
		{`{"type":"weekly","interval_count":2,"on":{"days":["thu","mon"]}}`, "2026-01-31", "every 2 weeks on Monday and Thursday"},
		{`{"type":"weekly","interval_count":1,"on":{"days":["sun","thu","mon"]}}`, "", "every week on Monday, Thursday and Sunday"},
		{`{"type":"monthly","interval_count":1}`, "2026-01-22", "every month on the 22nd"},
		{`{"type":"monthly","interval_count":1}`, "2026-01-31", "every month on the 31st (in a shorter month, on its last day)"},
		{`{"type":"monthly","interval_count":1}`, "", "every month"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[15,1]}}`, "2026-01-31", "every month on the 1st and 15th"},
		{`{"type":"monthly","interval_count":3,"on":{"type":"day_of_month","days":[2,3,11,12,13,21,28]}}`, "",
			"every 3 months on the 2nd, 3rd, 11th, 12th, 13th, 21st and 28th"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[15,30],"adjustment":"next_weekday"}}`, "",
			"every month on the 15th and 30th (in a shorter month, on its last day instead of one that it lacks), moved from a weekend to the next weekday of the same month if there is one, else to the previous"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1],"adjustment":"previous_weekday"}}`, "",
			"every month on the 1st, moved from a weekend to the previous weekday of the same month if there is one, else to the next"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":1,"day":"fri"}}`, "", "every month on the 1st Friday"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":5,"day":"tue"}}`, "", "every month on the 5th Tuesday (not in a month with only four)"},
		{`{"type":"monthly","interval_count":2,"on":{"type":"nth_day_of_month","nth":-1,"day":"sun","adjustment":"nearest_weekday"}}`, "",
			"every 2 months on the last Sunday, moved from a weekend to the nearest weekday of the same month"},
		{`{"type":"yearly","interval_count":1}`, "2026-12-31", "every year on 31 December"},
		{`{"type":"yearly","interval_count":1}`, "2024-02-29", "every year on 29 February (28 February in a year without a 29th)"},
		{`{"type":"yearly","interval_count":1}`, "", "every year"},
		{`{"type":"yearly","interval_count":2,"on":{"type":"day_of_year","dates":[{"month":7,"day":1},{"month":1,"day":1}],"adjustment":"none"}}`, "",
			"every 2 years on 1 January and 1 July"},
	} {
		var start recurrence.Date
		if c.start != "" {
			start = date(t, c.start)
		}
		if got := rule(t, c.rule).Describe(start); got != c.want {
			t.Errorf("%s from %q:\n got %q\nwant %q", c.rule, c.start, got, c.want)
		}
	}
	if got := (recurrence.Rule{}).Describe(date(t, "2026-01-31")); got != "" {
		t.Errorf("no rule is %q", got)
	}
}

func TestDescribeFrench(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, start, want string }{
		{`{"type":"daily","interval_count":1}`, "2026-01-31", "chaque jour"},
		{`{"type":"daily","interval_count":2}`, "2026-01-31", "tous les 2 jours"},
		{`{"type":"weekly","interval_count":1}`, "2026-01-31", "chaque semaine, le samedi"},
		{`{"type":"weekly","interval_count":2,"on":{"days":["sun","thu","mon"]}}`, "", "toutes les 2 semaines, le lundi, le jeudi et le dimanche"},
		{`{"type":"monthly","interval_count":1}`, "2026-01-31", "chaque mois, le 31 (dans un mois plus court, le dernier jour)"},
		{`{"type":"monthly","interval_count":3,"on":{"type":"day_of_month","days":[15,1]}}`, "", "tous les 3 mois, le 1er et le 15"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[15,30],"adjustment":"next_weekday"}}`, "",
			"chaque mois, le 15 et le 30 (dans un mois plus court, le dernier jour au lieu d’un jour qui manque)\u00a0; un jour de week-end est reporté au jour de semaine suivant du même mois s’il y en a un, sinon au précédent"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":1,"day":"fri"}}`, "", "chaque mois, le 1er vendredi"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":2,"day":"fri"}}`, "", "chaque mois, le 2e vendredi"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":5,"day":"tue"}}`, "", "chaque mois, le 5e mardi (pas dans un mois qui n’en a que quatre)"},
		{`{"type":"monthly","interval_count":2,"on":{"type":"nth_day_of_month","nth":-1,"day":"sun","adjustment":"nearest_weekday"}}`, "",
			"tous les 2 mois, le dernier dimanche\u00a0; un jour de week-end est déplacé au jour de semaine le plus proche du même mois"},
		{`{"type":"yearly","interval_count":1}`, "2024-02-29", "chaque année, le 29 février (le 28 février dans une année sans 29)"},
		{`{"type":"yearly","interval_count":2,"on":{"type":"day_of_year","dates":[{"month":7,"day":1},{"month":1,"day":1}],"adjustment":"none"}}`, "",
			"tous les 2 ans, le 1er janvier et le 1er juillet"},
	} {
		var start recurrence.Date
		if c.start != "" {
			start = date(t, c.start)
		}
		if got := rule(t, c.rule).DescribeFrench(start); got != c.want {
			t.Errorf("%s from %q:\n got %q\nwant %q", c.rule, c.start, got, c.want)
		}
	}
	if got := (recurrence.Rule{}).DescribeFrench(date(t, "2026-01-31")); got != "" {
		t.Errorf("no rule is %q", got)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	if got := date(t, "2026-01-03").Words(); got != "3 January 2026" {
		t.Errorf("it is %q", got)
	}
	if got := date(t, "2026-08-01").WordsFrench(); got != "1er août 2026" {
		t.Errorf("it is %q", got)
	}
	if got := (recurrence.Date{}).WordsFrench(); got != "" {
		t.Errorf("no date is %q", got)
	}
	if got := (recurrence.Date{}).Words(); got != "" {
		t.Errorf("no date is %q", got)
	}
}
