package ops

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"tender/domain/id"
	"tender/domain/payment"
	role "tender/domain/staff"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/handlers/staff"
	"tender/projections"
)

// registerPayments adds what can be asked about payments that an acquirer leaves
// unresolved. A key for listed merchants reaches theirs.
func (s *Server) registerPayments(desk *staff.Desk) {
	add := func(pattern string, h staff.Handler) {
		desk.Handle(staff.Route{Pattern: pattern, Role: role.RoleOperator, Handler: h})
	}
	add("GET /ops/payments/unresolved", s.listUnresolved)
	add("GET /ops/payments/{id}", s.about(http.StatusOK, s.look))
	add("POST /ops/payments/{id}/ask", s.about(http.StatusOK, s.ask))
	add("POST /ops/payments/{id}/resolutions", s.about(http.StatusCreated, s.propose))
	add("POST /ops/payments/{id}/resolutions/{resolution}/confirm", s.about(http.StatusOK, s.confirm))
	add("POST /ops/payments/{id}/resolutions/{resolution}/reject", s.about(http.StatusOK, s.reject))
}

// listUnresolved lists payments that have been unresolved for a day, the longest wait
// first. The read model finds them; what each waits for, its stream says.
func (s *Server) listUnresolved(w http.ResponseWriter, r *staff.Request) error {
	limit, after := r.Query.Limit(), readPlace(r)
	if err := r.Done(); err != nil {
		return err
	}
	m := s.modes[r.Mode]
	g := m.Payments.Engine
	wall := g.Now().Wall
	rows, err := projections.NewLists(g.Store.Pool(), g.Store.Log()).Unresolved(r.Context(), projections.UnresolvedQuery{
		Merchants: r.Merchants, Until: wall.Add(-payment.UnresolvedAfter), After: after, Limit: limit,
	})
	if err != nil {
		return err
	}
	page := unresolvedPage{Data: []unresolved{}, HasMore: len(rows) > limit}
	rows = rows[:min(len(rows), limit)]
	refs := make([]engine.Ref, len(rows))
	streams := make([]*engine.Stream[payment.State], len(rows))
	for i, row := range rows {
		streams[i] = g.Payments.Ref(row.PaymentID)
		refs[i] = streams[i]
	}
	if page.HasMore {
		page.NextCursor = placeText(rows[len(rows)-1])
	}
	if err := g.Refresh(r.Context(), refs...); err != nil {
		return err
	}
	for _, stream := range streams {
		if anyUnresolved(stream.Value, wall) {
			page.Data = append(page.Data, showUnresolved(stream.Loaded, wall))
		}
	}
	if err := m.countInquiries(r.Context(), page.Data); err != nil {
		return err
	}
	return staff.JSON(w, http.StatusOK, page)
}

func anyUnresolved(p payment.State, wall time.Time) bool {
	for _, c := range p.Calls() {
		if c.Unresolved(wall) {
			return true
		}
	}
	return false
}

// placeText writes where the next page begins: staff may see times.
func placeText(row projections.UnresolvedRow) string {
	return fmt.Sprintf("%d.%s", row.Since.UnixMicro(), row.PaymentID)
}

func readPlace(r *staff.Request) projections.UnresolvedRow {
	raw := r.Query.Text("cursor")
	if raw == "" {
		return projections.UnresolvedRow{}
	}
	var micros int64
	first, paymentID, _ := strings.Cut(raw, ".")
	if n, err := fmt.Sscanf(first, "%d", &micros); n != 1 || err != nil || !id.Valid(id.Payment, paymentID) {
		r.Query.Wrong("cursor", problem.InvalidToken, "This is no cursor of a page.")
	}
	return projections.UnresolvedRow{PaymentID: paymentID, Since: time.UnixMicro(micros).UTC()}
}

// about answers with a payment as it stands after do has done what was asked of it.
func (s *Server) about(status int, do func(http.ResponseWriter, *staff.Request, Mode, string) ([]asked, error)) staff.Handler {
	return func(w http.ResponseWriter, r *staff.Request) error {
		m := s.modes[r.Mode]
		stream := m.Payments.Engine.Payments.Ref(r.PathValue("id"))
		if !id.Valid(id.Payment, stream.ID) {
			return errNoPayment
		}
		if err := r.Done(); err != nil {
			return err
		}
		if err := m.Payments.Engine.Refresh(r.Context(), stream); err != nil {
			return err
		}
		if !stream.Value.Exists() || !r.Covers(stream.MerchantID) {
			return errNoPayment
		}
		answers, err := do(w, r, m, stream.ID)
		if err != nil {
			return err
		}
		if err := m.Payments.Engine.Refresh(r.Context(), stream); err != nil {
			return err
		}
		shown := []unresolved{showUnresolved(stream.Loaded, m.Payments.Engine.Now().Wall)}
		if err := m.countInquiries(r.Context(), shown); err != nil {
			return err
		}
		shown[0].Resolutions = showResolutions(stream.Value)
		shown[0].Asked = answers
		return staff.JSON(w, status, shown[0])
	}
}

var errNoPayment = problem.New(problem.NotFound, "There is no such payment.")
