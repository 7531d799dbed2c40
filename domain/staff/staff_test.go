package staff_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/staff"
)

const staffID = "stf_01hzy3v7q8e4xk2m9c5b7d6f0e"

// noon is when the commands of these tests are given, by the wall: staff keys
// know no other clock.
var noon = time.Date(2026, time.May, 4, 12, 0, 0, 123e6, time.UTC)

// issue is the n-th key of a test, good for so long.
func issue(n int, valid time.Duration) staff.IssueKey {
	return staff.IssueKey{
		ID:   uuid.MustParse(fmt.Sprintf("01900000-0000-7000-8000-%012d", n)),
		Role: staff.RoleFinance, Hash: fmt.Sprint("hash ", n), ExpiresAt: noon.Add(valid),
		Merchants: []string{"mer_01hzy3v7q8e4xk2m9c5b7d6f0d"},
		Now:       domain.Moment{At: noon.Add(-1000 * time.Hour), Wall: noon},
	}
}

func issued(n int, valid time.Duration) staff.KeyIssued {
	c := issue(n, valid)
	return staff.KeyIssued{KeyID: c.KeyID(), Role: c.Role, Hash: c.Hash, ExpiresAt: c.ExpiresAt, Merchants: c.Merchants}
}

func revoked(n int) staff.KeyRevoked { return staff.KeyRevoked{KeyID: issue(n, 0).KeyID()} }

// access is a look at a payment by the n-th key.
func access(n int) staff.Access {
	return staff.Access{
		KeyID: issue(n, 0).KeyID(), Role: staff.RoleFinance, Mode: "test", Method: "GET",
		Path: "/audit/objects/pay_01hzy3v7q8e4xk2m9c5b7d6f0c", Query: "as_of=2026-05-04", Now: domain.Moment{Wall: noon},
	}
}

func accessed(n int) staff.Accessed {
	c := access(n)
	return staff.Accessed{KeyID: c.KeyID, Mode: c.Mode, Method: c.Method, Path: c.Path, Query: c.Query}
}

func fold(events ...staff.Event) staff.State {
	var s staff.State
	for _, e := range events {
		s = staff.Evolve(s, staffID, e)
	}
	return s
}

func TestRules(t *testing.T) {
	t.Parallel()
	added := staff.Added{Name: "Thandi Nkosi"}
	operator, operatorIssued := issue(1, time.Hour), issued(1, time.Hour)
	operator.Role, operatorIssued.Role = staff.RoleOperator, staff.RoleOperator
	operator.Merchants, operatorIssued.Merchants = nil, nil
	nobodys := issue(1, time.Hour)
	nobodys.Merchants = []string{}
	steer := access(1)
	steer.Role = staff.RoleOperator
	longAccess, cutAccess := access(1), accessed(1)
	longAccess.Path, longAccess.Query = strings.Repeat("p", 513), strings.Repeat("q", 1025)
	cutAccess.Path, cutAccess.Query = strings.Repeat("p", 512)+"…", strings.Repeat("q", 1024)+"…"

	for _, c := range []struct {
		name    string
		given   []staff.Event
		when    staff.Command
		then    []staff.Event
		refused error
	}{
		{"add a person", nil, staff.Add{Name: "Thandi Nkosi"}, []staff.Event{added}, nil},
		{"add a person twice", []staff.Event{added}, staff.Add{Name: "Thandi Nkosi"}, nil, staff.ErrExists},

		{"a key for one merchant", []staff.Event{added}, issue(1, time.Hour), []staff.Event{issued(1, time.Hour)}, nil},
		{"a key for all merchants", []staff.Event{added}, operator, []staff.Event{operatorIssued}, nil},
		{"a key for no merchant", []staff.Event{added}, nobodys, nil, staff.ErrNoMerchants},
		{"a second key", []staff.Event{added, issued(1, time.Hour)}, issue(2, time.Hour), []staff.Event{issued(2, time.Hour)}, nil},
		{"the shortest key", []staff.Event{added}, issue(1, time.Millisecond), []staff.Event{issued(1, time.Millisecond)}, nil},
		{"the longest key", []staff.Event{added}, issue(1, staff.KeyValidMax), []staff.Event{issued(1, staff.KeyValidMax)}, nil},
		{"a key that ends now", []staff.Event{added}, issue(1, 0), nil, staff.ErrExpiryInvalid},
		{"a key that ended", []staff.Event{added}, issue(1, -time.Hour), nil, staff.ErrExpiryInvalid},
		{"a key that lasts too long", []staff.Event{added}, issue(1, staff.KeyValidMax+time.Millisecond), nil, staff.ErrExpiryInvalid},
		{"a key without an end", []staff.Event{added}, staff.IssueKey{Role: staff.RoleFinance, Now: domain.Moment{Wall: noon}}, nil, staff.ErrExpiryInvalid},
		{"a key of nobody", nil, issue(1, time.Hour), nil, staff.ErrNotFound},

		{"revoke a key", []staff.Event{added, issued(1, time.Hour)}, staff.RevokeKey(revoked(1)), []staff.Event{revoked(1)}, nil},
		{"revoke a key twice", []staff.Event{added, issued(1, time.Hour), revoked(1)}, staff.RevokeKey(revoked(1)), nil, nil},
		{"revoke a key that was never issued", []staff.Event{added, issued(1, time.Hour)}, staff.RevokeKey(revoked(2)), nil, staff.ErrKeyNotFound},
		{"look with a key", []staff.Event{added, issued(1, time.Hour)}, access(1), []staff.Event{accessed(1)}, nil},
		{"look twice", []staff.Event{added, issued(1, time.Hour), accessed(1)}, access(1), []staff.Event{accessed(1)}, nil},
		{"look with a revoked key", []staff.Event{added, issued(1, time.Hour), revoked(1)}, access(1), nil, staff.ErrKeyRevoked},
		{"look with a key that ends now", []staff.Event{added, issued(1, 0)}, access(1), nil, staff.ErrKeyExpired},
		{"look with another's key", []staff.Event{added, issued(1, time.Hour)}, access(2), nil, staff.ErrKeyNotFound},
		{"look with an operator's key", []staff.Event{added, operatorIssued}, access(1), nil, staff.ErrRoleFinance},
		{"steer with a finance key", []staff.Event{added, issued(1, time.Hour)}, steer, nil, staff.ErrRoleOperator},
		{"a long request", []staff.Event{added, issued(1, time.Hour)}, longAccess, []staff.Event{cutAccess}, nil},
		{"look as nobody", nil, access(1), nil, staff.ErrNotFound},
		{"revoke a key of nobody", nil, staff.RevokeKey(revoked(1)), nil, staff.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := staff.Decide(fold(c.given...), c.when)
			if !errors.Is(err, c.refused) || len(got) != len(c.then) || len(got) > 0 && !reflect.DeepEqual(got, c.then) {
				t.Fatalf("the answer is %+v, %v; want %+v, %v", got, err, c.then, c.refused)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		refusal *domain.Refusal
		want    domain.Refusal
	}{
		{staff.ErrExists, domain.Refusal{Code: "staff_exists", Detail: "The person is on the staff already."}},
		{staff.ErrNotFound, domain.Refusal{Code: "not_found", Detail: "There is no such person on the staff."}},
		{staff.ErrKeyNotFound, domain.Refusal{Code: "not_found", Detail: "The person has no such key."}},
		{staff.ErrNoMerchants, domain.Refusal{Code: "invalid_request", Detail: "A staff key names at least one merchant, or is for all."}},
		{staff.ErrKeyRevoked, domain.Refusal{Code: "forbidden", Detail: "The staff key was revoked."}},
		{staff.ErrKeyExpired, domain.Refusal{Code: "forbidden", Detail: "The staff key has expired: ask for a new one."}},
		{staff.ErrRoleOperator, domain.Refusal{Code: "forbidden", Detail: "This takes an operator's key (ops_…)."}},
		{staff.ErrRoleFinance, domain.Refusal{Code: "forbidden", Detail: "This takes a finance key (fin_…)."}},
		{staff.ErrExpiryInvalid, domain.Refusal{Code: "invalid_request", Detail: "A staff key expires in the future, at most 400 days ahead."}},
	} {
		if *c.refusal != c.want {
			t.Errorf("the refusal is %+v, not %+v", *c.refusal, c.want)
		}
	}
	if staff.KeyValidMax != 400*24*time.Hour {
		t.Errorf("a key lasts up to %v", staff.KeyValidMax)
	}
}

func TestLooksHaveStreamsOfTheirOwn(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("east", 14*3600)
	if s := staff.LooksStream(staffID, noon.In(east)); s != "acc_01hzy3v7q8e4xk2m9c5b7d6f0e_20260504" {
		t.Errorf("the stream is %s", s)
	}
	staff.EvolveLooks(staff.Looks{}, accessed(1))
	defer func() {
		if recover() == nil {
			t.Error("what is no look has a place there")
		}
	}()
	staff.EvolveLooks(staff.Looks{}, revoked(1))
}

func TestEvolve(t *testing.T) {
	t.Parallel()
	got := fold(staff.Added{Name: "Thandi Nkosi"}, issued(1, time.Hour), issued(2, 2*time.Hour), revoked(1))
	key := func(n int, valid time.Duration, revoked bool) staff.Key {
		c := issue(n, valid)
		return staff.Key{ID: c.KeyID(), Role: c.Role, Hash: c.Hash, ExpiresAt: c.ExpiresAt, Merchants: c.Merchants, Revoked: revoked}
	}
	want := staff.State{ID: staffID, Name: "Thandi Nkosi", Keys: map[string]staff.Key{
		issue(1, 0).KeyID(): key(1, time.Hour, true),
		issue(2, 0).KeyID(): key(2, 2*time.Hour, false),
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the state is\n%+v, not\n%+v", got, want)
	}
	if fold().Exists() || !got.Exists() {
		t.Error("a person exists once added, and not before")
	}
}

// States are shared between goroutines: what one of them makes of a state never
// shows in another's.
func TestStatesAreValues(t *testing.T) {
	t.Parallel()
	base := fold(staff.Added{Name: "Thandi Nkosi"}, issued(1, time.Hour))
	more := staff.Evolve(base, staffID, issued(2, time.Hour))
	gone := staff.Evolve(base, staffID, revoked(1))
	if len(base.Keys) != 1 || base.Keys[issue(1, 0).KeyID()].Revoked || len(more.Keys) != 2 || !gone.Keys[issue(1, 0).KeyID()].Revoked {
		t.Errorf("the keys are %v, %v and %v", base.Keys, more.Keys, gone.Keys)
	}
}

func TestKeyPrefix(t *testing.T) {
	t.Parallel()
	for role, want := range map[staff.Role]string{staff.RoleFinance: "fin_", staff.RoleOperator: "ops_"} {
		if got := staff.KeyPrefix(role); got != want {
			t.Errorf("a key of %s begins with %s, not %s", role, got, want)
		}
	}
}

// alien stands for an event or a command that was added and not handled.
type alien struct {
	staff.Event
	staff.Command
}

func TestWhatIsForgottenPanics(t *testing.T) {
	t.Parallel()
	for name, forgotten := range map[string]func(){
		"an event":  func() { staff.Evolve(staff.State{}, staffID, alien{}) },
		"a command": func() { _, _ = staff.Decide(fold(staff.Added{Name: "Thandi Nkosi"}), alien{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s that nobody handles goes unnoticed", name)
				}
			}()
			forgotten()
		}()
	}
}
