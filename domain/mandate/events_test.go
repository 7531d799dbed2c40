package mandate_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"tender/domain/mandate"
)

// samples holds one event of each type with every field set, in an order in which
// they may happen.
func samples(t reporter) []mandate.Event {
	all := terms(t, `{"type":"scheduled","amount":{"min":1000,"max":5000},"max_occurrences":12,"time_zone":"Africa/Johannesburg",
		"recurrence":{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[15,1],"adjustment":"nearest_weekday"}},
		"validity_period":{"start_date":"2026-01-01","end_date":"2026-12-31"},
		"period_limits":{"period":"month","max_count":2,"max_amount":50000,"window":{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}}}`)
	created := made(all, &mandate.Usage{
		Count: 3, Amount: 9000, Currency: "ZAR", LastPaymentAt: instant(t, "2026-05-01T00:00:00Z"),
		WindowStart: "2026-04-15", WindowCount: 1, WindowAmount: 3000, Items: []int{0, 2},
	})
	created.SubscriptionID, created.ClockID = "sub_01hzy3v7q8e4xk2m9c5b7d6f0e", "clk_01hzy3v7q8e4xk2m9c5b7d6f0f"
	created.Reference, created.NetworkTransactionID = "sim_1", "ntx_1"
	created.Consent = mandate.Consent{
		AcceptedAt: instant(t, "2026-05-04T12:00:00.123Z"), Text: "You allow Müller & Söhne <Ltd>\nto charge.", TextVersion: "en-1", Locale: "en-ZA",
		CheckoutSessionID: "ckt_01hzy3v7q8e4xk2m9c5b7d6f0g",
	}
	item := 0
	return []mandate.Event{
		created,
		mandate.ChargeStarted{PaymentID: "pay_1", SessionID: "ps_1", Amount: 5000, Currency: "ZAR", Date: "2026-05-04", Item: &item},
		mandate.ChargeSucceeded{PaymentID: "pay_1", Amount: 5000, Currency: "ZAR", Reserved: true},
		mandate.ChargeReduced{PaymentID: "pay_1", Amount: 5000, Currency: "ZAR", Whole: true, Final: true},
		mandate.ChargeFailed{PaymentID: "pay_2", Amount: 5000, Currency: "ZAR", Failure: declined},
		mandate.Revoked{By: mandate.ByIssuer, Reason: "stop_payment"},
		mandate.Expired{},
		mandate.Exhausted{},
	}
}

// instalments are the terms that samples doesn't have.
func instalments(t reporter) map[string]mandate.Event {
	return map[string]mandate.Event{
		"mandate.created.v1.fixed.json": made(terms(t, `{"type":"installment","total_amount":300,"terms":{"type":"fixed","items":[
			{"amount":100,"date":"2026-01-10"},{"amount":200,"date":"2026-01-20"}]}}`), nil),
		"mandate.created.v1.periodic.json": made(terms(t, `{"type":"installment","total_amount":300,"terms":{"type":"periodic","amount":100,"max_occurrences":3,
			"recurrence":{"type":"weekly","interval_count":2,"on":{"days":["mon"]}}}}`), nil),
		"mandate.created.v1.exact.json":         made(terms(t, `{"amount":500}`), nil),
		"mandate.created.v1.unconstrained.json": made(terms(t, ``), nil),
	}
}

func golden(t *testing.T, name string) []byte {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(want, []byte("\n"))
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	files := instalments(t)
	for _, e := range samples(t) {
		files[e.Type()+".v1.json"] = e
	}
	for name, e := range files {
		encoded := mandate.Codec.Encode(e)
		if encoded.Type != e.Type() || encoded.SchemaVersion != 1 {
			t.Errorf("%s is written as %s v%d", e.Type(), encoded.Type, encoded.SchemaVersion)
		}
		want := golden(t, name)
		if !bytes.Equal(want, encoded.Payload) {
			t.Errorf("%s is written as\n%s\nnot as\n%s", encoded.Type, encoded.Payload, want)
		}
		back, err := mandate.Codec.Decode(encoded.Type, 1, want)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%s is read as %#v, %v", encoded.Type, back, err)
		}
	}
}

func TestEventsAreSampledAndHandled(t *testing.T) {
	t.Parallel()
	var sampled []string
	var s mandate.State
	for _, e := range samples(t) {
		sampled = append(sampled, e.Type())
		if e.Type() == "mandate.charge_failed" {
			s = mandate.Evolve(s, mandateID, instant(t, "2026-05-04"), mandate.ChargeStarted{PaymentID: "pay_2", Amount: 5000, Currency: "ZAR", Date: "2026-05-04"})
		}
		s = mandate.Evolve(s, mandateID, instant(t, "2026-05-04"), e) // panics on what it does not handle
	}
	slices.Sort(sampled)
	if names := mandate.Codec.Names(); !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}

// A state that sums go missing from, or are mixed up in, would let too much
// through: it is not made.
func TestEvolveHoldsItsInvariants(t *testing.T) {
	t.Parallel()
	reserved := func() *story { return begin(t, ``).starts(5, "pay_1", "pay_2").reserves("pay_1") }
	for name, e := range map[string]mandate.Event{
		"another currency":            mandate.ChargeStarted{PaymentID: "pay_3", Amount: 5, Currency: "USD", Date: "2026-01-01"},
		"no day":                      mandate.ChargeStarted{PaymentID: "pay_3", Amount: 5, Currency: "ZAR"},
		"paid from nowhere":           mandate.ChargeSucceeded{PaymentID: "pay_3", Amount: 5, Currency: "ZAR"},
		"paid twice":                  mandate.ChargeSucceeded{PaymentID: "pay_1", Amount: 5, Currency: "ZAR"},
		"failed from nowhere":         mandate.ChargeFailed{PaymentID: "pay_3", Amount: 5, Currency: "ZAR"},
		"failed after all":            mandate.ChargeFailed{PaymentID: "pay_1", Amount: 5, Currency: "ZAR"},
		"given back from nowhere":     mandate.ChargeReduced{PaymentID: "pay_3", Amount: 5, Currency: "ZAR"},
		"given back too early":        mandate.ChargeReduced{PaymentID: "pay_2", Amount: 5, Currency: "ZAR"},
		"carried in another currency": made(terms(t, ``), &mandate.Usage{Count: 1, Currency: "USD"}),
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it is folded", name)
				}
			}()
			mandate.Evolve(reserved().state, mandateID, instant(t, "2026-01-01"), e)
		}()
	}
}

// States are values that several holders share.
func TestEvolveChangesNothingInPlace(t *testing.T) {
	t.Parallel()
	s := begin(t, `{"type":"installment","total_amount":300,"terms":{"type":"fixed","items":[
		{"amount":100,"date":"2026-01-01"},{"amount":100,"date":"2026-01-02"},{"amount":100,"date":"2026-01-03"}]}}`).on("2026-01-03")
	var before []mandate.State
	var shown []string
	keep := func() {
		before = append(before, s.state)
		shown = append(shown, show(t, s.state))
	}
	keep()
	for _, step := range []func(){
		func() { s.starts(100, "pay_1") }, func() { s.starts(100, "pay_2") }, func() { s.starts(100, "pay_3") },
		func() { s.reserves("pay_2") }, func() { s.fails("pay_1") }, func() { s.do(mandate.Reduce{PaymentID: "pay_2", Amount: 1}) },
		func() { s.pays("pay_3") }, func() { s.do(mandate.Reduce{PaymentID: "pay_2", Amount: 99}) }, func() { s.starts(100, "pay_4") },
	} {
		step()
		keep()
	}
	for i := range before {
		if got := show(t, before[i]); got != shown[i] {
			t.Errorf("after more steps state %d is\n%s\nand was\n%s", i, got, shown[i])
		}
	}
}

// Two that go on from one state don't get into each other's way.
func TestStatesMayFork(t *testing.T) {
	t.Parallel()
	s := begin(t, ``).starts(1, "pay_1", "pay_2", "pay_3").fails("pay_1")
	onto := func(payment string) mandate.State {
		return mandate.Evolve(s.state, mandateID, s.now, mandate.ChargeStarted{PaymentID: payment, Amount: 1, Currency: "ZAR", Date: "2026-01-01"})
	}
	one, other := onto("pay_4"), onto("pay_5")
	if one.Open[2].PaymentID != "pay_4" || other.Open[2].PaymentID != "pay_5" {
		t.Errorf("they hold %+v and %+v", one.Open, other.Open)
	}
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event mandate.Event
		want  string
	}{
		{mandate.ChargeStarted{}, `{"payment_id":"","session_id":"","amount":0,"currency":"","date":""}`},
		{mandate.ChargeSucceeded{}, `{"payment_id":"","amount":0,"currency":""}`},
		{mandate.ChargeReduced{}, `{"payment_id":"","amount":0,"currency":""}`},
		{mandate.Revoked{}, `{"by":""}`},
		{mandate.Expired{}, `{}`},
	} {
		if got := string(mandate.Codec.Encode(c.event).Payload); got != c.want {
			t.Errorf("%s is written as\n%s\nnot as\n%s", c.event.Type(), got, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples(f) {
		encoded := mandate.Codec.Encode(e)
		f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
	}
	for _, e := range instalments(f) {
		f.Add(e.Type(), 1, []byte(mandate.Codec.Encode(e).Payload))
	}
	f.Add("mandate.guessed", 1, []byte(`{}`))
	f.Add("mandate.charge_started", 2, []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := mandate.Codec.Decode(name, version, payload)
		if err != nil {
			return
		}
		encoded := mandate.Codec.Encode(e)
		again, err := mandate.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(mandate.Codec.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
	})
}
