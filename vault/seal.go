package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"github.com/cockroachdb/errors"
)

const (
	keyBytes = 32 // AES-256

	// sealFormat stands in front of everything sealed, so that a later format
	// can be told apart.
	sealFormat = 1

	// What a ciphertext is of: a wrapped key can never pass for an entry.
	entryPurpose = "tender/vault/entry"
	keyPurpose   = "tender/vault/owner key"
)

// seal encrypts with AES-256-GCM under a random nonce: format, nonce,
// ciphertext, tag. A key may seal 2³² messages before nonces are likely to meet;
// an owner has thousands.
func seal(key, plain, data []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 1, 1+aead.Overhead()+len(plain))
	out[0] = sealFormat
	return aead.Seal(out, nil, plain, data), nil
}

// open is the reverse of seal; what doesn't fit gives [ErrCorrupt].
func open(key, sealed, data []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < 1+aead.Overhead() || sealed[0] != sealFormat {
		return nil, ErrCorrupt
	}
	plain, err := aead.Open(nil, nil, sealed[1:], data)
	if err != nil {
		return nil, ErrCorrupt
	}
	return plain, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != keyBytes {
		return nil, errors.AssertionFailedf("a vault key has %d bytes, not %d", len(key), keyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errors.Wrap(err, "set up AES")
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return aead, errors.Wrap(err, "set up GCM")
}

// entryData binds an entry to its place: what is copied to another owner, field
// or reference doesn't open there.
func entryData(owner, field, ref string) []byte {
	return additionalData(entryPurpose, owner, field, ref)
}

// additionalData joins parts with their lengths, so that no two lists of parts
// have one encoding.
func additionalData(parts ...string) []byte {
	var data []byte
	for _, p := range parts {
		data = binary.BigEndian.AppendUint32(data, uint32(len(p)))
		data = append(data, p...)
	}
	return data
}
