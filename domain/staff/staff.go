// Package staff holds the people who run the installation: finance, who replays
// the log, and operators, who rebuild read models. Each key belongs to a named
// person and ends on its own.
package staff

import (
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/codec"
	"tender/domain/id"
)

// Role is what a staff key is for.
type Role string

// The roles of the staff.
const (
	RoleFinance  Role = "finance"
	RoleOperator Role = "operator"
)

// KeyValidMax is how far ahead a staff key's expiry may lie.
const KeyValidMax = 400 * 24 * time.Hour

// KeyPrefix is what a staff key of this role begins with.
func KeyPrefix(r Role) string {
	if r == RoleFinance {
		return "fin_"
	}
	return "ops_"
}

// Key is one staff key, known by its hash only.
type Key struct {
	ID        string
	Role      Role
	Hash      string // as merchant keys are hashed
	ExpiresAt time.Time
	Merchants []string // nil: all
	Revoked   bool
}

// State is what the rules need to know of a person. The zero State does not
// exist yet.
type State struct {
	ID   string
	Name string
	Keys map[string]Key
}

// Exists reports whether the person was ever added.
func (s State) Exists() bool { return s.ID != "" }

// Event is something that happened to a person's account.
type Event interface {
	codec.Named
	staffEvent()
}

// Added: the person belongs to the staff.
type Added struct {
	Name string `json:"name"`
}

// KeyIssued: a new staff key is good.
type KeyIssued struct {
	KeyID     string    `json:"key_id"`
	Role      Role      `json:"role"`
	Hash      string    `json:"hash"`
	ExpiresAt time.Time `json:"expires_at"`
	Merchants []string  `json:"merchants,omitempty"`
}

// KeyRevoked: the staff key is good no longer.
type KeyRevoked struct {
	KeyID string `json:"key_id"`
}

func (Added) Type() string      { return "staff.added" }
func (KeyIssued) Type() string  { return "staff.key_issued" }
func (KeyRevoked) Type() string { return "staff.key_revoked" }
func (Accessed) Type() string   { return "staff.accessed" }

func (Added) staffEvent()      {}
func (KeyIssued) staffEvent()  {}
func (KeyRevoked) staffEvent() {}
func (Accessed) staffEvent()   {}

// Codec reads and writes every event of a member of the staff.
var Codec = codec.New(
	codec.Define("staff.added", 1, func(e Added) Event { return e }),
	codec.Define("staff.key_issued", 1, func(e KeyIssued) Event { return e }),
	codec.Define("staff.key_revoked", 1, func(e KeyRevoked) Event { return e }),
	codec.Define("staff.accessed", 1, func(e Accessed) Event { return e }),
)

// Evolve returns the state after e. It panics on an event type that this build
// was compiled with and forgot to handle.
func Evolve(s State, id string, e Event) State {
	switch e := e.(type) {
	case Added:
		return State{ID: id, Name: e.Name, Keys: map[string]Key{}}
	case KeyIssued:
		s.Keys = maps.Clone(s.Keys)
		s.Keys[e.KeyID] = Key{ID: e.KeyID, Role: e.Role, Hash: e.Hash, ExpiresAt: e.ExpiresAt, Merchants: e.Merchants}
	case KeyRevoked:
		s.Keys = maps.Clone(s.Keys)
		k := s.Keys[e.KeyID]
		k.Revoked = true
		s.Keys[e.KeyID] = k
	case Accessed: // it is in a stream of its own
	default:
		panic(fmt.Sprintf("staff: %T is not handled", e))
	}
	return s
}

// Refusals of what is asked of a staff account.
var (
	ErrExists      = domain.Refuse("staff_exists", "The person is on the staff already.")
	ErrNotFound    = domain.Refuse("not_found", "There is no such person on the staff.")
	ErrKeyNotFound = domain.Refuse("not_found", "The person has no such key.")
	// ErrNoMerchants refuses a key for an empty list of merchants: in the log
	// that could not be told from one for all of them.
	ErrNoMerchants   = domain.Refuse("invalid_request", "A staff key names at least one merchant, or is for all.")
	ErrExpiryInvalid = domain.Refuse("invalid_request", "A staff key expires in the future, at most 400 days ahead.")
)

// Command is something that may be asked of a staff account.
type Command interface{ staffCommand() }

// Add puts a person on the staff.
type Add struct{ Name string }

// IssueKey makes a new staff key good. Only its hash comes here.
type IssueKey struct {
	ID        uuid.UUID // of the command; the key's id is made from it
	Role      Role
	Hash      string
	ExpiresAt time.Time
	Merchants []string // nil: all
	Now       domain.Moment
}

// KeyID is the id that the key issued by c has.
func (c IssueKey) KeyID() string { return id.Format(id.Key, c.ID) }

// RevokeKey ends a key, from the commit on and for ever.
type RevokeKey struct{ KeyID string }

func (Add) staffCommand()       {}
func (IssueKey) staffCommand()  {}
func (RevokeKey) staffCommand() {}

// Decide returns what happens when c is asked of a person in state s.
func Decide(s State, c Command) ([]Event, error) {
	if _, add := c.(Add); !add && !s.Exists() {
		return nil, ErrNotFound
	}
	switch c := c.(type) {
	case Add:
		if s.Exists() {
			return nil, ErrExists
		}
		return []Event{Added(c)}, nil
	case IssueKey:
		if !c.ExpiresAt.After(c.Now.Wall) || c.ExpiresAt.After(c.Now.Wall.Add(KeyValidMax)) {
			return nil, ErrExpiryInvalid
		}
		if c.Merchants != nil && len(c.Merchants) == 0 {
			return nil, ErrNoMerchants
		}
		return []Event{KeyIssued{KeyID: c.KeyID(), Role: c.Role, Hash: c.Hash, ExpiresAt: c.ExpiresAt, Merchants: c.Merchants}}, nil
	case RevokeKey:
		k, known := s.Keys[c.KeyID]
		switch {
		case !known:
			return nil, ErrKeyNotFound
		case k.Revoked:
			return nil, nil
		}
		return []Event{KeyRevoked(c)}, nil
	case Access:
		if err := s.Permits(c.KeyID, c.Role, c.Now); err != nil {
			return nil, err
		}
		return []Event{c.record()}, nil
	default:
		panic(fmt.Sprintf("staff: %T is not handled", c))
	}
}
