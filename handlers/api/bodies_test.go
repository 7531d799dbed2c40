package api_test

import (
	"strings"
	"testing"

	"tender/handlers/api"
	"tender/handlers/handlerstest"
)

// What can't be read as one JSON object is malformed, and never a 500.
func TestBodies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := `{"amount":1,"currency":"ZAR"}`
	for _, c := range []struct {
		name, body, contentType string
		status                  int
		code                    string
		want                    []string
	}{
		{name: "nothing", body: "", status: 400, code: "invalid_request", want: []string{"/amount: required", "/currency: required"}},
		{name: "an empty object", body: "{}", status: 400, code: "invalid_request", want: []string{"/amount: required", "/currency: required"}},
		{name: "blanks", body: "  \n ", status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "null", body: "null", status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "a list", body: "[" + good + "]", status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "a string", body: `"x"`, status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "cut off", body: `{"amount":1,"currency":"ZA`, status: 400, code: "malformed_request", want: []string{"/currency: malformed"}},
		{name: "a comma too many", body: `{"amount":1,}`, status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "two objects", body: good + good, status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "something behind it", body: good + "]", status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "single quotes", body: `{'amount':1}`, status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "NaN", body: `{"amount":NaN}`, status: 400, code: "malformed_request", want: []string{"/amount: malformed"}},
		{name: "a leading zero", body: `{"amount":01,"currency":"ZAR"}`, status: 400, code: "malformed_request", want: nil},
		{name: "a member twice", body: `{"amount":1,"currency":"ZAR","amount":2}`, status: 400, code: "malformed_request", want: []string{"/amount: duplicate"}},
		{name: "a member twice, escaped", body: `{"amount":1,"currency":"ZAR","\u0061mount":2}`, status: 400, code: "malformed_request", want: []string{"/amount: duplicate"}},
		{name: "a member twice, deep", body: `{"amount":1,"currency":"ZAR","metadata":{"a":"1","a":"1"}}`, status: 400, code: "malformed_request", want: []string{"/metadata/a: duplicate"}},
		{name: "invalid UTF-8", body: "{\"amount\":1,\"currency\":\"ZAR\",\"metadata\":{\"a\":\"\xff\xfe\"}}", status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "half a surrogate pair", body: `{"amount":1,"currency":"ZAR","metadata":{"a":"\ud83d"}}`, status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "a surrogate pair", body: `{"amount":1,"currency":"ZAR","metadata":{"a":"\ud83d\ude00","\\ud83d":"b"}}`, status: 201},
		{name: "a NUL in a key and a value", body: `{"amount":1,"currency":"ZAR","metadata":{"a":"\u0000","b\u0000":"c"}}`, status: 400, code: "invalid_request", want: []string{"/metadata/a: invalid_format", "/metadata/b\x00: invalid_format"}},
		{name: "UTF-16", body: "\xff\xfe{\x00}\x00", status: 400, code: "malformed_request", want: []string{": malformed"}},
		{name: "deep nesting", body: `{"metadata":` + strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1001), status: 400, code: "malformed_request", want: nil},
		{name: "a deep list", body: strings.Repeat("[", 30_000), status: 400, code: "malformed_request", want: nil},
		{name: "64 KiB", body: good + strings.Repeat(" ", 64<<10-len(good)), status: 201},
		{name: "a byte more", body: good + strings.Repeat(" ", 64<<10-len(good)+1), status: 413, code: "payload_too_large"},
		{name: "65 KiB of a value", body: `{"metadata":{"k":"` + strings.Repeat("x", 65<<10) + `"}}`, status: 413, code: "payload_too_large"},
		{name: "no content type", body: good, contentType: "-", status: 415, code: "unsupported_media_type"},
		{name: "a form", body: "amount=1", contentType: "application/x-www-form-urlencoded", status: 415, code: "unsupported_media_type"},
		{name: "text", body: good, contentType: "text/plain", status: 415, code: "unsupported_media_type"},
		{name: "another charset", body: good, contentType: "application/json; charset=utf-16", status: 415, code: "unsupported_media_type"},
		{name: "the charset, said", body: good, contentType: "application/json; charset=UTF-8", status: 201},
		{name: "a content type that is none", body: good, contentType: ";;", status: 415, code: "unsupported_media_type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.contentType == "" {
				c.contentType = "application/json"
			}
			a := b.of(t).Post(sessions, c.body, handlerstest.Header{Name: "Content-Type", Value: strings.Trim(c.contentType, "-")}).Is(c.status)
			if c.status == 201 {
				return
			}
			a.Problem(c.status, c.code)
			if c.want != nil {
				blames(t, a, c.want...)
			}
		})
	}
}

func TestCompressedBodiesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Post(sessions, with(nil), handlerstest.Header{Name: "Content-Encoding", Value: "gzip"}).Problem(415, "unsupported_media_type")
}

// What is too large before the body is refused as every other request, and not by
// net/http in its own words.
func TestLargeHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	large := strings.Repeat("x", api.HeaderBytesMax)
	b.Post(sessions, with(nil), handlerstest.Header{Name: "X-Large", Value: large}).Problem(431, "header_too_large")
	b.Get(sessions+"?external_reference="+large).Problem(431, "header_too_large")
	b.Get(sessions + "?external_reference=" + large[:200]).Is(200)
}

// Writes take no parameters; one that is mistyped or meant for a GET is named.
func TestWritesTakeNoParameters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	blames(t, b.Post(sessions+"?amount=1", with(nil)), "amount: unknown")
}

// HEAD says what GET says, without the body.
func TestHead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sessionID, _ := b.Create(10_000)
	for path, status := range map[string]int{sessions + "/" + sessionID: 200, sessions + "/ps_01hzy3v7q8e4xk2m9c5b7d6f0a": 404} {
		a, err := b.Send("HEAD", path, nil)
		if err != nil || a.Status != status || len(a.Body) != 0 {
			t.Errorf("HEAD %s: %v, %+v", path, err, a)
		}
	}
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Get("/collect").Problem(404, "not_found")
	b.Get("/nowhere").Problem(404, "not_found")
	b.Get(sessions+"/").Problem(404, "not_found")
	b.Get(sessions+"/ps_1/attempts").Problem(404, "not_found")
	for _, c := range []struct{ method, path, allowed string }{
		{"PUT", sessions, "GET, POST"},
		{"DELETE", sessions + "/ps_01hzy3v7q8e4xk2m9c5b7d6f0a", "GET"},
		{"GET", sessions + "/ps_01hzy3v7q8e4xk2m9c5b7d6f0a/cancel", "POST"},
		{"PATCH", payments, "GET"},
	} {
		a, err := b.Send(c.method, c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a.Problem(405, "method_not_allowed").Header.Get("Allow") != c.allowed {
			t.Errorf("%s %s allows %q", c.method, c.path, a.Header.Get("Allow"))
		}
	}
}
