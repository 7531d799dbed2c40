package openapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"tender/handlers/openapi"
	"tender/handlers/openapi/openapitest"
	"tender/handlers/problem"
)

// serve returns the pages' server, and a client that holds it to the document.
func serve(t *testing.T) (*httptest.Server, *http.Client) {
	t.Helper()
	h, err := openapi.New()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	h.Register(mux)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Request-Id", "req_01kjpy44h4efvvvx9qrhkj8e9c")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server, &http.Client{Transport: openapitest.Transport(t)}
}

func get(t *testing.T, c *http.Client, url string) (int, http.Header, string) {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

func TestServesTheDocument(t *testing.T) {
	t.Parallel()
	server, client := serve(t)
	status, header, body := get(t, client, server.URL+"/openapi.yaml")
	if status != http.StatusOK || header.Get("Content-Type") != "application/yaml" || body != string(openapi.Document()) {
		t.Errorf("%d, %s, %d bytes", status, header.Get("Content-Type"), len(body))
	}
}

func TestDocsShowEverything(t *testing.T) {
	t.Parallel()
	server, client := serve(t)
	status, _, body := get(t, client, server.URL+"/docs")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	eachOperation(t, func(name string, op map[string]any) {
		_, path, _ := strings.Cut(name, " ")
		if !strings.Contains(body, `id="`+text(op["operationId"])+`"`) || !strings.Contains(body, "<code>"+path+"</code>") {
			t.Errorf("%s is not shown", name)
		}
	})
	for _, k := range problem.Kinds() {
		if !strings.Contains(body, `href="/errors#`+k.Slug()+`"`) {
			t.Errorf("%s is not shown", k.Code)
		}
	}
	samples := regexp.MustCompile(`(?s)<pre[^>]*>(.*?)</pre>`).FindAllStringSubmatch(body, -1)
	for _, sample := range samples {
		shown := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(sample[1], ""))
		if _, data, ok := strings.Cut(shown, "-d '"); ok {
			shown = strings.TrimSuffix(data, "'")
		}
		if !strings.HasPrefix(shown, "curl ") && !json.Valid([]byte(shown)) {
			t.Errorf("this is no JSON: %s", shown)
		}
	}
	if len(samples) < 40 {
		t.Errorf("only %d samples are shown", len(samples))
	}
	for _, link := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `id="`+link[1]+`"`) {
			t.Errorf("a link leads to #%s, which is not there", link[1])
		}
	}
}

// Where a problem's type leads, it must be explained.
func TestEveryProblemHasItsPage(t *testing.T) {
	t.Parallel()
	server, client := serve(t)
	status, _, all := get(t, client, server.URL+"/errors")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	for _, k := range problem.Kinds() {
		page, fragment, _ := strings.Cut(k.Type(server.URL), "#")
		if page != server.URL+"/errors" || !strings.Contains(all, `id="`+fragment+`"`) {
			t.Errorf("the type of %s leads nowhere", k.Code)
		}
		status, _, body := get(t, client, server.URL+"/errors/"+k.Slug())
		if status != http.StatusOK || !strings.Contains(body, string(k.Code)) || strings.Count(body, `class="problem"`) != 1 {
			t.Errorf("the page of %s has status %d", k.Code, status)
		}
	}
	for _, slug := range []string{"no-such-problem", "capture_not_allowed"} {
		status, header, body := get(t, http.DefaultClient, server.URL+"/errors/"+slug)
		if status != http.StatusNotFound || !strings.Contains(body, "There is no such problem") || header.Get("Cache-Control") != "no-store" {
			t.Errorf("/errors/%s answers %d", slug, status)
		}
	}
}

func TestPagesLoadNothing(t *testing.T) {
	t.Parallel()
	server, client := serve(t)
	for _, path := range []string{"/docs", "/errors", "/errors/not-found"} {
		_, header, body := get(t, client, server.URL+path)
		style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(body)
		if style == nil {
			t.Fatalf("%s has no style", path)
		}
		sum := sha256.Sum256([]byte(style[1]))
		want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
		if got := header.Get("Content-Security-Policy"); got != want {
			t.Errorf("%s: the policy is %q, not %q", path, got, want)
		}
		for _, sign := range []string{"<script", " style=", " src=", "<link", "@import", "url(", " onclick", "<iframe", "<form"} {
			if strings.Contains(body, sign) {
				t.Errorf("%s has %q in it", path, sign)
			}
		}
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: the headers are %v", path, header)
		}
	}
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	server, client := serve(t)
	for _, path := range []string{"/docs", "/errors", "/errors/not-found", "/openapi.yaml"} {
		res, err := client.Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || res.ContentLength < 1000 {
			t.Errorf("HEAD %s answers %d with %d bytes announced", path, res.StatusCode, res.ContentLength)
		}
	}
}
