package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// ClientLengthMax bounds a client token that is read; what is longer was not made
// here.
const ClientLengthMax = 512

const (
	clientPrefix  = "ct_"
	clientPurpose = "client token 1"
)

// Client is what a client token names: the session whose checkout it opens in a frame,
// and until when. It stands for nothing else: no API takes it for a key.
type Client struct {
	SessionID    string
	Mode         string // live or test
	Presentation string // embedded_modal or embedded_inline
	ExpiresAt    time.Time
}

// clientJSON is a client token's content. Whoever has the token can read it, and so
// does embed.js, to know which form the checkout has.
type clientJSON struct {
	SessionID    string `json:"session_id"`
	Mode         string `json:"mode"`
	Presentation string `json:"presentation"`
	ExpiresAtMS  int64  `json:"expires_at_ms"`
}

// Signer makes and opens client tokens. It is safe for concurrent use.
type Signer struct{ key []byte }

// NewSigner returns a signer under a key of 32 secret bytes.
func NewSigner(key []byte) (*Signer, error) {
	if len(key) != keyBytes {
		return nil, fmt.Errorf("a signer needs a key of %d bytes, not %d", keyBytes, len(key))
	}
	return &Signer{key: append([]byte(nil), key...)}, nil
}

// Client signs a client token. Of one content there is one token: a replayed answer
// holds the same as the first.
func (s *Signer) Client(c Client) string {
	content, err := json.Marshal(clientJSON{
		SessionID: c.SessionID, Mode: c.Mode, Presentation: c.Presentation, ExpiresAtMS: c.ExpiresAt.UnixMilli(),
	})
	if err != nil {
		panic(err) // strings and a number always encode
	}
	return clientPrefix + encoding.EncodeToString(content) + "." + encoding.EncodeToString(s.signature(content))
}

// OpenClient returns what a client token names, or [ErrMalformedToken] or
// [ErrForeignToken]. Whether it has expired its reader judges, who knows the session's
// time.
func (s *Signer) OpenClient(token string) (Client, error) {
	body, found := strings.CutPrefix(token, clientPrefix)
	if !found || len(token) > ClientLengthMax {
		return Client{}, ErrMalformedToken
	}
	first, second, _ := strings.Cut(body, ".")
	content, err := encoding.DecodeString(first)
	if err != nil {
		return Client{}, ErrMalformedToken
	}
	signature, err := encoding.DecodeString(second)
	if err != nil {
		return Client{}, ErrMalformedToken
	}
	if !hmac.Equal(signature, s.signature(content)) {
		return Client{}, ErrForeignToken
	}
	var in clientJSON
	if err := json.Unmarshal(content, &in); err != nil {
		return Client{}, ErrMalformedToken
	}
	return Client{
		SessionID: in.SessionID, Mode: in.Mode, Presentation: in.Presentation, ExpiresAt: time.UnixMilli(in.ExpiresAtMS).UTC(),
	}, nil
}

func (s *Signer) signature(content []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	writeParts(h, clientPurpose, string(content))
	return h.Sum(nil)
}
