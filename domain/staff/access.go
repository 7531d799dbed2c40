package staff

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tender/domain"
	"tender/domain/id"
)

// Limits of what an access record keeps of a request: longer texts are cut, so
// that nobody can fill the log with them.
const (
	accessPathBytesMax  = 512
	accessQueryBytesMax = 1024
)

// Refusals of a key.
var (
	ErrKeyRevoked   = domain.Refuse("forbidden", "The staff key was revoked.")
	ErrKeyExpired   = domain.Refuse("forbidden", "The staff key has expired: ask for a new one.")
	ErrRoleOperator = domain.Refuse("forbidden", "This takes an operator's key (ops_…).")
	ErrRoleFinance  = domain.Refuse("forbidden", "This takes a finance key (fin_…).")
)

// Accessed is the record, in a stream of its own, that a person looked at merchants' data, or steered the
// installation. What was asked for is named, never what was answered.
type Accessed struct {
	KeyID string `json:"key_id"`
	// Mode is that of the log that was asked about.
	Mode   string `json:"mode"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query,omitempty"`
}

// Looks is the state of the stream that holds what a person looked at in one day. No
// rule reads it: the stream is there to be read by people. Were they in the person's
// own stream, each look would make every later one dearer.
type Looks struct{}

// EvolveLooks returns the state after e. It panics on an event type that has no place
// in such a stream.
func EvolveLooks(s Looks, e Event) Looks {
	if _, looked := e.(Accessed); !looked {
		panic(fmt.Sprintf("staff: %T is no look", e))
	}
	return s
}

// LooksStream is the stream that holds what a person looked at on the day of t, UTC.
func LooksStream(personID string, t time.Time) string {
	return fmt.Sprintf("%s%s_%s", id.Access, strings.TrimPrefix(personID, string(id.Staff)), t.UTC().Format("20060102"))
}

// Access asks to look at something, or to steer, with a key.
type Access struct {
	KeyID  string
	Role   Role // that the key must have
	Mode   string
	Method string
	Path   string
	Query  string
	Now    domain.Moment
}

func (Access) staffCommand() {}

func (c Access) record() Accessed {
	return Accessed{
		KeyID: c.KeyID, Mode: c.Mode, Method: c.Method,
		Path: cut(c.Path, accessPathBytesMax), Query: cut(c.Query, accessQueryBytesMax),
	}
}

// cut shortens ASCII text; the marker says that there was more.
func cut(s string, bytes int) string {
	if len(s) <= bytes {
		return s
	}
	return s[:bytes] + "…"
}

// Permits refuses a key that is not one of the person's, was revoked, has expired,
// or is for another role.
func (s State) Permits(keyID string, role Role, now domain.Moment) error {
	k, known := s.Keys[keyID]
	switch {
	case !known:
		return ErrKeyNotFound
	case k.Revoked:
		return ErrKeyRevoked
	case !k.ExpiresAt.After(now.Wall):
		return ErrKeyExpired
	case k.Role != role && role == RoleOperator:
		return ErrRoleOperator
	case k.Role != role:
		return ErrRoleFinance
	}
	return nil
}

// KeyByHash returns the key with this hash.
func (s State) KeyByHash(hash string) (Key, bool) {
	for _, k := range s.Keys {
		if k.Hash == hash {
			return k, true
		}
	}
	return Key{}, false
}

// Covers reports whether the key reaches a merchant's data.
func (k Key) Covers(merchantID string) bool {
	return k.Merchants == nil || slices.Contains(k.Merchants, merchantID)
}
