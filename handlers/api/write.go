package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/merchant"
	"tender/eventstore"
	"tender/handlers/body"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/handlers/query"
)

const keyLenMax = 255

// replayedHeader says that an answer was given before.
const replayedHeader = "Idempotent-Replayed"

// writeRequest is one request that changes something, as far as every such
// request is alike.
type writeRequest struct {
	caller
	*http.Request
	body   *body.Fields
	origin engine.Origin
	key    *eventstore.IdempotencyKey // nil: none was sent, where none is required
}

// written is what a request came to.
type written struct {
	status      int
	stream      string // whose object is shown
	done        engine.Done
	outstanding bool // the outcome will follow: the object is shown as it is now
	// outstandingStatus is what that is answered with; 0: 202.
	outstandingStatus int
}

// writeHandler decodes, runs and reports one kind of request. It calls
// fingerprint with the decoded request before it runs it.
type writeHandler func(ctx context.Context, r *writeRequest, fingerprint func(request any)) (written, error)

// write wraps what every POST that writes has in common: who calls, the key, the
// body, the replay.
func (s *Server) write(h writeHandler) http.Handler { return s.writing(h, true) }

// writeKeyless is [Server.write] for what may be sent without an Idempotency-Key.
func (s *Server) writeKeyless(h writeHandler) http.Handler { return s.writing(h, false) }

func (s *Server) writing(h writeHandler, keyRequired bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		req, err := s.readWrite(ctx, w, r, keyRequired)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		result, err := h(ctx, req, func(request any) {
			if req.key != nil {
				req.key.Fingerprints = s.fingerprints(r, request)
			}
		})
		if record, taken := keyTaken(err); taken {
			s.replay(ctx, w, r, req, record)
			return
		}
		if err != nil {
			shareAnew(ctx, w, req.caller, err)
			s.fail(w, r, err)
			return
		}
		s.answerWritten(ctx, w, r, req, result)
	})
}

func (s *Server) readWrite(ctx context.Context, w http.ResponseWriter, r *http.Request, keyRequired bool) (*writeRequest, error) {
	c, err := s.authenticate(ctx, r)
	share(w, c)
	if err != nil {
		return nil, err
	}
	if err := query.Readable(r); err != nil {
		return nil, err
	}
	if err := query.None(r.URL.Query()); err != nil {
		return nil, err
	}
	req := &writeRequest{caller: c, Request: r}
	if req.key, err = readKey(r, c.key.Kind, keyRequired); err != nil {
		return nil, err
	}
	if req.body, err = body.Read(w, r); err != nil {
		return nil, err
	}
	req.origin = engine.Origin{
		CommandID: engine.NewID(), MerchantID: c.merchant.ID, RequestID: engine.RequestID(ctx),
		Actor: domain.Actor{Kind: domain.ActorMerchant, ID: c.key.ID}, Page: c.page,
	}
	return req, nil
}

// readKey reads the Idempotency-Key.
func readKey(r *http.Request, kind merchant.KeyKind, required bool) (*eventstore.IdempotencyKey, error) {
	values := r.Header.Values("Idempotency-Key")
	switch {
	case len(values) == 0 && required:
		return nil, problem.New(problem.IdempotencyKeyMissing, "Send the header Idempotency-Key with a value that is new for each thing that you want done.").
			WithFieldErrors(problem.FieldError{Header: "Idempotency-Key", Code: problem.Required, Detail: "The header must be present."})
	case len(values) == 0:
		return nil, nil
	case len(values) > 1, len(values[0]) < 1, len(values[0]) > keyLenMax, !printable(values[0]):
		return nil, problem.New(problem.IdempotencyKeyInvalid, "Idempotency-Key must be one value of 1 to 255 printable ASCII characters.").
			WithFieldErrors(problem.FieldError{Header: "Idempotency-Key", Code: problem.InvalidFormat, Detail: "1 to 255 printable ASCII characters, once."})
	}
	return &eventstore.IdempotencyKey{Kind: string(kind), Key: values[0]}, nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// unlessSentBefore returns a refusal that holds for new requests only: one whose
// key was used before gets what that came to.
func (r *writeRequest) unlessSentBefore(ctx context.Context, refusal error) error {
	record, known, err := r.account.Engine.Store.KeyRecord(ctx, r.origin.MerchantID, r.key.Kind, r.key.Key)
	switch {
	case err != nil:
		return err
	case known:
		return &eventstore.KeyTaken{Record: record}
	}
	return refusal
}

// answerWritten shows the object as the write left it.
func (s *Server) answerWritten(ctx context.Context, w http.ResponseWriter, r *http.Request, req *writeRequest, result written) {
	waiting := http.StatusAccepted
	if result.outstandingStatus != 0 {
		waiting = result.outstandingStatus
	}
	if result.outstanding {
		s.outstanding.Add(req.commandID(), struct{}{})
		s.answerOutstanding(ctx, w, r, req, result.stream, waiting)
		return
	}
	version := result.done.Versions[result.stream]
	if version > 0 || req.key == nil {
		s.answer(ctx, w, r, req, eventstore.Answer{Status: result.status, Stream: result.stream, Version: version})
		return
	}
	// Somebody else recorded the outcome first: a notification, or a worker.
	record, known, err := req.account.Engine.Store.KeyRecord(ctx, req.origin.MerchantID, req.key.Kind, req.key.Key)
	switch {
	case err != nil:
		s.fail(w, r, err)
	case known && record.Answer != nil:
		s.answer(ctx, w, r, req, *record.Answer)
	default:
		s.outstanding.Add(req.commandID(), struct{}{})
		s.answerOutstanding(ctx, w, r, req, result.stream, waiting)
	}
}

// answer renders an answer from the log: the first time and every time again.
func (s *Server) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, req *writeRequest, a eventstore.Answer) {
	if a.Refusal != nil {
		p, err := problem.FromRecord(a.Refusal)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.fail(w, r, p)
		return
	}
	shown, position, err := s.objectAt(ctx, req, a.Stream, a.Version)
	if err != nil {
		w.Header().Del(replayedHeader) // that is not what was answered before
		s.fail(w, r, err)
		return
	}
	s.encode(w, r, req.caller, a.Status, shown, position)
}

// answerOutstanding shows the object as it is now, while the outcome of what was
// asked is not known.
func (s *Server) answerOutstanding(ctx context.Context, w http.ResponseWriter, r *http.Request, req *writeRequest, stream string, status int) {
	heads, err := req.account.Engine.Store.Streams(ctx, eventstore.StreamAfter{Stream: stream, Version: 1 << 30})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	shown, position, err := s.objectAt(ctx, req, stream, heads[0].Version)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.encode(w, r, req.caller, status, shown, position)
}

// encode writes an object.
func (s *Server) encode(w http.ResponseWriter, r *http.Request, c caller, status int, shown any, position int64) {
	if position > 0 {
		w.Header().Set("Event-Position", s.Sealer.Position(c.merchant.ID, c.mode, position))
	}
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	encoded, err := json.Marshal(shown)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(encoded)
}

// Limits of waiting for another request with the same key.
const (
	runningWait = 2 * time.Second
	runningPoll = 50 * time.Millisecond
	// callWindow is how long a first request may take until it is answered 202.
	callWindow = 5 * time.Second
)

// replay answers a request whose key was used before.
func (s *Server) replay(ctx context.Context, w http.ResponseWriter, r *http.Request, req *writeRequest, record eventstore.KeyRecord) {
	// The key was found before anything was asked of the merchant's account.
	if err := req.account.Engine.Refresh(ctx, req.merchant); err != nil {
		s.fail(w, r, err)
		return
	}
	if err := req.check(); err != nil {
		shareAnew(ctx, w, req.caller, err)
		s.fail(w, r, err)
		return
	}
	if field := firstDifference(record.Fingerprints, req.key.Fingerprints); field != nil {
		s.fail(w, r, reused(*field, resourceOf(record)))
		return
	}
	// A job was answered when it had begun: nobody waits for its end.
	job := id.PrefixOf(record.Stream) == id.Recovery
	if record.Answer == nil && (job || s.outstanding.Contains(record.CommandID)) {
		s.answerOutstanding(ctx, w, r, req, record.Stream, outstandingStatus(record.Stream))
		return
	}
	record, err := s.awaitAnswer(ctx, req, record)
	switch {
	case err != nil:
		s.fail(w, r, err)
	case record.Answer != nil:
		w.Header().Set(replayedHeader, "true")
		s.answer(ctx, w, r, req, *record.Answer)
	case time.Since(record.RecordedAt) < callWindow:
		s.fail(w, r, problem.New(problem.IdempotencyKeyInUse, "The first request with this key is still running.").WithRetryAfter(time.Second))
	default:
		s.answerOutstanding(ctx, w, r, req, record.Stream, outstandingStatus(record.Stream))
	}
}

// resourceOf is the object that a key stands for; "" where the request for it
// was refused, so that there is none.
func resourceOf(record eventstore.KeyRecord) string {
	if a := record.Answer; a != nil && a.Refusal != nil && a.Version == 0 {
		return ""
	}
	return record.Stream
}

// awaitAnswer waits for the first request with the key, while it may still run.
func (s *Server) awaitAnswer(ctx context.Context, req *writeRequest, record eventstore.KeyRecord) (eventstore.KeyRecord, error) {
	tick := time.NewTicker(runningPoll)
	defer tick.Stop()
	deadline := time.Now().Add(runningWait)
	for record.Answer == nil && time.Since(record.RecordedAt) < callWindow && time.Now().Before(deadline) {
		select {
		case <-ctx.Done():
			return record, ctx.Err()
		case <-tick.C:
		}
		now, known, err := req.account.Engine.Store.KeyRecord(ctx, req.origin.MerchantID, req.key.Kind, req.key.Key)
		if err != nil || !known {
			return record, err
		}
		record = now
	}
	if record.Answer != nil {
		return record, nil
	}
	now, known, err := req.account.Engine.Store.KeyRecord(ctx, req.origin.MerchantID, req.key.Kind, req.key.Key)
	if err == nil && known {
		record = now
	}
	return record, err
}

// commandID is the id that the object of a new command is made from.
func (r *writeRequest) commandID() uuid.UUID { return r.origin.CommandID }

// outstandingStatus is what a request was answered with whose outcome was, and is,
// outstanding: a session was created, whatever becomes of its payment.
func outstandingStatus(stream string) int {
	if id.PrefixOf(stream) == id.Session {
		return http.StatusCreated
	}
	return http.StatusAccepted
}
