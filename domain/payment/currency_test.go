package payment_test

import (
	"reflect"
	"strings"
	"testing"

	"tender/domain/payment"
)

// amounts returns the names of the fields of e that hold an amount, and how its
// currency is written; "" for one that has none.
func amounts(e payment.Event) (fields []string, currency string) {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(e)) {
		switch {
		case strings.HasSuffix(f.Name, "Amount"):
			fields = append(fields, f.Name)
		case f.Name == "Currency" && f.Type.Kind() == reflect.String:
			currency = f.Tag.Get("json")
		}
	}
	return fields, currency
}

// An amount without its currency is not a fact. The samples hold every type.
func TestEveryAmountHasItsCurrency(t *testing.T) {
	t.Parallel()
	found := 0
	for _, e := range samples() {
		fields, currency := amounts(e)
		if len(fields) == 0 {
			continue
		}
		found++
		if currency != "currency" {
			t.Errorf("%s has %v, and its currency is written as %q", e.Type(), fields, currency)
		}
	}
	if found < 2 {
		t.Errorf("%d types of events have an amount", found)
	}
}

// in returns e with its amount in a currency.
func in(currency string, e payment.Event) payment.Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	v.Set(reflect.ValueOf(e))
	v.FieldByName("Currency").SetString(currency)
	return v.Interface().(payment.Event)
}

func TestAnotherCurrencyPanics(t *testing.T) {
	t.Parallel()
	panics := func(e payment.Event) (it bool) {
		defer func() { it = recover() != nil }()
		payment.Evolve(fold(authorised(100)), paymentID, e)
		return
	}
	for _, e := range samples() {
		fields, _ := amounts(e)
		if _, first := e.(payment.Initiated); first || len(fields) == 0 {
			continue
		}
		for currency, want := range map[string]bool{"ZAR": false, "NAD": true, "zar": true, "": true} {
			if got := panics(in(currency, e)); got != want {
				t.Errorf("%s in %q on a payment in ZAR: panics is %t", e.Type(), currency, got)
			}
		}
	}
}
