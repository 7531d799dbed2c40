package api

import (
	"context"
	"net/http"

	"tender/domain/id"
	"tender/handlers/problem"
)

func (s *Server) subscriptionRoutes() {
	s.mux.Handle("GET /collect/subscriptions", s.read(s.list(subscriptionList)))
	s.mux.Handle("GET /collect/subscriptions/{id}", s.read(s.getSubscription))
	s.mux.Handle("POST /collect/subscriptions/{id}/pause", s.write(s.pauseSubscription))
	s.mux.Handle("POST /collect/subscriptions/{id}/resume", s.write(s.resumeSubscription))
	s.mux.Handle("POST /collect/subscriptions/{id}/cancel", s.write(s.cancelSubscription))
}

func (s *Server) getSubscription(ctx context.Context, r *readRequest) (shown, error) {
	return one(ctx, r, id.Subscription, "subscription", r.account.Engine.SubscriptionObjects.Ref(r.PathValue("id")))
}

// stopRequest is why a subscription is to be paused or cancelled.
type stopRequest struct {
	Reason string `json:"reason,omitempty"`
}

// readStop reads a request that stops a subscription, and which one.
func (r *writeRequest) readStop(fingerprint func(any)) (subscriptionID string, in stopRequest, err error) {
	if err := r.secretOnly(); err != nil {
		return "", in, err
	}
	in.Reason = readReason(r.body)
	if err := r.body.Done(); err != nil {
		return "", in, err
	}
	subscriptionID = r.PathValue("id")
	if !id.Valid(id.Subscription, subscriptionID) {
		return "", in, problem.New(problem.NotFound, "There is no such subscription.")
	}
	fingerprint(in)
	return subscriptionID, in, nil
}

func (s *Server) pauseSubscription(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	subscriptionID, in, err := r.readStop(fingerprint)
	if err != nil {
		return written{}, err
	}
	done, err := r.account.Subscriptions.Pause(ctx, r.origin, r.key, subscriptionID, in.Reason)
	return written{status: http.StatusOK, stream: subscriptionID, done: done}, err
}

func (s *Server) resumeSubscription(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	subscriptionID, err := r.named(id.Subscription, "subscription", fingerprint)
	if err != nil {
		return written{}, err
	}
	done, err := r.account.Subscriptions.Resume(ctx, r.origin, r.key, subscriptionID)
	return written{status: http.StatusOK, stream: subscriptionID, done: done}, err
}

func (s *Server) cancelSubscription(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	subscriptionID, in, err := r.readStop(fingerprint)
	if err != nil {
		return written{}, err
	}
	done, err := r.account.Subscriptions.Cancel(ctx, r.origin, r.key, subscriptionID, in.Reason)
	return written{status: http.StatusOK, stream: subscriptionID, done: done}, err
}
