package vault_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"tender/vault"
)

const grace = 2 * time.Hour

// age makes everything in the vault older than the grace.
func (b *bundle) age(t *testing.T) {
	t.Helper()
	b.exec(t, `update vault.entries set created_at = created_at - interval '3 hours'`)
}

// names answers for a log that names these references, and keeps what it was
// asked.
func names(asked *[]string, named ...string) vault.Named {
	return func(_ context.Context, entries []vault.Entry) ([]bool, error) {
		answers := make([]bool, len(entries))
		for i, e := range entries {
			*asked = append(*asked, e.Ref)
			answers[i] = slices.Contains(named, e.Ref)
		}
		return answers, nil
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	named, orphan := b.put(t, owner, field, secret), b.put(t, owner, field, secret)
	b.age(t)
	young := b.put(t, owner, field, secret)

	var asked []string
	if swept, err := b.vault.Sweep(t.Context(), grace, names(&asked, named)); err != nil || swept != 1 {
		t.Fatalf("%d swept, %v", swept, err)
	}
	if !slices.Equal(asked, []string{named, orphan}) {
		t.Errorf("asked about %v", asked)
	}
	for ref, want := range map[string]error{named: nil, orphan: vault.ErrNotFound, young: nil} {
		if _, err := b.vault.Get(t.Context(), owner, field, ref); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", ref, err, want)
		}
	}

	// What was found to be named is not asked about again, whatever is said.
	asked = nil
	if swept, err := b.vault.Sweep(t.Context(), grace, names(&asked)); err != nil || swept != 0 || len(asked) > 0 {
		t.Errorf("%d swept, asked about %v, %v", swept, asked, err)
	}
}

func TestSweepGivesTheWholeEntry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.put(t, owner, field, secret)
	b.age(t)
	_, err := b.vault.Sweep(t.Context(), grace, func(_ context.Context, entries []vault.Entry) ([]bool, error) {
		if len(entries) != 1 || entries[0].Ref != ref || entries[0].Owner != owner || entries[0].Field != field || entries[0].CreatedAt.IsZero() {
			t.Errorf("asked about %+v", entries)
		}
		return []bool{true}, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// More than one batch of entries, kept and dropped, is gone through.
func TestSweepInBatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kept := b.put(t, owner, field, secret)
	b.exec(t, `
		insert into vault.entries (ref, owner, field, key_id, sealed)
		select 'vlt_' || to_char(n, 'FM00000000'), owner, field, key_id, sealed
		from vault.entries, generate_series(1, 1000) n`)
	b.age(t)
	var asked []string
	var keep []string
	for n := 3; n <= 1000; n += 3 {
		keep = append(keep, fmt.Sprintf("vlt_%08d", n))
	}
	swept, err := b.vault.Sweep(t.Context(), grace, names(&asked, append(keep, kept)...))
	if err != nil || swept != 1000-len(keep) || len(asked) != 1001 {
		t.Errorf("%d swept, %d asked about, %v", swept, len(asked), err)
	}
	if n := b.count(t, `select count(*) from vault.entries`); n != len(keep)+1 {
		t.Errorf("%d are left", n)
	}
}

// Whatever goes wrong, nothing is deleted on a guess.
func TestSweepRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, owner, field, secret)
	b.age(t)
	down := errors.New("the log is away")
	all := func(_ context.Context, entries []vault.Entry) ([]bool, error) { return make([]bool, len(entries)), nil }
	for name, c := range map[string]struct {
		grace time.Duration
		named vault.Named
	}{
		"a grace too short": {vault.SweepGraceMin - 1, all},
		"no answer":         {grace, func(context.Context, []vault.Entry) ([]bool, error) { return nil, down }},
		"a short answer":    {grace, func(context.Context, []vault.Entry) ([]bool, error) { return nil, nil }},
	} {
		if swept, err := b.vault.Sweep(t.Context(), c.grace, c.named); err == nil || swept != 0 {
			t.Errorf("%s: %d swept, %v", name, swept, err)
		}
	}
	if n := b.count(t, `select count(*) from vault.entries`); n != 1 {
		t.Errorf("%d entries are left", n)
	}
	if swept, err := b.vault.Sweep(t.Context(), grace, all); err != nil || swept != 1 {
		t.Errorf("%d swept, %v", swept, err)
	}
}
