package page

import (
	"time"

	"tender/domain/method"
)

// State says which page is shown.
type State string

const (
	// StateForm asks for a card.
	StateForm State = "form"
	// StateDeclined says that the last try failed and asks for a card again.
	StateDeclined State = "declined"
	// StateRedirecting sends the customer to NextURL, their bank's page.
	StateRedirecting State = "redirecting"
	// StateApproving waits until the customer has approved on their phone.
	StateApproving State = "approving"
	// StateProcessing waits: the outcome is outstanding or unknown. It is also what
	// a customer should see who has just come back from the bank, whose word may
	// take a moment: with Shown.NextActionURL set the page opens itself anew soon.
	StateProcessing State = "processing"
	// StateSucceeded is the receipt and the way back.
	StateSucceeded State = "succeeded"
	// StateExpired says that it was not paid in time.
	StateExpired State = "expired"
	// StateCancelled says that customer or merchant gave it up.
	StateCancelled State = "cancelled"
	// StateFailed says that no tries are left.
	StateFailed State = "failed"
	// StateNotFound is the page for an id that nobody has; it needs no more than
	// a nonce.
	StateNotFound State = "not_found"
	// StateProblem says why a request was refused; see View.Problem.
	StateProblem State = "problem"
)

// Problem is why a request to the page was refused.
type Problem string

// The problems that have a page.
const (
	ProblemFormToken         Problem = "form_token"          // the CSRF token is missing, wrong or old
	ProblemCrossSite         Problem = "cross_site"          // another site sent the form
	ProblemBadForm           Problem = "bad_form"            // unreadable, too large, incomplete
	ProblemAttemptInProgress Problem = "attempt_in_progress" // a cancel while the acquirer works
	ProblemTooManyRequests   Problem = "too_many_requests"
	ProblemUnavailable       Problem = "unavailable" // a fault of ours; the outcome may be unknown
)

// Names of the form's fields. A POST to PayURL carries those that the page asks for,
// one to CancelURL the token alone.
const (
	FieldNumber    = method.FieldNumber
	FieldExp       = "exp" // month and year in one; method.ParseExpiry reads it
	FieldCVC       = method.FieldCVC
	FieldName      = method.FieldName
	FieldAttemptID = "attempt_id"
	FieldCSRF      = "csrf_token"
	FieldMethod    = "payment_method"      // a saved method's id, or the kind of a Method
	FieldBank      = "bank"                // the chosen bank's id
	FieldPhone     = "phone"               // the telephone number, as it was typed
	FieldSave      = "save_payment_method" // there if the customer wants what pays saved
	FieldTerms     = "terms"               // View.TermsToken, of the terms that were shown
	FieldAccept    = "accept_mandate"      // there if the customer agrees to them
)

// AnotherCard is the kind of a card that is typed in: what FieldMethod says where no
// saved method and no other way to pay is meant.
const AnotherCard = "card"

// What may be wrong with the fields that are no card's, beside [method.CodeRequired].
const (
	CodeGone    = "gone"    // the saved method was removed, or the way to pay is not offered
	CodeUnknown = "unknown" // the bank is none of those that are offered
	CodeInvalid = "invalid" // nobody can have this telephone number
	// CodeTooManyCards: of a card, new or saved, that is one too many for the session.
	CodeTooManyCards = "too_many_cards"
	CodeChanged      = "changed" // the terms are others than those that were shown
)

// StayParam is the query parameter of the link by which a customer stays on an
// end page. Where a request carries it, the handler sets View.LeadOn to false.
const StayParam = "stay"

// View is everything a page shows. What a state does not show may be left zero.
type View struct {
	State State
	Nonce string // of the Content-Security-Policy; see NewNonce and SetHeaders
	Lang  string // see [Language]; English where there are no texts in it
	Test  bool   // test mode: a ribbon says so and offers test cards

	// Frame is there where the session is embedded; FrameAncestors are the origins whose
	// pages may frame it: nobody's where there are none.
	Frame          *Frame
	FrameAncestors []string

	Merchant   string // the merchant's name as customers know it
	Logo       Logo   // shown in its stead, if there is one
	Colour     string // the merchant's, #rrggbb; empty: ours
	SupportURL string // where the merchant helps: https, mailto or tel; empty: none
	LegalText  string // the merchant's small print, plain, with line breaks

	Amount    int64     // in minor units
	Currency  string    // its ISO code
	Reference string    // the merchant's external reference; may be empty
	ExpiresAt time.Time // of the session; zero: not shown
	// Now is when the page is made, from which it counts down by itself to ExpiresAt
	// and ApproveBy. Zero: it does not, because their time stands still.
	Now time.Time

	// Addresses on this origin, as paths.
	PageURL   string // this page
	PayURL    string // takes the card form
	CancelURL string // takes the cancel form; empty: no cancelling
	StateURL  string // the session's state as JSON; empty: not polled

	ReturnURL string // the merchant's, https, http or an app's scheme; empty: none
	// LeadOn makes the page go on by itself: to NextURL at once while
	// redirecting, to ReturnURL after a few seconds on an end page.
	LeadOn bool

	// Methods are the ways to pay beside what was saved, in the order in which they are
	// offered; none: a card.
	Methods []Method
	// Kind is the way of the attempt that the page is about: of the last one while it
	// asks again. Empty: a card.
	Kind        string
	BankName    string    // of an attempt with a bank: whose page NextURL is
	PhoneMasked string    // of an attempt on a telephone: its number's last digits
	ApproveBy   time.Time // when such an attempt ends; zero: not shown

	// Verifies: nothing is charged, the card is only made sure of; no amount is shown.
	Verifies bool
	// Terms are the sentences that the customer has to agree to, with the token that
	// names them in the form; none: there is nothing to agree to.
	Terms      []string
	TermsToken string
	AsksToSave bool // the customer says whether the card is saved
	Saves      bool // it is saved in any case
	// SavedMethods are those that the customer may choose from, the latest first.
	SavedMethods []SavedMethod
	SavedNeedCVC bool // a saved card pays only with its security code

	CSRF      string
	AttemptID string // single use
	Values    Values
	// Problems are what is wrong with the fields, from method.CheckCard; for the
	// expiry date as a whole, with Field FieldExp.
	Problems []method.FieldProblem

	LastError    string // the public error_code of the last try; never a decline code
	AttemptsLeft int    // shown when few; 0: unknown
	// NextURL is where the customer confirms; https or http. While approving it is
	// the page that plays the telephone, in test mode, or empty.
	NextURL string
	Outcome string // payment_outcome; of a success: paid, reserved, payment_method_verified
	Receipt Receipt
	Saved   bool     // of a success: the card has been saved
	Agreed  []string // of a success: the sentences that the customer agreed to
	// AgreedLang is the language of these, which may not be the page's; empty: it is.
	AgreedLang string
	Problem    Problem

	// Shown is what the state at StateURL said when this page was made, so that
	// the page notices when it says something else.
	Shown Shown
}

// Logo is the merchant's picture.
type Logo struct {
	URL           string // a path on this origin; empty: there is none
	Width, Height int    // pixels
	OnDark        bool   // it would not be seen on a pale ground
}

// Values are what the form is filled with again after a mistake. There is no
// place here for a number or a security code: they are never sent back.
type Values struct {
	Exp, Name   string
	Method      string // the saved method that is chosen, or a Method's kind
	Bank, Phone string
	Save        bool
	Accept      bool
}

// Method is a way to pay beside what was saved. What the form asks for follows from its
// parts, so that a new one needs no new page.
type Method struct {
	Kind  string // AnotherCard, or as payment_method_details names it
	Name  string // shown where the texts have no name for it; a brand's own
	Banks []Bank // the customer chooses one; none: nothing to choose
	Phone bool   // the customer gives a telephone number
	Saves bool   // it can be kept for later payments; a card always can
}

// Bank is one that a customer may pay at.
type Bank struct {
	ID   string
	Name string
	Test bool // it misbehaves in some way, for tests: shown behind the others
}

// SavedMethod is a card or an account that the customer has saved, as they know it.
type SavedMethod struct {
	ID        string
	Kind      string // as in payment_method_details; empty: a card
	Phone     string // of an account by telephone: its number's last digits
	Scheme    string // of a card, as there; and so is what follows
	Last4     string
	ExpMonth  int
	ExpYear   int  // four digits
	CVCDigits int  // of its security code; 0: 3 or 4
	Expired   bool // it is shown, and can't be chosen
}

// Receipt is what a customer may want to keep.
type Receipt struct {
	PaymentID string
	Kind      string // as in payment_method_details; empty: a card
	Scheme    string // of a card, as there
	Last4     string
	BankName  string // of another way: the bank
	Phone     string // or the telephone number, masked
	At        time.Time
}

// Shown is the part of the JSON state that decides which page is shown, each
// member as it stands there; empty where it is absent.
type Shown struct {
	Status        string // status
	Outcome       string // payment_outcome
	LastErrorAt   string // last_payment_error.timestamp
	NextActionURL string // next_action.url
}
