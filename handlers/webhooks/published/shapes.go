package published

import (
	"reflect"
	"slices"

	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/recurrence"
	"tender/domain/subscription"
	shown "tender/projections/object"
)

// shapes are the types that write their own JSON, and those that never write all
// that their Go type allows.
var shapes = map[reflect.Type]func() *Schema{
	reflect.TypeFor[shown.Time]():           instant,
	reflect.TypeFor[recurrence.Date]():      date,
	reflect.TypeFor[recurrence.TimeOfDay](): timeOfDay,
	reflect.TypeFor[recurrence.Rule]():      rule,
	reflect.TypeFor[recurrence.Window]():    window,
	reflect.TypeFor[shown.MandateAmount]():  amount,
	reflect.TypeFor[mandate.Item]():         item,
}

func instant() *Schema { return &Schema{Type: "string", Format: "date-time"} }

func date() *Schema { return &Schema{Type: "string", Format: "date"} }

func timeOfDay() *Schema { return &Schema{Type: "string", Pattern: "^[0-9]{2}:[0-9]{2}$"} }

func weekday() *Schema { return oneOf("mon", "tue", "wed", "thu", "fri", "sat", "sun") }

// amount is exactly so much, or a range.
func amount() *Schema {
	bounds := object(map[string]*Schema{"min": integer(), "max": integer()}, "min", "max")
	return &Schema{AnyOf: []*Schema{integer(), bounds}}
}

// item always has its date: terms without are refused.
func item() *Schema {
	return object(map[string]*Schema{"amount": integer(), "date": date()})
}

// details have their type, and a member of that name.
func details() *Schema {
	s := object(map[string]*Schema{"type": setOf[method.Kind]()})
	s.addKinds(method.Ways(), reflect.TypeFor[method.CardDetails](), reflect.TypeFor[method.AccountDetails]())
	return s
}

// paymentMethod has a member that its type names, too. It is of a kind that can be
// saved.
func paymentMethod() *Schema {
	s := object(map[string]*Schema{})
	s.addFields(reflect.TypeFor[shown.PaymentMethod]())
	slices.Sort(s.Required)
	savable := slices.DeleteFunc(method.Ways(), func(w method.Way) bool { return !w.Savable })
	var kinds []string
	for _, w := range savable {
		kinds = append(kinds, string(w.Kind))
	}
	s.Properties["type"] = oneOf(kinds...)
	s.addKinds(savable, reflect.TypeFor[shown.MethodCard](), reflect.TypeFor[shown.MethodAccount]())
	return s
}

// addKinds adds a member for each kind of method. Of an account there stands what its
// kind asks for.
func (s *Schema) addKinds(ways []method.Way, card, account reflect.Type) {
	for _, w := range ways {
		if w.Kind == method.KindCard {
			s.Properties[string(w.Kind)] = schemaOf(card)
			continue
		}
		known := schemaOf(account)
		for name, asked := range map[string]bool{"bank": w.AsksBank(), "bank_name": w.AsksBank(), "phone": w.AsksPhone()} {
			if asked {
				known.Required = append(known.Required, name)
			} else {
				delete(known.Properties, name)
			}
		}
		slices.Sort(known.Required)
		s.Properties[string(w.Kind)] = known
	}
}

func rule() *Schema {
	adjusted := func(properties map[string]*Schema) *Schema {
		properties["adjustment"] = setOf[recurrence.Adjustment]()
		return object(properties, "adjustment")
	}
	monthAndDay := object(map[string]*Schema{"month": integer(), "day": integer()})
	on := &Schema{AnyOf: []*Schema{
		object(map[string]*Schema{"days": list(weekday())}),
		adjusted(map[string]*Schema{"type": oneOf("day_of_month"), "days": list(integer())}),
		adjusted(map[string]*Schema{"type": oneOf("nth_day_of_month"), "nth": integer(), "day": weekday()}),
		adjusted(map[string]*Schema{"type": oneOf("day_of_year"), "dates": list(monthAndDay)}),
	}}
	return object(map[string]*Schema{"type": setOf[recurrence.Type](), "interval_count": integer(), "on": on}, "on")
}

func window() *Schema {
	anchor := &Schema{AnyOf: []*Schema{
		object(map[string]*Schema{"type": oneOf("day_of_week"), "day": weekday()}),
		object(map[string]*Schema{"type": oneOf("day_of_month"), "day": integer()}),
		object(map[string]*Schema{"type": oneOf("day_of_year"), "month": integer(), "day": integer()}),
	}}
	return object(map[string]*Schema{"mode": oneOf("calendar", "cycle"), "anchor": anchor}, "anchor")
}

// mandateOptions are shown as they were given: any member may be absent, and each
// is written as the mandate's own.
func mandateOptions() *Schema {
	made := schemaOf(reflect.TypeFor[shown.Mandate]()).Properties
	given := map[string]*Schema{}
	for _, name := range []string{
		"type", "amount", "recurrence", "validity_period", "max_occurrences", "period_limits", "total_amount", "terms", "time_zone",
	} {
		given[name] = made[name]
	}
	s := object(given)
	s.Required = nil
	return s
}

// subscriptionOptions are shown as they were given, and so is retry among them.
func subscriptionOptions() *Schema {
	retry := schemaOf(reflect.TypeFor[subscription.Retry]())
	retry.Required = nil
	s := object(map[string]*Schema{
		"active_period": schemaOf(reflect.TypeFor[mandate.Validity]()), "amount": integer(), "scheduled_time": timeOfDay(),
		"retry": retry, "missed": setOf[subscription.Missed](),
	})
	s.Required = nil
	return s
}
