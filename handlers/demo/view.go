package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// shelfView is what shelf.html shows.
type shelfView struct {
	shell
	Flows    []*flow
	Orders   []orderRow
	Backdrop []entryView
	Key      string // masked
}

// orderRow is an order in the list of recent ones.
type orderRow struct {
	Path, Ref, Title, Item, Amount, State string
	Good, Open                            bool
	At                                    time.Time
}

// orderView is what order.html shows.
type orderView struct {
	shell
	Flow    *flow
	Ref     string
	Path    string
	State   string
	Good    bool // nothing is wrong
	Open    bool // somebody has something to do
	Steps   []step
	Entries []entryView
	Dropped int
	Meter   []segment
	Facts   []fact
	Count   string    // how much was said
	Clock   time.Time // where the customer's clock stands; zero: they live in the present
	Turning bool
}

// fact is an id that the shop keeps.
type fact struct{ Name, Value string }

// segment is a part of an amount, drawn as a part of a line of 1000.
type segment struct {
	Name, Amount, Class string
	From, Width         int64
}

// Price is a flow's price, for the shelf.
func (f *flow) Price() string { return money(f.amount) }

// Name, Title, Item, Pitch, Each and Icon are what templates read of a flow.
func (f *flow) Name() string  { return f.name }
func (f *flow) Title() string { return f.title }
func (f *flow) Item() string  { return f.item }
func (f *flow) Pitch() string { return f.pitch }
func (f *flow) Each() string  { return f.each }

// shelfView is the shelf as it is. s.mu is held.
func (s *Shop) shelfView() shelfView {
	v := shelfView{shell: shell{Title: "Demo shop", Opened: s.opened, Revision: s.revision, Live: true}, Flows: flows, Key: maskedKey(s.Key)}
	for i, o := range s.recent() {
		if i == rowsMax {
			break
		}
		state, good, open := o.state()
		v.Orders = append(v.Orders, orderRow{o.path(), o.ref, o.flow.title, o.flow.item, money(o.flow.amount), state, good, open, o.at})
	}
	v.Backdrop = views(s.Key, s.backdrop.entries)
	return v
}

// orderView is an order as it is. s.mu is held.
func (s *Shop) orderView(o *order) orderView {
	state, good, open := o.state()
	v := orderView{
		shell: shell{Title: o.flow.title, Opened: s.opened, Revision: s.revision, Live: true}, Flow: o.flow, Ref: o.ref, Path: o.path(), State: state, Good: good, Open: open,
		Steps: o.steps(), Entries: views(s.Key, o.entries), Dropped: o.dropped, Clock: o.clock().At, Turning: o.turning,
	}
	calls, hooks := 0, 0
	for _, e := range o.entries {
		switch e.kind {
		case kindCall:
			calls++
		case kindHook:
			hooks++
		case kindNote:
		}
	}
	v.Count = plural(calls, "call") + ", " + plural(hooks, "webhook")
	if o.flow.metered {
		v.Meter = meter(o.payment())
	}
	first := o.first()
	for _, f := range []fact{
		{"Session", first.ID}, {"Payment", first.PaymentID}, {"Customer", first.CustomerID}, {"Payment method", first.MethodID},
		{"Mandate", first.MandateID}, {"Subscription", first.SubscriptionID}, {"Clock", first.Metadata[metaClock]},
	} {
		if f.Value != "" {
			v.Facts = append(v.Facts, f)
		}
	}
	return v
}

// state is what has become of an order, in a word or two.
func (o *order) state() (says string, good, open bool) {
	first, p := o.first(), o.payment()
	switch {
	case first.Status == "active" && first.LastError != nil:
		return "Declined, still open", false, true
	case first.Status == "active":
		return "Waits for the customer", false, true
	case first.Status != "completed":
		return strings.ToUpper(first.Status[:min(1, len(first.Status))]) + first.Status[min(1, len(first.Status)):], false, false
	case p.wentBack():
		return "Refunded", true, false
	case p.Refunded > 0:
		return "Refunded in part", true, true
	case first.Outcome == "reserved" && p.Voided > 0 && p.Paid == 0:
		return "Voided", true, false
	case first.Outcome == "reserved" && p.Paid > 0 && p.Capturable == 0:
		return "Captured in part", true, false
	case first.Outcome == "reserved" && p.Paid > 0:
		return "Captured in part", true, true
	case first.SubscriptionID != "" && o.subscription().ID != "":
		return "Subscription " + strings.ReplaceAll(o.subscription().Status, "_", " "), o.subscription().Status == "active", o.subscription().Status == "active"
	}
	return outcomes[first.Outcome], true, first.Outcome == "reserved"
}

// meter draws what has become of an amount: each part of it is where it is.
func meter(p payment) []segment {
	type part struct {
		name, class string
		amount      int64
	}
	parts := []part{
		{"captured", "paid", p.Paid - p.Refunded}, {"refunded", "back", p.Refunded}, {"voided", "void", p.Voided},
		{"expired", "void", p.Expired}, {"in flight", "wait", p.Pending}, {"reserved", "held", p.Capturable},
	}
	if p.Authorised == 0 {
		return nil
	}
	const line = 1000
	var all []segment
	var before int64
	for _, one := range parts {
		if one.amount <= 0 {
			continue
		}
		from, to := before*line/p.Authorised, (before+one.amount)*line/p.Authorised
		all = append(all, segment{one.name, money(one.amount), one.class, from, to - from})
		before += one.amount
	}
	return all
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// money is an amount of the shop's currency, which has cents.
func money(cents int64) string {
	whole, text := cents/100, ""
	for ; whole >= 1000; whole /= 1000 {
		text = fmt.Sprintf(",%03d", whole%1000) + text
	}
	return fmt.Sprintf("%s %d%s.%02d", currency, whole, text, cents%100)
}

// entryView is an entry of a timeline, for a template.
type entryView struct {
	N         int
	Revision  string
	Kind      entryKind
	At        time.Time
	Says      string
	Operation string
	Method    string
	Target    string
	Key       string // idempotency
	Secret    string // the secret key, masked
	Request   []token
	Done      bool
	Status    int
	Reason    string // of the status
	Good      bool
	Took      string
	Answer    []token
	RequestID string
	Replayed  bool
	Fault     string
	Gist      string
	Curl      string
	Topic     string
	MessageID string
	Sent      string
	Signature string
	Refused   string
	Body      []token
	Times     int
}

// views are entries for a template. s.mu is held.
func views(key string, entries []*entry) []entryView {
	var all []entryView
	for _, e := range entries {
		v := entryView{
			N: e.n, Revision: e.revision(), Kind: e.kind, At: e.at, Says: e.says, Operation: e.operation, Method: e.method, Target: e.target,
			Key: e.key, Secret: maskedKey(key), Request: pretty(e.request), Done: e.done, Status: e.status, Reason: http.StatusText(e.status),
			Good: e.status >= 200 && e.status < 300, Answer: pretty(e.answer), RequestID: e.requestID, Replayed: e.replayed, Fault: e.fault,
			Topic: e.topic, MessageID: e.messageID, Sent: e.sent, Signature: e.signature, Refused: e.refused, Body: pretty(e.body), Times: e.times,
		}
		switch e.kind {
		case kindCall:
			v.Took, v.Curl, v.Gist = took(e.took), e.curl(), gist(e.answer)
		case kindHook:
			var m message
			_ = json.Unmarshal(e.body, &m) // one that was refused has none
			v.Gist = gist(m.Data)
		case kindNote:
		}
		all = append(all, v)
	}
	return all
}

// took is a duration as people read it.
func took(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", max(1, d.Milliseconds()))
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// gist is what matters of an object, in a few words.
func gist(body []byte) string {
	var o struct {
		Code     string             `json:"code"`
		Status   any                `json:"status"`
		Outcome  string             `json:"payment_outcome"`
		Paid     int64              `json:"paid_amount"`
		Voided   int64              `json:"voided_amount"`
		Refunded int64              `json:"refunded_amount"`
		Held     int64              `json:"capturable_amount"`
		At       time.Time          `json:"frozen_time"`
		Details  details            `json:"payment_method_details"`
		Data     *[]json.RawMessage `json:"data"`
	}
	var method details // of a saved one
	if json.Unmarshal(body, &o) != nil || json.Unmarshal(body, &method) != nil {
		return ""
	}
	status, _ := o.Status.(string)
	parts := []string{o.Code, status}
	if o.Outcome != "" {
		parts = append(parts, o.Outcome)
	}
	for _, sum := range []struct {
		name   string
		amount int64
	}{{"paid", o.Paid}, {"voided", o.Voided}, {"refunded", o.Refunded}, {"capturable", o.Held}} {
		if sum.amount > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", sum.name, strings.TrimPrefix(money(sum.amount), currency+" ")))
		}
	}
	method.Type = "" // which other objects have, too
	parts = append(parts, method.said(), o.Details.said())
	if o.Data != nil {
		parts = append(parts, fmt.Sprintf("%d found", len(*o.Data)))
	}
	if !o.At.IsZero() {
		parts = append(parts, day(o.At))
	}
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, strings.ReplaceAll(p, "_", " "))
		}
	}
	return strings.Join(said, " · ")
}
