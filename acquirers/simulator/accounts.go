package simulator

import (
	"strings"

	"tender/acquirers"
)

// flow is how a customer pays from an account.
type flow string

const (
	flowRedirect flow = "redirect" // they choose a bank, and are sent to its page
	flowPush     flow = "push"     // they name a telephone number, and approve there
)

// accountKind is a kind of payment method that is no card.
type accountKind struct {
	id    string // as in the API
	name  string
	flow  flow
	alone bool // also pays without the customer
}

// accountKinds are those that the simulator plays; a further one is a row.
var accountKinds = []accountKind{
	{"instant_eft", "Instant EFT", flowRedirect, false},
	{"capitec_pay", "Capitec Pay", flowPush, true},
	{"mtn_momo", "MTN MoMo", flowPush, false},
}

// kindOf returns the kind with an id, and the zero value where there is none.
func kindOf(id string) accountKind {
	for _, k := range accountKinds {
		if k.id == id {
			return k
		}
	}
	return accountKind{}
}

// bank is one that the simulator plays.
type bank struct {
	id, name string
	character
}

// banks are the names that customers know, whose pages do as the customer says, and
// those that misbehave, each named by how.
var banks = []bank{
	{"absa", "Absa", pays},
	{"african_bank", "African Bank", pays},
	{"capitec", "Capitec", pays},
	{"discovery_bank", "Discovery Bank", pays},
	{"fnb", "FNB", pays},
	{"investec", "Investec", pays},
	{"nedbank", "Nedbank", pays},
	{"standard_bank", "Standard Bank", pays},
	{"tymebank", "TymeBank", pays},
	{"test_bank_refuses", "Test: the bank refuses", character{behaviour: bankRefuses}},
	{"test_bank_says_nothing", "Test: the bank says nothing", character{behaviour: silent}},
	{"test_bank_answers_late", "Test: the bank answers late", character{behaviour: toldLate}},
	{"test_bank_answers_twice", "Test: the bank answers twice", character{behaviour: toldTwice}},
	{"test_bank_pays_after_the_end", "Test: the money comes after the end", character{behaviour: paysAfterTheEnd}},
	{"test_bank_loses_the_answer", "Test: the bank's answer gets lost", character{behaviour: answerLost}},
	{"test_bank_is_not_reached", "Test: the bank is not reached", character{behaviour: requestLost}},
}

var pays = character{behaviour: succeeds}

// testPhones are the telephone numbers that don't do as the customer says, by their
// last four digits. Those that cards have, too, do what the cards do.
var testPhones = map[string]character{
	"0001": {behaviour: approvesItself},
	"0002": {behaviour: refusesItself},
	"0404": {declines, methodUnavailable, ""},
	"9995": {behaviour: bankRefuses},
	"0341": {needsCustomer, cardDeclined, insufficientFunds},
	"0432": {everyThird, cardDeclined, insufficientFunds},
	"0473": {needsCustomer, cardDeclined, "authentication_required"},
	"0481": {needsCustomer, cardDeclined, "revocation_of_authorisation"},
	"0408": {behaviour: answerLost},
	"0416": {behaviour: requestLost},
	"0465": {behaviour: requestDelayed},
	"0424": {behaviour: toldLate},
	"0600": {behaviour: silent},
	"0602": {behaviour: toldTwice},
	"0606": {behaviour: paysAfterTheEnd},
	"0507": {behaviour: refundDeclined},
	"0515": {behaviour: refundLost},
	"0523": {behaviour: refundFailsLate},
}

// bankOf returns the bank with an id.
func bankOf(id string) (bank, bool) {
	for _, b := range banks {
		if b.id == id {
			return b, true
		}
	}
	return bank{}, false
}

// accountCharacter returns what an account stands for.
func accountCharacter(a acquirers.Account) character {
	if kindOf(a.Kind).flow == flowRedirect {
		if b, ok := bankOf(a.Bank); ok {
			return b.character
		}
		return character{declines, methodUnavailable, ""}
	}
	if c, ok := testPhones[lastFour(a.Phone)]; ok {
		return c
	}
	return pays
}

// accountTrace reduces an account to what may be kept.
func accountTrace(a acquirers.Account) trace {
	t := trace{Account: a.Kind, Bank: a.Bank}
	if a.Phone != "" {
		t.Last4 = lastFour(a.Phone)
	}
	return t
}

func lastFour(number string) string { return number[max(0, len(number)-4):] }

// accountFault says what is wrong with a request to pay from an account; "":
// nothing is.
func accountFault(a acquirers.Authorisation) string {
	kind := kindOf(a.Account.Kind)
	redirect := kind.flow == flowRedirect
	switch {
	case a.Card != acquirers.Card{}:
		return "Either a card pays or an account."
	case kind.id == "":
		return "The kind of account is not known here."
	case !a.Capture || a.Amount == 0:
		return "An account pays at once and in full."
	case a.Initiator == acquirers.InitiatorMerchant && !kind.alone:
		return "This kind of account does not pay without the customer."
	case redirect && (!isKey(a.Account.Bank) || a.Account.Phone != ""):
		return "This kind of account is one of a bank, and has no telephone number."
	case !redirect && (!isPhone(a.Account.Phone) || a.Account.Bank != ""):
		return "This kind of account has a telephone number as E.164 writes it, and no bank."
	}
	return ""
}

// isPhone reports whether s is a telephone number as E.164 writes it: long enough
// that its last four digits don't give it away.
func isPhone(s string) bool {
	const shortest, longest = 8, 15
	digits, international := strings.CutPrefix(s, "+")
	return international && len(digits) >= shortest && len(digits) <= longest &&
		digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// decideAccount judges a payment from an account. With the customer it is they who
// decide, later, and their bank.
func decideAccount(a acquirers.Authorisation, c character) verdict {
	switch {
	case c.behaviour == declines:
		return decline(c.errorCode, c.declineCode, "There is no such account.")
	case a.Initiator == acquirers.InitiatorMerchant:
		return decideAlone(c)
	case kindOf(a.Account.Kind).flow == flowRedirect:
		return verdict{status: acquirers.StatusActionRequired, answerLost: c.behaviour == answerLost}
	}
	return verdict{status: acquirers.StatusPending, answerLost: c.behaviour == answerLost}
}

// decideAlone judges a payment without the customer. What an [everyThird] number
// answers is counted, and therefore judged in the book.
func decideAlone(c character) verdict {
	switch c.behaviour {
	case needsCustomer:
		return decline(c.errorCode, c.declineCode, "The account declines without the customer.")
	case bankRefuses:
		return bankRefusal
	case refusesItself:
		return decline(cardDeclined, "generic_decline", "The account declines every payment.")
	default:
		return verdict{status: acquirers.StatusApproved, answerLost: c.behaviour == answerLost}
	}
}

var bankRefusal = decline(cardDeclined, insufficientFunds, "The account's bank declines every payment.")

// banksToChoose are those that customers are shown.
func banksToChoose() []acquirers.Bank {
	shown := make([]acquirers.Bank, len(banks))
	for i, b := range banks {
		shown[i] = acquirers.Bank{ID: b.id, Name: b.name}
	}
	return shown
}

// kindsWhere returns the ids of the kinds that fit.
func kindsWhere(fits func(accountKind) bool) []string {
	var ids []string
	for _, k := range accountKinds {
		if fits(k) {
			ids = append(ids, k.id)
		}
	}
	return ids
}
