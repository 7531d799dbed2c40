package openapi_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pb33f/go-yaml"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"tender/domain/webhook"
	"tender/handlers/openapi"
	"tender/handlers/problem"
)

// tree reads the document as plain maps and lists.
func tree(t *testing.T) map[string]any {
	t.Helper()
	var root map[string]any
	if err := yaml.Unmarshal(openapi.Document(), &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// at follows names down from a node.
func at(t *testing.T, node any, names ...string) any {
	t.Helper()
	for _, name := range names {
		m, ok := node.(map[string]any)
		if !ok || m[name] == nil {
			t.Fatalf("the document has no %s", strings.Join(names, "/"))
		}
		node = m[name]
	}
	return node
}

func text(v any) string { return fmt.Sprint(v) }

func texts(list any) []string {
	var out []string
	for _, v := range list.([]any) {
		out = append(out, text(v))
	}
	return out
}

func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	doc, err := libopenapi.NewDocument(openapi.Document())
	if err != nil {
		t.Fatal(err)
	}
	if v := doc.GetVersion(); !strings.HasPrefix(v, "3.1.") {
		t.Errorf("the version is %s", v)
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%s: %s", e.Message, e.Reason)
		}
	}
}

func TestTablesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	root := tree(t)
	rows := at(t, root, "x-problem-codes").([]any)
	var codes []string
	for i, k := range problem.Kinds() {
		codes = append(codes, string(k.Code))
		if i >= len(rows) {
			t.Fatalf("the table ends before %s", k.Code)
		}
		want := map[string]any{
			"code": string(k.Code), "status": k.Status, "title": k.Title, "retryable": k.Retryable, "when": k.When, "do": k.Do,
		}
		if got := rows[i]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("row %d is\n%v\nnot\n%v", i, got, want)
		}
	}
	if len(rows) != len(codes) {
		t.Errorf("the table has %d rows, not %d", len(rows), len(codes))
	}
	if enum := texts(at(t, root, "components", "schemas", "ProblemCode", "enum")); !slices.Equal(enum, codes) {
		t.Errorf("ProblemCode lists\n%q\nnot\n%q", enum, codes)
	}
	checkFieldTable(t, root)
}

func checkFieldTable(t *testing.T, root map[string]any) {
	t.Helper()
	var want, got []string
	for _, k := range problem.FieldKinds() {
		want = append(want, string(k.Code)+": "+k.Says)
	}
	for _, row := range at(t, root, "x-field-error-codes").([]any) {
		got = append(got, text(at(t, row, "code"))+": "+text(at(t, row, "says")))
	}
	if !slices.Equal(got, want) {
		t.Errorf("x-field-error-codes has\n%q\nnot\n%q", got, want)
	}
	enum := texts(at(t, root, "components", "schemas", "FieldErrorCode", "enum"))
	for i := range want {
		want[i], _, _ = strings.Cut(want[i], ":")
	}
	if !slices.Equal(enum, want) {
		t.Errorf("FieldErrorCode lists\n%q\nnot\n%q", enum, want)
	}
}

func TestEventTypesAreThoseOfTheDomain(t *testing.T) {
	t.Parallel()
	root := tree(t)
	want := append([]string{webhook.AllTypes}, webhook.Types()...)
	got := texts(at(t, root, "components", "schemas", "EventTypes", "items", "enum"))
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("an endpoint may ask for\n%q\nin the document, and for\n%q\nin the domain", got, want)
	}
	for _, delivered := range texts(at(t, root, "components", "schemas", "DeliveredEventType", "enum")) {
		if delivered != webhook.TestType && !webhook.KnownType(delivered) {
			t.Errorf("%s is no event type", delivered)
		}
	}
}

// walk calls f for every mapping of the document, with its path.
func walk(node any, path string, f func(path string, m map[string]any)) {
	switch node := node.(type) {
	case map[string]any:
		f(path, node)
		for name, inner := range node {
			walk(inner, path+"/"+name, f)
		}
	case []any:
		for i, inner := range node {
			walk(inner, path+"/"+strconv.Itoa(i), f)
		}
	}
}

// isSchema tells by its place whether a mapping is a schema.
func isSchema(path string) bool {
	if strings.Contains(path, "/example") || strings.Contains(path, "/default") {
		return false
	}
	parts := strings.Split(path, "/")
	last, before := parts[len(parts)-1], ""
	if len(parts) > 1 {
		before = parts[len(parts)-2]
	}
	switch {
	case last == "schema", last == "items" && before != "properties", last == "propertyNames":
		return true
	case before == "properties", before == "anyOf", before == "schemas":
		return true
	}
	return last == "additionalProperties"
}

// Closed, so that a member which nobody described can't slip in; typed, so that
// one which is described can't be anything.
func TestSchemasAreClosedAndTyped(t *testing.T) {
	t.Parallel()
	seen := 0
	walk(tree(t), "", func(path string, m map[string]any) {
		if !isSchema(path) {
			return
		}
		seen++
		if m["$ref"] != nil || m["anyOf"] != nil {
			return
		}
		if _, typed := m["type"].(string); !typed {
			t.Errorf("%s has no type", path)
		}
		if m["type"] == "object" {
			checkClosed(t, path, m)
		}
		if m["type"] == "array" && m["items"] == nil {
			t.Errorf("%s is a list of anything", path)
		}
	})
	if seen < 200 {
		t.Errorf("only %d schemas were found: the test looks in the wrong place", seen)
	}
}

func checkClosed(t *testing.T, path string, m map[string]any) {
	t.Helper()
	switch more := m["additionalProperties"].(type) {
	case bool:
		if more {
			t.Errorf("%s is open", path)
		}
	case map[string]any: // a map with typed values, which is a schema of its own
	default:
		t.Errorf("%s is open", path)
	}
	properties, _ := m["properties"].(map[string]any)
	if required, ok := m["required"].([]any); ok {
		for _, name := range texts(required) {
			if properties[name] == nil {
				t.Errorf("%s requires %s, which it does not have", path, name)
			}
		}
	}
}

func TestReferencesMeetAndNothingIsLeftOver(t *testing.T) {
	t.Parallel()
	root := tree(t)
	used := map[string]bool{}
	walk(root, "", func(path string, m map[string]any) {
		ref, ok := m["$ref"].(string)
		if !ok {
			return
		}
		used[ref] = true
		var target any = root
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			inner, _ := target.(map[string]any)
			target = inner[name]
		}
		if target == nil {
			t.Errorf("%s refers to %s, which is not there", path, ref)
		}
	})
	for kind, components := range at(t, root, "components").(map[string]any) {
		for name := range components.(map[string]any) {
			ref := "#/components/" + kind + "/" + name
			if kind != "securitySchemes" && !used[ref] && name != "ProblemCode" {
				t.Errorf("nothing refers to %s", ref)
			}
		}
	}
}

// eachOperation calls f for every operation under paths.
func eachOperation(t *testing.T, f func(name string, op map[string]any)) {
	t.Helper()
	for path, item := range at(t, tree(t), "paths").(map[string]any) {
		for method, op := range item.(map[string]any) {
			if method != "parameters" {
				f(strings.ToUpper(method)+" "+path, op.(map[string]any))
			}
		}
	}
}

func TestOperationsListTheirProblems(t *testing.T) {
	t.Parallel()
	specific := []int{402, 409, 422}
	named := map[string]bool{}
	eachOperation(t, func(name string, op map[string]any) {
		responses := op["responses"].(map[string]any)
		left := map[string]bool{}
		for status := range responses {
			if n, _ := strconv.Atoi(status); slices.Contains(specific, n) {
				left[status] = true
			}
		}
		listed, _ := op["x-problems"].([]any)
		for _, code := range listed {
			named[text(code)] = true
			i := slices.IndexFunc(problem.Kinds(), func(k problem.Kind) bool { return string(k.Code) == text(code) })
			if i < 0 {
				t.Fatalf("%s lists %s, which is no problem", name, code)
			}
			status := strconv.Itoa(problem.Kinds()[i].Status)
			if responses[status] == nil {
				t.Errorf("%s lists %s, and has no answer with %s", name, code, status)
			}
			delete(left, status)
		}
		for status := range left {
			t.Errorf("%s may answer %s, and lists no problem with it", name, status)
		}
	})
	for _, k := range problem.Kinds() {
		if slices.Contains(specific, k.Status) && !named[string(k.Code)] {
			t.Errorf("no operation lists %s", k.Code)
		}
	}
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	t.Parallel()
	root := tree(t)
	eachOperation(t, func(name string, op map[string]any) {
		writes := !strings.HasPrefix(name, "GET ") && forMerchants(op)
		lists := strings.HasPrefix(text(op["operationId"]), "list") && op["security"] == nil
		for status, r := range op["responses"].(map[string]any) {
			response := r.(map[string]any)
			if ref, ok := response["$ref"].(string); ok {
				response = at(t, root, "components", "responses", ref[strings.LastIndexByte(ref, '/')+1:]).(map[string]any)
			}
			headers, _ := response["headers"].(map[string]any)
			wanted := map[string]bool{"Request-Id": true}
			wanted["Event-Position"] = writes && status < "300"
			wanted["Projection-Position"] = lists && status < "300"
			wanted["Idempotent-Replayed"] = writes && (status == "200" || status == "201" || status == "204" || status == "422")
			wanted["Retry-After"] = status == "429" || status == "503"
			wanted["WWW-Authenticate"] = status == "401"
			for header, want := range wanted {
				if want && headers[header] == nil {
					t.Errorf("%s has no %s with status %s", name, header, status)
				}
			}
		}
	})
}

// A POST that writes for a merchant needs a key; nothing else may need one.
func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	eachOperation(t, func(name string, op map[string]any) {
		var required, accepted bool
		parameters, _ := op["parameters"].([]any)
		for _, p := range parameters {
			required = required || strings.HasSuffix(text(p.(map[string]any)["$ref"]), "/IdempotencyKey")
			accepted = accepted || strings.HasSuffix(text(p.(map[string]any)["$ref"]), "/OptionalIdempotencyKey")
		}
		merchant := forMerchants(op)
		method, _, _ := strings.Cut(name, " ")
		if want := merchant && method == "POST"; required != want {
			t.Errorf("%s requires a key: %t", name, required)
		}
		if want := merchant && (method == "PATCH" || method == "DELETE"); accepted != want {
			t.Errorf("%s accepts a key: %t", name, accepted)
		}
	})
}

// forMerchants tells whether an operation takes a merchant's key.
func forMerchants(op map[string]any) bool {
	security, own := op["security"].([]any)
	return !own || slices.ContainsFunc(security, func(scheme any) bool { return scheme.(map[string]any)["secretKey"] != nil })
}

// A merchant's request may be refused for what its headers alone show, whatever it
// asks for.
func TestMerchantsMaySendTooLargeHeaders(t *testing.T) {
	t.Parallel()
	eachOperation(t, func(name string, op map[string]any) {
		if forMerchants(op) && op["responses"].(map[string]any)["431"] == nil {
			t.Errorf("%s has no answer with status 431", name)
		}
	})
}
