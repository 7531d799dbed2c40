package checkout

import (
	"context"
	"net/http"

	"github.com/cockroachdb/errors"

	"tender/domain/collect"
	"tender/domain/method"
	"tender/domain/session"
	"tender/handlers/body"
	"tender/handlers/checkout/page"
	"tender/handlers/payments"
	"tender/handlers/problem"
)

// attempt takes a customer's try to pay, as JSON or as the page's own form.
func (s *Server) attempt(w http.ResponseWriter, r *http.Request) {
	if isForm(r) {
		s.attemptForm(w, r)
		return
	}
	ctx := r.Context()
	in, err := readAttempt(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v, err := s.load(ctx, r.PathValue("checkout"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.pay(ctx, r, v, in); err != nil {
		s.fail(w, r, err)
		return
	}
	s.showState(w, r)
}

// showState answers with the state after something was done.
func (s *Server) showState(w http.ResponseWriter, r *http.Request) {
	v, err := s.load(r.Context(), r.PathValue("checkout"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.encode(w, r, v)
}

// attemptInput is a try to pay, as it was typed.
type attemptInput struct {
	attemptID string
	card      method.CardInput
}

// pay checks the card and tries to pay with it. A mistyped card is refused
// before anything is appended.
func (s *Server) pay(ctx context.Context, r *http.Request, v view, in attemptInput) error {
	if collect.Joins(v.session.Value, in.attemptID) {
		return nil // the same click again: it is told the state
	}
	if v.session.Value.Status != session.StatusActive {
		return problem.From(collect.ErrSessionNotActive)
	}
	card, details, wrong := method.CheckCard(in.card, v.service.Engine.Now().Wall)
	if len(wrong) > 0 {
		return cardProblems(wrong)
	}
	return v.service.Pay(ctx, v.origin(r), payments.Attempt{
		SessionID: v.sessionID, AttemptID: in.attemptID, Card: card, Details: details,
	})
}

// cardProblems are mistyped fields of a card.
type cardProblems []method.FieldProblem

func (cardProblems) Error() string { return "fields of the card are wrong" }

// Unwrap lets every field be named in the problem document.
func (c cardProblems) Unwrap() error {
	var errs problem.FieldErrors
	for _, p := range c {
		code := problem.InvalidFormat
		switch p.Code {
		case method.CodeRequired:
			code = problem.Required
		case method.CodeInvalidNumber:
			code = problem.InvalidCardNumber
		case method.CodeExpired:
			code = problem.CardExpired
		case method.CodeTooLong:
			code = problem.TooLong
		case method.CodeTooFarAhead:
			code = problem.TooLarge
		}
		errs = append(errs, problem.FieldError{Pointer: "/payment_method/card/" + p.Field, Code: code, Detail: p.Detail})
	}
	return errs
}

func readAttempt(w http.ResponseWriter, r *http.Request) (attemptInput, error) {
	f, err := readJSON(w, r)
	if err != nil {
		return attemptInput{}, err
	}
	var in attemptInput
	in.attemptID, _ = f.Text("attempt_id")
	if save, _ := f.Boolean("save_payment_method"); save {
		f.Wrong("save_payment_method", problem.NotSupported, "Methods are not saved. This release does not support it yet.")
	}
	f.Boolean("accept_mandate")
	m := f.Object("payment_method")
	if m == nil {
		if !f.Has("payment_method") {
			f.Wrong("payment_method", problem.Required, "The payment method must be given.")
		}
		return in, f.Done()
	}
	if !m.Has("type") {
		m.Wrong("type", problem.Required, "The type must be given.")
	}
	if m.Option("type", "card", "card", "saved") == "saved" {
		m.Wrong("type", problem.NotSupported, "There are no saved methods. This release does not support it yet.")
	}
	readCard(m, &in.card)
	m.Unknown()
	return in, f.Done()
}

func readCard(m *body.Fields, card *method.CardInput) {
	c := m.Object("card")
	if c == nil {
		if !m.Has("card") {
			m.Wrong("card", problem.Required, "The card must be given.")
		}
		return
	}
	for name, into := range map[string]*string{"number": &card.Number, "cvc": &card.CVC} {
		if !c.Has(name) {
			c.Wrong(name, problem.Required, "The field must be present.")
		}
		*into, _ = c.Text(name)
	}
	for name, into := range map[string]*int{"exp_month": &card.ExpMonth, "exp_year": &card.ExpYear} {
		if !c.Has(name) {
			c.Wrong(name, problem.Required, "The field must be present.")
		}
		n, _ := c.Integer(name)
		*into = int(n)
	}
	card.Name, _ = c.Text("name")
	c.Unknown()
}

// attemptForm takes the page's own form, and leads back to the page. What was
// mistyped is shown at once, beside what may be filled in again.
func (s *Server) attemptForm(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	v, ok := s.readForm(w, r)
	if !ok {
		return
	}
	card := method.CardInput{
		Number: r.PostForm.Get(page.FieldNumber), CVC: r.PostForm.Get(page.FieldCVC), Name: r.PostForm.Get(page.FieldName),
	}
	var readable bool
	expiry := r.PostForm.Get(page.FieldExp)
	if card.ExpMonth, card.ExpYear, readable = method.ParseExpiry(expiry); !readable && expiry != "" {
		card.ExpMonth = -1 // no month: what was typed is wrong, not missing
	}
	err := s.pay(ctx, r, v, attemptInput{attemptID: r.PostForm.Get(page.FieldAttemptID), card: card})
	var wrong cardProblems
	switch {
	case errors.As(err, &wrong):
		shown := s.pageOf(r, v)
		shown.Problems = wrong
		shown.Values = page.Values{Exp: r.PostForm.Get(page.FieldExp), Name: r.PostForm.Get(page.FieldName)}
		s.render(w, r, http.StatusBadRequest, shown)
	case err != nil && !shownByPage(err):
		s.failPage(w, r, v, err)
	default:
		http.Redirect(w, r, "/checkout/"+v.id, http.StatusSeeOther)
	}
}

// shownByPage reports whether the page that the customer is led back to says by
// itself what err says: the session has ended, or another attempt is under way.
func shownByPage(err error) bool {
	switch problem.From(err).Code {
	case problem.SessionNotActive, problem.AttemptInProgress, problem.AttemptIDUnknown:
		return true
	}
	return false
}

// readForm reads a form and makes sure that it is our own page's.
func (s *Server) readForm(w http.ResponseWriter, r *http.Request) (view, bool) {
	v, err := s.load(r.Context(), r.PathValue("checkout"))
	if err != nil {
		s.failPage(w, r, v, err)
		return v, false
	}
	r.Body = http.MaxBytesReader(w, r.Body, body.BytesMax)
	switch {
	case crossSite(r):
		s.refuse(w, r, v, http.StatusForbidden, page.ProblemCrossSite)
	case r.ParseForm() != nil:
		s.refuse(w, r, v, http.StatusBadRequest, page.ProblemBadForm)
	case !s.formTokenGood(v.id, r.PostForm.Get(page.FieldCSRF)):
		s.refuse(w, r, v, http.StatusForbidden, page.ProblemFormToken)
	default:
		return v, true
	}
	return v, false
}

// cancel gives the session up, for the customer.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if isForm(r) {
		v, ok := s.readForm(w, r)
		if !ok {
			return
		}
		_, _, err := v.service.CancelSession(ctx, v.origin(r), nil, v.sessionID, session.ByCustomer)
		if err != nil && !shownByPage(err) {
			s.failPage(w, r, v, err)
			return
		}
		http.Redirect(w, r, "/checkout/"+v.id, http.StatusSeeOther)
		return
	}
	f, err := readJSON(w, r)
	if err == nil {
		err = f.Done()
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v, err := s.load(ctx, r.PathValue("checkout"))
	if err == nil {
		_, _, err = v.service.CancelSession(ctx, v.origin(r), nil, v.sessionID, session.ByCustomer)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.showState(w, r)
}
