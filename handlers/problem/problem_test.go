package problem_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain"
	"tender/handlers/problem"
)

// codeForm is how codes look: they become fragments and file names.
var codeForm = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

func TestTableIsInOrder(t *testing.T) {
	t.Parallel()
	seen := map[domain.Code]bool{}
	last := 0
	for _, k := range problem.Kinds() {
		switch {
		case !codeForm.MatchString(string(k.Code)):
			t.Errorf("%q is not in the form of a code", k.Code)
		case seen[k.Code]:
			t.Errorf("%s stands in the table twice", k.Code)
		case k.Status < last:
			t.Errorf("%s (%d) stands behind a problem with status %d", k.Code, k.Status, last)
		case http.StatusText(k.Status) == "" || k.Status < 400:
			t.Errorf("%s: %d is not the status of a problem", k.Code, k.Status)
		case k.Title == "" || !strings.HasSuffix(k.When, ".") || !strings.HasSuffix(k.Do, "."):
			t.Errorf("%s is not explained in sentences", k.Code)
		}
		if wantsWait := k.Retryable && k.Status != http.StatusInternalServerError; wantsWait != (k.RetryAfter > 0) {
			t.Errorf("%s: retryable is %t, and it says to wait %s", k.Code, k.Retryable, k.RetryAfter)
		}
		if k.RetryAfter%time.Second != 0 {
			t.Errorf("%s: %s is not in whole seconds", k.Code, k.RetryAfter)
		}
		if (k.Status == http.StatusTooManyRequests || k.Status == http.StatusServiceUnavailable) && k.RetryAfter == 0 {
			t.Errorf("%s: a %d must say how long to wait", k.Code, k.Status)
		}
		seen[k.Code] = true
		last = k.Status
	}
}

// Every constant of a code must have its row: one that is forgotten would be
// answered as an internal error.
func TestEveryConstantHasItsRow(t *testing.T) {
	t.Parallel()
	var table []string
	for _, k := range problem.Kinds() {
		table = append(table, string(k.Code))
	}
	if constants := codesDefinedIn(t, "codes.go"); !slices.Equal(constants, table) {
		t.Errorf("constants and table differ, or stand in another order:\n%q\n%q", constants, table)
	}
	var fields []string
	for _, k := range problem.FieldKinds() {
		fields = append(fields, string(k.Code))
		if slices.Contains(table, string(k.Code)) {
			t.Errorf("%s is a problem's code and a field's", k.Code)
		}
	}
	if constants := codesDefinedIn(t, "fields.go"); !slices.Equal(constants, fields) {
		t.Errorf("constants and table of field errors differ:\n%q\n%q", constants, fields)
	}
}

func codesDefinedIn(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if typ, ok := spec.Type.(*ast.SelectorExpr); ok && typ.Sel.Name == "Code" {
			codes = append(codes, literal(spec.Values[0]))
		}
		return true
	})
	return codes
}

func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		s, _ := strconv.Unquote(l.Value)
		return s
	}
	return ""
}

// beyondTheAPI lists refusals of the domain that no request can meet: the
// command line's, and broken invariants, which are internal errors.
var beyondTheAPI = []string{"endpoint_exists", "merchant_exists", "recovery_exists", "staff_exists", "too_many_keys"}

// The rules name their codes themselves, since they know nothing of this table:
// each of them must be in it.
func TestEveryRefusalOfTheDomainHasItsRow(t *testing.T) {
	t.Parallel()
	found := 0
	err := filepath.WalkDir("../../domain", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, code := range refusalsIn(t, path) {
			found++
			_, isProblem := problem.KindOf(domain.Code(code))
			isField := slices.ContainsFunc(problem.FieldKinds(), func(k problem.FieldKind) bool { return string(k.Code) == code })
			if !isProblem && !isField && !slices.Contains(beyondTheAPI, code) {
				t.Errorf("%s refuses with %q, which has no row in the table", path, code)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 10 {
		t.Errorf("only %d refusals were found: the test looks in the wrong place", found)
	}
}

// refusalsIn finds the codes in Refuse("…") and Refusal{Code: "…"}.
func refusalsIn(t *testing.T, path string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(f.Sel.Name, "Refuse") && len(n.Args) > 0 {
				codes = append(codes, literal(n.Args[0]))
			}
		case *ast.CompositeLit:
			if typ, ok := n.Type.(*ast.SelectorExpr); ok && typ.Sel.Name == "Refusal" {
				codes = append(codes, codeOf(n))
			}
		}
		return true
	})
	return slices.DeleteFunc(codes, func(s string) bool { return s == "" })
}

func codeOf(refusal *ast.CompositeLit) string {
	for _, e := range refusal.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if name, ok := kv.Key.(*ast.Ident); ok && name.Name == "Code" {
				return literal(kv.Value)
			}
		}
	}
	return ""
}

func TestWrite(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	w.Header().Set("Request-Id", "req_01kjpy44h4efvvvx9qrhkj8e9c")
	w.Header().Set("Event-Position", "kept")
	w.Header().Set("Content-Encoding", "gzip")
	r := httptest.NewRequest(http.MethodPost, "/collect/payments/pay_1/captures?x=1", nil)
	p := problem.New(problem.CaptureAmountTooHigh, "The capture amount exceeds the remaining authorised amount.").
		WithAmounts(map[string]int64{"requested_amount": 50000, "capturable_amount": 40000})
	problem.Write(w, r, "https://pay.example", p)

	const want = `{"type":"https://pay.example/errors#capture-amount-too-high","title":"Capture amount too high","status":409,` +
		`"detail":"The capture amount exceeds the remaining authorised amount.","instance":"/collect/payments/pay_1/captures",` +
		`"code":"capture_amount_too_high","request_id":"req_01kjpy44h4efvvvx9qrhkj8e9c","retryable":false,` +
		`"amounts":{"capturable_amount":40000,"requested_amount":50000}}`
	if got := w.Body.String(); got != want {
		t.Errorf("the body is\n%s\nnot\n%s", got, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json", "Cache-Control": "no-store", "Content-Length": strconv.Itoa(len(want)),
		"Event-Position": "kept", "Content-Encoding": "", "Retry-After": "", "WWW-Authenticate": "",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if w.Code != http.StatusConflict {
		t.Errorf("the status is %d", w.Code)
	}
}

func TestWriteHeaders(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		problem  problem.Problem
		header   string
		want     string
		wantCode int
	}{
		{"no key challenges", problem.New(problem.Unauthorised, ""), "WWW-Authenticate", `Bearer realm="tender"`, 401},
		{"an unknown key challenges", problem.New(problem.InvalidAPIKey, ""), "WWW-Authenticate", `Bearer realm="tender", error="invalid_token"`, 401},
		{"a revoked key does not", problem.New(problem.Forbidden, ""), "WWW-Authenticate", "", 403},
		{"a 503 says when", problem.New(problem.NewerThanThisBuild, ""), "Retry-After", "30", 503},
		{"a 429 says when", problem.New(problem.TooManyRequests, ""), "Retry-After", "5", 429},
		{"a key in use says when", problem.New(problem.IdempotencyKeyInUse, ""), "Retry-After", "1", 409},
		{"the problem knows better", problem.New(problem.TooManyRequests, "").WithRetryAfter(90 * time.Second), "Retry-After", "90", 429},
		{"seconds are rounded up", problem.New(problem.OperationInProgress, "").WithRetryAfter(1200 * time.Millisecond), "Retry-After", "2", 409},
		{"never less than nothing", problem.New(problem.AttemptInProgress, "").WithRetryAfter(-time.Second), "Retry-After", "5", 409},
		{"a lasting refusal says nothing", problem.New(problem.VoidNotAllowed, ""), "Retry-After", "", 409},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			problem.Write(w, httptest.NewRequest(http.MethodGet, "/x", nil), "http://127.0.0.1", tt.problem)
			if got := w.Header().Get(tt.header); got != tt.want || w.Code != tt.wantCode {
				t.Errorf("%d with %s %q, not %d with %q", w.Code, tt.header, got, tt.wantCode, tt.want)
			}
		})
	}
}

func TestWriteToHeadHasNoBody(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	problem.Write(w, httptest.NewRequest(http.MethodHead, "/x", nil), "http://127.0.0.1", problem.New(problem.NotFound, ""))
	if w.Code != http.StatusNotFound || w.Body.Len() != 0 {
		t.Errorf("%d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestWriteHidesAnUnknownCode(t *testing.T) {
	t.Parallel()
	body := write(t, problem.New("no_such_code", "what went on inside").WithConflictingResource("ps_1"))
	if body["code"] != "internal_error" || body["status"] != 500.0 || strings.Contains(toText(t, body), "inside") ||
		body["conflicting_resource_id"] != nil {
		t.Errorf("it shows %v", body)
	}
}

func TestEveryBadRequestNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, k := range problem.Kinds() {
		body := write(t, problem.New(k.Code, ""))
		errs, _ := body["errors"].([]any)
		if (len(errs) > 0) != (k.Status == http.StatusBadRequest) {
			t.Errorf("%s has %d errors", k.Code, len(errs))
		}
		if detail, _ := body["detail"].(string); detail == "" || strings.Contains(detail, "`") {
			t.Errorf("%s: the detail is %q", k.Code, detail)
		}
	}
	missing := write(t, problem.New(problem.IdempotencyKeyMissing, ""))
	if got := toText(t, missing["errors"]); !strings.Contains(got, `"header":"Idempotency-Key"`) {
		t.Errorf("a missing key is blamed on %s", got)
	}
}

func TestWriteIsBounded(t *testing.T) {
	t.Parallel()
	p := problem.New(problem.InvalidRequest, "")
	for range 5000 {
		p = p.WithFieldErrors(problem.FieldError{Pointer: "/" + strings.Repeat("ü", 1000), Code: problem.Unknown, Detail: "There is no such field."})
	}
	body := write(t, p)
	errs, _ := body["errors"].([]any)
	if len(errs) != 100 {
		t.Errorf("%d errors are shown", len(errs))
	}
	first, _ := errs[0].(map[string]any)
	if pointer, _ := first["pointer"].(string); len(pointer) > 600 || strings.ContainsRune(pointer, '\uFFFD') {
		t.Errorf("the pointer is %q", pointer)
	}
	if len(p.Errors[0].Pointer) < 2000 {
		t.Error("writing changed the problem itself")
	}
}

// write returns a problem as the caller gets it.
func write(t *testing.T, p problem.Problem) map[string]any {
	t.Helper()
	w := httptest.NewRecorder()
	problem.Write(w, httptest.NewRequest(http.MethodGet, "/x", nil), "http://127.0.0.1", p)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return body
}

func toText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A replay is rendered from the record: it must say what was said first.
func TestRecordSaysTheSame(t *testing.T) {
	t.Parallel()
	codes := problem.Kinds()
	rapid.Check(t, func(rt *rapid.T) {
		p := problem.New(rapid.SampledFrom(codes).Draw(rt, "kind").Code, rapid.String().Draw(rt, "detail")).
			WithConflictingResource(rapid.String().Draw(rt, "id"))
		for range rapid.IntRange(0, 3).Draw(rt, "errors") {
			f := problem.FieldError{Code: problem.Differs, Detail: rapid.String().Draw(rt, "said")}
			switch rapid.IntRange(0, 2).Draw(rt, "place") {
			case 0:
				f.Pointer = rapid.String().Draw(rt, "pointer")
			case 1:
				f.Header = rapid.StringN(1, 9, -1).Draw(rt, "header")
			default:
				f.Parameter = rapid.StringN(1, 9, -1).Draw(rt, "parameter")
			}
			p = p.WithFieldErrors(f)
		}
		if rapid.Bool().Draw(rt, "sums") {
			p = p.WithAmounts(map[string]int64{"capturable_amount": rapid.Int64().Draw(rt, "amount")})
		}
		record, err := json.Marshal(p)
		if err != nil {
			rt.Fatal(err)
		}
		again, err := problem.FromRecord(record)
		if err != nil {
			rt.Fatal(err)
		}
		first, replayed := toText(t, write(t, p)), toText(t, write(t, again))
		if first != replayed {
			rt.Fatalf("first %s\nthen %s", first, replayed)
		}
	})
}

func TestFromRecordRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	if _, err := problem.FromRecord(json.RawMessage(`[]`)); err == nil {
		t.Error("a list was read as a problem")
	}
}

func TestDetailsReadAsTheyAre(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	problem.Write(w, httptest.NewRequest(http.MethodGet, "/x", nil), "http://127.0.0.1",
		problem.New(problem.InvalidRequest, "a <b> & c").WithFieldErrors(problem.FieldError{Pointer: "/<", Code: problem.Unknown, Detail: "d > e"}))
	for _, want := range []string{`"a <b> & c"`, `"/<"`, `"d > e"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is not in %s", want, w.Body)
		}
	}
}

func TestPointerEscapes(t *testing.T) {
	t.Parallel()
	if got := problem.Pointer("metadata", "a/b~c", "0"); got != "/metadata/a~1b~0c/0" {
		t.Errorf("the pointer is %q", got)
	}
}
