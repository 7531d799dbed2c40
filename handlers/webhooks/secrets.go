package webhooks

import (
	"context"
	"strings"

	"github.com/cockroachdb/errors"
	lru "github.com/hashicorp/golang-lru/v2"

	"tender/domain/id"
	"tender/handlers/engine"
	"tender/vault"
)

const (
	// SecretKind is the kind of an endpoint's secrets in the vault.
	SecretKind = "webhook_secret"
	// secretField names an endpoint's secrets in the vault, before its id.
	secretField = SecretKind + "/"
	// secretsCachedMax is how many secrets a process remembers. What a reference
	// leads to never changes.
	secretsCachedMax = 10_000
)

// Secrets keeps endpoints' secrets in the vault. It is safe for concurrent use.
type Secrets struct {
	vault *vault.Vault
	known *lru.Cache[string, Secret]
}

// NewSecrets returns the secrets in v.
func NewSecrets(v *vault.Vault) *Secrets {
	known, err := lru.New[string, Secret](secretsCachedMax)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return &Secrets{vault: v, known: known}
}

// Make draws a secret for an endpoint and seals it. When it returns, the entry is
// durable, and the append that names the reference may follow.
func (s *Secrets) Make(ctx context.Context, merchantID, endpointID string) (ref string, secret Secret, err error) {
	secret = NewSecret()
	ref, err = s.vault.Put(ctx, merchantID, secretField+endpointID, []byte(secret.Reveal()))
	return ref, secret, errors.Wrap(err, "seal a webhook secret")
}

// Get opens the secret that an endpoint's events name.
func (s *Secrets) Get(ctx context.Context, merchantID, endpointID, ref string) (Secret, error) {
	name := merchantID + "\n" + endpointID + "\n" + ref // a reference is good in its place only
	if secret, known := s.known.Get(name); known {
		return secret, nil
	}
	text, err := s.vault.Get(ctx, merchantID, secretField+endpointID, ref)
	if err != nil {
		return Secret{}, errors.Wrapf(err, "the secret of endpoint %s", endpointID)
	}
	secret, err := ParseSecret(string(text))
	if err != nil {
		return Secret{}, errors.Wrapf(err, "the secret of endpoint %s", endpointID)
	}
	s.known.Add(name, secret)
	return secret, nil
}

// Named tells the vault's sweep which entries the logs name. An entry that is not
// a webhook secret is an error: what isn't known here must not be swept.
func Named(logs ...*engine.Engine) vault.Judge {
	return func(ctx context.Context, entries []vault.Entry) ([]vault.Verdict, error) {
		verdicts := make([]vault.Verdict, len(entries))
		for i, entry := range entries {
			endpointID, ours := strings.CutPrefix(entry.Field, secretField)
			if !ours || !id.Valid(id.Endpoint, endpointID) {
				return nil, errors.AssertionFailedf("vault entry %s has the unknown field %q", entry.Ref, entry.Field)
			}
			for _, log := range logs {
				endpoint := log.Endpoints.Ref(endpointID)
				if err := log.Refresh(ctx, endpoint); err != nil {
					return nil, err
				}
				if endpoint.Value.SecretRef == entry.Ref {
					verdicts[i] = vault.Named
				}
			}
		}
		return verdicts, nil
	}
}
