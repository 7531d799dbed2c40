package mandate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/recurrence"
)

const (
	mandateID = "mdt_01hzy3v7q8e4xk2m9c5b7d6f0a"
	sessionID = "ps_01hzy3v7q8e4xk2m9c5b7d6f0b"
	customer  = "cus_01hzy3v7q8e4xk2m9c5b7d6f0c"
	methodID  = "pmt_01hzy3v7q8e4xk2m9c5b7d6f0d"
)

var (
	declined = decline.New(decline.CardDeclined, decline.DoNotHonor)
	revoking = decline.New(decline.CardDeclined, decline.StopPayment)
	basis    = mandate.Basis{Amount: 10_000, Currency: "ZAR"}
)

// reporter is a test, or one draw of a property.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

func date(t reporter, s string) recurrence.Date {
	t.Helper()
	d, err := recurrence.ParseDate(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return d
}

// instant reads a time of RFC 3339, or a day, which is its noon in UTC.
func instant(t reporter, s string) time.Time {
	t.Helper()
	if len(s) == len("2006-01-02") {
		s += "T12:00:00Z"
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return at
}

func moment(at time.Time) domain.Moment { return domain.Moment{At: at, Wall: at} }

// decoded is a JSON value as the edge reads it.
func decoded(t reporter, s string) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

// terms are those that a request asks for; "" is one without mandate_options.
func terms(t reporter, options string) mandate.Terms {
	t.Helper()
	if options == "" {
		return mandate.Unconstrained(basis)
	}
	read, problems := mandate.Read(decoded(t, options), basis)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", options, problems)
	}
	return read
}

func made(terms mandate.Terms, carried *mandate.Usage) mandate.Created {
	return mandate.Created{CustomerID: customer, PaymentMethodID: methodID, SessionID: sessionID, Terms: terms, Carried: carried}
}

// story is a mandate and what happens to it, told step by step.
type story struct {
	t      reporter
	now    time.Time
	state  mandate.State
	events []mandate.Event // of the last step
}

func begin(t reporter, options string) *story {
	t.Helper()
	return beginWith(t, terms(t, options), nil)
}

func beginWith(t reporter, terms mandate.Terms, carried *mandate.Usage) *story {
	t.Helper()
	s := &story{t: t, now: instant(t, "2026-01-01")}
	s.do(mandate.Create{Created: made(terms, carried)})
	return s
}

func (s *story) on(when string) *story {
	s.t.Helper()
	s.now = instant(s.t, when)
	return s
}

func (s *story) try(c mandate.Command) error {
	events, err := mandate.Decide(s.state, c)
	if err != nil {
		return err
	}
	s.events = events
	for _, e := range events {
		s.state = mandate.Evolve(s.state, mandateID, s.now, e)
	}
	return nil
}

func (s *story) do(c mandate.Command) *story {
	s.t.Helper()
	if err := s.try(c); err != nil {
		s.t.Fatalf("%#v is refused: %v", c, err)
	}
	return s
}

func (s *story) charge(payment string, amount int64) mandate.Charge {
	return mandate.Charge{PaymentID: payment, SessionID: "ps_" + payment, Amount: amount, Currency: "ZAR", Now: moment(s.now)}
}

// starts begins payments of one amount.
func (s *story) starts(amount int64, payments ...string) *story {
	s.t.Helper()
	for _, p := range payments {
		s.do(s.charge(p, amount))
	}
	return s
}

func (s *story) pays(payments ...string) *story {
	s.t.Helper()
	for _, p := range payments {
		s.do(mandate.Settle{PaymentID: p, Succeeded: true})
	}
	return s
}

func (s *story) reserves(payments ...string) *story {
	s.t.Helper()
	for _, p := range payments {
		s.do(mandate.Settle{PaymentID: p, Succeeded: true, Reserved: true})
	}
	return s
}

func (s *story) fails(payments ...string) *story {
	s.t.Helper()
	for _, p := range payments {
		s.do(mandate.Settle{PaymentID: p, Failure: declined})
	}
	return s
}

// refused returns what a payment breaks.
func (s *story) refused(c mandate.Charge) *mandate.Violations {
	s.t.Helper()
	err := s.try(c)
	var v *mandate.Violations
	if !errors.As(err, &v) {
		s.t.Fatalf("%#v is answered with %v", c, err)
	}
	return v
}

// allows says that a payment is allowed, and leaves it at that.
func (s *story) allows(amounts ...int64) *story {
	s.t.Helper()
	for _, a := range amounts {
		if _, err := mandate.Decide(s.state, s.charge("pay_tried", a)); err != nil {
			s.t.Fatalf("on %s %d is refused: %v", s.now, a, err)
		}
	}
	return s
}

// forbids says that a payment breaks exactly these rules.
func (s *story) forbids(amount int64, codes ...domain.Code) *story {
	s.t.Helper()
	if got := codesOf(s.refused(s.charge("pay_tried", amount))); !slices.Equal(got, codes) {
		s.t.Fatalf("on %s %d breaks %v, not %v", s.now, amount, got, codes)
	}
	return s
}

func codesOf(v *mandate.Violations) []domain.Code {
	var codes []domain.Code
	for _, b := range v.Broken {
		codes = append(codes, b.Code)
	}
	return codes
}

// happened compares the events of the last step.
func (s *story) happened(want ...mandate.Event) *story {
	s.t.Helper()
	if !reflect.DeepEqual(s.events, want) && len(s.events)+len(want) > 0 {
		s.t.Fatalf("what happens is\n%#v, not\n%#v", s.events, want)
	}
	return s
}

func (s *story) is(status mandate.Status) *story {
	s.t.Helper()
	if s.state.Status != status {
		s.t.Fatalf("the mandate is %s, not %s", s.state.Status, status)
	}
	return s
}

func (s *story) counts(count int, amount int64) *story {
	s.t.Helper()
	if c, a := s.state.Counted(); c != count || a != amount {
		s.t.Fatalf("%d payments of %d in all count, not %d of %d", c, a, count, amount)
	}
	return s
}

// check runs each story by itself.
func check(t *testing.T, stories map[string]func(*testing.T)) {
	t.Helper()
	for name, tell := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tell(t)
		})
	}
}

// show writes a state whole, items and all.
func show(t reporter, s mandate.State) string {
	t.Helper()
	out, err := json.Marshal(s.Usage())
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, o := range s.Open {
		item := -1
		if o.Item != nil {
			item = *o.Item
		}
		out = fmt.Appendf(out, " %s %d %s %d %t", o.PaymentID, o.Amount, o.Day, item, o.Reserved)
	}
	return fmt.Sprintf("%s %s %d %d %v %s %v", out, s.Status, s.Succeeded, s.SucceededAmount, s.SucceededItems, s.Day, s.Window)
}
