package simulator

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
)

// authenticated lets only callers with the API key through. Keys are compared by
// their hashes, in a time that says nothing.
func (s *Server) authenticated(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		given := sha256.Sum256([]byte(key))
		if subtle.ConstantTimeCompare(given[:], s.apiKey[:]) != 1 {
			writeFault(w, http.StatusUnauthorized, faultUnauthorised, "The API key is missing or wrong.")
			return
		}
		next(w, r)
	})
}

// readBody decodes a request into into. It answers the caller itself and returns
// false where that fails; the answer never repeats what was sent.
func readBody(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, requestBytesMax))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		// Read to the end: only then does net/http watch for a caller who leaves.
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return true
		}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		writeFault(w, http.StatusRequestEntityTooLarge, faultTooLarge, "The request is too large.")
		return false
	}
	writeFault(w, http.StatusBadRequest, faultMalformed, "The request is not a JSON object of the expected shape.")
	return false
}

// sound reports whether the members that every operation has are in order, and
// answers the caller where they are not.
func sound(w http.ResponseWriter, key, currency string, amount, amountMin int64) bool {
	switch {
	case !isKey(key):
		writeFault(w, http.StatusBadRequest, faultMalformed, malformedKey)
	case !currencyShaped(currency):
		writeFault(w, http.StatusBadRequest, faultMalformed, "The currency must be three capital letters.")
	case amount < amountMin || amount > amountMax:
		writeFault(w, http.StatusBadRequest, faultMalformed, "The amount is out of range.")
	default:
		return true
	}
	return false
}

const malformedKey = "The key must have 1 to 255 printable ASCII characters."

func isKey(s string) bool { return s != "" && isToken(s) }

// isToken reports whether s is short enough and holds printable ASCII only, so
// that PostgreSQL, a header and a log line can carry it as it is.
func isToken(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= keyBytesMax
}

func currencyShaped(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// fingerprint digests what makes a request: equal for a repetition, different
// for another request. Parts are prefixed by their length, so that none can run
// into the next.
func fingerprint(parts ...string) []byte {
	digest := sha256.New()
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		digest.Write(length[:])
		digest.Write([]byte(p))
	}
	return digest.Sum(nil)
}

// answer tells the caller what stands under the key of the operation asked. The
// request that performed it is the only one whose answer can be lost.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, asked, stands operation) {
	switch {
	case stands.Fingerprint != nil && subtle.ConstantTimeCompare(stands.Fingerprint, asked.Fingerprint) != 1:
		writeFault(w, http.StatusConflict, faultKeyReused, "The key was used for another request.")
		return
	case stands.AnswerLost && stands.Reference == asked.Reference:
		cut()
	}
	s.reply(w, r, stands)
}

// reply writes an operation as an answer, after the latency.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, o operation) {
	if s.cfg.Latency > 0 {
		_ = s.hold(r.Context(), s.cfg.Latency)
	}
	writeJSON(w, http.StatusOK, o.answer(s.public))
}

// hold waits for d, until ctx ends, or until the server closes; the error says
// that it was one of the latter.
func (s *Server) hold(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()
	return s.cfg.Delay(ctx, d)
}

// cut ends the request without an answer: the connection is closed.
func cut() { panic(http.ErrAbortHandler) }

// performing returns the context in which the book works: the caller's leaving
// does not stop what has begun.
func performing(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), operationTimeout)
}

// broken answers for a failure of the book. Whether anything was performed is
// then as unknown to the caller as it is here.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, err error) {
	s.log.ErrorContext(r.Context(), "simulator: the book failed", "path", r.Pattern, "error", err)
	writeFault(w, http.StatusInternalServerError, faultUnavailable, "The simulator's book failed.")
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	if err := s.book.pool.Ping(r.Context()); err != nil {
		writeFault(w, http.StatusServiceUnavailable, faultUnavailable, "The simulator's book cannot be reached.")
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"ok"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(errors.NewAssertionErrorWithWrappedErrf(err, "write an answer"))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller who has left is not our fault
}

func writeFault(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, faultBody{Code: code, Message: message})
}

// truncated is an instant as the book keeps it and every answer repeats it.
func truncated(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
