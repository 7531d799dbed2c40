package projections_test

import (
	"strings"
	"testing"

	"tender/eventstore"
	"tender/projections"
)

// cats is the toy projection of streams that hardly any event is of.
func cats() projections.Keyed[total] {
	return toys("cats", func(k *projections.Keyed[total]) {
		k.Keys = func(e eventstore.Event) ([]string, error) {
			if strings.HasPrefix(e.Stream, "cat_") {
				return []string{e.Stream}, nil
			}
			return nil, nil
		}
	})
}

// A projection that few events concern is where the others are, for its own process
// and for others, and misses nothing.
func TestAQuietProjectionKeepsUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	quiet := cats()
	p := b.process(toys("toys"), quiet)
	for round := range 3 {
		b.write(200)
		b.append("cat_1", round, 1, false)
		b.write(50)
		head, _, err := b.store.Head(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for who, cursors := range map[string]*projections.Cursors{"its own process": p.cursors, "another": projections.NewCursors(b.store)} {
			eventually(t, who+" sees it caught up", func() bool { return cursors.WaitFor(b.ctx, "cats", head) == nil })
		}
		b.holds(quiet)
	}
	if s := p.reader.State(); s.Forged != 0 {
		t.Errorf("%d alarms", s.Forged)
	}
}

// A message that no log holds is found out, though it concerns nothing.
func TestAForgedMessageThatConcernsNothingIsFoundOut(t *testing.T) {
	t.Parallel()
	b := setupWithoutRelay(t)
	stop := b.relay()
	quiet := cats()
	p := b.process(quiet)
	b.write(20)
	b.append("cat_1", 0, 1, false)
	b.holds(quiet)
	b.inStream(21)
	stop()
	_, hash, err := b.store.Head(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	e := b.log()[20]
	e.Position, e.Stream, e.Version, e.Payload = 22, "toy_forged", 1, []byte(`{"amount": 1000000}`)
	e.Hash = eventstore.ChainHash(hash, e)
	b.publish(e)
	eventually(t, "the forgery is noticed", func() bool { return p.reader.State().Forged > 0 })
	b.relay()
	b.append("cat_1", 1, 1, false)
	b.holds(quiet)
}
