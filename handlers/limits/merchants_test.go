package limits_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tender/handlers/handlerstest"
	"tender/handlers/limits"
)

// turns lists how a merchant was slowed and released, as its stream says.
func (b *bundle) turns(merchantID string) []string {
	b.t.Helper()
	events, err := b.First.Test.Engine.Store.Stream(b.t.Context(), merchantID)
	if err != nil {
		b.t.Fatal(err)
	}
	var all []string
	for _, e := range events {
		if e.Type == "merchant.slowed" || e.Type == "merchant.released" {
			all = append(all, strings.TrimPrefix(e.Type, "merchant."))
		}
	}
	return all
}

func (b *bundle) turnsAre(merchantID string, want ...string) {
	b.t.Helper()
	handlerstest.Eventually(b.t, "the turns are "+strings.Join(want, ", "), func() bool {
		got := b.turns(merchantID)
		if len(got) > len(want) {
			b.t.Fatalf("the turns are %q", got)
		}
		return slices.Equal(got, want)
	})
}

// slowing bears so few that a test gets there.
func slowing() limits.Limits {
	return only(func(l *limits.Limits) { l.AttemptsJudged, l.SlowedPerMinute = 10, 2 })
}

// A merchant is slowed when more than half of its customers' attempts fail, whichever
// processes they come to; is told once; and is released when they no longer do.
func TestAMerchantIsSlowed(t *testing.T) {
	t.Parallel()
	b := setup(t, slowing())
	other := b.Process()
	m := b.Merchant("test")
	b.merchant = b.First.Caller(t, m.Secret)
	rival := b.First.Caller(t, b.Merchant("test").Secret)

	for i := range 10 {
		number, at := declines, b.customer
		if i%3 == 0 {
			number = visa
		}
		if i%2 == 1 {
			at = at.On(other)
		}
		at.Post("/checkout/"+b.sells()+"/attempts", handlerstest.Card(number), handlerstest.From(here)).Is(http.StatusOK)
	}
	b.turnsAre(m.ID, "slowed")

	// The first takes the place that is free; the others wait, in every process.
	b.pays(visa, there).Is(http.StatusOK).Shows(handlerstest.Object{"status": "completed"})
	checkoutID := b.sells()
	wait := b.refused(b.tries(checkoutID, visa, there))
	b.refused(b.customer.On(other).Post("/checkout/"+checkoutID+"/attempts", handlerstest.Card(visa), handlerstest.From(there)))
	if wait > 30*time.Second {
		t.Errorf("with two places a minute the wait is %s", wait)
	}
	_, elsewhere := rival.Create(10_000)
	b.tries(elsewhere, visa, here).Is(http.StatusOK)
	b.Clock.Advance(wait)
	b.tries(checkoutID, visa, there).Is(http.StatusOK).Shows(handlerstest.Object{"status": "completed"})
	// Refused attempts are none: they make nothing better, nor worse.
	b.turnsAre(m.ID, "slowed")

	// What came before is judged no more, and nobody fails any longer.
	b.Clock.Advance(limits.JudgedWindow + 10*time.Second)
	b.turnsAre(m.ID, "slowed", "released")
	for range 3 {
		b.pays(visa, there).Is(http.StatusOK)
	}
}

// Half of the attempts may fail, and so may all of a few.
func TestAMerchantIsNotSlowed(t *testing.T) {
	t.Parallel()
	b := setup(t, slowing())
	m, few, many := b.Merchant("test"), b.Merchant("test"), b.Merchant("test")
	for _, c := range []struct {
		of    *handlerstest.Merchant
		cards []string
	}{
		{m, slices.Repeat([]string{visa, declines}, 5)},
		{few, slices.Repeat([]string{declines}, 9)},
		{many, slices.Repeat([]string{declines}, 10)},
	} {
		b.merchant = b.First.Caller(t, c.of.Secret)
		for _, number := range c.cards {
			b.pays(number, here).Is(http.StatusOK)
		}
	}
	b.turnsAre(many.ID, "slowed") // whoever is judged last was judged after the others
	b.turnsAre(m.ID)
	b.turnsAre(few.ID)
}
