package eventstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tender/domain"
)

// Log names one log: a value that is passed, never a global. There is one per
// mode; everything that belongs to it carries its name.
type Log struct {
	Mode string // "test" or "live"
}

// Schema is the PostgreSQL schema that holds the log's table.
func (l Log) Schema() string { return "log_" + l.Mode }

// WorkSchema is the PostgreSQL schema of leases, attempts, notifications.
func (l Log) WorkSchema() string { return "work_" + l.Mode }

// ReadSchema is the PostgreSQL schema of the read models.
func (l Log) ReadSchema() string { return "read_" + l.Mode }

// StreamName is the JetStream stream that carries the log.
func (l Log) StreamName() string { return "LOG_" + l.Mode }

// NewEvent is an event on its way into the log.
type NewEvent struct {
	Stream        string
	Type          string
	SchemaVersion int
	ID            uuid.UUID // UUIDv7, drawn by the caller, so that a repeated append is the same append
	At            time.Time // by the object's clock; whole milliseconds; never before the stream's last
	EffectiveAt   time.Time // when the outside world dates it; zero: absent
	Payload       json.RawMessage
}

// Event is an event as the log holds it.
type Event struct {
	Position      int64 // dense: 1, 2, 3 …
	Stream        string
	Version       int // of its stream, from 1
	Type          string
	SchemaVersion int
	ID            uuid.UUID
	CommandID     uuid.UUID
	MerchantID    string
	At            time.Time
	EffectiveAt   time.Time // zero: absent
	RecordedAt    time.Time
	RequestID     string
	Causation     uuid.UUID // the event that led to the command; zero: none
	Actor         domain.Actor
	Payload       json.RawMessage
	Hash          [32]byte
	// Said is what whoever read the event has made of its payload, for those whom they
	// hand it on to, so that it is decoded once; nil: nobody has. The log knows nothing
	// of it.
	Said any
}

// Expectation is the version that a stream must have for an append to hold;
// 0: the stream does not exist yet.
type Expectation struct {
	Stream  string
	Version int
}

// Claim takes a look-up key for a stream: once, for ever, per log.
type Claim struct {
	Kind   string
	Value  string
	Stream string
	// Soft makes a key that another stream holds a report in the result
	// instead of a refusal: what happened outside is never turned away.
	Soft bool
}

// Command is what is appended in one go, all or nothing. It may carry no events
// at all: then only its expectations are checked, and its idempotency rows kept.
type Command struct {
	ID         uuid.UUID // the same id appends once; UUIDv7
	MerchantID string
	RequestID  string
	Causation  uuid.UUID
	Actor      domain.Actor
	// Expect holds the version of every stream that was read to decide, the
	// written ones among them. Each stream stands at most once.
	Expect []Expectation
	// Events, in order. Every stream that they name must stand in Expect.
	Events []NewEvent
	Claims []Claim
	// Key, if any, is taken with this append.
	Key *IdempotencyKey
	// Answer, if any, settles a key: this command's own, or that of the earlier
	// command that it names. It is ignored where that command carried no key.
	Answer *Answer
}

// IdempotencyKey is a merchant's key for one request.
type IdempotencyKey struct {
	Kind         string // the kind of API key: "secret" or "public"
	Key          string
	Fingerprints json.RawMessage // JSON object: member → HMAC, never the member's value
	Stream       string          // the object that the request is about, once known
}

// About returns the key with the object that its request is about; nil for no key.
func (k *IdempotencyKey) About(stream string) *IdempotencyKey {
	if k == nil {
		return nil
	}
	named := *k
	named.Stream = stream
	return &named
}

// Answer is what a request was finally told, without its body: that is rendered
// from the stream at its version, or from the refusal.
type Answer struct {
	CommandID uuid.UUID // the command that took the key
	Status    int       // HTTP
	Stream    string
	Version   int
	Refusal   json.RawMessage // nil: none
}

// KeyRecord is what the log knows of an idempotency key.
type KeyRecord struct {
	CommandID    uuid.UUID
	Fingerprints json.RawMessage
	Stream       string
	RecordedAt   time.Time
	Answer       *Answer // nil: outstanding
}

// Result is what an append came to.
type Result struct {
	First, Last int64 // positions of the command's events; both 0 without events
	// Duplicate: the command was in the log already, and nothing was appended.
	Duplicate bool
	// Taken holds the soft claims that another stream holds.
	Taken []Claim
}

// VersionConflict says that a stream has moved on since it was read.
type VersionConflict struct {
	Stream           string
	Expected, Actual int
}

func (e *VersionConflict) Error() string {
	return fmt.Sprintf("stream %s is at version %d, not %d", e.Stream, e.Actual, e.Expected)
}

// KeyTaken says that another command took the idempotency key first.
type KeyTaken struct{ Record KeyRecord }

func (e *KeyTaken) Error() string {
	return "the idempotency key was taken by command " + e.Record.CommandID.String()
}

// ClaimTaken says that a look-up key belongs to another stream.
type ClaimTaken struct{ Claim Claim }

func (e *ClaimTaken) Error() string {
	return fmt.Sprintf("%s is claimed by another stream than %s", e.Claim.Kind, e.Claim.Stream)
}
