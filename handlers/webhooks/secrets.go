package webhooks

import (
	"context"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	lru "github.com/hashicorp/golang-lru/v2"

	"tender/domain/id"
	"tender/domain/webhook"
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
	// secretShownFor is how long a secret stays readable after it was made,
	// whatever replaced it meanwhile: as long as the answer that showed it may have
	// to be given again, which is 24 hours after that answer.
	secretShownFor = 25 * time.Hour
	// secretSpare is how long one stays after it has stopped signing: longer than
	// clocks differ, and than a message may be under way.
	secretSpare = 10 * time.Minute
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

// live opens the secrets that an endpoint's messages are signed with at an
// instant.
func (s *Secrets) live(ctx context.Context, e webhook.Endpoint, at time.Time) ([]Secret, error) {
	refs := e.LiveSecrets(at)
	live := make([]Secret, len(refs))
	for i, ref := range refs {
		var err error
		if live[i], err = s.Get(ctx, e.MerchantID, e.ID, ref); err != nil {
			return nil, err
		}
	}
	return live, nil
}

// Doubt has the sweep ask about a secret that is about to be replaced: it is swept
// some time after its overlap has ended. It precedes the append that replaces it:
// if that never comes, the sweep finds that the secret is the present one.
func (s *Secrets) Doubt(ctx context.Context, merchantID, ref string) error {
	return errors.Wrap(s.vault.Doubt(ctx, merchantID, ref), "put a webhook secret in doubt")
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
				if v := verdictOn(entry, endpoint.Value, log.Now().Wall); v != vault.Unnamed {
					verdicts[i] = v
				}
			}
		}
		return verdicts, nil
	}
}

// verdictOn says what an endpoint's stream says of one of its secrets.
func verdictOn(entry vault.Entry, e webhook.Endpoint, now time.Time) vault.Verdict {
	if entry.Ref == e.SecretRef {
		return vault.Named
	}
	for _, earlier := range e.Earlier {
		if earlier.Ref == entry.Ref && now.Before(earlier.EndsAt.Add(secretSpare)) {
			return vault.Awaited
		}
	}
	if now.Before(entry.CreatedAt.Add(secretShownFor)) {
		return vault.Awaited // also one whose append never came: the log doesn't tell them apart for ever
	}
	return vault.Unnamed
}
