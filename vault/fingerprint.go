package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

const (
	fingerprintPurpose = "card fingerprints"
	fingerprintBytes   = 16 // of the HMAC: two cards of a scope never meet in 128 bits
)

// Fingerprint tells equal cards within one scope, which is a merchant's or a session's
// id: 32 hex digits, the same for the same digits in every process with this ring,
// before and after the master key is rotated. Of different scopes it says nothing, not
// even that their cards are equal.
//
// It is a pseudonym, not a secret kept from us: whoever holds the ring's root and
// knows a card's first six and last four digits can find the rest by trying.
func (k KeyRing) Fingerprint(scope, number string) string {
	mac := hmac.New(sha256.New, k.Derive(fingerprintPurpose))
	mac.Write(additionalData(scope, number))
	return hex.EncodeToString(mac.Sum(nil)[:fingerprintBytes])
}
