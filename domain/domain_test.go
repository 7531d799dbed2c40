package domain_test

import (
	"errors"
	"fmt"
	"testing"

	"tender/domain"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	lasting := domain.Refuse("closed", "The shop is closed.")
	if want := (domain.Refusal{Code: "closed", Detail: "The shop is closed."}); *lasting != want {
		t.Errorf("Refuse gives %+v", *lasting)
	}
	passing := domain.RefuseForNow("busy", "The till is busy.")
	if want := (domain.Refusal{Code: "busy", Detail: "The till is busy.", Transient: true}); *passing != want {
		t.Errorf("RefuseForNow gives %+v", *passing)
	}
	if got := passing.Error(); got != "busy: The till is busy." {
		t.Errorf("as an error it says %q", got)
	}
}

// Callers wrap refusals and find them again by identity and by type.
func TestRefusalsAreFoundInsideOtherErrors(t *testing.T) {
	t.Parallel()
	closed, busy := domain.Refuse("closed", "The shop is closed."), domain.Refuse("closed", "The shop is closed.")
	wrapped := fmt.Errorf("buy bread: %w", closed)
	var found *domain.Refusal
	if !errors.As(wrapped, &found) || found != closed {
		t.Errorf("errors.As finds %v", found)
	}
	if !errors.Is(wrapped, closed) || errors.Is(wrapped, busy) {
		t.Error("a refusal is the sentinel that it was made as, and no other of the same words")
	}
}
