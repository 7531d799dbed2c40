// Package merchant holds who may ask for payments: a merchant's account in one
// mode, its API keys and its settings.
package merchant

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/domain/method"
)

// KeyKind says what an API key may do.
type KeyKind string

// The kinds of API keys.
const (
	KeySecret KeyKind = "secret" // for servers: everything
	KeyPublic KeyKind = "public" // for browsers: creates sessions only
)

// Limits of one merchant in one mode.
const (
	KeysMax      = 20 // live ones
	EndpointsMax = 50 // webhook endpoints that were not deleted
)

// Key is one API key, known by its hash only.
type Key struct {
	ID      string
	Kind    KeyKind
	Hash    string // SHA-256 of the whole key, in hex
	Revoked bool
}

// HashKey returns the form in which an API key is stored and looked up.
func HashKey(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// KeyPrefix is what an API key of this kind and mode begins with.
func KeyPrefix(kind KeyKind, mode string) string {
	prefix := "sk_"
	if kind == KeyPublic {
		prefix = "pk_"
	}
	if mode == "test" {
		prefix += "test_"
	}
	return prefix
}

// Settings are what a merchant may choose.
type Settings struct {
	Name              string   `json:"name"`
	Country           string   `json:"country"`   // ISO 3166-1 alpha-2
	TimeZone          string   `json:"time_zone"` // IANA
	AllowedReturnURLs []string `json:"allowed_return_urls,omitempty"`
	// AllowedOrigins are where the merchant's own pages are; see [OriginProblem].
	AllowedOrigins []string `json:"allowed_origins,omitempty"`
	PublicKeys     bool     `json:"public_keys,omitempty"` // whether they are accepted
	// SavedCardsWithoutCVC lets customers pay with a saved card without its security
	// code.
	SavedCardsWithoutCVC bool `json:"saved_cards_without_cvc,omitempty"`
	// PaymentMethods are the kinds that customers are offered, of those that fit their
	// session; nil: all.
	PaymentMethods []method.Kind `json:"payment_methods,omitempty"`
}

// State is what the rules need to know of a merchant. The zero State does not
// exist yet.
type State struct {
	ID       string
	Settings Settings
	Brand    Brand
	Keys     map[string]Key // by id
	// Endpoints are the ids of the webhook endpoints. They stand here, because how
	// many there may be must not rest on a read model.
	Endpoints []string
	// SlowedAt is since when the merchant is slowed, and SlowedUntil until when at
	// least; zero: it is not.
	SlowedAt, SlowedUntil time.Time
}

// Exists reports whether the merchant was ever created.
func (s State) Exists() bool { return s.ID != "" }

// KeyByHash returns the key with this hash, revoked or not.
func (s State) KeyByHash(hash string) (Key, bool) {
	for _, k := range s.Keys {
		if subtle.ConstantTimeCompare([]byte(k.Hash), []byte(hash)) == 1 {
			return k, true
		}
	}
	return Key{}, false
}

// AllowsReturnURL reports whether a session made with a public key may lead
// back to url: it must be one of the allowed ones, or lie below one that ends
// in a slash. One on a loopback address may have * for any port.
func (s State) AllowsReturnURL(url string) bool {
	for _, allowed := range s.Settings.AllowedReturnURLs {
		at := atAnyPort(url, allowed)
		if at == allowed || strings.HasSuffix(allowed, "/") && strings.HasPrefix(at, allowed) && !climbs(at) {
			return true
		}
	}
	return false
}

// climbs reports whether a browser might resolve url to something above where
// it seems to lie. Browsers read %2e as a dot.
func climbs(url string) bool {
	return strings.Contains(strings.ReplaceAll(strings.ToLower(url), "%2e", "."), "..")
}

// Event is something that happened to a merchant's account.
type Event interface {
	codec.Named
	merchantEvent()
}

// Created: the merchant has an account in this mode.
type Created struct {
	Settings Settings `json:"settings"`
}

// SettingsChanged: the settings are these from now on.
type SettingsChanged struct {
	Settings Settings `json:"settings"`
}

// KeyIssued: a new API key is good.
type KeyIssued struct {
	KeyID    string    `json:"key_id"`
	Kind     KeyKind   `json:"kind"`
	Hash     string    `json:"hash"`
	IssuedAt time.Time `json:"issued_at"`
}

// KeyRevoked: the API key is good no longer.
type KeyRevoked struct {
	KeyID string `json:"key_id"`
}

// EndpointAdded: the webhook endpoint was made; its own stream says what it is.
type EndpointAdded struct {
	EndpointID string `json:"endpoint_id"`
}

// EndpointRemoved: the webhook endpoint was deleted.
type EndpointRemoved struct {
	EndpointID string `json:"endpoint_id"`
}

func (Created) Type() string         { return "merchant.created" }
func (SettingsChanged) Type() string { return "merchant.settings_changed" }
func (KeyIssued) Type() string       { return "merchant.key_issued" }
func (KeyRevoked) Type() string      { return "merchant.key_revoked" }
func (EndpointAdded) Type() string   { return "merchant.endpoint_added" }
func (EndpointRemoved) Type() string { return "merchant.endpoint_removed" }

func (Created) merchantEvent()         {}
func (SettingsChanged) merchantEvent() {}
func (KeyIssued) merchantEvent()       {}
func (KeyRevoked) merchantEvent()      {}
func (EndpointAdded) merchantEvent()   {}
func (EndpointRemoved) merchantEvent() {}

// Codec reads and writes every event of a merchant.
var Codec = codec.New(
	codec.Define("merchant.created", 1, func(e Created) Event { return e }),
	codec.Define("merchant.settings_changed", 1, func(e SettingsChanged) Event { return e }),
	codec.Define("merchant.brand_changed", 1, func(e BrandChanged) Event { return e }),
	codec.Define("merchant.key_issued", 1, func(e KeyIssued) Event { return e }),
	codec.Define("merchant.key_revoked", 1, func(e KeyRevoked) Event { return e }),
	codec.Define("merchant.endpoint_added", 1, func(e EndpointAdded) Event { return e }),
	codec.Define("merchant.endpoint_removed", 1, func(e EndpointRemoved) Event { return e }),
	codec.Define("merchant.slowed", 1, func(e Slowed) Event { return e }),
	codec.Define("merchant.released", 1, func(e Released) Event { return e }),
)

// Evolve returns the state after e. It panics on an event type that this build
// was compiled with and forgot to handle.
func Evolve(s State, id string, e Event) State {
	switch e := e.(type) {
	case Created:
		return State{ID: id, Settings: e.Settings, Keys: map[string]Key{}}
	case SettingsChanged:
		s.Settings = e.Settings
	case BrandChanged:
		s.Settings.Name, s.Brand = e.Name, e.Brand
	case KeyIssued:
		s.Keys = maps.Clone(s.Keys)
		s.Keys[e.KeyID] = Key{ID: e.KeyID, Kind: e.Kind, Hash: e.Hash}
	case KeyRevoked:
		s.Keys = maps.Clone(s.Keys)
		k := s.Keys[e.KeyID]
		k.Revoked = true
		s.Keys[e.KeyID] = k
	case EndpointAdded:
		s.Endpoints = append(slices.Clip(s.Endpoints), e.EndpointID)
	case EndpointRemoved:
		s.Endpoints = slices.DeleteFunc(slices.Clone(s.Endpoints), func(id string) bool { return id == e.EndpointID })
	case Slowed:
		s.SlowedAt, s.SlowedUntil = e.SlowedAt, e.SlowedUntil
	case Released:
		s.SlowedAt, s.SlowedUntil = time.Time{}, time.Time{}
	default:
		panic(fmt.Sprintf("merchant: %T is not handled", e))
	}
	return s
}

// Refusals of what is asked of a merchant's account.
var (
	ErrExists      = domain.Refuse("merchant_exists", "The merchant exists already in this mode.")
	ErrNotFound    = domain.Refuse("not_found", "There is no such merchant in this mode.")
	ErrKeyNotFound = domain.Refuse("not_found", "The merchant has no such key.")
	ErrTooManyKeys = domain.Refuse("too_many_keys", fmt.Sprintf("A merchant has at most %d live keys. Revoke one first.", KeysMax))

	ErrTooManyEndpoints = domain.Refuse("endpoint_limit_reached",
		fmt.Sprintf("The merchant has %d webhook endpoints. Delete one first.", EndpointsMax))
)

// Command is something that may be asked of a merchant's account.
type Command interface{ merchantCommand() }

// Create opens the account.
type Create struct{ Settings Settings }

// ChangeSettings replaces the settings.
type ChangeSettings struct{ Settings Settings }

// IssueKey makes a new API key good. Only its hash comes here.
type IssueKey struct {
	ID   uuid.UUID // of the command; the key's id is made from it
	Kind KeyKind
	Hash string
	Now  domain.Moment
}

// KeyID is the id that the key issued by c has.
func (c IssueKey) KeyID() string { return id.Format(id.Key, c.ID) }

// RevokeKey ends a key, from the commit on and for ever.
type RevokeKey struct{ KeyID string }

// AddEndpoint makes room for a new webhook endpoint.
type AddEndpoint struct{ EndpointID string }

// RemoveEndpoint gives back the room of one that is deleted.
type RemoveEndpoint struct{ EndpointID string }

func (Create) merchantCommand()         {}
func (ChangeSettings) merchantCommand() {}
func (IssueKey) merchantCommand()       {}
func (RevokeKey) merchantCommand()      {}
func (AddEndpoint) merchantCommand()    {}
func (RemoveEndpoint) merchantCommand() {}

// Decide returns what happens when c is asked of a merchant in state s.
func Decide(s State, c Command) ([]Event, error) {
	if _, create := c.(Create); !create && !s.Exists() {
		return nil, ErrNotFound
	}
	switch c := c.(type) {
	case Create:
		if s.Exists() {
			return nil, ErrExists
		}
		return []Event{Created(c)}, nil
	case ChangeSettings:
		return []Event{SettingsChanged(c)}, nil
	case ChangeBrand:
		return s.changeBrand(c), nil
	case Judge:
		return s.judge(c), nil
	case IssueKey:
		if s.liveKeys() >= KeysMax {
			return nil, ErrTooManyKeys
		}
		return []Event{KeyIssued{KeyID: c.KeyID(), Kind: c.Kind, Hash: c.Hash, IssuedAt: c.Now.At}}, nil
	case RevokeKey:
		k, known := s.Keys[c.KeyID]
		switch {
		case !known:
			return nil, ErrKeyNotFound
		case k.Revoked:
			return nil, nil
		}
		return []Event{KeyRevoked(c)}, nil
	case AddEndpoint:
		if len(s.Endpoints) >= EndpointsMax {
			return nil, ErrTooManyEndpoints
		}
		return []Event{EndpointAdded(c)}, nil
	case RemoveEndpoint:
		if !slices.Contains(s.Endpoints, c.EndpointID) {
			return nil, nil
		}
		return []Event{EndpointRemoved(c)}, nil
	default:
		panic(fmt.Sprintf("merchant: %T is not handled", c))
	}
}

func (s State) liveKeys() int {
	n := 0
	for _, k := range s.Keys {
		if !k.Revoked {
			n++
		}
	}
	return n
}
