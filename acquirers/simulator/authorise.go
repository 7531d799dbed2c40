package simulator

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tender/acquirers"
)

// authorise answers POST /v1/authorisations. What goes wrong on the way here is
// played before anything is looked at, what goes wrong on the way back after
// everything is done.
func (s *Server) authorise(w http.ResponseWriter, r *http.Request) {
	var body authorisationBody
	if !readBody(w, r, &body) || !sound(w, body.Key, body.Currency, body.Amount, 0) {
		return
	}
	a := body.toPort()
	if !known(a) || !isToken(a.FirstReference) || !isToken(a.NetworkTransactionID) || !isToken(a.Country) || !isPayee(a.Payee) {
		writeFault(w, http.StatusBadRequest, faultMalformed, "The request holds a value that is not known here.")
		return
	}
	if a.Initiator == acquirers.InitiatorMerchant && !mayBeAbsent(a) {
		writeFault(w, http.StatusBadRequest, faultMalformed, "Without the customer a payment uses a card or an account that an earlier one has stored: "+
			"it says so, says why it is made, and names that payment; it has no CVC and asks for no authentication.")
		return
	}
	if a.Account != nil {
		if fault := accountFault(a); fault != "" {
			writeFault(w, http.StatusBadRequest, faultMalformed, fault)
			return
		}
	}
	if a.ReturnURL != "" && !isReturnURL(a.ReturnURL) {
		writeFault(w, http.StatusBadRequest, faultMalformed, "The return URL must be an absolute http or https URL.")
		return
	}
	payer := characterOf(a)
	s.travel(r, payer)

	asked := s.judge(a, payer)
	ctx, cancel := performing(r)
	defer cancel()
	stands, err := s.perform(ctx, asked, a, payer)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if stands.Reference == asked.Reference {
		s.goOn(stands)
		if payer.behaviour == answerDelayed {
			_ = s.hold(r.Context(), answerLate)
		}
	}
	s.answer(w, r, asked, stands)
}

// travel plays the request's way here: it may never arrive, or late. A request
// that is late when the server closes is lost.
func (s *Server) travel(r *http.Request, payer character) {
	switch payer.behaviour {
	case requestLost:
		_ = s.hold(r.Context(), holdLost)
		cut()
	case requestDelayed:
		// It arrives whether or not the caller is still there.
		if err := s.hold(context.WithoutCancel(r.Context()), requestLate); err != nil {
			cut()
		}
	case succeeds, declines, challenges, needsCustomer, everyThird, answerLost, answerDelayed,
		firstCaptureLost, captureDeclined, refundDeclined, refundLost, refundFailsLate, notATestCard,
		approvesItself, refusesItself, bankRefuses, silent, toldLate, toldTwice, paysAfterTheEnd:
	}
}

// characterOf returns how the card or the account behaves that is to pay.
func characterOf(a acquirers.Authorisation) character {
	if a.Account != nil {
		return accountCharacter(*a.Account)
	}
	return lookUp(a.Card.Number)
}

// judge makes the operation that stands under the key if the key is free.
func (s *Server) judge(a acquirers.Authorisation, payer character) operation {
	now := truncated(s.cfg.Now())
	t := traceOf(a)
	v := decide(a, payer, t, now)
	o := operation{
		Key: a.Key, Kind: kindAuthorisation, Status: v.status,
		Fingerprint: fingerprintOf(a, payer, t), Reference: newReference(),
		Amount: a.Amount, Currency: a.Currency, Sale: a.Capture && a.Amount > 0,
		Initiator: string(a.Initiator), Behaviour: payer.behaviour,
		Scheme: t.Scheme, BIN: t.BIN, Last4: t.Last4, Account: t.Account, Bank: t.Bank, Payee: a.Payee,
		ErrorCode: v.errorCode, DeclineCode: v.declineCode, Message: v.message,
		ThreeDSecure: v.threeDSecure, AnswerLost: v.answerLost,
		ReturnURL: a.ReturnURL, EffectiveAt: now,
	}
	switch v.status {
	case acquirers.StatusApproved:
		o.open(now)
	case acquirers.StatusActionRequired, acquirers.StatusPending:
		o.ChallengeToken = newChallengeToken()
	case acquirers.StatusDeclined, acquirers.StatusClosed:
	}
	return o
}

// perform enters the operation into the book.
func (s *Server) perform(ctx context.Context, o operation, a acquirers.Authorisation, payer character) (operation, error) {
	byCount := payer.behaviour == everyThird && a.Initiator == acquirers.InitiatorMerchant
	if byCount && o.Status == acquirers.StatusApproved {
		// The series is that of the first payment, which is one saved method's.
		return s.book.authoriseByCount(ctx, o, firstOf(a), payer)
	}
	return s.book.authorise(ctx, o)
}

// firstOf names the first payment of a series: as the card's scheme does, or, of an
// account, as the simulator itself did.
func firstOf(a acquirers.Authorisation) string {
	if a.Account != nil {
		return a.FirstReference
	}
	return a.NetworkTransactionID
}

// open fills in what an approved authorisation has: where the money was not
// taken at once, it may be taken for a while. Cards have schemes that give it an id.
func (o *operation) open(now time.Time) {
	o.Status = acquirers.StatusApproved
	if o.Account == "" {
		o.NetworkTransactionID = newNetworkTransactionID()
	}
	if !o.Sale && o.Amount > 0 {
		expires := now.Add(authorisationValid)
		o.ExpiresAt = &expires
	}
}

// mayBeAbsent reports whether a request fits a customer who is not there.
func mayBeAbsent(a acquirers.Authorisation) bool {
	return a.StoredCredential == acquirers.StoredCredentialSubsequent && a.Reason != acquirers.ReasonNone &&
		firstOf(a) != "" && a.Card.CVC == "" &&
		(a.Authentication == "" || a.Authentication == acquirers.AuthenticationNone)
}

// fingerprintOf digests an authorisation without its number, CVC and holder: a
// digest of a number can be reversed by trying all numbers, so that keeping it
// would be keeping the number. Two cards with the same first six and last four
// digits, expiry and behaviour are one card to it; so are two telephones whose
// numbers have the same last four digits. Nor does the payee's name count, which may
// have changed by the time that a request is repeated.
func fingerprintOf(a acquirers.Authorisation, payer character, t trace) []byte {
	return fingerprint(kindAuthorisation, strconv.FormatInt(a.Amount, 10), a.Currency, a.Country,
		strconv.FormatBool(a.Capture), string(a.Initiator), string(a.StoredCredential), string(a.Reason),
		a.FirstReference, a.NetworkTransactionID, string(a.Authentication), string(payer.behaviour), t.BIN, t.Last4, t.Account, t.Bank,
		strconv.Itoa(a.Card.ExpMonth), strconv.Itoa(a.Card.ExpYear), a.ReturnURL)
}

// isReturnURL reports whether s can be led back to: our own pages only, never a
// scheme that a browser would run.
func isReturnURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= urlBytesMax && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// isPayee reports whether s can be shown as a name.
func isPayee(s string) bool {
	return len(s) <= payeeBytesMax && !strings.ContainsFunc(s, unicode.IsControl)
}

// challengeTokenBytes of randomness make the address of a challenge: who knows it
// may decide, so nobody may guess it.
const challengeTokenBytes = 24

func newChallengeToken() string {
	var b [challengeTokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// newNetworkTransactionID draws what a scheme would call the payment: fifteen
// digits, as VISA's have.
func newNetworkTransactionID() string {
	n, err := rand.Int(rand.Reader, big.NewInt(900_000_000_000_000))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return n.Add(n, big.NewInt(100_000_000_000_000)).String()
}

// known reports whether the port's enumerations hold values of the port.
func known(a acquirers.Authorisation) bool {
	switch a.Initiator {
	case acquirers.InitiatorCustomer, acquirers.InitiatorMerchant:
	default:
		return false
	}
	switch a.StoredCredential {
	case "", acquirers.StoredCredentialNone, acquirers.StoredCredentialInitial, acquirers.StoredCredentialSubsequent:
	default:
		return false
	}
	switch a.Reason {
	case acquirers.ReasonNone, acquirers.ReasonRecurring, acquirers.ReasonInstalment, acquirers.ReasonUnscheduled:
	default:
		return false
	}
	switch a.Authentication {
	case "", acquirers.AuthenticationIfRequired, acquirers.AuthenticationChallenge, acquirers.AuthenticationNone:
		return true
	default:
		return false
	}
}
