package webhooks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
)

// The headers of Standard Webhooks 1.0.0.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// SecretBytesMin and SecretBytesMax bound a secret, decoded.
const (
	SecretBytesMin = 24
	SecretBytesMax = 64
)

const (
	secretPrefix     = "whsec_"
	secretBytesNew   = 32 // of a generated secret: as many as the signature's hash has
	signatureVersion = "v1,"
)

// ErrSecretMalformed says that a text is no webhook secret. It never quotes it.
var ErrSecretMalformed = errors.Newf("a webhook secret is %q and base64 of %d to %d bytes",
	secretPrefix, SecretBytesMin, SecretBytesMax)

// Secret signs an endpoint's messages. It prints as a mask.
type Secret struct{ key []byte }

// NewSecret draws a secret.
func NewSecret() Secret {
	key := make([]byte, secretBytesNew)
	rand.Read(key) // never fails: without randomness the process ends
	return Secret{key: key}
}

// ParseSecret reads a secret as [Secret.Reveal] writes it.
func ParseSecret(s string) (Secret, error) {
	encoded, found := strings.CutPrefix(s, secretPrefix)
	if !found || len(encoded) > base64.StdEncoding.EncodedLen(SecretBytesMax) {
		return Secret{}, ErrSecretMalformed
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(key) < SecretBytesMin || len(key) > SecretBytesMax {
		return Secret{}, ErrSecretMalformed
	}
	return Secret{key: key}, nil
}

// Reveal returns the secret as the merchant gets it: shown once, then kept in
// the vault.
func (s Secret) Reveal() string { return secretPrefix + base64.StdEncoding.EncodeToString(s.key) }

// String masks the secret, so that it can't slip into a log.
func (s Secret) String() string { return secretPrefix + "***" }

// GoString masks the secret, too.
func (s Secret) GoString() string { return s.String() }

// Sign returns the three headers of one try: id is the event's, the same on each
// try; at is the instant of this one, sent in whole seconds. Every secret signs,
// so that a receiver may hold any of those that are live. Without a secret
// nothing may be sent, and Sign panics.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) http.Header {
	if len(secrets) == 0 {
		panic(errors.AssertionFailedf("a webhook message without a secret"))
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		signatures[i] = s.sign(id, timestamp, body)
	}
	return http.Header{
		HeaderID:        {id},
		HeaderTimestamp: {timestamp},
		HeaderSignature: {strings.Join(signatures, " ")},
	}
}

func (s Secret) sign(id, timestamp string, body []byte) string {
	if len(s.key) == 0 {
		panic(errors.AssertionFailedf("a webhook message signed with an empty secret"))
	}
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return signatureVersion + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
