package payment

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/method"
)

// wrong is what can't be accepted of one member of what a person says.
func wrong(field string, code domain.Code, detail string) error {
	return &domain.Refusal{Code: code, Detail: detail, Field: "/" + field}
}

// checkVerdict refuses a verdict that lacks what the acquirer's answer would have
// brought, or brings what it could not have.
func (s State) checkVerdict(call Call, v Verdict, wall time.Time) error {
	var errs []error
	refuse := func(field string, code domain.Code, detail string) { errs = append(errs, wrong(field, code, detail)) }
	attempt := call.Operation == ""
	waits := attempt && s.CaptureMethod == CaptureManual && !s.Verifies()
	if v.EffectiveAt.After(wall) {
		refuse("effective_at", "too_large", "What became of the operation can't lie ahead.")
	}
	if !v.Performed {
		if v.Reference != "" || v.NetworkTransactionID != "" || !v.ExpiresAt.IsZero() {
			refuse("outcome", "contradiction", "What failed has no reference of the acquirer's, no network_transaction_id and no expires_at.")
		}
		return errors.Join(append(errs, checkFailure(v.Failure))...)
	}
	if v.Failure != nil {
		refuse("error_code", "contradiction", "What succeeded has no error_code and no decline_code.")
	}
	errs = append(errs, checkName("reference", v.Reference, true), checkName("network_transaction_id", v.NetworkTransactionID, false))
	if v.NetworkTransactionID != "" && (!attempt || s.Attempt.Details.Type.IsAccount()) {
		refuse("network_transaction_id", "not_allowed", "Only a payment by card has one.")
	}
	switch {
	case waits && v.ExpiresAt.IsZero():
		refuse("expires_at", "required", "The amount is reserved until it is captured: say when the authorisation ends.")
	case !waits && !v.ExpiresAt.IsZero():
		refuse("expires_at", "not_allowed", "Only an authorisation that waits for captures ends.")
	}
	return errors.Join(errs...)
}

// checkFailure refuses a reason for failing that is none of the table's.
func checkFailure(f *Failure) error {
	switch {
	case f == nil || f.ErrorCode == "":
		return wrong("error_code", "required", "Say why the operation failed.")
	case *f == decline.New(f.ErrorCode, f.DeclineCode):
		return nil
	case f.ErrorCode == decline.CardDeclined:
		return wrong("decline_code", "not_an_option", "A decline has one of the codes that last_payment_error lists.")
	case f.DeclineCode != "" && decline.New(f.ErrorCode, "").ErrorCode == f.ErrorCode:
		return wrong("decline_code", "contradiction", "Only card_declined has a decline_code.")
	}
	return wrong("error_code", "not_an_option", "The error_code is none of those that last_payment_error lists.")
}

// namePattern is what acquirers and schemes call things by: no spaces, so that what
// was copied badly is seen.
var namePattern = regexp.MustCompile(`^[!-~]+$`)

func checkName(field, value string, needed bool) error {
	switch {
	case value == "" && needed:
		return wrong(field, "required", "The acquirer's reference of what succeeded must be named.")
	case value == "":
		return nil
	case len(value) > ReferenceBytesMax:
		return wrong(field, "too_long", fmt.Sprintf("It has at most %d characters.", ReferenceBytesMax))
	case !namePattern.MatchString(value):
		return wrong(field, "invalid_format", "It consists of printable ASCII characters without spaces.")
	}
	return nil
}

// checkReason refuses a reason that says nothing, or what the log must never hold:
// it is kept for ever. Not all that concerns a person can be recognised.
func checkReason(reason string, needed bool) error {
	switch {
	case reason == "" && !needed:
		return nil
	case strings.TrimSpace(reason) == "":
		return wrong("reason", "required", "Say why, for those who read it later.")
	case utf8.RuneCountInString(reason) > ReasonCharactersMax:
		return wrong("reason", "too_long", fmt.Sprintf("The reason has at most %d characters.", ReasonCharactersMax))
	case strings.ContainsFunc(reason, unicode.IsControl):
		return wrong("reason", "invalid_format", "The reason is one line, without control characters.")
	case strings.Contains(reason, "@") || holdsCard(reason):
		return wrong("reason", "not_allowed", "The reason is kept for ever: no card numbers, no addresses, nothing about a person.")
	}
	return nil
}

// digits are runs of them, in groups as cards show them or in one.
var digits = regexp.MustCompile(`\d(?:[ -]?\d)+`)

// holdsCard reports whether a text holds what may be a card number.
func holdsCard(text string) bool {
	for _, run := range digits.FindAllString(text, -1) {
		number := strings.NewReplacer(" ", "", "-", "").Replace(run)
		if len(number) >= cardDigitsMin && len(number) <= cardDigitsMax && method.Luhn(number) {
			return true
		}
	}
	return false
}
