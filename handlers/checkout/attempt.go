package checkout

import (
	"net/http"

	"github.com/cockroachdb/errors"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/method"
	"tender/domain/session"
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
	v, err := s.tryToPay(r, in)
	if err == nil {
		v, err = s.recall(ctx, v.id)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.encode(w, r, v)
}

// tryToPay has a card that was typed in judged by what this process remembers of the
// session: what follows from that is appended, and held against the log. Anything else
// rests on the log as it is now, above all whatever is refused.
func (s *Server) tryToPay(r *http.Request, in attemptInput) (view, error) {
	ctx, checkoutID := r.Context(), r.PathValue("checkout")
	if in.methodID == "" && in.kind == method.KindCard {
		v, err := s.recall(ctx, checkoutID)
		if err != nil {
			return v, err
		}
		if a, pays, err := v.asks(in); err == nil && pays {
			if err := s.pay(r, v, a); !refused(err) {
				return v, err
			}
		}
	}
	v, err := s.load(ctx, checkoutID)
	if err != nil {
		return v, err
	}
	return v, s.askAndPay(r, v, in)
}

// refused reports whether an attempt was refused, so that nothing was appended.
func refused(err error) bool {
	return errors.As(err, new(problem.Problem)) || errors.As(err, new(*domain.Refusal))
}

// attemptInput is a try to pay, as it was typed.
type attemptInput struct {
	attemptID string
	kind      method.Kind      // that is paid by; with a saved method it is its own
	card      method.CardInput // with a saved method its CVC alone
	account   method.AccountInput
	methodID  string // the saved method that pays; "": what was typed in does
	save      *bool  // whether it is to be saved; nil: it is not said
	accept    bool   // the customer agrees to the terms
	shown     string // the terms that they saw, where that is known
}

// askAndPay checks what was typed and tries to pay with it. A mistake is refused before
// anything is appended.
func (s *Server) askAndPay(r *http.Request, v view, in attemptInput) error {
	a, pays, err := v.asks(in)
	if err != nil || !pays {
		return err
	}
	return s.pay(r, v, a)
}

// pay has an attempt made that was checked.
func (s *Server) pay(r *http.Request, v view, a payments.Attempt) error {
	a.Address = s.Proxies.Address(r)
	return v.service.Pay(r.Context(), v.origin(r), a)
}

// asks returns the attempt that was asked for. It pays nothing if it is the same click
// again, which is told the state.
func (v *view) asks(in attemptInput) (a payments.Attempt, pays bool, err error) {
	if collect.Joins(v.session.Value, in.attemptID) {
		return a, false, nil
	}
	if v.session.Value.Status != session.StatusActive {
		return a, false, problem.From(collect.ErrSessionNotActive)
	}
	a, err = v.check(in)
	return a, err == nil, err
}

// check returns the attempt that was asked for, or everything that is wrong with it:
// [mistakes], or [method.ErrUnknown].
func (v *view) check(in attemptInput) (payments.Attempt, error) {
	a := payments.Attempt{
		SessionID: v.sessionID, AttemptID: in.attemptID, PaymentMethodID: in.methodID,
		AcceptMandate: in.accept, TermsShown: in.shown, Locale: v.locale(),
	}
	wrong := mistakes{of: in.kind}
	switch {
	case in.methodID != "":
		saved, known := v.savedMethod(in.methodID)
		if !known {
			return a, method.ErrUnknown
		}
		var p *method.FieldProblem
		if saved.Card != nil && (in.card.CVC != "" || v.needsCVC()) {
			a.Card.CVC, p = method.CheckCVC(in.card.CVC, saved.Card.CardDetails)
		}
		wrong.note(p)
	case in.kind == method.KindCard:
		var known method.CardDetails
		a.Card, known, wrong.fields = method.CheckCard(in.card, v.service.Engine.Now().Wall)
		a.Details = method.CardOf(known)
	default:
		way, offered := v.way(in.kind)
		if !offered {
			return a, collect.ErrNotOffered
		}
		var known method.AccountDetails
		a.Account, known, wrong.fields = way.CheckAccount(in.account, v.session.Value.Country, v.takes().Banks)
		a.Details = method.AccountOf(in.kind, known)
	}
	if v.session.Value.Series != nil && !in.accept {
		wrong.note(&method.FieldProblem{
			Field: page.FieldAccept, Code: method.CodeRequired, Detail: "The customer has to accept the terms of later payments: mandate_terms in the state.",
		})
	}
	wrong.note(v.checkSave(in.save))
	a.Save = in.save != nil && *in.save
	if len(wrong.fields) > 0 {
		return a, wrong
	}
	return a, nil
}

// codeContradiction says that a field does not go with the session.
const codeContradiction = "contradiction"

// checkSave refuses what the session does not do. Only where it prompts has the
// customer a say; elsewhere they may repeat what happens anyway.
func (v *view) checkSave(save *bool) *method.FieldProblem {
	saves := v.session.Value.SavesMethod(false)
	if save == nil || v.asksToSave() || *save == saves {
		return nil
	}
	p := method.FieldProblem{
		Field: page.FieldSave, Code: codeContradiction,
		Detail: "This session does not save the payment method: save_payment_method goes with sessions that prompt for it.",
	}
	if saves {
		p.Detail = "This session saves the payment method in any case: save_payment_method goes with sessions that prompt for it."
	}
	return &p
}

// mistakes are fields that were mistyped, forgotten or misplaced.
type mistakes struct {
	of     method.Kind // what was typed in; "": a saved method pays
	fields []method.FieldProblem
}

func (m *mistakes) note(p *method.FieldProblem) {
	if p != nil {
		m.fields = append(m.fields, *p)
	}
}

func (mistakes) Error() string { return "fields of the attempt are wrong" }

// Unwrap lets every field be named in the problem document.
func (m mistakes) Unwrap() error {
	var errs problem.FieldErrors
	for _, p := range m.fields {
		errs.Add(m.pointer(p.Field), codeOf(p.Code), p.Detail)
	}
	return errs
}

func (m mistakes) pointer(field string) string {
	switch {
	case field == page.FieldAccept, field == page.FieldSave:
		return "/" + field
	case m.of == "":
		return "/payment_method/" + field
	}
	return "/payment_method/" + string(m.of) + "/" + field
}

func codeOf(code string) domain.Code {
	switch code {
	case method.CodeRequired:
		return problem.Required
	case method.CodeInvalidNumber:
		return problem.InvalidCardNumber
	case method.CodeExpired:
		return problem.CardExpired
	case method.CodeTooLong:
		return problem.TooLong
	case method.CodeTooFarAhead:
		return problem.TooLarge
	case method.CodeUnknown:
		return problem.NotAnOption
	case codeContradiction:
		return problem.Contradiction
	}
	return problem.InvalidFormat
}
