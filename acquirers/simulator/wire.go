package simulator

import (
	"time"

	"tender/acquirers"
)

// The requests and answers as they travel. Amounts are in minor units, times in
// RFC 3339, UTC. Members without a value are left out.

type cardBody struct {
	Number   string `json:"number"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
	CVC      string `json:"cvc,omitempty"`
	Holder   string `json:"holder,omitempty"`
}

type accountBody struct {
	Kind  string `json:"kind"`
	Bank  string `json:"bank,omitempty"`
	Phone string `json:"phone,omitempty"`
}

type authorisationBody struct {
	Key                  string       `json:"key"`
	Amount               int64        `json:"amount"`
	Currency             string       `json:"currency"`
	Country              string       `json:"country,omitempty"`
	Capture              bool         `json:"capture,omitempty"`
	Initiator            string       `json:"initiator"`
	StoredCredential     string       `json:"stored_credential,omitempty"`
	Reason               string       `json:"reason,omitempty"`
	FirstReference       string       `json:"first_reference,omitempty"`
	NetworkTransactionID string       `json:"network_transaction_id,omitempty"`
	Authentication       string       `json:"authentication,omitempty"`
	Card                 cardBody     `json:"card,omitzero"`
	Account              *accountBody `json:"account,omitempty"` // instead of the card
	Payee                string       `json:"payee,omitempty"`
	ReturnURL            string       `json:"return_url,omitempty"`
}

func authorisationToWire(a acquirers.Authorisation) authorisationBody {
	return authorisationBody{
		Key: a.Key, Amount: a.Amount, Currency: a.Currency, Country: a.Country, Capture: a.Capture,
		Initiator: string(a.Initiator), StoredCredential: string(a.StoredCredential), Reason: string(a.Reason),
		FirstReference: a.FirstReference, NetworkTransactionID: a.NetworkTransactionID, Authentication: string(a.Authentication),
		Card: cardBody(a.Card), Account: (*accountBody)(a.Account), Payee: a.Payee, ReturnURL: a.ReturnURL,
	}
}

func (b authorisationBody) toPort() acquirers.Authorisation {
	return acquirers.Authorisation{
		Key: b.Key, Amount: b.Amount, Currency: b.Currency, Country: b.Country, Capture: b.Capture,
		Initiator:            acquirers.Initiator(b.Initiator),
		StoredCredential:     acquirers.StoredCredential(b.StoredCredential),
		Reason:               acquirers.Reason(b.Reason),
		FirstReference:       b.FirstReference,
		NetworkTransactionID: b.NetworkTransactionID,
		Authentication:       acquirers.Authentication(b.Authentication),
		Card:                 acquirers.Card(b.Card), Account: (*acquirers.Account)(b.Account), Payee: b.Payee, ReturnURL: b.ReturnURL,
	}
}

// drawBody asks for a capture, a void or a refund.
type drawBody struct {
	Key           string `json:"key"`
	Authorisation string `json:"authorisation"`
	Amount        int64  `json:"amount"`
	Currency      string `json:"currency"`
}

type settleBody struct {
	Key string `json:"key"`
}

type answerBody struct {
	Key                  string     `json:"key"`
	Status               string     `json:"status"`
	Reference            string     `json:"reference,omitempty"`
	ErrorCode            string     `json:"error_code,omitempty"`
	DeclineCode          string     `json:"decline_code,omitempty"`
	Message              string     `json:"message,omitempty"` // for people who debug
	RedirectURL          string     `json:"redirect_url,omitempty"`
	NetworkTransactionID string     `json:"network_transaction_id,omitempty"`
	ThreeDSecure         string     `json:"three_d_secure,omitempty"`
	EffectiveAt          time.Time  `json:"effective_at"`
	ExpiresAt            *time.Time `json:"expires_at,omitempty"`
}

func (b answerBody) toPort() acquirers.Answer {
	a := acquirers.Answer{
		Key: b.Key, Status: acquirers.Status(b.Status), Reference: b.Reference,
		ErrorCode: b.ErrorCode, DeclineCode: b.DeclineCode, RedirectURL: b.RedirectURL,
		NetworkTransactionID: b.NetworkTransactionID, ThreeDSecure: acquirers.ThreeDSecure(b.ThreeDSecure),
		EffectiveAt: b.EffectiveAt.UTC(),
	}
	if b.ExpiresAt != nil {
		a.ExpiresAt = b.ExpiresAt.UTC()
	}
	return a
}

// notificationBody is what the simulator sends of its own accord.
type notificationBody struct {
	ID     string     `json:"id"`
	Answer answerBody `json:"answer"`
}

// faultBody is the answer to a request that was not understood or not allowed.
// It carries no member of the request, because that might be a card's or a telephone's number.
type faultBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Codes of faults.
const (
	faultMalformed    = "malformed"
	faultUnauthorised = "unauthorised"
	faultKeyReused    = "key_reused"
	faultTooLarge     = "too_large"
	faultUnavailable  = "unavailable"
)
