package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/webhook"
	"tender/handlers/body"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/projections/object"
)

func (s *Server) webhookRoutes() {
	s.mux.Handle("POST /webhooks/endpoints", s.write(s.createEndpoint))
	s.mux.Handle("GET /webhooks/endpoints", s.read(s.list(endpointList)))
	s.mux.Handle("GET /webhooks/endpoints/{id}", s.read(s.getEndpoint))
	s.mux.Handle("PATCH /webhooks/endpoints/{id}", s.writeKeyless(s.updateEndpoint))
	s.mux.Handle("DELETE /webhooks/endpoints/{id}", s.writeKeyless(s.deleteEndpoint))
	s.mux.Handle("POST /webhooks/endpoints/{id}/rotate_secret", s.write(s.rotateSecret))
	s.mux.Handle("POST /webhooks/endpoints/{id}/test", s.write(s.testEndpoint))
	s.mux.Handle("POST /webhooks/endpoints/{id}/recover", s.write(s.recoverEndpoint))
	s.mux.Handle("GET /webhooks/endpoints/{id}/recover/{recovery_id}", s.read(s.getRecovery))
	s.mux.Handle("GET /webhooks/events", s.read(s.listEvents))
	s.mux.Handle("GET /webhooks/events/{id}", s.read(s.getEvent))
	s.mux.Handle("GET /webhooks/deliveries", s.read(s.listDeliveries))
	s.mux.Handle("GET /webhooks/deliveries/{id}", s.read(s.getDelivery))
	s.mux.Handle("POST /webhooks/deliveries/{id}/resend", s.write(s.resendDelivery))
}

// endpointRequest is a decoded request for an endpoint, or for a change of one.
type endpointRequest struct {
	URL         *string         `json:"url,omitempty"`
	Events      []string        `json:"events,omitempty"`
	Description *string         `json:"description,omitempty"`
	Status      *webhook.Status `json:"status,omitempty"`
}

// readEndpoint decodes what may be said of an endpoint. What is wrong with it,
// the domain says in the same words for a new one and for a change.
func (r *writeRequest) readEndpoint(f *body.Fields) endpointRequest {
	var in endpointRequest
	if u, ok := f.Text("url"); ok {
		in.URL = &u
		if detail := r.account.WebhookPolicy.CheckURL(u); detail != "" {
			f.Wrong("url", problem.InvalidFormat, detail)
		}
	}
	if f.Has("events") {
		in.Events, _ = f.Texts("events")
		for _, refusal := range webhook.CheckEvents(in.Events) {
			if !f.Blames(refusal.Field) { // an entry that is no text
				f.WrongAt(refusal.Field, problem.NotAnOption, refusal.Detail)
			}
		}
	}
	if d, ok := f.Text("description"); ok {
		in.Description = &d
		if len([]rune(d)) > webhook.DescriptionRunesMax {
			f.Wrong("description", problem.TooLong, "The description has at most 500 characters.")
		}
	}
	return in
}

func (s *Server) createEndpoint(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.secretOnly(); err != nil {
		return written{}, err
	}
	in := r.readEndpoint(r.body)
	for _, name := range []string{"url", "events"} {
		if !r.body.Has(name) {
			r.body.Wrong(name, problem.Required, "The field must be present.")
		}
	}
	if err := r.body.Done(); err != nil {
		return written{}, err
	}
	fingerprint(in)
	c := webhook.CreateEndpoint{ID: r.commandID(), URL: *in.URL, Events: in.Events}
	if in.Description != nil {
		c.Description = *in.Description
	}
	ref, _, err := r.account.Secrets.Make(ctx, r.merchant.ID, c.EndpointID())
	if err != nil {
		return written{}, err
	}
	c.SecretRef = ref
	return r.changeEndpoint(ctx, c.EndpointID(), http.StatusCreated, c)
}

func (s *Server) updateEndpoint(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.secretOnly(); err != nil {
		return written{}, err
	}
	in := r.readEndpoint(r.body)
	if name, ok := r.body.Text("status"); ok {
		status := webhook.Status(name)
		in.Status = &status
		switch status {
		case webhook.StatusEnabled, webhook.StatusPaused, webhook.StatusDisabled:
		default:
			r.body.Wrong("status", problem.NotAnOption, "The status must be enabled, paused or disabled.")
		}
	}
	if r.body.Empty() {
		r.body.Wrong("", problem.TooFew, "Name at least one field to change.")
	}
	if err := r.body.Done(); err != nil {
		return written{}, err
	}
	fingerprint(in)
	return r.changeEndpoint(ctx, r.PathValue("id"), http.StatusOK, webhook.UpdateEndpoint(in))
}

func (s *Server) deleteEndpoint(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.secretOnly(); err != nil {
		return written{}, err
	}
	if err := r.body.Done(); err != nil {
		return written{}, err
	}
	fingerprint(struct{}{})
	return r.changeEndpoint(ctx, r.PathValue("id"), http.StatusNoContent, webhook.DeleteEndpoint{})
}

// overlapHoursDefault is how long earlier secrets go on signing unless the
// merchant says otherwise.
const overlapHoursDefault = 24

// rotateRequest is a decoded request for a new secret.
type rotateRequest struct {
	OverlapHours int64 `json:"overlap_hours"`
}

func (s *Server) rotateSecret(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.secretOnly(); err != nil {
		return written{}, err
	}
	in := rotateRequest{OverlapHours: overlapHoursDefault}
	if hours, ok := r.body.Integer("overlap_hours"); ok {
		in.OverlapHours = hours
		hoursMax := int64(webhook.OverlapMax / time.Hour)
		switch {
		case hours < 0:
			r.body.Wrong("overlap_hours", problem.TooSmall, "The overlap is at least 0 hours.")
		case hours > hoursMax:
			r.body.Wrong("overlap_hours", problem.TooLarge, fmt.Sprintf("The overlap is at most %d hours.", hoursMax))
		}
	}
	if err := r.body.Done(); err != nil {
		return written{}, err
	}
	fingerprint(in)
	endpointID := r.PathValue("id")
	if err := r.ownEndpoint(ctx, endpointID); err != nil {
		return written{}, err
	}
	ref, _, err := r.account.Secrets.Make(ctx, r.merchant.ID, endpointID)
	if err != nil {
		return written{}, err
	}
	return r.changeEndpoint(ctx, endpointID, http.StatusOK, webhook.RotateSecret{
		SecretRef: ref, Overlap: time.Duration(in.OverlapHours) * time.Hour, At: r.account.Engine.Now().Wall,
	})
}

// ownEndpoint refuses what is not an endpoint of the caller's, before anything is
// put into the vault for it. The decision looks again.
func (r *writeRequest) ownEndpoint(ctx context.Context, endpointID string) error {
	if !id.Valid(id.Endpoint, endpointID) {
		return noEndpoint()
	}
	ref := r.account.Engine.Endpoints.Ref(endpointID)
	if err := r.account.Engine.Refresh(ctx, ref); err != nil {
		return err
	}
	if ref.Version == 0 || ref.MerchantID != r.merchant.ID {
		return noEndpoint()
	}
	return nil
}

func noEndpoint() error { return problem.New(problem.NotFound, webhook.ErrEndpointNotFound.Detail) }

// changeEndpoint has the domain decide what is asked of an endpoint.
func (r *writeRequest) changeEndpoint(ctx context.Context, endpointID string, status int, c webhook.EndpointCommand) (written, error) {
	g := r.account.Engine
	if !id.Valid(id.Endpoint, endpointID) {
		return written{}, noEndpoint()
	}
	version := 0
	done, err := g.Do(ctx, engine.Command{
		Origin: r.origin, Key: r.key.About(endpointID), Subject: endpointID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			owner, err := r.account.Payments.Permitted(ctx, tx)
			if err != nil {
				return err
			}
			e, err := engine.Read(ctx, tx, g.Endpoints, endpointID)
			if err != nil {
				return err
			}
			if e.Version > 0 && e.MerchantID != r.merchant.ID {
				return noEndpoint()
			}
			events, err := webhook.DecideEndpoint(e.Value, c)
			if err != nil {
				return err
			}
			if _, rotate := c.(webhook.RotateSecret); rotate {
				if err := r.account.Secrets.Doubt(ctx, r.merchant.ID, e.Value.SecretRef); err != nil {
					return err
				}
			}
			if err := r.countEndpoint(tx, owner, endpointID, c); err != nil {
				return err
			}
			engine.Write(tx, webhook.Codec, endpointID, events...)
			tx.Answer(r.commandID(), status, endpointID)
			version = tx.Version(endpointID)
			return nil
		},
	})
	if err == nil && done.Versions[endpointID] == 0 {
		done.Versions = map[string]int{endpointID: version} // all was so already
	}
	return written{status: status, stream: endpointID, done: done}, err
}

// countEndpoint keeps the merchant's own account of its endpoints, by which they
// are limited.
func (r *writeRequest) countEndpoint(tx *engine.Tx, owner merchant.State, endpointID string, c webhook.EndpointCommand) error {
	var count merchant.Command
	switch c.(type) {
	case webhook.CreateEndpoint:
		count = merchant.AddEndpoint{EndpointID: endpointID}
	case webhook.DeleteEndpoint:
		count = merchant.RemoveEndpoint{EndpointID: endpointID}
	case webhook.UpdateEndpoint, webhook.DisableEndpoint, webhook.RecordFailures, webhook.RecordArrival,
		webhook.RotateSecret, webhook.TestEndpoint, webhook.StartRecovery, webhook.EndRecovery:
		return nil
	}
	events, err := merchant.Decide(owner, count)
	engine.Write(tx, merchant.Codec, r.merchant.ID, events...)
	return err
}

// testEndpoint sends a message that tells of nothing, and answers with its delivery.
func (s *Server) testEndpoint(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	endpointID, err := r.named(id.Endpoint, "webhook endpoint", fingerprint)
	if err != nil {
		return written{}, err
	}
	return r.changeEndpoint(ctx, endpointID, http.StatusCreated, webhook.TestEndpoint{})
}

// newEndpoint is an endpoint with the secret that its messages are signed with:
// shown when that is made, with the endpoint or by a rotation, and in a replay.
type newEndpoint struct {
	object.Endpoint
	Secret string `json:"secret"`
}

// endpointAt is what a request made of an endpoint; see [Server.objectAt]. POST makes
// one, or something of it that is shown then and not otherwise.
func (s *Server) endpointAt(ctx context.Context, r *writeRequest, stream string, version int) (any, int64, error) {
	g := r.account.Engine
	l, err := engine.At(ctx, g, g.EndpointObjects, stream, version)
	if err != nil || r.Method != http.MethodPost {
		return l.Value, l.Position, err
	}
	e, said, err := saidAt(ctx, g, stream, version)
	if err != nil {
		return nil, 0, err
	}
	if _, tested := said.(webhook.EndpointTested); tested {
		return testDelivery(e, r.mode), e.Position, nil
	}
	state, err := engine.At(ctx, g, g.Endpoints, stream, version)
	if err != nil {
		return nil, 0, err
	}
	secret, err := r.account.Secrets.Get(ctx, l.MerchantID, stream, state.Value.SecretRef)
	if err != nil {
		return nil, 0, errors.Wrap(err, "show a new secret")
	}
	return newEndpoint{Endpoint: l.Value, Secret: secret.Reveal()}, l.Position, nil
}

func (s *Server) getEndpoint(ctx context.Context, r *readRequest) (shown, error) {
	ref := r.account.Engine.EndpointObjects.Ref(r.PathValue("id"))
	out, err := one(ctx, r, id.Endpoint, "webhook endpoint", ref)
	if err == nil && ref.Value.ID == "" {
		return shown{}, problem.New(problem.NotFound, "The webhook endpoint was deleted.")
	}
	return out, err
}
