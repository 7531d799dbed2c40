package decline

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestTheTableIsTheContracts(t *testing.T) {
	t.Parallel()
	contract := map[Class]string{
		ClassSoft:           "insufficient_funds do_not_honor generic_decline try_again_later",
		ClassHard:           "lost_card stolen_card pickup_card invalid_account closed_account transaction_not_allowed",
		ClassAuthentication: "authentication_required",
		ClassRevoked:        "stop_payment revocation_of_authorisation",
	}
	n := 0
	for class, codes := range contract {
		for _, code := range strings.Fields(codes) {
			n++
			if _, ok := declines[Code(code)]; !ok {
				t.Errorf("%s is not in the table", code)
			}
			if got := Code(code).Class(); got != class {
				t.Errorf("%s is %s, want %s", code, got, class)
			}
		}
	}
	if len(declines) != n {
		t.Errorf("the table has %d codes, the contract %d", len(declines), n)
	}

	errorCodes := "authentication_failed processing_error expired_card incorrect_cvc payment_method_unavailable customer_cancelled timed_out"
	for _, code := range strings.Fields(errorCodes) {
		if got := New(ErrorCode(code), ""); got.ErrorCode != ErrorCode(code) {
			t.Errorf("%s became %s", code, got.ErrorCode)
		}
	}
	if want := len(strings.Fields(errorCodes)); len(errorMessages) != want {
		t.Errorf("%d error codes besides card_declined, want %d", len(errorMessages), want)
	}
}

func TestClassOutsideTheTable(t *testing.T) {
	t.Parallel()
	for code, want := range map[Code]Class{"": "", "51": ClassSoft, "LOST_CARD": ClassSoft} {
		if got := code.Class(); got != want {
			t.Errorf("%q is %q, want %q", code, got, want)
		}
	}
}

func TestNewTable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		e       ErrorCode
		d       Code
		wantE   ErrorCode
		wantD   Code
		message string // the sentence must contain it
	}{
		{"a decline", CardDeclined, InsufficientFunds, CardDeclined, InsufficientFunds, "suffice"},
		{"a hard one", CardDeclined, LostCard, CardDeclined, LostCard, "lost"},
		{"a decline without a reason", CardDeclined, "", CardDeclined, GenericDecline, "not known"},
		{"a reason outside the table", CardDeclined, "51", CardDeclined, GenericDecline, "not known"},
		{"a decline code where none belongs", ExpiredCard, LostCard, ExpiredCard, "", "expired"},
		{"the wrong security code", IncorrectCVC, "", IncorrectCVC, "", "security code"},
		{"an error code outside the table", "boom", "", ProcessingError, "", "fault"},
		{"both outside the table", "boom", "51", ProcessingError, "", "fault"},
		{"an unknown error with a known decline", "", StolenCard, ProcessingError, "", "fault"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := New(tt.e, tt.d)
			if got.ErrorCode != tt.wantE || got.DeclineCode != tt.wantD || !strings.Contains(got.Message(), tt.message) {
				t.Errorf("got %+v: %s", got, got.Message())
			}
		})
	}
}

func TestNewAlwaysFitsTogether(t *testing.T) {
	t.Parallel()
	errorCodes := []ErrorCode{CardDeclined, ""}
	for e := range errorMessages {
		errorCodes = append(errorCodes, e)
	}
	codes := []Code{""}
	for d := range declines {
		codes = append(codes, d)
	}
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.OneOf(rapid.SampledFrom(errorCodes), rapid.Map(rapid.String(), func(s string) ErrorCode { return ErrorCode(s) })).Draw(t, "error")
		d := rapid.OneOf(rapid.SampledFrom(codes), rapid.Map(rapid.String(), func(s string) Code { return Code(s) })).Draw(t, "decline")
		f := New(e, d)
		if (f.ErrorCode == CardDeclined) != (f.DeclineCode != "") {
			t.Fatalf("%+v: a decline code goes with card_declined and with nothing else", f)
		}
		if again := New(f.ErrorCode, f.DeclineCode); again != f {
			t.Fatalf("%+v made again is %+v", f, again)
		}
		f.Account = rapid.Bool().Draw(t, "account")
		for _, sentence := range []string{f.Message(), f.After("The acquirer declined the refund")} {
			if !strings.HasSuffix(sentence, ".") || strings.Contains(sentence, "..") {
				t.Fatalf("%+v is told as %q", f, sentence)
			}
		}
	})
}

func TestMessages(t *testing.T) {
	t.Parallel()
	card, wrong := New(CardDeclined, DoNotHonor), New(IncorrectCVC, "")
	account := card
	account.Account = true
	const refund = "The acquirer declined the refund"
	for got, want := range map[string]string{
		card.Message():        "The card was declined: the issuer refused and gave no further reason.",
		account.Message():     "The payment was declined: the account's provider refused and gave no further reason.",
		card.After(refund):    "The acquirer declined the refund: the issuer refused and gave no further reason.",
		account.After(refund): "The acquirer declined the refund: the account's provider refused and gave no further reason.",
		wrong.Message():       "The card's security code is wrong.",
		wrong.After(refund):   "The acquirer declined the refund. The card's security code is wrong.",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What an account may fail of is told without a word of cards.
func TestAccountsAreNoCards(t *testing.T) {
	t.Parallel()
	of := []Failure{
		New(AuthenticationFailed, ""), New(ProcessingError, ""), New(PaymentMethodUnavailable, ""), New(CustomerCancelled, ""), New(TimedOut, ""),
	}
	for d := range declines {
		of = append(of, New(CardDeclined, d))
	}
	for _, f := range of {
		f.Account = true
		for _, word := range []string{"card", "issuer"} {
			if strings.Contains(strings.ToLower(f.Message()), word) {
				t.Errorf("%+v is told as %q", f, f.Message())
			}
		}
	}
}

// What was said once is said again in the same words.
func TestMessagesStay(t *testing.T) {
	t.Parallel()
	var said []string
	note := func(f Failure) {
		said = append(said, fmt.Sprintf("%s %s: %s", f.ErrorCode, f.DeclineCode, f.Message()))
		f.Account = true
		said = append(said, fmt.Sprintf("%s %s, account: %s", f.ErrorCode, f.DeclineCode, f.Message()))
	}
	for e := range errorMessages {
		note(New(e, ""))
	}
	for d := range declines {
		note(New(CardDeclined, d))
	}
	slices.Sort(said)
	got := strings.Join(said, "\n") + "\n"
	if *update {
		if err := os.WriteFile("testdata/messages.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile("testdata/messages.txt")
	if err != nil || got != string(golden) {
		t.Errorf("the sentences are (%v)\n%s\nnot\n%s", err, got, golden)
	}
}

func TestMessagesDiffer(t *testing.T) {
	t.Parallel()
	for _, account := range []bool{false, true} {
		seen := map[string]Failure{}
		note := func(f Failure) {
			f.Account = account
			if other, ok := seen[f.Message()]; ok {
				t.Errorf("%+v and %+v say the same", f, other)
			}
			seen[f.Message()] = f
		}
		for e := range errorMessages {
			note(New(e, ""))
		}
		for d := range declines {
			note(New(CardDeclined, d))
		}
	}
}

func TestWireFormat(t *testing.T) {
	t.Parallel()
	account := New(CardDeclined, ClosedAccount)
	account.Account = true
	tests := map[string]Failure{
		`{"error_code":"card_declined","decline_code":"closed_account"}`:                New(CardDeclined, ClosedAccount),
		`{"error_code":"card_declined","decline_code":"closed_account","account":true}`: account,
		`{"error_code":"incorrect_cvc"}`:                                                New(IncorrectCVC, ""),
	}
	for want, f := range tests {
		got, err := json.Marshal(f)
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
		var back Failure
		if err := json.Unmarshal([]byte(want), &back); err != nil || back != f {
			t.Errorf("read back as %+v, %v", back, err)
		}
	}
}
