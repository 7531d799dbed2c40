package webhooks_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"tender/handlers/webhooks"
)

// The specification's own vector.
func TestSignVector(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/standard-webhooks.json")
	if err != nil {
		t.Fatal(err)
	}
	var vector struct {
		Secret    string `json:"secret"`
		ID        string `json:"webhook_id"`
		Timestamp int64  `json:"webhook_timestamp"`
		Body      string `json:"body"`
		Signature string `json:"webhook_signature"`
	}
	if err := json.Unmarshal(text, &vector); err != nil {
		t.Fatal(err)
	}
	secret, err := webhooks.ParseSecret(vector.Secret)
	if err != nil {
		t.Fatal(err)
	}
	headers := webhooks.Sign(vector.ID, time.Unix(vector.Timestamp, 0), []byte(vector.Body), secret)
	for name, want := range map[string]string{
		"webhook-id": vector.ID, "webhook-timestamp": "1614265330", "webhook-signature": vector.Signature,
	} {
		if got := headers.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// Receivers use the official library, with any one of the live secrets.
func TestOfficialLibraryVerifies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		id := rapid.StringMatching(`evt_[0-9a-z]{26}`).Draw(t, "id")
		secrets := make([]webhooks.Secret, rapid.IntRange(1, 3).Draw(t, "secrets"))
		for i := range secrets {
			secrets[i] = webhooks.NewSecret()
		}
		headers := webhooks.Sign(id, time.Now(), body, secrets...)
		for _, s := range secrets {
			if err := verify(s, body, headers); err != nil {
				t.Fatalf("not verified: %v", err)
			}
		}
		if err := verify(webhooks.NewSecret(), body, headers); err == nil {
			t.Fatal("verified with a secret that didn't sign")
		}
		if err := verify(secrets[0], append(body, 'x'), headers); err == nil {
			t.Fatal("another body is verified")
		}
	})
}

func verify(s webhooks.Secret, body []byte, headers http.Header) error {
	w, err := standardwebhooks.NewWebhook(s.Reveal())
	if err != nil {
		return err
	}
	return w.Verify(body, headers)
}

func TestSecret(t *testing.T) {
	t.Parallel()
	s := webhooks.NewSecret()
	back, err := webhooks.ParseSecret(s.Reveal())
	if err != nil || back.Reveal() != s.Reveal() {
		t.Errorf("a secret does not come back: %v", err)
	}
	if s.Reveal() == webhooks.NewSecret().Reveal() {
		t.Error("two secrets are the same")
	}
	hidden := strings.TrimPrefix(s.Reveal(), "whsec_")
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if printed := fmt.Sprintf(format, s); strings.Contains(printed, hidden) {
			t.Errorf("%s prints the secret", format)
		}
	}
	for _, bad := range []string{
		"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", "whsec_" + strings.Repeat("AAAA", 22), "whsec_" + strings.Repeat("AAAA", 7), // 66 and 21 bytes
		"WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + strings.Repeat("A", 4096),
	} {
		if _, err := webhooks.ParseSecret(bad); !errors.Is(err, webhooks.ErrSecretMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, blocks := range []int{8, 21} { // 24 and 63 bytes
		if _, err := webhooks.ParseSecret("whsec_" + strings.Repeat("AAAA", blocks)); err != nil {
			t.Errorf("%d bytes: %v", blocks*3, err)
		}
	}
}

func TestNothingGoesUnsigned(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]webhooks.Secret{"no secret": nil, "an empty secret": {{}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: signed", name)
				}
			}()
			webhooks.Sign("evt_1", time.Now(), nil, secrets...)
		}()
	}
}
