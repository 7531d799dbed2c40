package simulator_test

import (
	"testing"

	"pgregory.net/rapid"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

// modelAmount is what every authorisation of the model is for.
const modelAmount = 100

// model is what a naive book would hold.
type model struct {
	b      *bundle
	opened []*modelAuthorisation
	past   map[string]acquirers.Answer
	keys   []string
}

type modelAuthorisation struct {
	reference                  string
	sale                       bool
	captured, voided, refunded int64
}

func (m *model) remember(rt *rapid.T, answer acquirers.Answer, err error) acquirers.Answer {
	if err != nil {
		rt.Fatal(err)
	}
	m.past[answer.Key] = answer
	m.keys = append(m.keys, answer.Key)
	return answer
}

func (m *model) authorise(rt *rapid.T) {
	a := m.b.authorisation("4242424242424242")
	a.Amount, a.Capture = modelAmount, rapid.Bool().Draw(rt, "sale")
	o := &modelAuthorisation{sale: a.Capture}
	if a.Capture {
		o.captured = modelAmount
	}
	answer, err := m.b.client.Authorise(m.b.t.Context(), a)
	o.reference = m.remember(rt, answer, err).Reference
	m.opened = append(m.opened, o)
}

// payFromAccount has a customer decide on their telephone, or not before the key is
// closed.
func (m *model) payFromAccount(rt *rapid.T) {
	a := m.b.push("mtn_momo", "4567")
	a.Amount = modelAmount
	page := m.b.authorise(a).RedirectURL
	decision := rapid.SampledFrom([]string{"approve", "refuse", "neither"}).Draw(rt, "decision")
	decide(m.b.t, page, decision)
	answer := m.remember(rt, m.b.settle(a.Key), nil)
	status := map[string]acquirers.Status{
		"approve": acquirers.StatusApproved, "refuse": acquirers.StatusDeclined, "neither": acquirers.StatusClosed,
	}[decision]
	if answer.Status != status {
		rt.Fatalf("a customer decided %s, and it came to %+v", decision, answer)
	}
	if status == acquirers.StatusApproved {
		m.opened = append(m.opened, &modelAuthorisation{reference: answer.Reference, sale: true, captured: modelAmount})
	}
}

func (m *model) capture(rt *rapid.T) {
	o, c, fits := m.pick(rt)
	if o == nil {
		return
	}
	answer, err := m.b.client.Capture(m.b.t.Context(), c)
	if (m.remember(rt, answer, err).Status == acquirers.StatusApproved) != fits {
		rt.Fatalf("capturing %d of %+v: %s", c.Amount, *o, answer.Status)
	}
	if fits {
		o.captured += c.Amount
	}
}

func (m *model) void(rt *rapid.T) {
	o, c, fits := m.pick(rt)
	if o == nil {
		return
	}
	answer, err := m.b.client.Void(m.b.t.Context(), acquirers.Void(c))
	if (m.remember(rt, answer, err).Status == acquirers.StatusApproved) != fits {
		rt.Fatalf("voiding %d of %+v: %s", c.Amount, *o, answer.Status)
	}
	if fits {
		o.voided += c.Amount
	}
}

func (m *model) refund(rt *rapid.T) {
	o, c, _ := m.pick(rt)
	if o == nil {
		return
	}
	fits := c.Amount <= o.captured-o.refunded
	answer, err := m.b.client.Refund(m.b.t.Context(), acquirers.Refund(c))
	if (m.remember(rt, answer, err).Status == acquirers.StatusApproved) != fits {
		rt.Fatalf("refunding %d of %+v: %s", c.Amount, *o, answer.Status)
	}
	if fits {
		o.refunded += c.Amount
	}
}

// pick draws an authorisation and what to take of it, and says whether it fits.
func (m *model) pick(rt *rapid.T) (*modelAuthorisation, acquirers.Capture, bool) {
	if len(m.opened) == 0 {
		return nil, acquirers.Capture{}, false
	}
	o := rapid.SampledFrom(m.opened).Draw(rt, "authorisation")
	amount := rapid.Int64Range(1, modelAmount+10).Draw(rt, "amount")
	c := acquirers.Capture{Key: m.b.key(), Reference: o.reference, Currency: "ZAR", Amount: amount}
	return o, c, amount <= modelAmount-o.captured-o.voided
}

// settle asks about a key that was answered before.
func (m *model) settle(rt *rapid.T) {
	if len(m.keys) == 0 {
		return
	}
	key := rapid.SampledFrom(m.keys).Draw(rt, "key")
	if answer := m.b.settle(key); answer != m.past[key] {
		rt.Fatalf("settled %+v, answered %+v", answer, m.past[key])
	}
}

// close settles a key before a request with it comes.
func (m *model) close(rt *rapid.T) {
	a := m.b.authorisation("4242424242424242")
	if answer := m.b.settle(a.Key); answer.Status != acquirers.StatusClosed {
		rt.Fatalf("an unused key settled as %+v", answer)
	}
	if answer := m.b.authorise(a); answer.Status != acquirers.StatusClosed {
		rt.Fatalf("a closed key answered %+v", answer)
	}
}

func TestAnySequenceKeepsTheSums(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{b: b, past: make(map[string]acquirers.Answer)}
		rt.Repeat(map[string]func(*rapid.T){
			"authorise": m.authorise, "pay from an account": m.payFromAccount, "capture": m.capture, "void": m.void, "refund": m.refund,
			"settle": m.settle, "close": m.close,
		})
		byReference := make(map[string]simulator.Entry)
		for _, e := range b.entries() {
			byReference[e.Reference] = e
		}
		for _, o := range m.opened {
			e := byReference[o.reference]
			if e.Captured != o.captured || e.Voided != o.voided || e.Refunded != o.refunded || e.Sale != o.sale {
				rt.Fatalf("the book has %+v, the model %+v", e, *o)
			}
		}
	})
	b.checkSums()
}
