package api

import (
	"context"
	"net/http"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
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

// objectAt renders the object of a stream as it was at a version.
func (s *Server) objectAt(ctx context.Context, r *writeRequest, stream string, version int) (any, int64, error) {
	g := r.account.Engine
	switch id.PrefixOf(stream) {
	case id.Session:
		l, err := engine.At(ctx, g, g.SessionObjects, stream, version)
		return forKey(r.caller.key.Kind, l.Value), l.Position, err
	case id.Payment:
		l, err := engine.At(ctx, g, g.PaymentObjects, stream, version)
		return l.Value, l.Position, err
	case id.Endpoint:
		return s.endpointAt(ctx, r, stream, version)
	default:
		return nil, 0, errors.AssertionFailedf("stream %s has no public object", stream)
	}
}
