package merchant_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/merchant"
)

const merchantID = "mer_01hzy3v7q8e4xk2m9c5b7d6f0d"

// noon is when the commands of these tests are given.
var noon = time.Date(2026, time.May, 4, 12, 0, 0, 123e6, time.UTC)

func settings() merchant.Settings {
	return merchant.Settings{
		Name: "Karoo Coffee Roasters", Country: "ZA", TimeZone: "Africa/Johannesburg",
		AllowedReturnURLs: []string{"https://shop.example/thanks", "https://shop.example/orders/"}, PublicKeys: true,
		AllowedOrigins:       []string{"https://shop.example"},
		SavedCardsWithoutCVC: true,
	}
}

// issue is the n-th key of a test.
func issue(n int) merchant.IssueKey {
	return merchant.IssueKey{
		ID:   uuid.MustParse(fmt.Sprintf("01900000-0000-7000-8000-%012d", n)),
		Kind: merchant.KeySecret, Hash: merchant.HashKey(fmt.Sprint("sk_test_", n)),
		Now: domain.Moment{At: noon, Wall: noon.Add(time.Hour)},
	}
}

func issued(n int) merchant.KeyIssued {
	c := issue(n)
	return merchant.KeyIssued{KeyID: c.KeyID(), Kind: c.Kind, Hash: c.Hash, IssuedAt: noon}
}

func endpoint(n int) string { return fmt.Sprintf("whe_%020d", n) }

func added(n int) merchant.EndpointAdded { return merchant.EndpointAdded{EndpointID: endpoint(n)} }

func removed(n int) merchant.EndpointRemoved {
	return merchant.EndpointRemoved{EndpointID: endpoint(n)}
}

func withEndpoints(n int, more ...merchant.Event) []merchant.Event {
	events := withKeys(1)
	for i := range n {
		events = append(events, added(i+1))
	}
	return append(events, more...)
}

func revoked(n int) merchant.KeyRevoked { return merchant.KeyRevoked{KeyID: issue(n).KeyID()} }

func fold(events ...merchant.Event) merchant.State {
	var s merchant.State
	for _, e := range events {
		s = merchant.Evolve(s, merchantID, e)
	}
	return s
}

// withKeys is an account with so many live keys, after more has happened.
func withKeys(n int, more ...merchant.Event) []merchant.Event {
	events := []merchant.Event{merchant.Created{Settings: settings()}}
	for i := range n {
		events = append(events, issued(i+1))
	}
	return append(events, more...)
}

func TestRules(t *testing.T) {
	t.Parallel()
	other := settings()
	other.Name, other.PublicKeys = "Karoo Tea", false
	public := issue(9)
	public.Kind = merchant.KeyPublic
	rebranded := merchant.BrandChanged{Name: "Karoo Tea", Brand: brand()}
	rebranded.Brand.Colour, rebranded.Brand.LegalText = "#abcdef", ""
	withoutLogo := merchant.BrandChanged{Name: settings().Name, Brand: brand()}
	withoutLogo.Brand.Logo = nil
	otherLogo := merchant.BrandChanged{Name: settings().Name, Brand: brand()}
	otherLogo.Brand.Logo = &merchant.Logo{ID: "lgo_other", Width: 1, Height: 2}
	publicIssued := issued(9)
	publicIssued.Kind = merchant.KeyPublic

	for _, c := range []struct {
		name    string
		given   []merchant.Event
		when    merchant.Command
		then    []merchant.Event
		refused error
	}{
		{"create", nil, merchant.Create{Settings: settings()}, []merchant.Event{merchant.Created{Settings: settings()}}, nil},
		{"create twice", withKeys(0), merchant.Create{Settings: other}, nil, merchant.ErrExists},

		{"change the settings", withKeys(0), merchant.ChangeSettings{Settings: other}, []merchant.Event{merchant.SettingsChanged{Settings: other}}, nil},
		{"change the settings of nobody", nil, merchant.ChangeSettings{Settings: other}, nil, merchant.ErrNotFound},

		{"change the brand", branded(), merchant.ChangeBrand{Name: new("Karoo Tea"), Colour: new("#ABCDEF"), LegalText: new("")}, []merchant.Event{rebranded}, nil},
		{"change the brand to what it is", branded(), merchant.ChangeBrand{Colour: new("#0A6B4F"), Logo: brand().Logo}, nil, nil},
		{"change nothing of the brand", branded(), merchant.ChangeBrand{}, nil, nil},
		{"the first brand", withKeys(0), merchant.ChangeBrand{
			Colour: new(brand().Colour), SupportURL: new(brand().SupportURL), LegalText: new(brand().LegalText), Logo: brand().Logo,
		}, []merchant.Event{merchant.BrandChanged{Name: settings().Name, Brand: brand()}}, nil},
		{"another logo", branded(), merchant.ChangeBrand{Logo: otherLogo.Brand.Logo}, []merchant.Event{otherLogo}, nil},
		{"remove the logo", branded(), merchant.ChangeBrand{RemoveLogo: true}, []merchant.Event{withoutLogo}, nil},
		{"remove a logo that there is not", withKeys(0), merchant.ChangeBrand{RemoveLogo: true}, nil, nil},
		{"the brand of nobody", nil, merchant.ChangeBrand{RemoveLogo: true}, nil, merchant.ErrNotFound},

		{"the first key", withKeys(0), issue(9), []merchant.Event{issued(9)}, nil},
		{"a public key", withKeys(1), public, []merchant.Event{publicIssued}, nil},
		{"the last key", withKeys(merchant.KeysMax - 1), issue(99), []merchant.Event{issued(99)}, nil},
		{"one key more", withKeys(merchant.KeysMax), issue(99), nil, merchant.ErrTooManyKeys},
		{"one key more after one was revoked", withKeys(merchant.KeysMax, revoked(3)), issue(99), []merchant.Event{issued(99)}, nil},
		{"a key of nobody", nil, issue(1), nil, merchant.ErrNotFound},

		{"revoke a key", withKeys(2), merchant.RevokeKey{KeyID: issue(2).KeyID()}, []merchant.Event{revoked(2)}, nil},
		{"revoke the only key", withKeys(1), merchant.RevokeKey{KeyID: issue(1).KeyID()}, []merchant.Event{revoked(1)}, nil},
		{"revoke a key twice", withKeys(2, revoked(2)), merchant.RevokeKey{KeyID: issue(2).KeyID()}, nil, nil},
		{"revoke a key that was never issued", withKeys(1), merchant.RevokeKey{KeyID: issue(2).KeyID()}, nil, merchant.ErrKeyNotFound},
		{"the last endpoint", withEndpoints(merchant.EndpointsMax - 1), merchant.AddEndpoint{EndpointID: endpoint(99)}, []merchant.Event{added(99)}, nil},
		{"one endpoint more", withEndpoints(merchant.EndpointsMax), merchant.AddEndpoint{EndpointID: endpoint(99)}, nil, merchant.ErrTooManyEndpoints},
		{"one endpoint more after one was removed", withEndpoints(merchant.EndpointsMax, removed(7)), merchant.AddEndpoint{EndpointID: endpoint(99)}, []merchant.Event{added(99)}, nil},
		{"remove an endpoint", withEndpoints(2), merchant.RemoveEndpoint{EndpointID: endpoint(1)}, []merchant.Event{removed(1)}, nil},
		{"remove an endpoint twice", withEndpoints(2, removed(1)), merchant.RemoveEndpoint{EndpointID: endpoint(1)}, nil, nil},
		{"an endpoint of nobody", nil, merchant.AddEndpoint{EndpointID: endpoint(1)}, nil, merchant.ErrNotFound},

		{"revoke a key of nobody", nil, merchant.RevokeKey{KeyID: issue(1).KeyID()}, nil, merchant.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := merchant.Decide(fold(c.given...), c.when)
			if !errors.Is(err, c.refused) || len(got) != len(c.then) || len(got) > 0 && !reflect.DeepEqual(got, c.then) {
				t.Fatalf("the answer is %+v, %v; want %+v, %v", got, err, c.then, c.refused)
			}
		})
	}
}

func TestRefusalsAreLasting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		refusal *domain.Refusal
		want    domain.Refusal
	}{
		{merchant.ErrExists, domain.Refusal{Code: "merchant_exists", Detail: "The merchant exists already in this mode."}},
		{merchant.ErrNotFound, domain.Refusal{Code: "not_found", Detail: "There is no such merchant in this mode."}},
		{merchant.ErrKeyNotFound, domain.Refusal{Code: "not_found", Detail: "The merchant has no such key."}},
		{merchant.ErrTooManyKeys, domain.Refusal{Code: "too_many_keys", Detail: "A merchant has at most 20 live keys. Revoke one first."}},
		{merchant.ErrTooManyEndpoints, domain.Refusal{Code: "endpoint_limit_reached", Detail: "The merchant has 50 webhook endpoints. Delete one first."}},
	} {
		if *c.refusal != c.want {
			t.Errorf("the refusal is %+v, not %+v", *c.refusal, c.want)
		}
	}
}

func TestEvolve(t *testing.T) {
	t.Parallel()
	other := merchant.Settings{Name: "Karoo Tea", Country: "NA", TimeZone: "Africa/Windhoek"}
	one, two := issue(1), issue(2)
	branded := merchant.BrandChanged{Name: "Karoo Rooibos", Brand: brand()}
	got := fold(withKeys(2, revoked(1), added(1), added(2), removed(1), merchant.SettingsChanged{Settings: other}, branded)...)
	other.Name = "Karoo Rooibos"
	want := merchant.State{ID: merchantID, Settings: other, Brand: brand(), Keys: map[string]merchant.Key{
		one.KeyID(): {ID: one.KeyID(), Kind: merchant.KeySecret, Hash: one.Hash, Revoked: true},
		two.KeyID(): {ID: two.KeyID(), Kind: merchant.KeySecret, Hash: two.Hash},
	}, Endpoints: []string{endpoint(2)}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the state is\n%+v, not\n%+v", got, want)
	}
	if fold().Exists() || !got.Exists() {
		t.Error("an account exists once it was created, and not before")
	}
}

// States are shared between goroutines: what one of them makes of a state never
// shows in another's.
func TestStatesAreValues(t *testing.T) {
	t.Parallel()
	base := fold(withKeys(1)...)
	more := merchant.Evolve(base, merchantID, issued(2))
	gone := merchant.Evolve(base, merchantID, revoked(1))
	if len(base.Keys) != 1 || base.Keys[issue(1).KeyID()].Revoked || len(more.Keys) != 2 || len(gone.Keys) != 1 || !gone.Keys[issue(1).KeyID()].Revoked {
		t.Errorf("the keys are %v, %v and %v", base.Keys, more.Keys, gone.Keys)
	}
}

func TestKeyByHash(t *testing.T) {
	t.Parallel()
	s := fold(withKeys(2, revoked(1))...)
	for _, n := range []int{1, 2} {
		k, ok := s.KeyByHash(issue(n).Hash)
		if !ok || k.ID != issue(n).KeyID() || k.Revoked != (n == 1) {
			t.Errorf("key %d is found as %+v, %t", n, k, ok)
		}
	}
	for _, hash := range []string{"", issue(3).Hash, issue(2).Hash[:63], strings.ToUpper(issue(2).Hash)} {
		if k, ok := s.KeyByHash(hash); ok || k != (merchant.Key{}) {
			t.Errorf("%q is found as %+v", hash, k)
		}
	}
}

func TestHashKey(t *testing.T) {
	t.Parallel()
	// From FIPS 180-2, appendix B.1.
	if got := merchant.HashKey("abc"); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("the hash is %s", got)
	}
}

func TestKeyPrefix(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind merchant.KeyKind
		mode string
		want string
	}{
		{merchant.KeySecret, "test", "sk_test_"},
		{merchant.KeySecret, "live", "sk_"},
		{merchant.KeyPublic, "test", "pk_test_"},
		{merchant.KeyPublic, "live", "pk_"},
	} {
		if got := merchant.KeyPrefix(c.kind, c.mode); got != c.want {
			t.Errorf("a %s key for %s begins with %s, not %s", c.kind, c.mode, got, c.want)
		}
	}
}

func TestAllowsReturnURL(t *testing.T) {
	t.Parallel()
	s := fold(withKeys(0)...)
	for url, want := range map[string]bool{
		"https://shop.example/thanks":                        true,
		"https://shop.example/orders/":                       true,
		"https://shop.example/orders/7?paid=1":               true,
		"https://shop.example/orders/a.b/c":                  true,
		"":                                                   false,
		"https://shop.example/":                              false,
		"https://shop.example/orders":                        false,
		"https://shop.example/thanks/7":                      false,
		"https://shop.example/thanks?x=1":                    false,
		"http://shop.example/orders/7":                       false,
		"https://shop.example.evil/orders/7":                 false,
		"https://evil.example/?https://shop.example/orders/": false,
		"https://shop.example/orders/../admin":               false,
		"https://shop.example/orders/%2e%2e/admin":           false,
		"https://shop.example/orders/.%2E/admin":             false,
		"https://shop.example/orders/%2E./admin":             false,
	} {
		if got := s.AllowsReturnURL(url); got != want {
			t.Errorf("%q is allowed: %t", url, got)
		}
	}
	if (merchant.State{}).AllowsReturnURL("https://shop.example/thanks") {
		t.Error("an account without allowed URLs allows one")
	}
}

func TestAllowsReturnURLAtAnyPort(t *testing.T) {
	t.Parallel()
	s := merchant.State{Settings: merchant.Settings{AllowedReturnURLs: []string{
		"http://127.0.0.1:*/", "http://localhost:*/thanks", "https://shop.example:*/", "http://127.0.0.1:3000:*/",
	}}}
	for url, want := range map[string]bool{
		"http://127.0.0.1/":                         true,
		"http://127.0.0.1:3000/":                    true,
		"http://127.0.0.1:3000/thanks?order=7":      true,
		"http://localhost:5173/thanks":              true,
		"http://localhost:5173/thanks/7":            false,
		"http://localhost:5173/":                    false,
		"https://127.0.0.1:3000/":                   false,
		"http://127.0.0.2:3000/":                    false,
		"http://127.0.0.1:3000":                     false,
		"http://127.0.0.1:/":                        false,
		"http://127.0.0.1.evil.example/":            false,
		"http://127.0.0.1:3000@evil.example/":       false,
		"http://127.0.0.1:3000.evil.example/":       false,
		"http://127.0.0.1:3000/a/../b":              false,
		"https://shop.example:8443/":                false,
		"https://shop.example/":                     false,
		"https://evil.example/?http://127.0.0.1:1/": false,
	} {
		if got := s.AllowsReturnURL(url); got != want {
			t.Errorf("%q is allowed: %t", url, got)
		}
	}
}

// alien stands for an event or a command that was added and not handled.
type alien struct {
	merchant.Event
	merchant.Command
}

func TestWhatIsForgottenPanics(t *testing.T) {
	t.Parallel()
	for name, forgotten := range map[string]func(){
		"an event":  func() { merchant.Evolve(merchant.State{}, merchantID, alien{}) },
		"a command": func() { _, _ = merchant.Decide(fold(withKeys(0)...), alien{}) },
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
