package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/handlers/body"
	"tender/handlers/engine"
	"tender/handlers/problem"
)

func (s *Server) getPayment(ctx context.Context, r *readRequest) (shown, error) {
	ref := r.account.Engine.PaymentObjects.Ref(r.PathValue("id"))
	return one(ctx, r, id.Payment, "payment", ref)
}

func (s *Server) capture(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	paymentID, err := r.payment()
	if err != nil {
		return written{}, err
	}
	in, err := readCapture(r.body, paymentID)
	if err != nil {
		return written{}, err
	}
	fingerprint(in)
	done, outstanding, err := r.account.Payments.Capture(ctx, r.origin, r.key, paymentID, in.Amount, in.Metadata)
	return written{status: http.StatusOK, stream: paymentID, done: done, outstanding: outstanding}, err
}

func (s *Server) void(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	paymentID, err := r.payment()
	if err != nil {
		return written{}, err
	}
	in, err := readVoid(r.body, paymentID)
	if err != nil {
		return written{}, err
	}
	fingerprint(in)
	done, outstanding, err := r.account.Payments.Void(ctx, r.origin, r.key, paymentID, in.Metadata)
	return written{status: http.StatusOK, stream: paymentID, done: done, outstanding: outstanding}, err
}

func (s *Server) refund(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	paymentID, err := r.payment()
	if err != nil {
		return written{}, err
	}
	in, err := readRefund(r.body, paymentID)
	if err != nil {
		return written{}, err
	}
	fingerprint(in)
	done, outstanding, err := r.account.Payments.Refund(ctx, r.origin, r.key, paymentID, in.Amount, in.Reason, in.Metadata)
	return written{status: http.StatusOK, stream: paymentID, done: done, outstanding: outstanding}, err
}

// payment is the id in the path of what happens to a payment.
func (r *writeRequest) payment() (string, error) {
	if err := r.secretOnly(); err != nil {
		return "", err
	}
	paymentID := r.PathValue("id")
	if !id.Valid(id.Payment, paymentID) {
		return "", problem.New(problem.NotFound, "There is no such payment.")
	}
	return paymentID, nil
}

// operationRequest is a decoded request for a capture, a void or a refund.
type operationRequest struct {
	PaymentID string            `json:"payment_id"`
	Amount    int64             `json:"amount,omitempty"` // 0: all that there is
	Reason    string            `json:"reason,omitempty"` // of a refund
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// reasonLenMax is how many characters the reason of a refund has at most.
const reasonLenMax = 255

func readCapture(f *body.Fields, paymentID string) (operationRequest, error) {
	r := operationRequest{PaymentID: paymentID}
	r.Amount, _ = f.Amount("amount", 1)
	r.Metadata = f.Metadata()
	return r, f.Done()
}

func readVoid(f *body.Fields, paymentID string) (operationRequest, error) {
	r := operationRequest{PaymentID: paymentID}
	if _, present := f.Take("amount"); present {
		f.Wrong("amount", problem.NotAllowed, "A void takes no amount: it gives back all that remains.")
	}
	r.Metadata = f.Metadata()
	return r, f.Done()
}

func readRefund(f *body.Fields, paymentID string) (operationRequest, error) {
	r := operationRequest{PaymentID: paymentID}
	r.Amount, _ = f.Amount("amount", 1)
	r.Reason = readReason(f)
	r.Metadata = f.Metadata()
	return r, f.Done()
}

func readReason(f *body.Fields) string {
	reason, present := f.Text("reason")
	switch n := utf8.RuneCountInString(reason); {
	case !present:
	case n < 1:
		f.Wrong("reason", problem.TooShort, "The reason has at least 1 character.")
	case n > reasonLenMax:
		f.Wrong("reason", problem.TooLong, fmt.Sprintf("The reason has at most %d characters.", reasonLenMax))
	case strings.ContainsRune(reason, 0):
		f.Wrong("reason", problem.InvalidFormat, "U+0000 can't be stored.")
	}
	return reason
}

// objectAt renders the object of a stream as it was at a version.
func (s *Server) objectAt(ctx context.Context, r *writeRequest, stream string, version int) (any, int64, error) {
	g := r.account.Engine
	switch id.PrefixOf(stream) {
	case id.Session:
		l, err := engine.At(ctx, g, g.SessionObjects, stream, version)
		return s.sessionAfter(r, l.Value), l.Position, err
	case id.Payment:
		l, err := engine.At(ctx, g, g.PaymentObjects, stream, version)
		return l.Value, l.Position, err
	case id.Merchant:
		l, err := engine.At(ctx, g, g.BrandObjects, stream, version)
		return s.withLogo(l.Value), l.Position, err
	case id.Endpoint:
		return s.endpointAt(ctx, r, stream, version)
	case id.Delivery:
		return s.deliveryAt(ctx, r, stream, version)
	case id.Recovery:
		return s.recoveryAt(ctx, r, stream, version)
	case id.Customer:
		return s.customerAt(ctx, r, stream, version)
	case id.Method:
		l, err := engine.At(ctx, g, g.MethodObjects, stream, version)
		return l.Value, l.Position, err
	case id.Mandate:
		l, err := engine.At(ctx, g, g.MandateObjects, stream, version)
		return l.Value, l.Position, err
	case id.Subscription:
		l, err := engine.At(ctx, g, g.SubscriptionObjects, stream, version)
		return l.Value, l.Position, err
	case id.Clock:
		return s.clockAt(ctx, r, stream, version)
	default:
		return nil, 0, errors.AssertionFailedf("stream %s has no public object", stream)
	}
}
