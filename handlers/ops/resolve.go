package ops

import (
	"net/http"
	"time"

	"tender/domain/decline"
	"tender/domain/payment"
	"tender/handlers/body"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/handlers/staff"
)

// look changes nothing.
func (s *Server) look(http.ResponseWriter, *staff.Request, Mode, string) ([]asked, error) {
	return nil, nil
}

// ask has the acquirer say now what became of a payment's operations.
func (s *Server) ask(_ http.ResponseWriter, r *staff.Request, m Mode, paymentID string) ([]asked, error) {
	calls, err := m.Payments.Ask(r.Context(), paymentID)
	if err != nil {
		return nil, err
	}
	answers := make([]asked, len(calls))
	for i, c := range calls {
		answers[i] = asked{OperationID: c.ID, Answer: c.Answer}
	}
	return answers, nil
}

// origin is where an operator's command comes from.
func origin(r *staff.Request) engine.Origin {
	return engine.Origin{CommandID: engine.NewID(), Actor: r.Actor, RequestID: engine.RequestID(r.Context())}
}

// propose takes down what an operator says has become of an operation. Sent again it
// changes nothing.
func (s *Server) propose(w http.ResponseWriter, r *staff.Request, m Mode, paymentID string) ([]asked, error) {
	f, err := body.Read(w, r.Request)
	if err != nil {
		return nil, err
	}
	v := readVerdict(f)
	reason := needed(f, "reason")
	if err := f.Done(); err != nil {
		return nil, err
	}
	return nil, m.Payments.Propose(r.Context(), origin(r), paymentID, v, reason)
}

// readVerdict reads what is said of an operation. What has to be there, the rules say.
func readVerdict(f *body.Fields) payment.Verdict {
	v := payment.Verdict{OperationID: needed(f, "operation_id"), ExpiresAt: instant(f, "expires_at"), EffectiveAt: instant(f, "effective_at")}
	if !f.Has("outcome") {
		f.Wrong("outcome", problem.Required, "Say whether the operation succeeded or failed.")
	}
	v.Performed = f.Option("outcome", "", outcomeSucceeded, outcomeFailed) == outcomeSucceeded
	v.Reference, _ = f.Text("reference")
	v.NetworkTransactionID, _ = f.Text("network_transaction_id")
	errorCode, hasError := f.Text("error_code")
	declineCode, hasDecline := f.Text("decline_code")
	if hasError || hasDecline {
		v.Failure = &payment.Failure{ErrorCode: decline.ErrorCode(errorCode), DeclineCode: decline.Code(declineCode)}
	}
	return v
}

// needed reads a text that has to be there.
func needed(f *body.Fields, name string) string {
	if !f.Has(name) {
		f.Wrong(name, problem.Required, "The field must be present.")
	}
	s, _ := f.Text(name)
	return s
}

func instant(f *body.Fields, name string) time.Time {
	t, _ := f.Instant(name)
	return t.UTC()
}

func (s *Server) confirm(w http.ResponseWriter, r *staff.Request, m Mode, paymentID string) ([]asked, error) {
	f, err := body.Read(w, r.Request)
	if err != nil {
		return nil, err
	}
	if err := f.Done(); err != nil {
		return nil, err
	}
	return nil, m.Payments.Confirm(r.Context(), origin(r), paymentID, r.PathValue("resolution"))
}

func (s *Server) reject(w http.ResponseWriter, r *staff.Request, m Mode, paymentID string) ([]asked, error) {
	f, err := body.Read(w, r.Request)
	if err != nil {
		return nil, err
	}
	reason, _ := f.Text("reason")
	if err := f.Done(); err != nil {
		return nil, err
	}
	return nil, m.Payments.Reject(r.Context(), origin(r), paymentID, r.PathValue("resolution"), reason)
}
