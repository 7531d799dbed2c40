package demo

import (
	"slices"
	"strconv"
	"time"
)

// stepState says how far a step of the story is.
type stepState string

const (
	stepDone stepState = "done"
	stepNow  stepState = "now"  // it waits for somebody
	stepWait stepState = "wait" // it happens right now
	stepMay  stepState = "may"  // somebody may, and need not
	stepNext stepState = "next" // its time has not come
)

// step is a part of an order's story.
type step struct {
	Title   string
	Text    string
	State   stepState
	Result  string
	Bad     bool // the result is no good news
	Alert   bool // and nobody has heard it yet
	Docs    []docs
	Actions []action
	PayURL  string // where the customer goes
	PayText string
	Cards   []testCard
	Ledger  []ledgerRow
}

// docs leads to where the API's description explains a thing.
type docs struct{ Text, Operation string }

// action is a button.
type action struct {
	Name, Label, Turn string
	Quiet             bool
}

// ledgerRow is a payment of a series.
type ledgerRow struct {
	Date   time.Time
	Text   string
	Amount string
	Status string
	Good   bool
}

// steps are the order's story, with the answer to the last wish where it was made.
// s.mu is held.
func (o *order) steps() []step {
	steps := o.flow.story(o)
	for i := range steps {
		if slices.ContainsFunc(steps[i].Actions, func(a action) bool { return a.Name == o.refused.action }) {
			steps[i].Result, steps[i].Bad, steps[i].Alert = o.refused.why, true, true
		}
	}
	return steps
}

// offers reports whether an order's story has such a button now.
func (s *Shop) offers(o *order, name, turn string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(o.flow.story(o), func(st step) bool {
		return slices.ContainsFunc(st.Actions, func(a action) bool { return a.Name == name && a.Turn == turn })
	})
}

// sale is how every story begins: the shop creates a session, and the customer goes
// to it. It reports whether the rest can follow.
func sale(o *order, created, pays step) ([]step, bool) {
	created.State = stepDone
	created.Docs = append([]docs{{"Create a payment session", "createPaymentSession"}}, created.Docs...)
	first := o.first()
	pays = atCheckout(pays, first, o.payment(), o.flow.cards)
	if first.ID == "" {
		created.State, pays.State = stepWait, stepNext
	}
	return []step{created, pays}, first.Status == "completed" && pays.State == stepDone
}

// atCheckout says how far the customer is at the checkout of a session.
func atCheckout(st step, at session, p payment, cards []testCard) step {
	switch {
	case at.Status == "completed" && at.Outcome == "unpaid":
		st.State, st.Bad, st.Result = stepDone, true, "Not paid."
	case at.Status == "completed":
		st.State, st.Result = stepDone, outcomes[at.Outcome]+by(p)+"."
	case at.Status == "expired", at.Status == "cancelled":
		st.State, st.Bad = stepDone, true
		st.Result = "The session is " + at.Status + ", and nothing was taken. Begin again from the shelf."
	default:
		st.State, st.PayURL, st.Cards = stepNow, at.URL, cards
		if e := at.LastError; e != nil {
			st.Bad, st.Result = true, "Not paid yet. "+e.Message+" The session is still open, and the customer may try again."
		}
	}
	return st
}

var outcomes = map[string]string{"paid": "Paid", "reserved": "Reserved", "payment_method_verified": "Verified"}

// by names the way in which something was paid.
func by(p payment) string {
	if said := p.Details.said(); said != "" {
		return " with " + said
	}
	return ""
}

// told reports whether a webhook of a type came for the order.
func (o *order) told(topic string) bool {
	return slices.ContainsFunc(o.entries, func(e *entry) bool { return e.topic == topic })
}

// follow gives the steps after a sale their places: the first that isn't done is
// the one that is on.
func follow(steps []step, ready bool, more ...step) []step {
	for _, st := range more {
		if st.State != stepDone && !ready {
			st.State, st.Actions, st.PayURL = stepNext, nil, ""
		}
		ready = ready && st.State == stepDone
		steps = append(steps, st)
	}
	return steps
}

func storyOfPaying(o *order) []step {
	steps, ready := sale(o,
		step{Title: "The shop asks for a session", Text: "Your server names an amount, a currency, and where to lead the customer afterwards. It gets back a page."},
		step{Title: "The customer pays", Text: "The page is Tender’s: cards never come near your server. Beside a card, it offers whatever fits: here also the customer’s bank, or an approval on their telephone. A test bank and a test telephone play along; any South African mobile number will do.", PayText: "Go to the checkout", Docs: []docs{{"The checkout", "openCheckout"}}})
	hears := step{
		Title: "The shop hears of it", Docs: []docs{{"What webhooks tell", "onPaymentSession"}},
		Text: "Deliver when the signed webhook says so, not when the customer comes back: customers close tabs.", State: stepWait,
	}
	if o.told("payment_session.completed") || o.again {
		hears.State, hears.Result = stepDone, "The coffee can go out."
	}
	return follow(steps, ready, hears)
}

func storyOfReserving(o *order) []step {
	steps, ready := sale(o,
		step{Title: "The shop asks for a reservation", Text: "The same session, with `capture_method: manual`. The money is held, not taken."},
		step{Title: "The customer approves", Text: "Their bank holds the whole amount. Nothing is captured yet.", PayText: "Go to the checkout"})
	p := o.payment()
	half := step{
		Title: "The first cup ships: capture half", State: stepNow, Docs: []docs{{"Capture a payment", "capturePayment"}},
		Text:    "Capture what you deliver, in as many parts as you like, as long as they fit what is held.",
		Actions: []action{{Name: "capture", Label: "Capture half: " + money(p.Authorised/2), Turn: strconv.Itoa(len(p.Captures))}},
	}
	rest := step{
		Title: "The other broke in the kiln: void the rest", State: stepNow, Docs: []docs{{"Void a payment", "voidPayment"}},
		Text:    "What will never be delivered goes back to the customer’s balance at once.",
		Actions: []action{{Name: "void", Label: "Void the rest: " + money(p.Capturable), Turn: "0"}},
	}
	switch {
	case p.Paid > 0:
		half.State, half.Actions, half.Result = stepDone, nil, money(p.Paid)+" captured."
	case p.Pending > 0:
		half.State, half.Actions, half.Result = stepWait, nil, "The acquirer’s answer is outstanding. A webhook will tell."
	}
	switch {
	case p.Voided > 0:
		rest.State, rest.Actions, rest.Result = stepDone, nil, money(p.Voided)+" voided. Nothing is held any more."
	case p.Paid > 0 && p.Pending > 0:
		rest.State, rest.Actions = stepWait, nil
	}
	return follow(steps, ready, half, rest)
}

func storyOfRefunding(o *order) []step {
	steps, ready := sale(o,
		step{Title: "The shop sells a kettle", Text: "A sale like any other."},
		step{Title: "The customer pays", Text: "The amount is captured at once.", PayText: "Go to the checkout"})
	p := o.payment()
	turn := strconv.Itoa(len(p.Refunds))
	part := step{
		Title: "A dent: give a part back", State: stepNow, Docs: []docs{{"Refund a payment", "refundPayment"}},
		Text:    "A refund is any part of what was paid, with a reason of yours.",
		Actions: []action{{Name: "refund", Label: "Refund " + money(dentDiscount), Turn: turn}},
	}
	rest := step{
		Title: "It leaks, too: give the rest back", State: stepNow,
		Text:    "Without an amount, everything that is left.",
		Actions: []action{{Name: "refund-rest", Label: "Refund the rest: " + money(p.Refundable), Turn: turn}},
	}
	waits := slices.ContainsFunc(p.Refunds, func(r operation) bool { return r.Status == "pending" })
	if p.Refunded > 0 {
		part.State, part.Actions, part.Result = stepDone, nil, money(min(p.Refunded, dentDiscount))+" refunded."
	} else if waits {
		part.State, part.Actions, part.Result = stepWait, nil, "The acquirer’s answer is outstanding. A webhook will tell."
	}
	if p.wentBack() {
		rest.State, rest.Actions, rest.Result = stepDone, nil, "All "+money(p.Refunded)+" went back."
	} else if waits {
		rest.State, rest.Actions = stepWait, nil
	}
	return follow(steps, ready, part, rest)
}
