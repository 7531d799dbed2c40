package checkout

import (
	"net/http"
	"net/url"

	"github.com/cockroachdb/errors"

	"tender/domain/method"
	"tender/domain/session"
	"tender/handlers/body"
	"tender/handlers/checkout/page"
	"tender/handlers/payments"
	"tender/handlers/problem"
)

// attemptForm takes the page's own form, and leads back to the page. What was
// mistyped is shown at once, beside what may be filled in again.
func (s *Server) attemptForm(w http.ResponseWriter, r *http.Request) {
	v, ok := s.readForm(w, r)
	if !ok {
		return
	}
	in := v.formInput(r.PostForm)
	err := s.askAndPay(r, v, in)
	if err == nil || shownByPage(err) {
		http.Redirect(w, r, v.path(r), http.StatusSeeOther)
		return
	}
	wrong, stale := in.mistakesOf(err, r.PostForm)
	if len(wrong) == 0 {
		s.failPage(w, r, v, err)
		return
	}
	if stale {
		if v, err = s.loadPage(r); err != nil {
			s.failPage(w, r, v, err)
			return
		}
	}
	shown := s.pageOf(r, v)
	shown.Problems = wrong
	chosen := r.PostForm.Get(page.FieldMethod)
	if chosen == "" {
		chosen = shown.Values.Method
	}
	shown.Values = page.Values{
		Bank: r.PostForm.Get(page.FieldBank), Phone: r.PostForm.Get(page.FieldPhone),
		Exp: r.PostForm.Get(page.FieldExp), Name: r.PostForm.Get(page.FieldName), Method: chosen,
		Save: in.save != nil && *in.save, Accept: in.accept && in.shown == v.terms(),
	}
	s.render(w, r, http.StatusBadRequest, shown)
}

// formInput reads the page's form. What the page did not ask, the form does not say.
func (v *view) formInput(form url.Values) attemptInput {
	in := attemptInput{
		attemptID: form.Get(page.FieldAttemptID),
		card: method.CardInput{
			Number: form.Get(page.FieldNumber), CVC: form.Get(page.FieldCVC), Name: form.Get(page.FieldName),
		},
		account: method.AccountInput{Bank: form.Get(page.FieldBank), Phone: form.Get(page.FieldPhone)},
	}
	in.kind = method.KindCard
	if m := form.Get(page.FieldMethod); m != "" {
		in.kind = method.Kind(m)
	}
	if _, known := in.kind.Way(); !known {
		in.kind, in.methodID = "", form.Get(page.FieldMethod)
	}
	var readable bool
	expiry := form.Get(page.FieldExp)
	if in.card.ExpMonth, in.card.ExpYear, readable = method.ParseExpiry(expiry); !readable && expiry != "" {
		in.card.ExpMonth = -1 // no month: what was typed is wrong, not missing
	}
	if v.asksToSave() {
		save := form.Get(page.FieldSave) != ""
		in.save = &save
	}
	if text := v.terms(); text != "" && form.Get(page.FieldTerms) == termsToken(text) {
		in.accept, in.shown = form.Get(page.FieldAccept) != "", text
	}
	return in
}

// mistakesOf are what the customer can put right by themselves: for each a field of
// the form and what is wrong with it. None: err is of another kind. Stale: the form
// was made of what is no more.
func (in attemptInput) mistakesOf(err error, form url.Values) (fields []method.FieldProblem, stale bool) {
	changed := method.FieldProblem{Field: page.FieldAccept, Code: page.CodeChanged}
	var wrong mistakes
	if errors.As(err, &wrong) {
		for i, p := range wrong.fields {
			if p.Field == page.FieldAccept && form.Get(page.FieldAccept) != "" {
				wrong.fields[i] = changed // they agreed, to another text
			}
		}
		return wrong.fields, false
	}
	// What the rules refuse comes as what merchants would be shown.
	switch p := problem.From(err); {
	case p.Code == problem.NotFound && in.methodID != "", p.Code == problem.PaymentNotOffered:
		return []method.FieldProblem{{Field: page.FieldMethod, Code: page.CodeGone}}, true
	case p.Code == problem.TooManyCards:
		field := page.FieldNumber
		if in.methodID != "" {
			field = page.FieldMethod
		}
		return []method.FieldProblem{{Field: field, Code: page.CodeTooManyCards}}, false
	case p.Code == problem.InvalidRequest && in.shown != "" && len(p.Errors) == 1 && p.Errors[0].Pointer == payments.ErrTermsChanged.Field:
		return []method.FieldProblem{changed}, true
	}
	return nil, false
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
	v, err := s.loadPage(r)
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
		http.Redirect(w, r, v.path(r), http.StatusSeeOther)
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
	s.state(w, r)
}
