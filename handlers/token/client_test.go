package token_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"tender/handlers/token"
)

func signer(t testing.TB, fill byte) *token.Signer {
	t.Helper()
	s, err := token.NewSigner(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func client() token.Client {
	return token.Client{
		SessionID: "ps_01hzy3v7q8e4xk2m9c5b7d6f0a", Mode: "test", Presentation: "embedded_modal",
		ExpiresAt: time.Date(2026, 5, 4, 12, 0, 0, 123e6, time.UTC),
	}
}

func TestClientTokens(t *testing.T) {
	t.Parallel()
	s := signer(t, 1)
	tok := s.Client(client())
	if got, err := s.OpenClient(tok); err != nil || got != client() {
		t.Errorf("it comes back as %+v, %v", got, err)
	}
	if s.Client(client()) != tok {
		t.Error("a second one differs")
	}
	if strings.ContainsAny(tok, "+/=&? ") || len(tok) > token.ClientLengthMax {
		t.Errorf("%q can't stand in a URL as it is", tok)
	}
}

func TestClientTokensCannotBeForged(t *testing.T) {
	t.Parallel()
	s := signer(t, 1)
	tok := s.Client(client())
	content, signature, _ := strings.Cut(tok, ".")
	plain, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(content, "ct_"))
	if err != nil {
		t.Fatal(err)
	}
	changed := func(old, new string) string {
		return "ct_" + base64.RawURLEncoding.EncodeToString(bytes.Replace(plain, []byte(old), []byte(new), 1)) + "." + signature
	}
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"another key's":          {signer(t, 2).Client(client()), token.ErrForeignToken},
		"another session":        {changed("ps_01hzy3v7q8e4xk2m9c5b7d6f0a", "ps_01hzy3v7q8e4xk2m9c5b7d6f0b"), token.ErrForeignToken},
		"another mode":           {changed(`"test"`, `"live"`), token.ErrForeignToken},
		"a later expiry":         {changed("1777", "1877"), token.ErrForeignToken},
		"another form":           {changed("modal", "inline"), token.ErrForeignToken},
		"no signature":           {content, token.ErrForeignToken},
		"an empty signature":     {content + ".", token.ErrForeignToken},
		"half a signature":       {content + "." + signature[:24], token.ErrForeignToken},
		"a signature and more":   {tok + "AA", token.ErrMalformedToken},
		"two signatures":         {tok + "." + signature, token.ErrMalformedToken},
		"nothing":                {"", token.ErrMalformedToken},
		"no prefix":              {strings.TrimPrefix(tok, "ct_"), token.ErrMalformedToken},
		"too long":               {tok + strings.Repeat("A", token.ClientLengthMax), token.ErrMalformedToken},
		"not base64":             {"ct_%." + signature, token.ErrMalformedToken},
		"a list's cursor, maybe": {setup(t, 1).Position(merchant, "test", 1), token.ErrMalformedToken},
	} {
		if _, err := s.OpenClient(c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpenClient(f *testing.F) {
	s := signer(f, 1)
	f.Add(s.Client(client()))
	f.Add("ct_e30.")
	f.Fuzz(func(t *testing.T, tok string) {
		if c, err := s.OpenClient(tok); err == nil && s.Client(c) != tok {
			t.Errorf("%q is taken and was never made", tok)
		}
	})
}
