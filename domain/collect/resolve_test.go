package collect_test

import (
	"errors"
	"time"

	"pgregory.net/rapid"

	"tender/domain/collect"
	"tender/domain/id"
	"tender/domain/payment"
)

// operators are those who may say what became of a call.
var operators = []string{"stf_1", "stf_2", "stf_3"}

// resolution is what somebody has said of a call, as a naive book keeps it.
type resolution struct {
	call      *call
	performed bool
	by        string
	ended     string // by whom it was confirmed or rejected
	confirmed bool
}

// waits reports whether a second person may still agree.
func (r *resolution) waits() bool { return r.ended == "" && r.call.verdict == open }

// unresolved reports whether a call has gone unanswered for a day.
func (m *machine) unresolved(c *call) bool {
	by := c.answerBy
	if c.kind == "" && m.p.WaitsForCustomer() {
		by = m.p.Attempt.ActionBy
	}
	return c.verdict == open && !m.now.Wall.Before(by.Add(payment.UnresolvedAfter))
}

// aDayPasses lets nobody answer for a day; the object's own clock may stand still.
func (m *machine) aDayPasses(t *rapid.T) {
	if m.attemptInFlight() == nil && !m.anyOperation() {
		return // nothing is in flight
	}
	const day = 24*time.Hour + time.Minute
	m.now.Wall = m.now.Wall.Add(day)
	if rapid.Bool().Draw(t, "its clock, too") {
		m.now.At = m.now.At.Add(day)
	}
	m.propose(t)
}

// propose lets somebody say what became of a call.
func (m *machine) propose(t *rapid.T) {
	if len(m.calls) == 0 {
		return // nothing was asked
	}
	m.commands++
	c := rapid.SampledFrom(m.calls).Draw(t, "call")
	if c.kind == "" && c != m.attemptInFlight() {
		return // of an attempt that is over the book has no id
	}
	r := &resolution{call: c, performed: rapid.Bool().Draw(t, "performed"), by: rapid.SampledFrom(operators).Draw(t, "by")}
	v := payment.Verdict{OperationID: c.id, Performed: r.performed}
	if c.kind == "" {
		v.OperationID = m.p.Attempt.ID
	}
	switch {
	case !r.performed:
		v.Failure = &declined
	case c.kind == "" && m.h.method == payment.CaptureManual:
		v.Reference, v.ExpiresAt = "by-hand", noon.Add(authEnds)
	default:
		v.Reference = "by-hand"
	}
	var want error
	pending := m.pendingFor(c)
	switch {
	case !m.unresolved(c):
		want = payment.ErrNotUnresolved
	case pending != nil && (pending.by != r.by || pending.performed != r.performed):
		want = payment.ErrResolutionPending
	}
	events, err := payment.Decide(m.p, payment.ProposeResolution{ID: commandID(m.commands), Verdict: v, Reason: "seen there", By: r.by, Now: m.now})
	switch {
	case errors.Is(err, payment.ErrTooManyProposed) && len(m.resolutions) >= payment.ResolutionsMax:
		return
	case !errors.Is(err, want):
		t.Fatalf("a proposal is answered %v, not %v", err, want)
	case err == nil && (len(events) == 0) != (pending != nil):
		t.Fatalf("a proposal gives %v, and %v waits", events, pending)
	case len(events) > 0:
		m.resolutions = append(m.resolutions, r)
		m.resolutionIDs = append(m.resolutionIDs, id.Format(id.Resolution, commandID(m.commands)))
	}
	m.record(t, m.onPayment(t, events))
}

func (m *machine) pendingFor(c *call) *resolution {
	for _, r := range m.resolutions {
		if r.call == c && r.waits() {
			return r
		}
	}
	return nil
}

// confirm lets somebody agree: what comes of it is what the acquirer's word gives.
func (m *machine) confirm(t *rapid.T) {
	if len(m.resolutions) == 0 {
		return // nothing was proposed
	}
	i := rapid.IntRange(0, len(m.resolutions)-1).Draw(t, "resolution")
	if rapid.IntRange(0, 3).Draw(t, "any") > 0 {
		i = len(m.resolutions) - 1
	}
	r, by := m.resolutions[i], rapid.SampledFrom(operators).Draw(t, "by")
	events, err := payment.Decide(m.p, payment.ConfirmResolution{ResolutionID: m.resolutionIDs[i], By: by, Now: m.now})
	if err == nil && len(events) > 0 && (r.by == by || !r.waits() || !m.unresolved(r.call)) {
		t.Fatalf("%s confirms what %s has said of %+v", by, r.by, r.call)
	}
	if r.by != by && r.waits() && m.unresolved(r.call) && (err != nil || len(events) != 1) {
		t.Fatalf("%s can't confirm what %s has said: %v", by, r.by, err)
	}
	m.record(t, m.onPayment(t, events))
	if len(events) == 0 {
		return
	}
	r.ended, r.confirmed = by, true
	switch {
	case r.call.kind != "":
		m.settleAs(t, r.call.key, r.performed)
	case r.performed:
		m.word(t, r.call.key, collect.OutcomeApproved)
	default:
		m.word(t, r.call.key, collect.OutcomeDeclined)
	}
}

// reject lets somebody turn down what was proposed.
func (m *machine) reject(t *rapid.T) {
	if len(m.resolutions) == 0 {
		return // nothing was proposed
	}
	i := rapid.IntRange(0, len(m.resolutions)-1).Draw(t, "resolution")
	r, by := m.resolutions[i], rapid.SampledFrom(operators).Draw(t, "by")
	events, err := payment.Decide(m.p, payment.RejectResolution{ResolutionID: m.resolutionIDs[i], By: by})
	if r.waits() != (len(events) == 1) {
		t.Fatalf("%+v is rejected: %v, %v", r, events, err)
	}
	if len(events) > 0 {
		r.ended = by
	}
	m.record(t, m.onPayment(t, events))
}

// checkResolutions holds that nobody agrees with themselves, and that of one call at
// most one resolution counts.
func (m *machine) checkResolutions(t *rapid.T) {
	counts := map[string]int{}
	for i, r := range m.p.Resolutions {
		b := m.resolutions[i]
		want := payment.ResolutionStatusProposed
		switch {
		case b.confirmed:
			want = payment.ResolutionStatusConfirmed
		case b.ended != "":
			want = payment.ResolutionStatusRejected
		case b.call.verdict != open:
			want = payment.ResolutionStatusLapsed
		}
		if r.Status != want || r.EndedBy != b.ended {
			t.Fatalf("a resolution is %+v, by the book %s", r, want)
		}
		if r.Status == payment.ResolutionStatusConfirmed && r.EndedBy == r.By {
			t.Fatalf("%s has confirmed their own word", r.By)
		}
		if r.Status == payment.ResolutionStatusProposed || r.Status == payment.ResolutionStatusConfirmed {
			counts[r.Verdict.Key]++
		}
		if counts[r.Verdict.Key] > 1 {
			t.Fatalf("two resolutions of %s count", r.Verdict.Key)
		}
	}
}
