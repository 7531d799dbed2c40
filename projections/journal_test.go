package projections_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/journal"
	"tender/domain/payment"
	"tender/eventstore"
	"tender/projections"
)

// purchases are payments of several merchants to which things happen, one event at a
// time, in the log.
type purchases struct {
	*bundle
	rand  *rand.Rand
	all   []*purchase
	start time.Time
}

type purchase struct {
	id, merchantID string
	version        int
	state          payment.State
}

func (p *purchases) say(q *purchase, effective time.Time, events ...payment.Event) {
	p.t.Helper()
	c := eventstore.Command{
		ID: uuid.Must(uuid.NewV7()), MerchantID: q.merchantID, Actor: domain.Actor{Kind: domain.ActorAcquirer, ID: "simulator"},
		Expect: []eventstore.Expectation{{Stream: q.id, Version: q.version}},
	}
	for _, e := range events {
		said := payment.Codec.Encode(e)
		c.Events = append(c.Events, eventstore.NewEvent{
			Stream: q.id, Type: said.Type, SchemaVersion: said.SchemaVersion, ID: uuid.Must(uuid.NewV7()),
			At: time.Now().UTC().Truncate(time.Millisecond), EffectiveAt: effective, Payload: said.Payload,
		})
		q.state = payment.Evolve(q.state, q.id, e)
	}
	if _, err := p.store.Append(p.ctx, c); err != nil {
		p.t.Fatalf("append: %v", err)
	}
	q.version += len(events)
}

// begin adds a payment: reserved, or sold at once.
func (p *purchases) begin(merchantID, currency string, how payment.CaptureMethod) {
	q := &purchase{id: id.Format(id.Payment, uuid.Must(uuid.NewV7())), merchantID: merchantID}
	key := q.id + "-1"
	begun := payment.Initiated{SessionID: "ps_1", Amount: 1000, Currency: currency, CaptureMethod: how, Intent: payment.IntentPayment}
	p.say(q, time.Time{}, begun, payment.AttemptStarted{AttemptID: "att_1", Number: 1, Key: key})
	switch {
	case p.rand.IntN(6) == 0:
		p.say(q, p.effective(), payment.AttemptFailed{AttemptID: "att_1"})
		if p.rand.IntN(2) == 0 {
			p.say(q, p.effective(), payment.Contradicted{Key: key, Performed: true, Amount: 1000, Currency: currency},
				q.state.ReverseContradicted(uuid.Must(uuid.NewV7()), 1000, "late", time.Now()))
		}
	case how == payment.CaptureManual:
		p.say(q, p.effective(), payment.Authorised{AttemptID: "att_1", Amount: 1000, Currency: currency, Reference: "=auth"})
	default:
		p.say(q, p.effective(), payment.Paid{AttemptID: "att_1", Amount: 1000, Currency: currency, Reference: "paid"})
	}
	p.all = append(p.all, q)
}

// effective is when the acquirer dates something: sometimes it doesn't.
func (p *purchases) effective() time.Time {
	if p.rand.IntN(3) == 0 {
		return time.Time{}
	}
	return p.start.Add(-time.Duration(p.rand.IntN(1000)) * time.Minute)
}

// goOn has something happen to one of the payments.
func (p *purchases) goOn() {
	q := p.all[p.rand.IntN(len(p.all))]
	now := domain.Moment{At: time.Now(), Wall: time.Now()}
	part := int64(p.rand.IntN(400))
	commands := []payment.Command{
		payment.Capture{ID: uuid.Must(uuid.NewV7()), Amount: part, Now: now},
		payment.Refund{ID: uuid.Must(uuid.NewV7()), Amount: part, Now: now},
	}
	if p.rand.IntN(4) == 0 {
		commands = append(commands, payment.Void{ID: uuid.Must(uuid.NewV7()), Now: now})
	}
	for _, op := range slices.Concat(q.state.Pending, q.state.Answered) {
		commands = append(commands, payment.SettleOperation{
			ID: uuid.Must(uuid.NewV7()), Key: op.Key, Performed: p.rand.IntN(3) > 0, Reference: "ref " + op.ID,
			Failure: decline.New(decline.ProcessingError, ""), Now: now,
		})
	}
	events, err := payment.Decide(q.state, commands[p.rand.IntN(len(commands))])
	if err == nil && len(events) > 0 {
		p.say(q, p.effective(), events...)
	}
}

// entries folds the whole log in memory.
func (p *purchases) entries() []projections.JournalEntry {
	p.t.Helper()
	states := map[string]journal.State{}
	var all []projections.JournalEntry
	for _, e := range p.log() {
		if id.PrefixOf(e.Stream) != id.Payment {
			continue
		}
		said, err := payment.Codec.Decode(e.Type, e.SchemaVersion, e.Payload)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, entry := range journal.Entries(states[e.Stream], journal.Source{
			Position: e.Position, EventID: e.ID, MerchantID: e.MerchantID, PaymentID: e.Stream, Recorded: e.RecordedAt, Effective: e.EffectiveAt,
		}, said) {
			all = append(all, projections.JournalEntry{Entry: entry, EventType: e.Type, Actor: e.Actor})
		}
		states[e.Stream] = journal.Evolve(states[e.Stream], said)
	}
	return all
}

func fill(t *testing.T, b *bundle, events int) *purchases {
	p := &purchases{bundle: b, rand: rand.New(rand.NewPCG(7, uint64(events))), start: time.Now().UTC().Truncate(time.Millisecond)}
	for range events / 20 {
		p.begin(fmt.Sprintf("mer_%d", p.rand.IntN(3)), []string{"ZAR", "JPY"}[p.rand.IntN(2)],
			[]payment.CaptureMethod{payment.CaptureManual, payment.CaptureAutomatic}[p.rand.IntN(2)])
	}
	for range events {
		p.goOn()
		if p.rand.IntN(10) == 0 {
			b.append("toy_"+uuid.NewString(), 0, 1, false) // of no payment, and of no type that this build knows
		}
	}
	return p
}

// The read model holds exactly what a fold of the log says, whatever the batches; and
// what is asked of it is what adding up by hand gives.
func TestTheJournalIsAFoldOfTheLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.process(projections.Journal())
	p := fill(t, b, 600)
	b.reaches(projections.JournalName)
	want := p.entries()
	if len(want) < 300 {
		t.Fatalf("the log makes %d entries only", len(want))
	}
	journalReader := projections.NewJournalReader(b.store.Pool(), b.store.Log())
	head := int64(len(b.log()))
	everything := projections.JournalQuery{UpTo: head}
	p.reads(journalReader, "all", everything, want)

	effective := everything
	effective.Basis = projections.BasisEffective
	effective.From, effective.Before = p.start.Add(-600*time.Minute), p.start.Add(-200*time.Minute)
	byTime := slices.DeleteFunc(slices.Clone(want), func(e projections.JournalEntry) bool {
		return e.Effective.Before(effective.From) || !e.Effective.Before(effective.Before)
	})
	slices.SortStableFunc(byTime, func(a, b projections.JournalEntry) int { return a.Effective.Compare(b.Effective) })
	p.reads(journalReader, "by effective time", effective, byTime)

	middle := want[len(want)/2].Position
	for name, q := range map[string]projections.JournalQuery{
		"of one merchant":      {UpTo: head, Merchants: []string{"mer_1"}},
		"of two merchants":     {UpTo: head, Merchants: []string{"mer_0", "mer_2"}},
		"of none":              {UpTo: head, Merchants: []string{}},
		"up to a position":     {UpTo: middle},
		"beyond a position":    {After: middle, UpTo: head},
		"between two":          {After: middle - 50, UpTo: middle},
		"on an account":        {UpTo: head, Account: journal.Suspense},
		"of a payment":         {UpTo: head, PaymentID: want[0].PaymentID},
		"in a currency":        {UpTo: head, Currency: "JPY"},
		"of a merchant's, too": {UpTo: middle, Merchants: []string{"mer_1"}, Account: journal.MerchantPayable},
	} {
		p.reads(journalReader, name, q, slices.DeleteFunc(slices.Clone(want), func(e projections.JournalEntry) bool {
			return e.Position <= q.After || e.Position > q.UpTo || q.Merchants != nil && !slices.Contains(q.Merchants, e.MerchantID) ||
				q.Account != "" && e.Account != q.Account || q.PaymentID != "" && e.PaymentID != q.PaymentID ||
				q.Currency != "" && e.Currency != q.Currency
		}))
	}
	for position := int64(0); position <= head; position += 37 {
		p.balances(journalReader, position)
	}
}

// reads compares what a query gives, and its sums, with what it should.
func (p *purchases) reads(r *projections.JournalReader, name string, q projections.JournalQuery, want []projections.JournalEntry) {
	p.t.Helper()
	var got []projections.JournalEntry
	all := func(e projections.JournalEntry) (bool, error) { got = append(got, e); return true, nil }
	if err := r.Each(p.ctx, q, projections.JournalPlace{}, all); err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	if len(got) != len(want) {
		p.t.Fatalf("%s: %d entries, not %d", name, len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			p.t.Fatalf("%s: entry %d is\n%+v, not\n%+v", name, i, got[i], want[i])
		}
	}
	if n := len(want); n > 2 { // from a place on, up to another
		var some []projections.JournalEntry
		err := r.Each(p.ctx, q, want[n/3].Place(), func(e projections.JournalEntry) (bool, error) {
			some = append(some, e)
			return len(some) < n/3, nil
		})
		if end := n/3 + 1 + max(n/3, 1); err != nil || !reflect.DeepEqual(some, want[n/3+1:end]) {
			p.t.Errorf("%s: %d entries from the middle on, %v", name, len(some), err)
		}
	}
	sums := map[string]int64{}
	for _, e := range want {
		sums[e.Currency+" "+string(e.Account)] += e.Amount
	}
	balances, err := r.Balances(p.ctx, q)
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	if len(balances) != len(sums) {
		p.t.Errorf("%s: %d balances, not %d", name, len(balances), len(sums))
	}
	for _, b := range balances {
		if key := b.Currency + " " + string(b.Account); b.Net().Cmp(big.NewInt(sums[key])) != 0 {
			p.t.Errorf("%s: %s is %s, not %d", name, key, b.Net(), sums[key])
		}
	}
}

// balances holds that all accounts together are in balance at a position.
func (p *purchases) balances(r *projections.JournalReader, position int64) {
	p.t.Helper()
	all, err := r.Balances(p.ctx, projections.JournalQuery{UpTo: position})
	if err != nil {
		p.t.Fatal(err)
	}
	sums := map[string]*big.Int{}
	for _, b := range all {
		if sums[b.Currency] == nil {
			sums[b.Currency] = new(big.Int)
		}
		sums[b.Currency].Add(sums[b.Currency], b.Net())
	}
	for currency, sum := range sums {
		if sum.Sign() != 0 {
			p.t.Errorf("at %d, %s is out of balance by %s", position, currency, sum)
		}
	}
}

// Made anew, payment by payment, it is to the byte what it was when it was kept event by
// event; and goes on as that does.
func TestTheJournalIsMadeAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.process(projections.Journal())
	fill(t, b, 200)
	b.reaches(projections.JournalName)
	n := b.rebuild(b.runner(projections.Journal()), projections.JournalName)
	if s := b.status(projections.JournalName, n); s.Done == 0 || s.Done != s.Total {
		t.Errorf("it was not filled by stream: %+v", s)
	}
	fill(t, b, 50)
	head, _, err := b.store.Head(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, generation := range []int{1, n} {
		eventually(t, "both generations are fed", func() bool { return b.status(projections.JournalName, generation).Position == head })
	}
	for _, table := range []string{projections.JournalName, projections.JournalPaymentsName} {
		if kept, anew := b.dump(table, 1), b.dump(table, n); kept != anew || kept == "" {
			t.Errorf("%s made anew differs from what was kept:\n%s\n%s", table, anew, kept)
		}
	}
}

// Nothing is set aside: an entry that is missing would be money that is missing.
func TestTheJournalStopsAtWhatItCannotRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.process(projections.Journal())
	p := fill(t, b, 40)
	b.reaches(projections.JournalName)
	q := p.all[0]
	poison := eventstore.Command{
		ID: uuid.Must(uuid.NewV7()), MerchantID: q.merchantID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "test"},
		Expect: []eventstore.Expectation{{Stream: q.id, Version: q.version}},
		Events: []eventstore.NewEvent{{
			Stream: q.id, Type: "payment.captured", SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()), At: time.Now().UTC().Truncate(time.Millisecond),
			Payload: []byte(`{"amount":"a lot"}`),
		}},
	}
	if _, err := b.store.Append(b.ctx, poison); err != nil {
		t.Fatal(err)
	}
	head := int64(len(b.log()))
	eventually(t, "the journal stops", func() bool { return b.status(projections.JournalName, 1).State == projections.Stopped })
	if at := b.status(projections.JournalName, 1).Position; at != head-1 {
		t.Errorf("it stops at %d, not before %d", at, head)
	}
	n := b.rebuild(b.runner(projections.Journal()), projections.JournalName)
	eventually(t, "it stops there when it is made anew, too", func() bool { return b.status(projections.JournalName, n).State == projections.Stopped })
	if at := b.status(projections.JournalName, n).Position; at != head-1 {
		t.Errorf("made anew, it stops at %d, not before %d", at, head)
	}
	if b.dump(projections.JournalName, n) != b.dump(projections.JournalName, 1) {
		t.Error("what was made anew is not what was kept")
	}
	p.leavesOut(n, q, head)
}

// leavesOut has generation n of the journal, which stands at a position, go on without
// it; a decision that it can't follow stops it again. Then it leaves out an event that it
// has taken in, and takes it in again.
func (p *purchases) leavesOut(n int, q *purchase, position int64) {
	b, t := p.bundle, p.t
	t.Helper()
	cursors, k := projections.NewCursors(b.store), projections.JournalName
	resume := func() {
		t.Helper()
		if err := cursors.Resume(b.ctx, k); err != nil {
			t.Fatal(err)
		}
	}
	stops := func() {
		t.Helper()
		eventually(t, "it stops", func() bool { return b.status(k, n).State == projections.Stopped })
	}
	before := b.dump(k, n)
	b.decide(k, skip(q.id, position))
	resume()
	b.reaches(k)
	if b.dump(k, n) != before {
		t.Error("what is left out has left entries")
	}
	b.decide(k, restore(q.id, position))
	stops()
	b.decide(k, skip(q.id, position))
	resume()
	b.reaches(k)
	if b.dump(k, n) != before || b.setAside(k, n) != "" {
		t.Errorf("it holds others, or has set aside %q", b.setAside(k, n))
	}
	log := b.log()
	i := slices.IndexFunc(log, func(e eventstore.Event) bool { return e.Type == "payment.captured" && e.Position != position })
	b.decide(k, skip(log[i].Stream, log[i].Position))
	b.reaches(k)
	if b.dump(k, n) == before {
		t.Error("the capture that is left out stands there still")
	}
	b.decide(k, restore(log[i].Stream, log[i].Position))
	b.reaches(k)
	if b.dump(k, n) != before {
		t.Error("taken in again, it is not as before")
	}
}
