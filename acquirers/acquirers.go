// Package acquirers is the port through which money moves: what an acquirer is
// asked, and what it may answer. Adapters live in the packages below it.
//
// The caller has appended an intent with the operation's key before it calls,
// and appends the outcome afterwards. An error from any method means that the
// outcome is unknown; only [Acquirer.Settle] may end that.
package acquirers

import (
	"context"
	"net/http"
	"time"
)

// Card is card data on its way to the acquirer. It lives in a request's memory
// and in the vault only; its String method hides it.
type Card struct {
	Number   string // digits only
	ExpMonth int
	ExpYear  int // four digits
	CVC      string
	Holder   string
}

// String keeps the card out of what %v and %s print.
func (Card) String() string { return "[card]" }

// GoString keeps the card out of what %#v prints.
func (Card) GoString() string { return "[card]" }

// Account is what a customer pays from where that is no card. The telephone number
// is personal data: it lives in a request's memory and in the vault only, and the
// String method hides it.
type Account struct {
	Kind  string // of payment method, as in the API: "instant_eft", "capitec_pay", …
	Bank  string // one of the acquirer's Banks, where the customer chooses one
	Phone string // E.164, with the plus sign, where the customer approves on their telephone
}

// String keeps the number out of what %v and %s print.
func (Account) String() string { return "[account]" }

// GoString keeps the number out of what %#v prints.
func (Account) GoString() string { return "[account]" }

// Bank is one of those that a customer may choose from.
type Bank struct {
	ID   string // lower case letters, digits and underscores; at most 40
	Name string // as customers know it
}

// Initiator says who is present when a payment is authorised.
type Initiator string

// Who is present: the customer, or nobody but the merchant's own system.
const (
	InitiatorCustomer Initiator = "customer"
	InitiatorMerchant Initiator = "merchant"
)

// StoredCredential says how the card's data relates to earlier payments.
type StoredCredential string

// A card that is used once, one that is stored by this payment, and one that was
// stored by an earlier one.
const (
	StoredCredentialNone       StoredCredential = "none"
	StoredCredentialInitial    StoredCredential = "initial"
	StoredCredentialSubsequent StoredCredential = "subsequent"
)

// Reason says why a merchant-initiated payment is made.
type Reason string

// Why a merchant-initiated payment is made; none where the customer is present.
const (
	ReasonNone        Reason = ""
	ReasonRecurring   Reason = "recurring"
	ReasonInstalment  Reason = "instalment"
	ReasonUnscheduled Reason = "unscheduled"
)

// Authentication is the cardholder authentication that is asked for.
type Authentication string

// Whether the customer is to be authenticated: as the issuer wishes, in any
// case, or not at all.
const (
	AuthenticationIfRequired Authentication = "if_required"
	AuthenticationChallenge  Authentication = "challenge"
	AuthenticationNone       Authentication = "none" // the customer is absent
)

// Authorisation asks to reserve an amount, or with Capture to take it at once.
type Authorisation struct {
	Key      string // unique for ever, 1–255 printable ASCII; the acquirer performs it at most once
	Amount   int64  // minor units; 0: verify the card only
	Currency string // ISO 4217
	Country  string // ISO 3166-1 alpha-2, of the merchant
	Capture  bool

	Initiator            Initiator
	StoredCredential     StoredCredential
	Reason               Reason
	FirstReference       string // the acquirer's, of the first payment in a series; "" otherwise
	NetworkTransactionID string // the card scheme's, of that payment; "" otherwise, and with accounts
	Authentication       Authentication

	Card      Card     // empty where an account pays
	Account   *Account // nil: the card pays
	Payee     string   // whom the customer pays, as they are shown it; may be empty
	ReturnURL string   // where a customer who was sent away comes back to; http or https, absolute
}

// Capture asks to take part or all of what is reserved.
type Capture struct {
	Key       string
	Reference string // of the authorisation
	Amount    int64
	Currency  string
}

// Void asks to give back what is reserved and not captured.
type Void struct {
	Key       string
	Reference string
	Amount    int64
	Currency  string
}

// Refund asks to pay part or all of what was taken back to the customer.
type Refund struct {
	Key       string
	Reference string // of the authorisation
	Amount    int64
	Currency  string
}

// Status is what an acquirer says about an operation.
type Status string

const (
	// StatusApproved: performed.
	StatusApproved Status = "approved"
	// StatusDeclined: refused; it will not be performed under this key.
	StatusDeclined Status = "declined"
	// StatusActionRequired: the customer must visit RedirectURL; a notification follows.
	StatusActionRequired Status = "action_required"
	// StatusPending: accepted; a notification follows. Of an authorisation: the customer
	// approves it elsewhere, on their telephone.
	StatusPending Status = "pending"
	// StatusClosed: never performed, and never will be: the key is closed.
	StatusClosed Status = "closed"
)

// ThreeDSecure is the outcome of a cardholder authentication.
type ThreeDSecure string

// How the authentication ended; "" where there was none.
const (
	ThreeDSecureNotTried      ThreeDSecure = ""
	ThreeDSecureAuthenticated ThreeDSecure = "authenticated"
	ThreeDSecureFailed        ThreeDSecure = "failed"
)

// Answer is what an acquirer says of one operation, whenever and however it
// says so: at once, when settling, or in a notification.
type Answer struct {
	Key       string
	Status    Status
	Reference string // the acquirer's; with approved
	// ErrorCode and DeclineCode hold with declined; section "Errors" of the API
	// lists both, adapters translate into them.
	ErrorCode   string
	DeclineCode string
	// RedirectURL is where the customer has to go, with action_required. With pending
	// only an acquirer that plays gives one: of the page that stands for the telephone.
	RedirectURL          string
	NetworkTransactionID string // with an approved authorisation of a card, where the scheme gives one
	ThreeDSecure         ThreeDSecure
	EffectiveAt          time.Time // when the acquirer dates it
	ExpiresAt            time.Time // of an authorisation that is not captured yet
}

// Capabilities are what an acquirer can do. What it can't is refused before a
// call is made.
type Capabilities struct {
	Live               bool // moves real money
	SeveralCaptures    bool
	VoidAfterCapture   bool // can give back what remains of a part-captured authorisation
	ManualCapture      bool
	Verification       bool
	Refund             bool
	ClosesKeys         bool          // Settle closes a key that it does not know
	RequestLifetime    time.Duration // how long a request may be under way; asked about until then where keys can't be closed
	KeyMemory          time.Duration // how long a key is known; an older one is never sent again
	AuthorisationValid time.Duration
	Currencies         []string // nil: all
	// Accounts are the kinds of payment method beside cards that it takes; each pays
	// at once and in full, without a reservation.
	Accounts []string
	// AccountsAlone are those of them that also pay without the customer, under a mandate.
	AccountsAlone []string
	Banks         []Bank // for the kinds that ask for one, in the order to show
}

// Acquirer moves money. Every method may be called again with the same key and
// then answers for the first request with it. No method outlives its context.
type Acquirer interface {
	Authoriser
	Capturer
	Refunder
	Settler
	Notifier
	// Name names the acquirer in events and in the notification's path.
	Name() string
	Capabilities() Capabilities
}

// Authoriser reserves money, or takes it at once.
type Authoriser interface {
	Authorise(ctx context.Context, a Authorisation) (Answer, error)
}

// Capturer takes what is reserved, or gives it back.
type Capturer interface {
	Capture(ctx context.Context, c Capture) (Answer, error)
	Void(ctx context.Context, v Void) (Answer, error)
}

// Refunder pays back what was taken. A refund that was approved may fail all the
// same, days later: then the answer for its key is declined from there on, and a
// notification says so.
type Refunder interface {
	Refund(ctx context.Context, r Refund) (Answer, error)
}

// Settler ends doubt: it says what happened to the operation with this key, or
// closes the key so that a request with it that arrives later is refused. A
// challenge that the customer has not finished is closed as well, and so is what
// they have not approved yet. Where money comes from an account it may come all the
// same, after the key was closed: a notification says so, and from there on so does
// Settle. It is then to be refunded by its reference.
type Settler interface {
	Settle(ctx context.Context, key string) (Answer, error)
}

// Notifier reads the acquirer's own messages. It verifies the signature and
// returns ErrForged when that is wrong. The same message may come repeatedly and
// in any order.
type Notifier interface {
	ReadNotification(header http.Header, body []byte) (Notification, error)
}

// Notification is one message from an acquirer.
type Notification struct {
	ID     string // the acquirer's, equal on every repetition
	Answer Answer
}
