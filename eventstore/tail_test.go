package eventstore_test

import (
	"sync"
	"testing"

	"tender/eventstore"
)

// TestATailReaderAgainstThreeWriters reads the end of the log while three other
// processes write: what it sees are the positions one by one, each once, and what
// it saw is what the log holds.
func TestATailReaderAgainstThreeWriters(t *testing.T) {
	b := setup(t)
	var writers []*process
	for range 3 {
		writers = append(writers, start(t, job{URL: b.AppURL, Name: "write", Callers: 4, Streams: []string{"shared_1", "shared_2"}}))
	}
	var wg sync.WaitGroup
	reports := make([][]report, len(writers))
	for i, w := range writers {
		wg.Go(func() { reports[i] = w.rest(t) })
	}
	want := int64(short(3000, 50_000))
	var seen []eventstore.Event
	limits := []int{1, 7, 100, 1000}
	eventually(t, "the writers get on", func() bool {
		// Without a pause while there is more: the edge is where a reader errs.
		for turn := 0; ; turn++ {
			page, err := b.store.After(b.ctx, int64(len(seen)), limits[turn%len(limits)])
			if err != nil {
				t.Fatalf("read: %+v", err)
			}
			seen = append(seen, page...)
			if len(page) == 0 {
				return int64(len(seen)) >= want
			}
			if int64(len(seen)) >= want {
				return true
			}
		}
	})
	for _, w := range writers {
		_ = w.in.Close()
	}
	wg.Wait()

	checkLog(t, seen)
	for i, e := range events(t, b.store)[:len(seen)] {
		if e.Hash != seen[i].Hash {
			t.Fatalf("position %d was read as %+v, the log holds %+v", i+1, seen[i], e)
		}
	}
	acknowledged := make(map[string]eventstore.Result)
	for i := range reports {
		if len(reports[i]) == 0 {
			t.Errorf("writer %d wrote nothing", i)
		}
		keep(t, acknowledged, reports[i])
	}
	checkAcknowledged(t, b.store, acknowledged)
}

func keep(t *testing.T, acknowledged map[string]eventstore.Result, reports []report) {
	t.Helper()
	for _, r := range reports {
		if r.Error != "" {
			t.Errorf("append: %s", r.Error)
			continue
		}
		acknowledged[r.Command.String()] = r.Result
	}
}
