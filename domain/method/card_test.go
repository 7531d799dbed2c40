package method_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tender/domain/method"
)

var now = time.Date(2026, time.November, 22, 16, 0, 0, 0, time.UTC)

// visa is a good card; tests change what they are about.
func visa(change func(*method.CardInput)) method.CardInput {
	in := method.CardInput{Number: "4242 4242 4242 4242", ExpMonth: 12, ExpYear: 2030, CVC: "123", Name: "Ama Mensah"}
	if change != nil {
		change(&in)
	}
	return in
}

func TestCheckCardAcceptsEveryDocumentedTestCard(t *testing.T) {
	t.Parallel()
	tests := []struct{ number, cvc, kind, scheme, bin, last4 string }{
		{"4242 4242 4242 4242", "123", "CREDIT", "VISA", "424242", "4242"},
		{"5555 5555 5555 4444", "123", "CREDIT", "MASTERCARD", "555555", "4444"},
		{"5273 4600 0007 3333", "123", "DEBIT", "MASTERCARD", "527346", "3333"},
		{"3782 822463 10005", "1234", "CREDIT", "AMEX", "378282", "0005"},
	}
	for _, end := range []string{
		"0002", "9995", "9987", "9979", "0069", "0127", "0119", "3220", "0341", "0432",
		"0473", "0481", "0408", "0416", "0465", "0424", "0440", "0457", "0507", "0515", "0523",
	} {
		tests = append(tests, struct{ number, cvc, kind, scheme, bin, last4 string }{
			"4000 0000 0000 " + end, "123", "CREDIT", "VISA", "400000", end,
		})
	}
	for _, tt := range tests {
		t.Run(tt.number, func(t *testing.T) {
			t.Parallel()
			got, details, problems := method.CheckCard(visa(func(in *method.CardInput) {
				in.Number, in.CVC, in.ExpYear = tt.number, tt.cvc, 30
			}), now)
			if len(problems) > 0 {
				t.Fatalf("problems: %v", problems)
			}
			want := method.CardDetails{Type: tt.kind, Scheme: tt.scheme, BIN: tt.bin, Last4: tt.last4, ExpMonth: 12, ExpYear: 2030}
			if details != want {
				t.Errorf("details = %+v, want %+v", details, want)
			}
			if got.Number != strings.ReplaceAll(tt.number, " ", "") || got.CVC != tt.cvc || got.ExpYear != 2030 {
				t.Error("the card did not come back as digits and a year of four")
			}
		})
	}
}

func TestCheckCardNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	type change = func(*method.CardInput)
	number := func(s string) change { return func(in *method.CardInput) { in.Number = s } }
	expiry := func(m, y int) change { return func(in *method.CardInput) { in.ExpMonth, in.ExpYear = m, y } }
	cvc := func(s string) change { return func(in *method.CardInput) { in.CVC = s } }
	name := func(s string) change { return func(in *method.CardInput) { in.Name = s } }
	tests := []struct {
		name   string
		change change
		want   string // "field code", joined by commas; "" for a good card
	}{
		{"good", nil, ""},
		{"hyphens", number("4242-4242-4242-4242"), ""},
		{"no-break spaces", number("4242\u00a04242\u00a04242\u00a04242"), ""},
		{"no number", number("  "), "number required"},
		{"letters", number("4242 4242 4242 424x"), "number invalid"},
		{"digits of another script", number("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢"), "number invalid"},
		{"separators only", number("-- --"), "number invalid_length"},
		{"one digit short", number("4242 4242 4242 424"), "number invalid_length"},
		{"twenty digits", number("42424242424242424242"), "number invalid_length"},
		{"endless", number(strings.Repeat("4", 10_000)), "number invalid"},
		{"two digits swapped", number("4242 4242 4242 2442"), "number invalid_number"},
		{"no scheme", number("9999 9999 9999 9995"), "number unknown_scheme"},
		{"AMEX length", number("3782 8224 6310 0050"), "number invalid_length,cvc invalid_length"},
		{"no expiry", expiry(0, 0), "exp_month required"},
		{"no year", expiry(12, 0), "exp_year required"},
		{"month 13", expiry(13, 2030), "exp_month invalid"},
		{"month -1", expiry(-1, 2030), "exp_month invalid"},
		{"year of three digits", expiry(1, 203), "exp_year invalid"},
		{"year of five digits", expiry(1, 20300), "exp_year invalid"},
		{"negative year", expiry(1, -30), "exp_year invalid"},
		{"this month", expiry(11, 26), ""},
		{"last month", expiry(10, 2026), "exp_year expired"},
		{"last year", expiry(12, 25), "exp_year expired"},
		{"fifty years", expiry(11, 2076), ""},
		{"fifty-one years", expiry(1, 2077), "exp_year too_far_ahead"},
		{"no CVC", cvc(""), "cvc required"},
		{"CVC of letters", cvc("12a"), "cvc invalid"},
		{"CVC too short", cvc("12"), "cvc invalid_length"},
		{"CVC of four on VISA", cvc("1234"), "cvc invalid_length"},
		{"no name", name(""), ""},
		{"name of 100", name(strings.Repeat("é", 100)), ""},
		{"name of 101", name(strings.Repeat("é", 101)), "name too_long"},
		{"card number as name", name("4242 4242 4242 4242"), "name card_number"},
		{"control character", name("Ama\x00Mensah"), "name invalid"},
		{"broken UTF-8", name("Ama\xff"), "name invalid"},
		{"all at once", func(in *method.CardInput) { *in = method.CardInput{} }, "number required,exp_month required,cvc required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, details, problems := method.CheckCard(visa(tt.change), now)
			var codes []string
			for _, p := range problems {
				codes = append(codes, p.Field+" "+p.Code)
				if p.Detail == "" {
					t.Errorf("%s %s has no detail", p.Field, p.Code)
				}
			}
			if s := strings.Join(codes, ","); s != tt.want {
				t.Errorf("problems = %q, want %q", s, tt.want)
			}
			if len(problems) > 0 && (got != method.CardInput{} || details != method.CardDetails{}) {
				t.Error("a bad card came back")
			}
		})
	}
}

func TestACardIsGoodUntilItsMonthIsOverEverywhere(t *testing.T) {
	t.Parallel()
	card := visa(func(in *method.CardInput) { in.ExpMonth, in.ExpYear = 10, 2026 })
	lastMoment := time.Date(2026, time.November, 1, 11, 59, 59, 0, time.UTC) // still October at UTC−12
	if _, _, problems := method.CheckCard(card, lastMoment); len(problems) > 0 {
		t.Errorf("expired too early: %v", problems)
	}
	if _, _, problems := method.CheckCard(card, lastMoment.Add(time.Second)); len(problems) != 1 {
		t.Errorf("problems = %v, want one", problems)
	}
	elsewhere := lastMoment.In(time.FixedZone("", 14*60*60))
	if _, _, problems := method.CheckCard(card, elsewhere); len(problems) > 0 {
		t.Errorf("the zone of now matters: %v", problems)
	}
}

func TestNoWayOfPrintingACardShowsIt(t *testing.T) {
	t.Parallel()
	card := method.CardInput{Number: "4242424242424242", ExpMonth: 12, ExpYear: 2030, CVC: "737", Name: "Ama Mensah"}
	nested := struct{ Card *method.CardInput }{&card}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
		fmt.Fprintf(&out, verb+"\n", card)
		fmt.Fprintf(&out, verb+"\n", &card)
		fmt.Fprintf(&out, verb+"\n", []method.CardInput{card})
	}
	out.WriteString(card.String() + card.GoString())
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "card", card, "in", nested)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "card", &card, "in", nested)
	if err := json.NewEncoder(&out).Encode([]any{card, &card, nested}); err != nil {
		t.Fatal(err)
	}
	if err := xml.NewEncoder(&out).Encode(card); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"4242", "737", "2030", "Ama", "34323432"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q shows in %s", secret, out.String())
		}
	}
}

func TestRangeOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		digits string
		want   method.Scheme
	}{
		{"", ""}, {"4", method.Visa}, {"5", ""}, {"50", method.Maestro}, {"51", method.Mastercard}, {"55", method.Mastercard},
		{"56", method.Maestro}, {"59", ""}, {"2220", ""}, {"2221", method.Mastercard}, {"2720", method.Mastercard}, {"2721", ""},
		{"34", method.Amex}, {"35", ""}, {"3527", ""}, {"3528", method.JCB}, {"3589", method.JCB}, {"3590", ""}, {"37", method.Amex},
		{"300", method.Diners}, {"305", method.Diners}, {"306", ""}, {"309", method.Diners}, {"36", method.Diners},
		{"38", method.Diners}, {"39", method.Diners}, {"6011", method.Discover}, {"622125", method.UnionPay},
		{"622126", method.Discover}, {"622925", method.Discover}, {"622926", method.UnionPay}, {"643", ""},
		{"644", method.Discover}, {"649", method.Discover}, {"65", method.Discover}, {"63", method.Maestro},
		{"67", method.Maestro}, {"8099", ""}, {"8100", method.UnionPay}, {"8171", method.UnionPay}, {"8172", ""}, {"1", ""},
	}
	for _, tt := range tests {
		if r, ok := method.RangeOf(tt.digits); r.Scheme != tt.want || ok != (tt.want != "") {
			t.Errorf("RangeOf(%q) = %q, want %q", tt.digits, r.Scheme, tt.want)
		}
	}
	for _, r := range method.Ranges() {
		if len(r.From) != len(r.To) || r.From > r.To || len(r.Lengths) == 0 || r.CVC < 3 || r.CVC > 4 {
			t.Errorf("malformed range %+v", r)
		}
	}
}

func TestLuhn(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"79927398713": true, "79927398710": false, "00": true, "0": false, "": false, "4242 4242": false, "18": true, "81": false,
	} {
		if got := method.Luhn(s); got != want {
			t.Errorf("Luhn(%q) = %t, want %t", s, got, want)
		}
	}
}

func TestParseExpiry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		typed       string
		month, year int
		ok          bool
	}{
		{"12/30", 12, 30, true}, {"12 / 30", 12, 30, true}, {" 12 / 2030 ", 12, 2030, true}, {"1/30", 1, 30, true},
		{"01-30", 1, 30, true}, {"12.30", 12, 30, true}, {"12 30", 12, 30, true}, {"1230", 12, 30, true}, {"130", 1, 30, true},
		{"122030", 12, 2030, true}, {"2030-12", 12, 2030, true}, {"13/30", 13, 30, true}, {"12\u00a0/\u00a030", 12, 30, true},
		{"", 0, 0, false}, {"12", 0, 0, false}, {"12/3", 0, 0, false}, {"12/030", 0, 0, false}, {"ab/cd", 0, 0, false},
		{"+1/30", 0, 0, false}, {"1/1/30", 0, 0, false}, {"12345", 0, 0, false}, {"12/20300", 0, 0, false},
		{"١٢/٣٠", 0, 0, false}, {strings.Repeat(" ", 30) + "12/30", 0, 0, false},
	}
	for _, tt := range tests {
		m, y, ok := method.ParseExpiry(tt.typed)
		if m != tt.month || y != tt.year || ok != tt.ok {
			t.Errorf("ParseExpiry(%q) = %d, %d, %t; want %d, %d, %t", tt.typed, m, y, ok, tt.month, tt.year, tt.ok)
		}
	}
}

// FuzzCheckCard holds that whatever is typed, a card is either refused with
// reasons or is a whole one that passes again unchanged.
func FuzzCheckCard(f *testing.F) {
	f.Add("4242 4242 4242 4242", "12/30", "123", "Ama Mensah")
	f.Add("3782 822463 10005", "2030-01", "1234", "")
	f.Add("٤٢", "٣/٣٠", "１２３", "\xff")
	f.Add("6759 6498 2643 8453", "1230", "123", "4242424242424242")
	f.Fuzz(func(t *testing.T, number, exp, cvc, name string) {
		month, year, ok := method.ParseExpiry(exp)
		if !ok && (month != 0 || year != 0) {
			t.Fatal("no date, yet a month or a year")
		}
		in := method.CardInput{Number: number, ExpMonth: month, ExpYear: year, CVC: cvc, Name: name}
		card, details, problems := method.CheckCard(in, now)
		if len(problems) > 0 {
			if (card != method.CardInput{}) {
				t.Fatal("a bad card came back")
			}
			return
		}
		if !method.Luhn(card.Number) || len(card.Number) < 12 || len(card.Number) > 19 {
			t.Fatal("not a card number")
		}
		if details.BIN != card.Number[:6] || !strings.HasSuffix(card.Number, details.Last4) || len(details.Last4) != 4 {
			t.Fatal("the details are another card's")
		}
		again, same, problems := method.CheckCard(card, now)
		if again != card || same != details || len(problems) > 0 {
			t.Fatal("a good card does not pass twice")
		}
	})
}

func TestCheckCVCOfASavedCard(t *testing.T) {
	t.Parallel()
	visa, amex, unknown := method.CardDetails{BIN: "424242"}, method.CardDetails{BIN: "378282"}, method.CardDetails{BIN: "999999"}
	for _, tt := range []struct {
		typed  string
		card   method.CardDetails
		want   string // the code of what is wrong
		digits int
	}{
		{"123", visa, "", 3},
		{" 123 ", visa, "", 3},
		{"1234", visa, method.CodeInvalidLength, 3},
		{"1234", amex, "", 4},
		{"123", amex, method.CodeInvalidLength, 4},
		{"123", unknown, "", 0},
		{"1234", unknown, "", 0},
		{"12", unknown, method.CodeInvalidLength, 0},
		{"", visa, method.CodeRequired, 3},
		{"12x", visa, method.CodeInvalid, 3},
	} {
		got, problem := method.CheckCVC(tt.typed, tt.card)
		switch {
		case tt.card.CVCDigits() != tt.digits:
			t.Errorf("%s has %d digits, want %d", tt.card.BIN, tt.card.CVCDigits(), tt.digits)
		case tt.want == "" && (problem != nil || got != strings.TrimSpace(tt.typed)):
			t.Errorf("%q for %s: %q, %v", tt.typed, tt.card.BIN, got, problem)
		case tt.want != "" && (problem == nil || problem.Field != method.FieldCVC || problem.Code != tt.want || got != ""):
			t.Errorf("%q for %s: %q, %v, want %s", tt.typed, tt.card.BIN, got, problem, tt.want)
		}
	}
}
