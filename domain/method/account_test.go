package method_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tender/domain/method"
)

func TestPhones(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ country, typed, want string }{
		{"ZA", "0821234567", "+27821234567"},
		{"ZA", " 082 123 4567 ", "+27821234567"},
		{"ZA", "(082) 123-4567", "+27821234567"},
		{"ZA", "082.123.4567", "+27821234567"},
		{"ZA", "082/123/4567", "+27821234567"},
		{"ZA", "082\u00a0123\u202f4567", "+27821234567"},
		{"ZA", "082\u2011123\u20134567", "+27821234567"},
		{"ZA", "+27821234567", "+27821234567"},
		{"ZA", "+27 82 123 4567", "+27821234567"},
		{"ZA", "+27 (0)82 123 4567", "+27821234567"},
		{"ZA", "+270821234567", "+27821234567"},
		{"ZA", "0027 82 123 4567", "+27821234567"},
		{"ZA", "27821234567", "+27821234567"},
		{"ZA", "270821234567", "+27821234567"},
		{"ZA", "821234567", "+27821234567"},
		{"GH", "024 123 4567", "+233241234567"},
		{"UG", "0772 123456", "+256772123456"},
		{"RW", "0788 123 456", "+250788123456"},
		{"ZM", "+260 97 1234567", "+260971234567"},
		{"CI", "05 01 23 45 67", "+2250501234567"},
		{"CI", "+225 05 01 23 45 67", "+2250501234567"},
		{"CI", "002250501234567", "+2250501234567"},
		{"BJ", "01 97 12 34 56", "+2290197123456"},
		{"CM", "6 77 12 34 56", "+237677123456"},
		{"CG", "06 612 3456", "+242066123456"},
		{"SZ", "7612 3456", "+26876123456"},
		{"GN", "621 23 45 67", "+224621234567"},
		{"LR", "088 612 3456", "+231886123456"},
	} {
		kind := method.KindMTNMoMo
		in, known, wrong := way(t, kind).CheckAccount(method.AccountInput{Phone: c.typed}, c.country, nil)
		if len(wrong) > 0 || in.Phone != c.want {
			t.Errorf("%s %q is read as %s: %v", c.country, c.typed, in.Phone, wrong)
		}
		if want := "•••• " + c.want[len(c.want)-4:]; known.Phone != want {
			t.Errorf("%s %q is shown as %s, not as %s", c.country, c.typed, known.Phone, want)
		}
	}
	for _, c := range []struct{ country, typed, code string }{
		{"ZA", "", method.CodeRequired}, {"ZA", " \t", method.CodeRequired},
		{"ZA", "082 123 456", method.CodeInvalid}, {"ZA", "082 123 45678", method.CodeInvalid},
		{"ZA", "123", method.CodeInvalid}, {"ZA", "+2782123456789012345", method.CodeInvalid},
		{"ZA", "+", method.CodeInvalid},
		{"ZA", "+44 7700 900123", method.CodeInvalid}, {"ZA", "0044 7700 900123", method.CodeInvalid},
		{"ZA", "011 123 4567", method.CodeInvalid}, // a telephone on a wall
		{"ZA", "082 123 456x", method.CodeInvalid}, {"ZA", "082+1234567", method.CodeInvalid}, {"ZA", "++27821234567", method.CodeInvalid},
		{"ZA", "\u0660\u0668\u06621234567", method.CodeInvalid}, {"ZA", strings.Repeat("0", 41), method.CodeInvalid},
		{"GH", "+27821234567", method.CodeInvalid}, {"BJ", "97 12 34 56", method.CodeInvalid}, {"CI", "01234567", method.CodeInvalid},
		{"NZ", "021 123 4567", method.CodeInvalid},
	} {
		in, known, wrong := way(t, method.KindMTNMoMo).CheckAccount(method.AccountInput{Phone: c.typed}, c.country, nil)
		if len(wrong) != 1 || wrong[0].Field != method.FieldPhone || wrong[0].Code != c.code {
			t.Errorf("%s %q: %v, not %s", c.country, c.typed, wrong, c.code)
		}
		if in != (method.AccountInput{}) || known != (method.AccountDetails{}) {
			t.Errorf("%s %q leaves %s", c.country, c.typed, known.Phone)
		}
	}
}

// However a number is typed, and in every country, it is read as the same one; what
// was read is read as itself; and nothing but its last digits is ever shown.
func TestPhonesAreReadAlike(t *testing.T) {
	t.Parallel()
	momo := way(t, method.KindMTNMoMo)
	rapid.Check(t, func(t *rapid.T) {
		market := rapid.SampledFrom(momo.Markets).Draw(t, "market")
		typed := rapid.StringMatching(`(\+|00)?[0-9]{5,14}`).Draw(t, "digits")
		in, known, wrong := momo.CheckAccount(method.AccountInput{Phone: typed}, market.Country, nil)
		if len(wrong) > 0 {
			return
		}
		if again, _, wrong := momo.CheckAccount(in, market.Country, nil); len(wrong) > 0 || again != in {
			t.Fatalf("%s is read as another number: %v", in.Phone, wrong)
		}
		spaced := strings.Join(strings.Split(typed, ""), rapid.SampledFrom([]string{"", " ", "-", "\u00a0"}).Draw(t, "separator"))
		if again, _, wrong := momo.CheckAccount(method.AccountInput{Phone: spaced}, market.Country, nil); len(wrong) > 0 && len(spaced) <= 40 || len(wrong) == 0 && again != in {
			t.Fatalf("%q is read as another number: %v", spaced, wrong)
		}
		if strings.Contains(known.Phone, in.Phone[len(in.Phone)-5:]) || !strings.HasSuffix(known.Phone, in.Phone[len(in.Phone)-4:]) {
			t.Fatalf("%s is shown as %s", in.Phone, known.Phone)
		}
	})
}

func TestBanks(t *testing.T) {
	t.Parallel()
	banks := []method.Bank{{ID: "fnb", Name: "FNB"}, {ID: "capitec", Name: "Capitec"}}
	eft := way(t, method.KindInstantEFT)
	in, known, wrong := eft.CheckAccount(method.AccountInput{Bank: "fnb", Phone: "0821234567"}, "ZA", banks)
	if len(wrong) > 0 || in != (method.AccountInput{Bank: "fnb"}) || known != (method.AccountDetails{Bank: "fnb", BankName: "FNB"}) {
		t.Errorf("the account is %+v, %+v: %v", in.Bank, known, wrong)
	}
	for typed, code := range map[string]string{"": method.CodeRequired, "other": method.CodeUnknown, "FNB": method.CodeUnknown} {
		if _, _, wrong := eft.CheckAccount(method.AccountInput{Bank: typed}, "ZA", banks); len(wrong) != 1 || wrong[0].Field != method.FieldBank || wrong[0].Code != code {
			t.Errorf("%q: %v", typed, wrong)
		}
	}
}

func TestAccountsAreHidden(t *testing.T) {
	t.Parallel()
	in := method.AccountInput{Bank: "fnb", Phone: "+27821234567"}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "account", in)
	inJSON, err := json.Marshal(map[string]any{"account": in})
	text, _ := in.MarshalText()
	for _, shown := range []string{
		in.String(), fmt.Sprintf("%v %+v %#v %s %d %x", in, in, in, in, in, in), logged.String(), string(inJSON), string(text), in.GoString(),
	} {
		if err != nil || strings.Contains(shown, "8212") || strings.Contains(shown, "fnb") || !strings.Contains(shown, "[account]") {
			t.Errorf("it is shown as %s: %v", shown, err)
		}
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]method.Details{
		`{"type":"card","card":{"type":"CREDIT","scheme":"VISA","bin":"424242","last4":"4242","exp_month":11,"exp_year":2030}}`: method.CardOf(kept),
		`{"type":"instant_eft","instant_eft":{"bank":"fnb","bank_name":"FNB"}}`:                                                 method.AccountOf(method.KindInstantEFT, method.AccountDetails{Bank: "fnb", BankName: "FNB"}),
		`{"type":"mtn_momo","mtn_momo":{"phone":"•••• 4567"}}`:                                                                  method.AccountOf(method.KindMTNMoMo, method.AccountDetails{Phone: "•••• 4567"}),
	} {
		b, err := json.Marshal(d)
		if err != nil || string(b) != want {
			t.Errorf("the details are written as\n%s, not\n%s: %v", b, want, err)
		}
		var back method.Details
		if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, d) {
			t.Errorf("%s is read as %+v, %v", b, back, err)
		}
	}
	for _, bad := range []string{`null`, `[]`, `{}`, `{"type":1}`, `{"type":"card","card":1}`, `{"type":"mtn_momo","mtn_momo":1}`} {
		var d method.Details
		if err := json.Unmarshal([]byte(bad), &d); err == nil {
			t.Errorf("%s is read as %+v", bad, d)
		}
	}
}
