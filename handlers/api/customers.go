package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/handlers/body"
	"tender/handlers/engine"
	"tender/handlers/people"
	"tender/handlers/problem"
	"tender/handlers/query"
	"tender/projections"
	"tender/projections/object"
)

// Limits of what is known of a person.
const (
	personNameMax  = 200
	personEmailMax = 254 // RFC 5321, section 4.5.3.1
)

var (
	emailPattern = regexp.MustCompile(`^[^\s@[:cntrl:]]+@[^\s@[:cntrl:]]+$`)
	phonePattern = regexp.MustCompile(`^\+?[0-9][0-9 ()./-]{4,30}$`)
)

func (s *Server) peopleRoutes() {
	s.mux.Handle("POST /collect/customers", s.write(s.createCustomer))
	s.mux.Handle("GET /collect/customers", s.read(s.list(s.customerList())))
	s.mux.Handle("GET /collect/customers/{id}", s.read(s.getCustomer))
	s.mux.Handle("DELETE /collect/customers/{id}", s.writeKeyless(s.eraseCustomer))
	s.mux.Handle("GET /collect/customers/{id}/payment_methods", s.read(s.listMethodsOf))
	s.mux.Handle("GET /collect/payment_methods/{id}", s.read(s.getMethod))
	s.mux.Handle("DELETE /collect/payment_methods/{id}", s.writeKeyless(s.removeMethod))
	s.mux.Handle("GET /collect/mandates", s.read(s.list(mandateList)))
	s.mux.Handle("GET /collect/mandates/{id}", s.read(s.getMandate))
	s.mux.Handle("POST /collect/mandates/{id}/revoke", s.write(s.revokeMandate))
}

// customerRequest is who a new customer is.
type customerRequest struct {
	people.Profile
	TestClockID string `json:"test_clock_id,omitempty"`
}

// readCustomer decodes who a customer is.
func readCustomer(f *body.Fields, mode string) customerRequest {
	var in customerRequest
	if name, ok := f.Text("name"); ok {
		in.Name = name
		if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > personNameMax || strings.ContainsFunc(name, unicode.IsControl) {
			f.Wrong("name", problem.InvalidFormat, fmt.Sprintf("A name has 1 to %d characters, and no line breaks or other control characters.", personNameMax))
		}
	}
	if email, ok := f.Text("email"); ok {
		in.Email = email
		if len(email) > personEmailMax || !emailPattern.MatchString(email) {
			f.Wrong("email", problem.InvalidFormat, "This does not look like an e-mail address.")
		}
	}
	if phone, ok := f.Text("phone"); ok {
		in.Phone = phone
		if !phonePattern.MatchString(phone) {
			f.Wrong("phone", problem.InvalidFormat, "A phone number is digits, with a + in front of the country code; spaces and ()./- may stand between.")
		}
	}
	if clockID, ok := f.Text("test_clock_id"); ok {
		in.TestClockID = clockID
		switch {
		case mode != "test":
			f.Wrong("test_clock_id", problem.NotAllowed, "There are test clocks in test mode only.")
		case !id.Valid(id.Clock, clockID):
			f.Wrong("test_clock_id", problem.InvalidFormat, "This is not the id of a test clock: they begin with clk_.")
		}
	}
	return in
}

func (s *Server) createCustomer(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.secretOnly(); err != nil {
		return written{}, err
	}
	in := readCustomer(r.body, r.mode)
	if err := r.body.Done(); err != nil {
		return written{}, err
	}
	fingerprint(in)
	done, customerID, err := r.account.People.Create(ctx, r.origin, r.key, in.Profile, in.TestClockID)
	return written{status: http.StatusCreated, stream: customerID, done: done}, err
}

func (s *Server) eraseCustomer(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	customerID, err := r.named(id.Customer, "customer", fingerprint)
	if err != nil {
		return written{}, err
	}
	done, err := r.account.People.Erase(ctx, r.origin, r.key, customerID)
	return written{status: http.StatusNoContent, stream: customerID, done: done}, err
}

func (s *Server) removeMethod(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	methodID, err := r.named(id.Method, "payment method", fingerprint)
	if err != nil {
		return written{}, err
	}
	done, err := r.account.People.RemoveMethod(ctx, r.origin, r.key, methodID)
	return written{status: http.StatusNoContent, stream: methodID, done: done}, err
}

// named is the id in the path of a request that says no more than that.
func (r *writeRequest) named(prefix id.Prefix, kind string, fingerprint func(any)) (string, error) {
	if err := r.secretOnly(); err != nil {
		return "", err
	}
	if err := r.body.Done(); err != nil {
		return "", err
	}
	objectID := r.PathValue("id")
	if !id.Valid(prefix, objectID) {
		return "", problem.New(problem.NotFound, "There is no such "+kind+".")
	}
	fingerprint(struct{}{})
	return objectID, nil
}

// revokeRequest is why a mandate is to end.
type revokeRequest struct {
	Reason string `json:"reason,omitempty"`
}

func (s *Server) revokeMandate(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.secretOnly(); err != nil {
		return written{}, err
	}
	in := revokeRequest{Reason: readReason(r.body)}
	if err := r.body.Done(); err != nil {
		return written{}, err
	}
	mandateID := r.PathValue("id")
	if !id.Valid(id.Mandate, mandateID) {
		return written{}, problem.New(problem.NotFound, "There is no such mandate.")
	}
	fingerprint(in)
	done, err := r.account.People.RevokeMandate(ctx, r.origin, r.key, mandateID, in.Reason)
	return written{status: http.StatusOK, stream: mandateID, done: done}, err
}

// shownCustomer is a customer with who they are.
type shownCustomer struct {
	ID string `json:"id"`
	people.Profile
	TestClockID string      `json:"test_clock_id,omitempty"`
	Mode        string      `json:"mode"`
	Version     int         `json:"version"`
	CreatedAt   object.Time `json:"created_at"`
	UpdatedAt   object.Time `json:"updated_at"`
}

// withProfile opens who a customer is; [people.ErrErased] once they were erased.
func (a *Account) withProfile(ctx context.Context, o object.Customer) (shownCustomer, error) {
	p, err := a.People.Safe.Profile(ctx, o.ID, o.ProfileRef)
	if err == nil && o.ID == "" {
		err = errors.Wrap(people.ErrErased, "a customer at the end of their stream")
	}
	return shownCustomer{
		ID: o.ID, Profile: p, TestClockID: o.TestClockID, Mode: o.Mode, Version: o.Version,
		CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}, err
}

func (s *Server) getCustomer(ctx context.Context, r *readRequest) (shown, error) {
	ref := r.account.Engine.CustomerObjects.Ref(r.PathValue("id"))
	if _, err := one(ctx, r, id.Customer, "customer", ref); err != nil {
		return shown{}, err
	}
	if ref.Value.ID == "" {
		return shown{}, problem.New(problem.NotFound, "There is no such customer.")
	}
	o, err := r.account.withProfile(ctx, ref.Value)
	if errors.Is(err, people.ErrErased) { // while they were read
		err = problem.New(problem.NotFound, "There is no such customer.")
	}
	return shown{object: o}, err
}

// customerAt is a customer as a write left them; see [Server.objectAt].
func (s *Server) customerAt(ctx context.Context, r *writeRequest, stream string, version int) (any, int64, error) {
	l, err := engine.At(ctx, r.account.Engine, r.account.Engine.CustomerObjects, stream, version)
	if err != nil || r.Method == http.MethodDelete {
		return nil, l.Position, err
	}
	o, err := r.account.withProfile(ctx, l.Value)
	if errors.Is(err, people.ErrErased) {
		err = problem.New(problem.Erased, "The customer has been erased.")
	}
	return o, l.Position, err
}

// customerList lists customers with who they are. The read model knows where that
// lies; one who is erased at this moment is left out.
func (s *Server) customerList() listing {
	return listing{name: projections.CustomersName, show: func(ctx context.Context, r *readRequest, rows []json.RawMessage) ([]json.RawMessage, error) {
		all := make([]json.RawMessage, 0, len(rows))
		for _, row := range rows {
			var o object.Customer
			if err := json.Unmarshal(row, &o); err != nil {
				return nil, errors.Wrap(err, "read a customer's row")
			}
			shown, err := r.account.withProfile(ctx, o)
			if errors.Is(err, people.ErrErased) {
				continue
			}
			if err != nil {
				return nil, err
			}
			encoded, err := json.Marshal(shown)
			if err != nil {
				return nil, errors.Wrap(err, "show a customer")
			}
			all = append(all, encoded)
		}
		return all, nil
	}}
}

func (s *Server) getMethod(ctx context.Context, r *readRequest) (shown, error) {
	ref := r.account.Engine.MethodObjects.Ref(r.PathValue("id"))
	out, err := one(ctx, r, id.Method, "payment method", ref)
	if err == nil && ref.Value.ID == "" {
		return shown{}, problem.New(problem.NotFound, "The payment method was removed.")
	}
	return out, err
}

func (s *Server) getMandate(ctx context.Context, r *readRequest) (shown, error) {
	return one(ctx, r, id.Mandate, "mandate", r.account.Engine.MandateObjects.Ref(r.PathValue("id")))
}

// listMethodsOf lists a customer's methods; the customer must be there.
func (s *Server) listMethodsOf(ctx context.Context, r *readRequest) (shown, error) {
	missing := problem.New(problem.NotFound, "There is no such customer.")
	customerID := r.PathValue("id")
	if !id.Valid(id.Customer, customerID) {
		return shown{}, missing
	}
	ref := r.account.Engine.CustomerObjects.Ref(customerID)
	if err := r.account.Engine.Refresh(ctx, ref); err != nil {
		return shown{}, err
	}
	if ref.Value.ID == "" || ref.MerchantID != r.merchant.ID {
		return shown{}, missing
	}
	p := query.New(r.URL.Query())
	q := listing{name: projections.MethodsName}.query(r, p)
	q.CustomerID = customerID
	return s.page(ctx, r, listing{name: projections.MethodsName}, p, q)
}
