package method

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
)

// AccountInput is what a customer gave to pay from where that is no card. It lives
// in a request's memory, and a telephone number that is to be saved in the vault: no
// way of printing, logging or marshalling it shows anything.
type AccountInput struct {
	Bank  string // the id of one, where the kind asks for it
	Phone string // as typed; E.164 once it was checked
}

const hiddenAccount = "[account]"

// String hides the account.
func (AccountInput) String() string { return hiddenAccount }

// GoString hides the account from %#v.
func (AccountInput) GoString() string { return hiddenAccount }

// Format hides the account from every verb.
func (AccountInput) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenAccount) }

// LogValue hides the account from log/slog.
func (AccountInput) LogValue() slog.Value { return slog.StringValue(hiddenAccount) }

// MarshalJSON hides the account from encoding/json.
func (AccountInput) MarshalJSON() ([]byte, error) { return []byte(`"` + hiddenAccount + `"`), nil }

// MarshalText hides the account from whatever writes text.
func (AccountInput) MarshalText() ([]byte, error) { return []byte(hiddenAccount), nil }

// Fields of an account, as FieldProblem names them.
const (
	FieldBank  = "bank"
	FieldPhone = "phone"
)

// CodeUnknown: a bank that is none of those to choose from.
const CodeUnknown = "unknown"

// Bank is one that customers may choose.
type Bank struct {
	ID   string
	Name string // as customers know it
}

// AccountDetails is what may be known of an account outside the vault.
type AccountDetails struct {
	Bank     string `json:"bank,omitempty"` // its id
	BankName string `json:"bank_name,omitempty"`
	Phone    string `json:"phone,omitempty"` // masked, see [MaskPhone]
}

// CheckAccount judges what a customer gave to pay this way, by itself: in a
// merchant's country, with the banks that may be chosen. It returns the account in
// the form that acquirers know it by, what may be known of it, and all problems at
// once. With problems the first two results are not to be used. What the kind does
// not ask for is dropped.
func (w Way) CheckAccount(in AccountInput, country string, banks []Bank) (AccountInput, AccountDetails, []FieldProblem) {
	var out AccountInput
	var known AccountDetails
	var problems []FieldProblem
	if w.AsksBank() {
		bank, p := checkBank(in.Bank, banks)
		if p != nil {
			problems = append(problems, *p)
		}
		out.Bank, known.Bank, known.BankName = bank.ID, bank.ID, bank.Name
	}
	if w.AsksPhone() {
		phone, p := checkPhone(in.Phone, country)
		if p != nil {
			problems = append(problems, *p)
		}
		out.Phone, known.Phone = phone, MaskPhone(phone)
	}
	if len(problems) > 0 {
		return AccountInput{}, AccountDetails{}, problems
	}
	return out, known, nil
}

func checkBank(chosen string, banks []Bank) (Bank, *FieldProblem) {
	i := slices.IndexFunc(banks, func(b Bank) bool { return b.ID == chosen })
	switch {
	case chosen == "":
		return Bank{}, &FieldProblem{FieldBank, CodeRequired, "The bank is missing."}
	case i < 0:
		return Bank{}, &FieldProblem{FieldBank, CodeUnknown, "The bank is none of those that the state lists."}
	}
	return banks[i], nil
}
