package published

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/go-yaml"

	"tender/domain/webhook"
	"tender/handlers/openapi"
)

// components are the API's own events, by the first part of their types.
var components = map[string]string{
	"payment_session": "PaymentSessionEvent", "payment": "PaymentEvent", "mandate": "MandateEvent",
	"subscription": "SubscriptionEvent", "payment_method": "PaymentMethodEvent", "checkout": "CheckoutEvent", "webhook": "TestEvent",
}

// differences are where the API's document says more than a Go type can, or less
// than one does. Nothing else may differ.
var differences = map[string]string{
	"payment/data/status lacks initiating":                                              "no payment is ever shown in it today",
	"payment/data/captures/*/reason is not in the document":                             "captures, voids and refunds share a Go type; only refunds have a reason",
	"payment/data/voids/*/reason is not in the document":                                "as with captures",
	"payment_session/data/client_token is in the document only":                         "it is in the answer to a creation alone",
	"payment_session/data/options/checkout_options/success_url is in the document only": "a request's older name for return_url, which is shown instead",
}

type agreement struct {
	root  map[string]any
	found map[string]bool
}

// resolved follows a reference.
func (a *agreement) resolved(node any) map[string]any {
	m, _ := node.(map[string]any)
	if ref, ok := m["$ref"].(string); ok {
		schemas := a.root["components"].(map[string]any)["schemas"].(map[string]any)
		return a.resolved(schemas[strings.TrimPrefix(ref, "#/components/schemas/")])
	}
	return m
}

func (a *agreement) differ(format string, args ...any) { a.found[fmt.Sprintf(format, args...)] = true }

func (a *agreement) compare(place string, s *Schema, node any) {
	m := a.resolved(node)
	if kinds, _ := m["anyOf"].([]any); len(kinds) > 0 || len(s.AnyOf) > 0 {
		if len(kinds) != len(s.AnyOf) {
			a.compareMerged(place, s, kinds)
			return
		}
		for i := range kinds {
			a.compare(place, s.AnyOf[i], kinds[i])
		}
		return
	}
	if m["type"] != s.Type {
		a.differ("%s is of the type %v in the document, and %s here", place, m["type"], s.Type)
	}
	a.compareValues(place, s, m)
	if s.Items != nil {
		a.compare(place+"/*", s.Items, m["items"])
	}
	if s.Others != nil && s.Others.Values != nil {
		a.compare(place+"/any", s.Others.Values, m["additionalProperties"])
	}
	a.compareMembers(place, s, m)
}

// compareMerged compares one object here with several in the document, each of
// which has some of its members.
func (a *agreement) compareMerged(place string, s *Schema, kinds []any) {
	members := map[string]bool{}
	for _, kind := range kinds {
		properties, _ := a.resolved(kind)["properties"].(map[string]any)
		for name, member := range properties {
			members[name] = true
			if s.Properties[name] == nil {
				a.differ("%s/%s is in the document only", place, name)
			} else if name != "type" {
				a.compare(place+"/"+name, s.Properties[name], member)
			}
		}
	}
	for name := range s.Properties {
		if !members[name] {
			a.differ("%s/%s is not in the document", place, name)
		}
	}
}

func words(node any) []string {
	list, _ := node.([]any)
	var all []string
	for _, v := range list {
		if word, ok := v.(string); ok {
			all = append(all, word)
		}
	}
	return all
}

func (a *agreement) compareValues(place string, s *Schema, m map[string]any) {
	documented := words(m["enum"])
	if s.Const != "" {
		if !slices.Contains(documented, s.Const) {
			a.differ("%s may not be %s in the document", place, s.Const)
		}
		return
	}
	for _, value := range documented {
		if !slices.Contains(s.Enum, value) {
			a.differ("%s lacks %s", place, value)
		}
	}
	for _, value := range s.Enum {
		if !slices.Contains(documented, value) {
			a.differ("%s may not be %s in the document", place, value)
		}
	}
	if s.Pattern != "" && !strings.HasPrefix(s.Pattern, "^(") && m["pattern"] != s.Pattern {
		a.differ("%s has the pattern %v in the document, and %s here", place, m["pattern"], s.Pattern)
	}
	if s.Format != "" && m["format"] != s.Format {
		a.differ("%s has the format %v in the document, and %s here", place, m["format"], s.Format)
	}
}

func (a *agreement) compareMembers(place string, s *Schema, m map[string]any) {
	documented, _ := m["properties"].(map[string]any)
	required := words(m["required"])
	for name := range documented {
		if s.Properties[name] == nil {
			a.differ("%s/%s is in the document only", place, name)
		}
	}
	for name, member := range s.Properties {
		if documented[name] == nil {
			a.differ("%s/%s is not in the document", place, name)
			continue
		}
		switch here, there := slices.Contains(s.Required, name), slices.Contains(required, name); {
		case here && !there:
			a.differ("%s/%s is required here only", place, name)
		case there && !here:
			a.differ("%s/%s is required in the document only", place, name)
		}
		a.compare(place+"/"+name, member, documented[name])
	}
}

// The API's document and the catalogue describe the same bodies.
func TestTheDocumentAgrees(t *testing.T) {
	t.Parallel()
	a := &agreement{found: map[string]bool{}}
	if err := yaml.Unmarshal(openapi.Document(), &a.root); err != nil {
		t.Fatal(err)
	}
	hooks := a.root["webhooks"].(map[string]any)
	for _, eventType := range sent() {
		kind, _, _ := strings.Cut(eventType, ".")
		a.compare(kind, bodyOf(eventType), map[string]any{"$ref": components[kind]})
		if eventType == webhook.TestType {
			continue // tells of nothing
		}
		post := hooks[kind].(map[string]any)["post"].(map[string]any)
		_, last, _ := strings.Cut(eventType, ".")
		if text, _ := post["description"].(string); !strings.Contains(text, "`"+eventType+"`") && !strings.Contains(text, "`."+last+"`") {
			t.Errorf("the document does not say when %s is told", eventType)
		}
	}
	for d := range a.found {
		if differences[d] == "" {
			t.Error(d)
		}
	}
	for d := range differences {
		if !a.found[d] {
			t.Errorf("this is no difference any more: %s", d)
		}
	}
}
