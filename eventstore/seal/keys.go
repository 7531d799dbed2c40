package seal

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
	"golang.org/x/mod/sumdb/note"

	"tender/eventstore"
)

// origin is the first line of a log's checkpoints, and its keys' name.
func (f keyFile) origin(log eventstore.Log) string { return f.Name + "/" + log.Schema() }

// signer is a key as it signs one log's checkpoints.
type signer struct {
	note.Signer
	verifier string
}

// of derives the key for an origin: a signature for one log says nothing about
// another.
func (k sealKey) of(origin string) (signer, error) {
	mac := hmac.New(sha256.New, k.Seed)
	mac.Write([]byte(origin))
	seed := mac.Sum(nil)
	public, ok := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	if !ok {
		return signer{}, errors.AssertionFailedf("an Ed25519 key has no public half")
	}
	verifier, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		return signer{}, errors.Wrap(err, "a sealing key's public half")
	}
	// A signer's text is a verifier's, with the private half in place of the public.
	parts := strings.SplitN(verifier, "+", 3)
	algorithm := byte(1)
	parts[2] = base64.StdEncoding.EncodeToString(append([]byte{algorithm}, seed...))
	s, err := note.NewSigner("PRIVATE+KEY+" + strings.Join(parts, "+"))
	return signer{Signer: s, verifier: verifier}, errors.Wrap(err, "a sealing key")
}

// ring is what one log's sealer needs of the keys.
type ring struct {
	origin            string
	current, previous *signer        // previous: nil if there is none
	known             note.Verifiers // of this log: a key says nothing about another
}

// ring returns a log's keys, as the file holds them now.
func (k *Keys) ring(log eventstore.Log) (ring, error) {
	file, err := k.fresh()
	if err != nil {
		return ring{}, err
	}
	r := ring{origin: file.origin(log)}
	var known []note.Verifier
	for i, key := range file.Keys {
		texts := key.Verifiers
		if key.Seed != nil {
			s, err := key.of(r.origin)
			if err != nil {
				return ring{}, err
			}
			texts = []string{s.verifier}
			if i == len(file.Keys)-1 {
				r.current = &s
			} else {
				r.previous = &s
			}
		}
		for _, text := range texts {
			v, err := note.NewVerifier(text)
			if err != nil {
				return ring{}, errors.Wrap(err, "a verifier in the file of the sealing keys")
			}
			// Those of the other log are in the file, too.
			if v.Name() == r.origin {
				known = append(known, v)
			}
		}
	}
	r.known = note.VerifierList(known...)
	return r, nil
}

// open reads a checkpoint of this log, and reports whether the current key has signed
// it. The error says that no known key has.
func (r ring) open(text string) (c Checkpoint, current bool, err error) {
	n, err := note.Open([]byte(text), r.known)
	if err != nil {
		return Checkpoint{}, false, err
	}
	if origin, _, _ := strings.Cut(n.Text, "\n"); origin != r.origin {
		return Checkpoint{}, false, errors.Newf("it is a checkpoint of %s", origin)
	}
	current = slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Hash == r.current.KeyHash() })
	c, err = parse(text)
	return c, current, err
}
