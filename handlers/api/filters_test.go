package api_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// rounds of random writes and lists; each draws from its own number.
const rounds = 10

// kind is a kind of objects that are listed.
type kind struct {
	path     string
	statuses []string
	// Which filters there are besides status and the time of creation.
	reference, customer, metadata bool
}

var kinds = []kind{
	{path: sessions, statuses: []string{"active", "completed", "expired", "cancelled"}, reference: true, customer: true, metadata: true},
	{path: payments, statuses: []string{"draft", "processing", "succeeded", "failed", "cancelled"}, reference: true, customer: true, metadata: true},
	{path: customers},
	{path: methods},
	{path: mandates, statuses: []string{"active", "revoked", "expired", "exhausted"}, customer: true},
	{path: subscriptions, statuses: []string{"active", "past_due", "paused", "cancelled", "completed"}, customer: true},
}

// model is what lists should show, as naively as can be: every object as a GET
// shows it, in the order in which it was made.
type model struct {
	t        *testing.T
	b        *bundle
	c        *handlerstest.Caller
	draw     *rand.Rand
	objects  map[string][]*handlerstest.Answer // by path; those that are gone are nil
	order    map[string][]string               // by path: ids, oldest first
	series   []handlerstest.Series
	open     []string // sessions that can be paid
	position string   // of the last write
}

// Every list shows what the model has, whatever it is narrowed by, however it is
// paged, and whatever is written between its pages.
func TestListsAgreeWithTheModel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			m := &model{
				t: t, b: b, c: b.First.Caller(t, b.House.Merchant("test").Secret), draw: rand.New(rand.NewPCG(seed, 3)), //nolint:gosec // a test's dice
				objects: map[string][]*handlerstest.Answer{}, order: map[string][]string{},
			}
			for range 12 {
				m.write()
			}
			for range 30 {
				m.page()
			}
		})
	}
}

func one[T any](draw *rand.Rand, of []T) T { return of[draw.IntN(len(of))] }

// learn reads objects again that a write may have changed.
func (m *model) learn(ids ...string) {
	m.t.Helper()
	for _, id := range ids {
		path, known := map[string]string{"ps_": sessions, "pay": payments, "cus": customers, "mdt": mandates, "sub": subscriptions, "pmt": methods}[id[:min(3, len(id))]]
		if !known {
			continue
		}
		i := slices.Index(m.order[path], id)
		if i < 0 {
			i = len(m.order[path])
			m.order[path], m.objects[path] = append(m.order[path], id), append(m.objects[path], nil)
		}
		a := m.c.Get(path + "/" + id)
		if m.objects[path][i] = a; a.Status == 404 {
			m.objects[path][i] = nil
		}
	}
}

// learnSession reads a session and all that it names, and what else is its customer's.
func (m *model) learnSession(sessionID string) {
	m.t.Helper()
	a := m.c.Get(sessions + "/" + sessionID).Is(200)
	customerID := a.Text("customer_id")
	m.learn(sessionID, a.Text("payment_id"), a.Text("payment_method_id"), a.Text("mandate_id"), a.Text("subscription_id"))
	m.learnAllOf(customerID)
}

// learnAllOf reads everything again that is a customer's.
func (m *model) learnAllOf(customerID string) {
	m.t.Helper()
	if customerID == "" {
		return
	}
	m.learn(customerID)
	for path, all := range m.objects {
		for i, a := range all {
			if a != nil && a.Text("customer_id") == customerID {
				m.learn(m.order[path][i])
			}
		}
	}
}

// labels are what a session may be found by.
func (m *model) labels() object {
	o := object{}
	if ref := one(m.draw, []string{"", "a", "b"}); ref != "" {
		o["external_reference"] = ref
	}
	pairs := object{}
	for _, key := range []string{"k", "l"} {
		if value := one(m.draw, []string{"", "1", "2"}); value != "" {
			pairs[key] = value
		}
	}
	if len(pairs) > 0 {
		o["metadata"] = pairs
	}
	return o
}

// customer draws one who is there, or nobody.
func (m *model) customer() string {
	if len(m.order[customers]) == 0 || m.draw.IntN(3) == 0 {
		return ""
	}
	i := m.draw.IntN(len(m.order[customers]))
	if m.objects[customers][i] == nil {
		return ""
	}
	return m.order[customers][i]
}

// write does one thing, and ends with a write that says where the log is.
func (m *model) write() {
	m.t.Helper()
	m.b.Clock.Advance(time.Duration(m.draw.IntN(3)) * time.Millisecond)
	one(m.draw, []func(){
		m.createSession, m.createSession, m.pay, m.pay, m.begin, m.begin, m.next, m.next, m.cancel, m.revoke, m.stop, m.save, m.save, m.remove, m.erase,
	})()
	a := m.c.Post(customers, nil).Is(201)
	m.learn(a.Text("id"))
	m.position = a.Header.Get(positionHeader)
}

func (m *model) createSession() {
	o := m.labels()
	if id := m.customer(); id != "" {
		o["options"] = object{"customer_id": id}
	}
	sessionID, _ := m.c.Create(1000, o)
	m.learn(sessionID)
	m.open = append(m.open, sessionID)
}

// take draws one of the open sessions, which is open no more.
func (m *model) take() string {
	if len(m.open) == 0 {
		m.createSession()
	}
	i := m.draw.IntN(len(m.open))
	sessionID := m.open[i]
	m.open = slices.Delete(m.open, i, i+1)
	return sessionID
}

func (m *model) pay() {
	sessionID := m.take()
	checkoutID := m.c.Get(sessions + "/" + sessionID).Is(200).Text("checkout_session_id")
	card := one(m.draw, []string{goodCard, declinedCard, challengeCard})
	m.b.First.Caller(m.t, "").Pay(checkoutID, card).Is(200)
	m.learnSession(sessionID)
	if card == declinedCard {
		m.open = append(m.open, sessionID)
	}
}

func (m *model) begin() {
	options := object{}
	if id := m.customer(); id != "" {
		options["customer_id"] = id
	}
	if m.draw.IntN(2) == 0 {
		options["subscription_options"] = object{}
	}
	s := m.c.Series(1000, goodCard, object{"recurrence": object{"type": "daily", "interval_count": 30}, "max_occurrences": 1 + m.draw.IntN(2)}, options)
	m.learnSession(s.SessionID)
	m.series = append(m.series, s)
}

func (m *model) next() {
	if len(m.series) == 0 {
		m.begin()
	}
	s := one(m.draw, m.series)
	body := s.Next(int64(900 + m.draw.IntN(200))) // some are more than is allowed
	for name, value := range m.labels() {
		body[name] = value
	}
	if a := m.c.Post(sessions, body); a.Status == 201 {
		m.learnSession(a.Text("id"))
	}
}

func (m *model) cancel() {
	sessionID := m.take()
	m.c.Post(sessions+"/"+sessionID+"/cancel", nil).Is(200)
	m.learnSession(sessionID)
}

func (m *model) revoke() {
	if len(m.series) == 0 {
		return
	}
	s := one(m.draw, m.series)
	m.c.Post(mandates+"/"+s.MandateID+"/revoke", nil).Is(200)
	m.learnSession(s.SessionID)
}

// stop pauses or cancels a subscription.
func (m *model) stop() {
	if len(m.order[subscriptions]) == 0 {
		return
	}
	id := one(m.draw, m.order[subscriptions])
	if a := m.c.Post(subscriptions+"/"+id+"/"+one(m.draw, []string{"pause", "resume", "cancel"}), nil); a.Status == 200 {
		m.learnAllOf(a.Text("customer_id"))
	}
}

func (m *model) erase() {
	id := m.customer()
	if id == "" {
		return
	}
	m.c.Delete(customers + "/" + id)
	m.learnAllOf(id)
	m.open = slices.DeleteFunc(m.open, func(sessionID string) bool {
		return m.c.Get(sessions+"/"+sessionID).Is(200).Text("customer_id") == id
	})
}

// remove takes away one of the methods that are saved.
func (m *model) remove() {
	if len(m.series) == 0 {
		return
	}
	s := one(m.draw, m.series)
	m.c.Delete(methods + "/" + s.MethodID)
	m.learnAllOf(s.CustomerID)
}

// save pays and saves the card, of a customer who has others perhaps.
func (m *model) save() {
	options := object{}
	if id := m.customer(); id != "" {
		options["customer_id"] = id
	}
	s := m.c.Saved(1000, goodCard, options)
	m.learnSession(s.SessionID)
}

// filter draws what a list is narrowed by.
func (m *model) filter(k kind) url.Values {
	q := url.Values{}
	if k.statuses != nil && m.draw.IntN(2) == 0 {
		q.Set("status", one(m.draw, k.statuses))
	}
	if k.reference && m.draw.IntN(3) == 0 {
		q.Set("external_reference", one(m.draw, []string{"a", "b", "c"}))
	}
	if k.customer && m.draw.IntN(3) == 0 {
		q.Set("customer_id", one(m.draw, append([]string{noCustomer}, m.order[customers]...)))
	}
	for _, key := range []string{"k", "l"} {
		if k.metadata && m.draw.IntN(4) == 0 {
			q.Set("metadata["+key+"]", one(m.draw, []string{"1", "2"}))
		}
	}
	if len(m.objects[k.path]) == 0 {
		return q
	}
	for _, bound := range []string{"created[gte]", "created[lt]"} {
		if a := one(m.draw, m.objects[k.path]); a != nil && m.draw.IntN(3) == 0 {
			q.Set(bound, a.Text("created_at"))
		}
	}
	return q
}

// matches says whether an object is one that a list shows.
func matches(a *handlerstest.Answer, q url.Values) bool {
	for name, values := range q {
		want := values[0]
		switch name {
		case "created[gte]":
			if a.Text("created_at") < want {
				return false
			}
		case "created[lt]":
			if a.Text("created_at") >= want {
				return false
			}
		case "metadata[k]", "metadata[l]":
			if a.Text("metadata."+name[9:10]) != want {
				return false
			}
		default:
			if a.Text(name) != want {
				return false
			}
		}
	}
	return true
}

// page reads a list to its end, and now and then writes between its pages.
func (m *model) page() {
	m.t.Helper()
	k := one(m.draw, kinds)
	q := m.filter(k)
	list, shown := k.path, q
	if k.path == methods { // listed by whose they are
		id := m.customer()
		if id == "" {
			return
		}
		list, shown = customers+"/"+id+"/payment_methods", maps.Clone(q)
		shown.Set("customer_id", id)
	}
	limit := 1 + m.draw.IntN(4)
	below := len(m.order[k.path]) // the cursor: older than this are still to come
	for cursor := ""; ; {
		var want []string
		var more bool
		for i := len(m.order[k.path]) - 1; i >= 0; i-- {
			a := m.objects[k.path][i]
			if a == nil || cursor != "" && i >= below || !matches(a, shown) {
				continue
			}
			if more = len(want) == limit; more {
				break
			}
			want = append(want, text(a.At("")))
		}
		sent := url.Values{"limit": {strconv.Itoa(limit)}, "min_position": {m.position}}
		for name, values := range q {
			sent[name] = values
		}
		if cursor != "" {
			sent.Set("cursor", cursor)
		}
		path := list + "?" + sent.Encode()
		a := m.c.Get(path).Is(200)
		m.compare(path, a, want)
		if a.At("has_more") != more {
			m.t.Fatalf("%s: has_more is %v, not %t", path, a.At("has_more"), more)
		}
		if cursor = a.Text("next_cursor"); cursor == "" {
			return
		}
		below = slices.Index(m.order[k.path], a.Text(fmt.Sprintf("data.%d.id", a.Len("data")-1)))
		if m.draw.IntN(3) == 0 {
			m.write()
		}
	}
}

func (m *model) compare(path string, a *handlerstest.Answer, want []string) {
	m.t.Helper()
	if a.Len("data") != len(want) {
		m.t.Fatalf("%s lists %d, not %d:\n%s\nnot\n%q", path, a.Len("data"), len(want), a.Body, want)
	}
	for i, w := range want {
		if got := text(a.At(fmt.Sprintf("data.%d", i))); got != w {
			m.t.Fatalf("%s lists\n%s\nnot\n%s", path, got, w)
		}
	}
}
