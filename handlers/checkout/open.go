package checkout

import (
	"bytes"
	"net/http"
	"net/url"
	"time"

	"tender/domain/payment"
	"tender/domain/session"
	"tender/handlers/checkout/page"
	"tender/handlers/payments"
	"tender/handlers/problem"
)

// attemptsLeftShown is from how few attempts on the page says how many are left.
const attemptsLeftShown = 3

// open shows the page.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	v, err := s.loadPage(r)
	if err != nil {
		s.failPage(w, r, v, err)
		return
	}
	shown := s.pageOf(r, v)
	shown.LeadOn = !r.URL.Query().Has(page.StayParam) && shown.Frame == nil
	if back := r.URL.Query().Get(payments.ReturnParam); back != "" && back == shown.AttemptID && shown.State == page.StateRedirecting && v.parent(r) == "" {
		// Back from the bank, whose word may take a while: sending the customer there
		// again would throw them to and fro. The page remembers that when it is opened
		// again.
		shown.State = page.StateProcessing
		shown.PageURL += "?" + payments.ReturnParam + "=" + back
	}
	s.render(w, r, http.StatusOK, shown)
}

// pageOf is the page for the state that the checkout is in.
func (s *Server) pageOf(r *http.Request, v view) page.View {
	st, o := v.session.Value, v.shown.Value
	path := "/checkout/" + v.id
	out := page.View{
		State: v.pageState(v.now()), Test: o.Mode == "test",
		Merchant: v.merchant.Value.Settings.Name, Amount: st.Amount, Currency: st.Currency,
		Reference: st.ExternalReference, ExpiresAt: st.ExpiresAt,
		PageURL: path, PayURL: path + "/attempts", StateURL: path + "/state",
		ReturnURL: returnURL(o.ReturnURL, st.ID), CSRF: s.formToken(v.id), AttemptID: v.attemptID(),
		NextURL: v.actionURL(), Outcome: string(o.PaymentOutcome), Lang: v.locale(),
	}
	if v.clock == nil {
		out.Now = v.now()
	}
	v.showBrand(&out)
	v.showSeries(&out)
	v.showWays(&out)
	if st.Status == session.StatusActive && (!v.inFlight() || v.asked().Kind != "") {
		out.CancelURL = path + "/cancel"
	}
	if left := payment.AttemptsMax - len(st.AttemptIDs); left <= attemptsLeftShown {
		out.AttemptsLeft = max(left, 0)
	}
	state := v.state()
	out.Shown = page.Shown{Status: string(state.Status), Outcome: string(state.PaymentOutcome), NextActionURL: state.nextURL()}
	if e := state.LastPaymentError; e != nil {
		out.LastError = e.ErrorCode
		out.Shown.LastErrorAt = time.Time(e.Timestamp).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	if v.paid != nil && st.Status == session.StatusCompleted {
		out.Receipt = receipt(v)
	}
	v.showFrame(r, &out)
	return out
}

func receipt(v view) page.Receipt {
	out := page.Receipt{PaymentID: v.paid.Value.ID, At: v.session.At}
	switch d := v.paid.Value.PaymentMethodDetails; {
	case d == nil:
	case d.Card != nil:
		out.Scheme, out.Last4 = d.Card.Scheme, d.Card.Last4
	case d.Account != nil:
		out.Kind, out.BankName, out.Phone = string(d.Type), d.Account.BankName, d.Account.Phone
	}
	return out
}

// pageState says which page the session's state is shown as.
func (v *view) pageState(now time.Time) page.State {
	st := v.session.Value
	switch {
	case st.Status == session.StatusCompleted:
		return page.StateSucceeded
	case st.Status == session.StatusCancelled:
		return page.StateCancelled
	case st.Status == session.StatusExpired && len(st.AttemptIDs) >= payment.AttemptsMax:
		return page.StateFailed
	case st.Status == session.StatusExpired:
		return page.StateExpired
	case v.actionURL() != "":
		return page.StateRedirecting
	case v.asked().Kind == payment.ActionApprove:
		return page.StateApproving
	case v.inFlight():
		return page.StateProcessing
	case !now.Before(st.ExpiresAt):
		return page.StateExpired // the worker says so in a moment
	case v.forgotten():
		return page.StateExpired // nobody can pay it any more, and in time it says so
	case v.shown.Value.LastPaymentError != nil:
		return page.StateDeclined
	}
	return page.StateForm
}

// returnURL is the merchant's page with the session's id added to its query.
func returnURL(raw, sessionID string) string {
	u, err := url.Parse(raw)
	if raw == "" || err != nil {
		return ""
	}
	// The query is added to as text: what the merchant wrote stays as it is.
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "session_id=" + sessionID
	return u.String()
}

// failPage shows a person that something is wrong.
func (s *Server) failPage(w http.ResponseWriter, r *http.Request, v view, err error) {
	p := problem.From(err)
	switch {
	case p.Code == problem.NotFound:
		s.render(w, r, http.StatusNotFound, page.View{State: page.StateNotFound})
	case p.Status() >= http.StatusInternalServerError:
		s.Log.ErrorContext(r.Context(), "checkout failed", "route", r.Pattern, "code", p.Code, "error", err)
		s.refuse(w, r, v, p.Status(), page.ProblemUnavailable)
	case p.Code == problem.TooManyRequests:
		p.SetRetryAfter(w.Header())
		s.refuse(w, r, v, p.Status(), page.ProblemTooManyRequests)
	default:
		s.refuse(w, r, v, p.Status(), page.ProblemBadForm)
	}
}

// refuse shows why a form was not taken.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, v view, status int, why page.Problem) {
	shown := page.View{State: page.StateProblem, Problem: why}
	if v.session != nil {
		shown = s.pageOf(r, v)
		shown.State, shown.Problem = page.StateProblem, why
	}
	s.render(w, r, status, shown)
}

func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, v page.View) {
	v.Nonce = page.NewNonce()
	if v.Lang == "" {
		v.Lang = page.Language("", r.Header.Get("Accept-Language"))
	}
	var out bytes.Buffer
	if err := page.Render(&out, v); err != nil {
		s.fail(w, r, err)
		return
	}
	page.SetHeaders(w.Header(), v.Nonce, v.FrameAncestors)
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}
