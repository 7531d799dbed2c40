package api

import (
	"context"
	"time"

	"tender/domain/id"
	"tender/domain/recovery"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/handlers/webhooks"
)

// recoverRequest is a decoded request for a recovery.
type recoverRequest struct {
	Since *time.Time `json:"since"`
	Until *time.Time `json:"until,omitempty"`
}

func (s *Server) recoverEndpoint(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.secretOnly(); err != nil {
		return written{}, err
	}
	in := r.readRecover()
	err, late := r.body.Done(), in.checkRange(r.account.Engine.Now().Wall)
	if err != nil {
		return written{}, alongside(err, late)
	}
	endpointID := r.PathValue("id")
	if !id.Valid(id.Endpoint, endpointID) {
		return written{}, noEndpoint()
	}
	fingerprint(in)
	if len(late) > 0 {
		return written{}, r.unlessSentBefore(ctx, late)
	}
	over := webhooks.RecoveryRange{Since: *in.Since}
	if in.Until != nil {
		over.Until = *in.Until
	}
	done, recoveryID, err := r.account.Recoveries.Start(ctx, r.origin, r.key, endpointID, over, func(ctx context.Context, tx *engine.Tx) error {
		_, err := r.account.Payments.Permitted(ctx, tx)
		return err
	})
	return written{stream: recoveryID, done: done, outstanding: true}, err
}

// recoveryAt is a recovery as a write left it, or, while it is running, as it is now;
// see [Server.objectAt].
func (s *Server) recoveryAt(ctx context.Context, r *writeRequest, stream string, version int) (any, int64, error) {
	l, err := engine.At(ctx, r.account.Engine, r.account.Engine.RecoveryObjects, stream, version)
	if err != nil || l.Value.Status != recovery.StatusRunning {
		return l.Value, l.Position, err
	}
	o, err := r.account.Recoveries.Progress(ctx, l.Value)
	return o, l.Position, err
}

// readRecover decodes the time that a recovery is to look at.
func (r *writeRequest) readRecover() recoverRequest {
	var in recoverRequest
	if !r.body.Has("since") {
		r.body.Wrong("since", problem.Required, "The time must be given, RFC 3339.")
	}
	if t, ok := r.body.Instant("since"); ok {
		in.Since = &t
	}
	if t, ok := r.body.Instant("until"); ok {
		in.Until = &t
	}
	return in
}

// checkRange returns what is wrong with the time at the instant now. It is apart from
// what the request alone shows, because a time that is open at its end grows.
func (in recoverRequest) checkRange(now time.Time) problem.FieldErrors {
	if in.Since == nil {
		return nil
	}
	var until time.Time
	if in.Until != nil {
		until = *in.Until
	}
	var wrong problem.FieldErrors
	if refusal := recovery.CheckRange(*in.Since, until, now); refusal != nil {
		wrong.Add(refusal.Field, problem.Invalid, refusal.Detail)
	}
	return wrong
}

func (s *Server) getRecovery(ctx context.Context, r *readRequest) (shown, error) {
	ref := r.account.Engine.RecoveryObjects.Ref(r.PathValue("recovery_id"))
	out, err := one(ctx, r, id.Recovery, "recovery", ref)
	if err != nil {
		return out, err
	}
	if ref.Value.EndpointID != r.PathValue("id") {
		return shown{}, problem.New(problem.NotFound, recovery.ErrNotFound.Detail)
	}
	out.object, err = r.account.Recoveries.Progress(ctx, ref.Value)
	return out, err
}
