package webhook_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tender/domain/id"
	"tender/domain/webhook"
)

const (
	endpointID = "whe_01hzy3v7q8e4xk2m9c5b7d6f0a"
	merchantID = "mer_01hzy3v7q8e4xk2m9c5b7d6f0b"
	url        = "https://shop.example/hooks"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func rotate(ref string, overlap time.Duration) webhook.RotateSecret {
	return webhook.RotateSecret{SecretRef: ref, Overlap: overlap, At: noon}
}

func rotated(ref string, overlap time.Duration) webhook.EndpointSecretRotated {
	return webhook.EndpointSecretRotated{SecretRef: ref, EarlierEndsAt: noon.Add(overlap)}
}

func ptr[T any](v T) *T { return &v }

// given folds events into an endpoint's state.
func given(events ...webhook.Event) webhook.Endpoint {
	var s webhook.Endpoint
	for _, e := range events {
		s = webhook.EvolveEndpoint(s, endpointID, merchantID, noon, e)
	}
	return s
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	commandID := uuid.MustParse("01900000-0000-7000-8000-000000000001")
	created := webhook.EndpointCreated{URL: url, Events: []string{webhook.AllTypes}, Description: "shop", SecretRef: "vlt_1"}
	create := webhook.CreateEndpoint{ID: commandID, URL: url, Events: []string{webhook.AllTypes}, Description: "shop", SecretRef: "vlt_1"}
	captured := []string{webhook.PaymentCaptured}

	for _, c := range []struct {
		name    string
		given   []webhook.Event
		when    webhook.EndpointCommand
		then    []webhook.Event
		refused error
	}{
		{"create", nil, create, []webhook.Event{created}, nil},
		{"create twice", []webhook.Event{created}, create, nil, webhook.ErrEndpointExists},
		{"create without a URL", nil, webhook.CreateEndpoint{Events: captured}, nil, webhook.ErrURLInvalid},
		{"create with a URL that is too long", nil,
			webhook.CreateEndpoint{URL: url + strings.Repeat("x", webhook.URLBytesMax), Events: captured}, nil, webhook.ErrURLInvalid},
		{"create with a description that is too long", nil,
			webhook.CreateEndpoint{URL: url, Events: captured, Description: strings.Repeat("ü", webhook.DescriptionRunesMax+1)}, nil, webhook.ErrDescriptionTooLong},

		{"update what does not exist", nil, webhook.UpdateEndpoint{}, nil, webhook.ErrEndpointNotFound},
		{"update nothing", []webhook.Event{created}, webhook.UpdateEndpoint{}, nil, nil},
		{"update to what is so already", []webhook.Event{created},
			webhook.UpdateEndpoint{URL: ptr(url), Events: []string{webhook.AllTypes}, Description: ptr("shop"), Status: ptr(webhook.StatusEnabled)}, nil, nil},
		{"update the URL", []webhook.Event{created}, webhook.UpdateEndpoint{URL: ptr("https://other.example/")},
			[]webhook.Event{webhook.EndpointUpdated{URL: "https://other.example/"}}, nil},
		{"update the URL to nothing", []webhook.Event{created}, webhook.UpdateEndpoint{URL: ptr("")}, nil, webhook.ErrURLInvalid},
		{"update the events", []webhook.Event{created}, webhook.UpdateEndpoint{Events: captured},
			[]webhook.Event{webhook.EndpointUpdated{Events: captured}}, nil},
		{"empty the description", []webhook.Event{created}, webhook.UpdateEndpoint{Description: ptr("")},
			[]webhook.Event{webhook.EndpointUpdated{Description: ptr("")}}, nil},
		{"update and pause at once", []webhook.Event{created}, webhook.UpdateEndpoint{Events: captured, Status: ptr(webhook.StatusPaused)},
			[]webhook.Event{webhook.EndpointUpdated{Events: captured}, webhook.EndpointPaused{}}, nil},
		{"an unknown status", []webhook.Event{created}, webhook.UpdateEndpoint{Events: captured, Status: ptr(webhook.Status("asleep"))}, nil, webhook.ErrStatusUnknown},
		{"resume", []webhook.Event{created, webhook.EndpointPaused{}}, webhook.UpdateEndpoint{Status: ptr(webhook.StatusEnabled)},
			[]webhook.Event{webhook.EndpointResumed{}}, nil},
		{"bring back what was gone", []webhook.Event{created, webhook.EndpointDisabled{Reason: webhook.DisabledGone}},
			webhook.UpdateEndpoint{Status: ptr(webhook.StatusEnabled)}, []webhook.Event{webhook.EndpointResumed{}}, nil},
		{"disable by hand", []webhook.Event{created}, webhook.UpdateEndpoint{Status: ptr(webhook.StatusDisabled)},
			[]webhook.Event{webhook.EndpointDisabled{Reason: webhook.DisabledByMerchant}}, nil},

		{"disable what is gone", []webhook.Event{created}, webhook.DisableEndpoint{URL: url, Reason: webhook.DisabledGone},
			[]webhook.Event{webhook.EndpointDisabled{Reason: webhook.DisabledGone}}, nil},
		{"disable what is paused", []webhook.Event{created, webhook.EndpointPaused{}}, webhook.DisableEndpoint{URL: url, Reason: webhook.DisabledGone},
			[]webhook.Event{webhook.EndpointDisabled{Reason: webhook.DisabledGone}}, nil},
		{"disable twice", []webhook.Event{created, webhook.EndpointDisabled{Reason: webhook.DisabledGone}},
			webhook.DisableEndpoint{URL: url, Reason: webhook.DisabledGone}, nil, nil},

		{"disable what leads elsewhere by now", []webhook.Event{created, webhook.EndpointUpdated{URL: "https://other.example/"}},
			webhook.DisableEndpoint{URL: url, Reason: webhook.DisabledGone}, nil, nil},

		{"rotate what does not exist", nil, rotate("vlt_2", time.Hour), nil, webhook.ErrEndpointNotFound},
		{"rotate", []webhook.Event{created}, rotate("vlt_2", time.Hour), []webhook.Event{rotated("vlt_2", time.Hour)}, nil},
		{"rotate at once", []webhook.Event{created}, rotate("vlt_2", 0), []webhook.Event{rotated("vlt_2", 0)}, nil},
		{"rotate for as long as may be", []webhook.Event{created}, rotate("vlt_2", webhook.OverlapMax), []webhook.Event{rotated("vlt_2", webhook.OverlapMax)}, nil},
		{"rotate for longer", []webhook.Event{created}, rotate("vlt_2", webhook.OverlapMax+1), nil, webhook.ErrOverlapOutOfRange},
		{"rotate backwards", []webhook.Event{created}, rotate("vlt_2", -1), nil, webhook.ErrOverlapOutOfRange},
		{"rotate while as many sign as may", []webhook.Event{created, rotated("vlt_2", time.Hour), rotated("vlt_3", time.Hour), rotated("vlt_4", time.Hour)},
			rotate("vlt_5", time.Hour), nil, webhook.ErrTooManySecrets},
		{"rotate at once while as many sign as may", []webhook.Event{created, rotated("vlt_2", time.Hour), rotated("vlt_3", time.Hour), rotated("vlt_4", time.Hour)},
			rotate("vlt_5", 0), []webhook.Event{rotated("vlt_5", 0)}, nil},
		{"rotate once overlaps have ended", []webhook.Event{created, rotated("vlt_2", time.Hour), rotated("vlt_3", time.Hour), rotated("vlt_4", 0)},
			rotate("vlt_5", time.Hour), []webhook.Event{rotated("vlt_5", time.Hour)}, nil},
		{"rotate what is paused", []webhook.Event{created, webhook.EndpointPaused{}}, rotate("vlt_2", time.Hour), []webhook.Event{rotated("vlt_2", time.Hour)}, nil},
		{"rotate what is deleted", []webhook.Event{created, webhook.EndpointDeleted{}}, rotate("vlt_2", time.Hour), nil, webhook.ErrEndpointNotFound},

		{"test", []webhook.Event{created}, webhook.TestEndpoint{}, []webhook.Event{webhook.EndpointTested{}}, nil},
		{"test again", []webhook.Event{created, webhook.EndpointTested{}}, webhook.TestEndpoint{}, []webhook.Event{webhook.EndpointTested{}}, nil},
		{"test what is paused: it waits", []webhook.Event{created, webhook.EndpointPaused{}}, webhook.TestEndpoint{}, []webhook.Event{webhook.EndpointTested{}}, nil},
		{"test what is disabled", []webhook.Event{created, webhook.EndpointDisabled{Reason: webhook.DisabledGone}},
			webhook.TestEndpoint{}, nil, webhook.ErrEndpointDisabled},
		{"test what is deleted", []webhook.Event{created, webhook.EndpointDeleted{}}, webhook.TestEndpoint{}, nil, webhook.ErrEndpointNotFound},
		{"test what does not exist", nil, webhook.TestEndpoint{}, nil, webhook.ErrEndpointNotFound},

		{"delete", []webhook.Event{created}, webhook.DeleteEndpoint{}, []webhook.Event{webhook.EndpointDeleted{}}, nil},
		{"delete twice", []webhook.Event{created, webhook.EndpointDeleted{}}, webhook.DeleteEndpoint{}, nil, webhook.ErrEndpointNotFound},
		{"update what is deleted", []webhook.Event{created, webhook.EndpointDeleted{}}, webhook.UpdateEndpoint{}, nil, webhook.ErrEndpointNotFound},
		{"disable what is deleted", []webhook.Event{created, webhook.EndpointDeleted{}}, webhook.DisableEndpoint{}, nil, webhook.ErrEndpointNotFound},
		{"create again what is deleted", []webhook.Event{created, webhook.EndpointDeleted{}}, create, nil, webhook.ErrEndpointExists},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			events, err := webhook.DecideEndpoint(given(c.given...), c.when)
			if !errors.Is(err, c.refused) || (err == nil) != (c.refused == nil) {
				t.Fatalf("refused with %v, want %v", err, c.refused)
			}
			if !reflect.DeepEqual(events, c.then) {
				t.Fatalf("got %#v, want %#v", events, c.then)
			}
		})
	}

	if got := create.EndpointID(); got != id.Format(id.Endpoint, commandID) {
		t.Errorf("the endpoint's id is %s", got)
	}
}

func TestCheckEvents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		events []string
		fields string // "": accepted
	}{
		{[]string{webhook.AllTypes}, ""},
		{webhook.Types(), ""},
		{[]string{webhook.PaymentCaptured}, ""},
		{nil, "/events"},
		{[]string{}, "/events"},
		{append(webhook.Types(), "payment.guessed"), "/events"},
		{[]string{webhook.PaymentCaptured, webhook.AllTypes}, "/events/1"},
		{[]string{webhook.AllTypes, webhook.AllTypes}, "/events/0 /events/1"},
		{[]string{webhook.PaymentCaptured, "payment.guessed"}, "/events/1"},
		{[]string{webhook.PaymentCaptured, webhook.PaymentCaptured}, "/events/1"},
		{[]string{"payment.guessed", webhook.PaymentCaptured, "", webhook.PaymentCaptured, webhook.AllTypes}, "/events/0 /events/2 /events/3 /events/4"},
		{[]string{webhook.TestType}, "/events/0"},
		{[]string{"payment.*"}, "/events/0"},
		{[]string{""}, "/events/0"},
	} {
		var fields []string
		for _, refusal := range webhook.CheckEvents(c.events) {
			fields = append(fields, refusal.Field)
		}
		if got := strings.Join(fields, " "); got != c.fields {
			t.Errorf("%q is refused at %q, want %q", c.events, got, c.fields)
		}
	}
}

// The present secret always signs, the earlier ones until their overlap ends; and
// no later rotation makes one of them live longer.
func TestLiveSecrets(t *testing.T) {
	t.Parallel()
	created := webhook.EndpointCreated{URL: url, Events: []string{webhook.AllTypes}, SecretRef: "vlt_1"}
	for _, c := range []struct {
		name  string
		given []webhook.Event
		after time.Duration
		want  []string
	}{
		{"never rotated", nil, 0, []string{"vlt_1"}},
		{"within the overlap", []webhook.Event{rotated("vlt_2", time.Hour)}, time.Hour - 1, []string{"vlt_2", "vlt_1"}},
		{"at its end", []webhook.Event{rotated("vlt_2", time.Hour)}, time.Hour, []string{"vlt_2"}},
		{"without one", []webhook.Event{rotated("vlt_2", 0)}, 0, []string{"vlt_2"}},
		{"a longer one follows", []webhook.Event{rotated("vlt_2", time.Hour), rotated("vlt_3", 2*time.Hour)}, 0, []string{"vlt_3", "vlt_1", "vlt_2"}},
		{"the first has ended", []webhook.Event{rotated("vlt_2", time.Hour), rotated("vlt_3", 2*time.Hour)}, time.Hour, []string{"vlt_3", "vlt_2"}},
		{"a shorter one follows", []webhook.Event{rotated("vlt_2", 2*time.Hour), rotated("vlt_3", time.Hour)}, time.Hour, []string{"vlt_3"}},
		{"all end at once", []webhook.Event{rotated("vlt_2", time.Hour), rotated("vlt_3", 0)}, 0, []string{"vlt_3"}},
	} {
		s := given(append([]webhook.Event{created}, c.given...)...)
		if got := s.LiveSecrets(noon.Add(c.after)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q sign, want %q", c.name, got, c.want)
		}
	}
}

// However often secrets are rotated, those that sign are few, and none that still
// should is forgotten.
func TestLiveSecretsInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := given(webhook.EndpointCreated{URL: url, Events: []string{webhook.AllTypes}, SecretRef: "vlt_0"})
		ends := map[string]time.Time{}
		now := noon
		for i := range rapid.IntRange(1, 30).Draw(t, "rotations") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "hours later")) * time.Hour)
			c := webhook.RotateSecret{SecretRef: fmt.Sprintf("vlt_%d", i+1), At: now, Overlap: time.Duration(rapid.IntRange(0, 48).Draw(t, "overlap")) * time.Hour}
			events, err := webhook.DecideEndpoint(s, c)
			if err == nil {
				ends[s.SecretRef] = now.Add(c.Overlap)
				for ref, end := range ends {
					if now.Add(c.Overlap).Before(end) {
						ends[ref] = now.Add(c.Overlap)
					}
				}
				s = webhook.EvolveEndpoint(s, endpointID, merchantID, noon, events[0])
			}
			want := []string{s.SecretRef}
			for ref, end := range ends {
				if now.Before(end) {
					want = append(want, ref)
				}
			}
			live := s.LiveSecrets(now)
			slices.Sort(live)
			slices.Sort(want)
			if !slices.Equal(live, want) || len(live) > webhook.SecretsMax || len(s.Earlier) > webhook.SecretsMax {
				t.Fatalf("%q sign, want %q; kept are %v", live, want, s.Earlier)
			}
		}
	})
}

func TestWants(t *testing.T) {
	t.Parallel()
	some := webhook.Endpoint{Events: []string{webhook.PaymentCaptured}}
	all := webhook.Endpoint{Events: []string{webhook.AllTypes}}
	if !some.Wants(webhook.PaymentCaptured) || some.Wants(webhook.PaymentVoided) || !all.Wants(webhook.PaymentVoided) {
		t.Error("an endpoint gets what it asked for and nothing else")
	}
}

// What is decided can be folded, and what it asked for is so afterwards.
func TestEndpointInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := given(webhook.EndpointCreated{URL: url, Events: []string{webhook.AllTypes}, SecretRef: "vlt_1"})
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			c := drawCommand(t)
			deleted := s.Deleted
			events, err := webhook.DecideEndpoint(s, c)
			if err != nil && (len(events) > 0 || !deleted) {
				t.Fatalf("%#v in %+v: %v with %d events", c, s, err, len(events))
			}
			for _, e := range events {
				s = webhook.EvolveEndpoint(s, endpointID, merchantID, noon, e)
			}
			if again, _ := webhook.DecideEndpoint(s, c); len(again) > 0 {
				t.Fatalf("%#v is not done after it was done: %#v", c, again)
			}
			if s.SecretRef != "vlt_1" || s.URL == "" || len(s.Events) == 0 || s.MerchantID != merchantID {
				t.Fatalf("lost what an endpoint always has: %+v", s)
			}
		}
	})
}

func drawCommand(t *rapid.T) webhook.EndpointCommand {
	switch rapid.IntRange(0, 8).Draw(t, "command") {
	case 0:
		return webhook.DeleteEndpoint{}
	case 1:
		return webhook.DisableEndpoint{URL: url, Reason: webhook.DisabledGone}
	}
	var c webhook.UpdateEndpoint
	if rapid.Bool().Draw(t, "with a status") {
		c.Status = ptr(rapid.SampledFrom([]webhook.Status{webhook.StatusEnabled, webhook.StatusPaused, webhook.StatusDisabled}).Draw(t, "status"))
	}
	if rapid.Bool().Draw(t, "with events") {
		c.Events = rapid.SliceOfNDistinct(rapid.SampledFrom(webhook.Types()), 1, 4, rapid.ID).Draw(t, "events")
	}
	if rapid.Bool().Draw(t, "with a description") {
		c.Description = ptr(rapid.StringN(0, 20, -1).Draw(t, "description"))
	}
	return c
}
