package token_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"tender/handlers/token"
)

const (
	merchant = "mer_01hzy3v7q8e4xk2m9c5b7d6f0a"
	other    = "mer_01hzy3v7q8e4xk2m9c5b7d6f0b"
)

func setup(t testing.TB, fill byte) *token.Sealer {
	t.Helper()
	s, err := token.NewSealer(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPosition(t *testing.T) {
	t.Parallel()
	s := setup(t, 1)
	for _, position := range []int64{0, 1, 42, math.MaxInt64} {
		tok := s.Position(merchant, "test", position)
		if got, err := s.OpenPosition(merchant, "test", tok); err != nil || got != position {
			t.Errorf("%d comes back as %d, %v", position, got, err)
		}
		if strings.ContainsAny(tok, "+/=&? ") || len(tok) > token.LengthMax {
			t.Errorf("%q can't stand in a URL as it is", tok)
		}
		if s.Position(merchant, "test", position) == tok {
			t.Errorf("two tokens of %d are the same", position)
		}
	}
}

func TestForeign(t *testing.T) {
	t.Parallel()
	s := setup(t, 1)
	filter := token.NewFilter("payment_sessions")
	tok := s.Position(merchant, "test", 7)
	cursor := s.Cursor(merchant, "test", token.Cursor{BeforePosition: 7, AfterID: "whd_1", Filter: filter})
	for name, err := range map[string]error{
		"another merchant":     second(s.OpenPosition(other, "test", tok)),
		"another mode":         second(s.OpenPosition(merchant, "live", tok)),
		"another key":          second(setup(t, 2).OpenPosition(merchant, "test", tok)),
		"a cursor as position": second(s.OpenPosition(merchant, "test", cursor)),
		"a position as cursor": second(s.OpenCursor(merchant, "test", filter, tok)),
		"a boundary moved":     second(s.OpenPosition(merchant+"t", "est", tok)),
	} {
		if !errors.Is(err, token.ErrForeignToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	s := setup(t, 1)
	tok := s.Position(merchant, "test", 7)
	for _, bad := range []string{"", "x", "…", "42", tok + "=", tok + "A", tok[:20], strings.Repeat("A", 4096), "B" + tok[1:]} {
		_, err := s.OpenPosition(merchant, "test", bad)
		if !errors.Is(err, token.ErrMalformedToken) && !errors.Is(err, token.ErrForeignToken) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Every single changed bit is noticed.
func TestTampered(t *testing.T) {
	t.Parallel()
	s := setup(t, 1)
	raw, err := base64.RawURLEncoding.DecodeString(s.Position(merchant, "test", 7))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		changed := bytes.Clone(raw)
		changed[i/8] ^= 1 << (i % 8)
		if got, err := s.OpenPosition(merchant, "test", base64.RawURLEncoding.EncodeToString(changed)); err == nil {
			t.Fatalf("bit %d changed, and it opens as %d", i, got)
		}
	}
}

func TestCursor(t *testing.T) {
	t.Parallel()
	s := setup(t, 1)
	filter := token.NewFilter("payment_sessions", "active")
	tok := s.Cursor(merchant, "test", token.Cursor{BeforePosition: 99, Filter: filter})
	got, err := s.OpenCursor(merchant, "test", filter, tok)
	if err != nil || got.BeforePosition != 99 || got.Filter != filter {
		t.Errorf("comes back as %+v, %v", got, err)
	}
	if len(tok) > token.LengthMax {
		t.Errorf("a cursor of %d characters is longer than what is read", len(tok))
	}
	for _, list := range []token.Filter{
		token.NewFilter("payment_sessions"), token.NewFilter("payments", "active"), token.NewFilter("payment_sessionsactive"),
	} {
		if err := second(s.OpenCursor(merchant, "test", list, tok)); !errors.Is(err, token.ErrOtherList) {
			t.Errorf("in another list: %v", err)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	s := setup(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		mer, mode := rapid.String().Draw(t, "merchant"), rapid.String().Draw(t, "mode")
		position := rapid.Int64().Draw(t, "position")
		if got, err := s.OpenPosition(mer, mode, s.Position(mer, mode, position)); err != nil || got != position {
			t.Fatalf("%d comes back as %d, %v", position, got, err)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := setup(t, 1)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				position := int64(g*1000 + i)
				if got, err := s.OpenPosition(merchant, "test", s.Position(merchant, "test", position)); err != nil || got != position {
					t.Errorf("%d comes back as %d, %v", position, got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestKeyLength(t *testing.T) {
	t.Parallel()
	if _, err := token.NewSealer(make([]byte, 31)); err == nil {
		t.Error("a short key is accepted")
	}
}

func FuzzOpen(f *testing.F) {
	s := setup(f, 1)
	f.Add(s.Position(merchant, "test", 7))
	f.Add("")
	f.Fuzz(func(t *testing.T, tok string) {
		if position, err := s.OpenPosition(other, "test", tok); err == nil {
			t.Fatalf("%q opens as %d", tok, position)
		}
	})
}

func BenchmarkPosition(b *testing.B) {
	s := setup(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		s.Position(merchant, "test", 123456789)
	}
}

func BenchmarkOpenPosition(b *testing.B) {
	s := setup(b, 1)
	tok := s.Position(merchant, "test", 123456789)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = s.OpenPosition(merchant, "test", tok)
	}
}

func second[T any](_ T, err error) error { return err }
