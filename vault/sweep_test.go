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
	b.exec(t, `update vault.entries set created_at = created_at - interval '3 hours', doubted_at = doubted_at - interval '3 hours'`)
}

// names answers for a log that names these references, and keeps what it was
// asked.
func names(asked *[]string, named ...string) vault.Judge {
	return says(asked, func(ref string) vault.Verdict {
		if slices.Contains(named, ref) {
			return vault.Named
		}
		return vault.Unnamed
	})
}

func says(asked *[]string, verdict func(ref string) vault.Verdict) vault.Judge {
	return func(_ context.Context, entries []vault.Entry) ([]vault.Verdict, error) {
		verdicts := make([]vault.Verdict, len(entries))
		for i, e := range entries {
			*asked = append(*asked, e.Ref)
			verdicts[i] = verdict(e.Ref)
		}
		return verdicts, nil
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
	_, err := b.vault.Sweep(t.Context(), grace, func(_ context.Context, entries []vault.Entry) ([]vault.Verdict, error) {
		if len(entries) != 1 || entries[0].Ref != ref || entries[0].Owner != owner || entries[0].Field != field || entries[0].CreatedAt.IsZero() {
			t.Errorf("asked about %+v", entries)
		}
		return []vault.Verdict{vault.Named}, nil
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
	all := func(_ context.Context, entries []vault.Entry) ([]vault.Verdict, error) {
		return make([]vault.Verdict, len(entries)), nil
	}
	for name, c := range map[string]struct {
		grace time.Duration
		judge vault.Judge
	}{
		"a grace too short": {vault.SweepGraceMin - 1, all},
		"no answer":         {grace, func(context.Context, []vault.Entry) ([]vault.Verdict, error) { return nil, down }},
		"a short answer":    {grace, func(context.Context, []vault.Entry) ([]vault.Verdict, error) { return nil, nil }},
		"an odd verdict":    {grace, says(new([]string), func(string) vault.Verdict { return 7 })},
	} {
		if swept, err := b.vault.Sweep(t.Context(), c.grace, c.judge); err == nil || swept != 0 {
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

// What an outstanding outcome may come to name stays, and is asked about again.
func TestSweepWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.put(t, owner, field, secret)
	b.age(t)
	for i, step := range []struct {
		verdict vault.Verdict
		swept   int
	}{{vault.Awaited, 0}, {vault.Awaited, 0}, {vault.Unnamed, 1}} {
		var asked []string
		swept, err := b.vault.Sweep(t.Context(), grace, says(&asked, func(string) vault.Verdict { return step.verdict }))
		if err != nil || swept != step.swept || !slices.Equal(asked, []string{ref}) {
			t.Errorf("sweep %d: %d swept, asked about %v, %v", i, swept, asked, err)
		}
	}
}

// What was named once is asked about again after it was put in doubt, from the
// grace on.
func TestDoubt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kept, dropped := b.put(t, owner, field, secret), b.put(t, owner, field, secret)
	sweep := func(wantAsked, wantSwept int, named ...string) {
		t.Helper()
		var asked []string
		swept, err := b.vault.Sweep(t.Context(), grace, names(&asked, named...))
		if err != nil || swept != wantSwept || len(asked) != wantAsked {
			t.Errorf("%d swept, asked about %v, %v", swept, asked, err)
		}
	}
	b.age(t)
	sweep(2, 0, kept, dropped)
	for _, ref := range []string{kept, dropped, dropped} {
		if err := b.vault.Doubt(t.Context(), owner, ref); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.vault.Doubt(t.Context(), other, kept); err != nil {
		t.Fatal(err)
	}
	sweep(0, 0)
	if _, err := b.vault.Get(t.Context(), owner, field, dropped); err != nil {
		t.Errorf("an entry in doubt is not readable: %v", err)
	}
	b.age(t)
	sweep(2, 1, kept)
	sweep(0, 0)
	if _, err := b.vault.Get(t.Context(), owner, field, dropped); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("after the sweep: %v", err)
	}
}

// What is put in doubt while the log is being asked is not settled by that answer.
func TestDoubtDuringSweep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for verdict, ref := range map[vault.Verdict]string{
		vault.Named: b.put(t, owner, field, secret), vault.Unnamed: b.put(t, owner, field, secret),
	} {
		b.age(t)
		swept, err := b.vault.Sweep(t.Context(), grace, func(_ context.Context, entries []vault.Entry) ([]vault.Verdict, error) {
			verdicts := make([]vault.Verdict, len(entries))
			for i, e := range entries {
				verdicts[i] = vault.Awaited
				if e.Ref == ref {
					verdicts[i] = verdict
				}
			}
			return verdicts, b.vault.Doubt(t.Context(), owner, ref)
		})
		if err != nil || swept != 0 {
			t.Errorf("%d swept, %v", swept, err)
		}
		if n := b.count(t, `select count(*) from vault.entries where ref = $1 and not named`, ref); n != 1 {
			t.Errorf("verdict %d was carried out", verdict)
		}
	}
}

// Each kind of entry has a judge of its own; nothing is judged by guess.
func TestJudges(t *testing.T) {
	t.Parallel()
	all := func(v vault.Verdict, fields *[]string) vault.Judge {
		return func(_ context.Context, entries []vault.Entry) ([]vault.Verdict, error) {
			for _, e := range entries {
				*fields = append(*fields, e.Field)
			}
			return slices.Repeat([]vault.Verdict{v}, len(entries)), nil
		}
	}
	var cards, profiles []string
	judge := vault.Judges(map[string]vault.Judge{"card": all(vault.Awaited, &cards), "profile": all(vault.Named, &profiles)})
	got, err := judge(t.Context(), []vault.Entry{{Field: "card/pmt_1"}, {Field: "profile"}, {Field: "card/pmt_2"}})
	if err != nil || !slices.Equal(got, []vault.Verdict{vault.Awaited, vault.Named, vault.Awaited}) {
		t.Errorf("%v, %v", got, err)
	}
	if !slices.Equal(cards, []string{"card/pmt_1", "card/pmt_2"}) || !slices.Equal(profiles, []string{"profile"}) {
		t.Errorf("asked about %v and %v", cards, profiles)
	}
	cards = nil
	if got, err := judge(t.Context(), []vault.Entry{{Field: "card/pmt_1"}, {Field: "cards/pmt_1"}}); err == nil || len(cards) > 0 {
		t.Errorf("an unknown kind: %v", got)
	}
	short := vault.Judges(map[string]vault.Judge{"card": func(context.Context, []vault.Entry) ([]vault.Verdict, error) { return nil, nil }})
	if got, err := short(t.Context(), []vault.Entry{{Field: "card/pmt_1"}}); err == nil {
		t.Errorf("no answer: %v", got)
	}
}
