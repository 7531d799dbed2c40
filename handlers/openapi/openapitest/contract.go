package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"tender/handlers/openapi"
	"tender/handlers/openapi/openapitest/document"
	"tender/handlers/problem"
)

// exchange is one request and its answer.
type exchange struct {
	request   *http.Request
	sent      []byte // the request's body, as far as it was read
	sentWhole bool
	status    int
	header    http.Header
	body      []byte
}

// contractOf is the API's document.
type contractOf struct{ *document.Document }

// compile reads the document once for the whole run.
var compile = sync.OnceValues(func() (contractOf, error) {
	d, err := document.Read(openapi.Document())
	return contractOf{d}, err
})

func load(t testing.TB) {
	t.Helper()
	if _, err := compile(); err != nil {
		t.Fatalf("openapi.yaml can't be read: %v", err)
	}
}

// contract returns the compiled document, after load.
func contract() contractOf {
	c, _ := compile()
	return c
}

// check returns everything that is wrong with an exchange, in sentences.
func (c contractOf) check(x exchange) []string {
	op, known := c.Find(x.request.Method, x.request.URL.Path)
	switch {
	case !known:
		return c.checkUnrouted(x, http.StatusNotFound)
	case op == nil:
		complaints := c.checkUnrouted(x, http.StatusMethodNotAllowed)
		if x.header.Get("Allow") == "" {
			complaints = append(complaints, "the header Allow is missing")
		}
		return complaints
	}
	response := op.Response(x.status)
	if response == nil {
		return []string{fmt.Sprintf("status %d is not documented", x.status)}
	}
	complaints := c.checkHeaders(x, response)
	complaints = append(complaints, c.checkContent(x, response)...)
	complaints = append(complaints, c.checkRequest(x, op)...)
	if x.request.Method == http.MethodHead {
		return complaints
	}
	switch mediaTypeOf(x.header) {
	case problem.ContentType:
		complaints = append(complaints, checkProblem(x)...)
		complaints = append(complaints, checkNamed(x, op)...)
	case "application/json":
		complaints = append(complaints, checkSums(x.body)...)
	}
	return complaints
}

// pagesPrefix is where people go: there a page may say that there is nothing.
const pagesPrefix = "/checkout/"

// checkUnrouted checks the answer to a request that the document has no
// operation for.
func (c contractOf) checkUnrouted(x exchange, status int) []string {
	if x.request.URL.Path != path.Clean(x.request.URL.Path) && x.status/100 == 3 {
		return nil // net/http leads to the path as it should be written
	}
	if x.status != status {
		return []string{fmt.Sprintf("the document has no such operation, so that only a %d can be right", status)}
	}
	if strings.HasPrefix(x.request.URL.Path, pagesPrefix) && mediaTypeOf(x.header) == "text/html" {
		return nil
	}
	if mediaTypeOf(x.header) != problem.ContentType {
		return []string{"it is no problem document"}
	}
	if x.request.Method == http.MethodHead {
		return nil
	}
	return append(c.CheckBody("Problem", x.body), checkProblem(x)...)
}

// transportHeaders are there on HTTP's own account, or for browsers and caches:
// they are no part of what the document describes.
var transportHeaders = []string{
	"Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Origin",
	"Access-Control-Expose-Headers", "Access-Control-Max-Age",
	"Cache-Control", "Connection", "Content-Length", "Content-Security-Policy", "Content-Type",
	"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Date", "Keep-Alive", "Permissions-Policy", "Referrer-Policy",
	"Set-Cookie", "Strict-Transport-Security", "Transfer-Encoding", "Vary", "X-Content-Type-Options", "X-Frame-Options", "X-Robots-Tag",
}

// checkHeaders finds headers that the document does not have. That those which
// it demands are there is for the validator, which looks at bodies, too.
func (c contractOf) checkHeaders(x exchange, response *document.Response) []string {
	var complaints []string
	for name, values := range x.header {
		if slices.Contains(transportHeaders, name) {
			continue
		}
		if !response.HasHeader(name) {
			complaints = append(complaints, fmt.Sprintf("the header %s is not documented", name))
		}
		if len(values) > 1 {
			complaints = append(complaints, fmt.Sprintf("the header %s is there %d times", name, len(values)))
		}
	}
	slices.Sort(complaints)
	return complaints
}

// checkContent compares body and required headers with the document.
func (c contractOf) checkContent(x exchange, response *document.Response) []string {
	if x.request.Method == http.MethodHead {
		if len(x.body) > 0 {
			return []string{"an answer to HEAD has a body"}
		}
		return nil
	}
	switch {
	case !response.HasBody():
		if len(x.body) > 0 {
			return []string{"the document has no body for this answer"}
		}
	case !response.HasContent(mediaTypeOf(x.header)):
		return []string{fmt.Sprintf("the content type %q is not documented", x.header.Get("Content-Type"))}
	case mediaTypeOf(x.header) == jsonLines:
		return checkLines(x.body)
	}
	return c.CheckAnswer(x.requestAgain(), &http.Response{
		StatusCode: x.status,
		Header:     x.header,
		Body:       io.NopCloser(bytes.NewReader(x.body)),
		Request:    x.request,
	})
}

// jsonLines is the media type of answers with one JSON object per line. The document
// can't describe the lines, only that they are.
const jsonLines = "application/jsonl"

// checkLines says which lines are no JSON objects.
func checkLines(body []byte) []string {
	var wrong []string
	for i, line := range bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n")) {
		var object map[string]any
		if err := json.Unmarshal(line, &object); err != nil {
			wrong = append(wrong, fmt.Sprintf("line %d is no JSON object: %v", i+1, err))
		}
	}
	return wrong
}

// checkRequest compares the request with the document where the server took it:
// what it accepts must be documented as well.
func (c contractOf) checkRequest(x exchange, op *document.Operation) []string {
	taken := x.status < 400 || x.status == http.StatusPaymentRequired ||
		x.status == http.StatusConflict || x.status == http.StatusUnprocessableEntity
	if !taken || !x.sentWhole || x.request.Method == http.MethodHead {
		return nil
	}
	complaints := append(c.CheckRequest(x.requestAgain()), undocumented(x.request.URL.Query(), op)...)
	for i := range complaints {
		complaints[i] = "the request was taken, and is not as documented: " + complaints[i]
	}
	return complaints
}

// undocumented finds query parameters that the operation does not have.
func undocumented(query url.Values, op *document.Operation) []string {
	var complaints []string
	for name := range query {
		if !op.Takes(name) {
			complaints = append(complaints, fmt.Sprintf("it has no parameter %q", name))
		}
	}
	return complaints
}

// requestAgain is the request as the validator wants it: with its body unread.
func (x exchange) requestAgain() *http.Request {
	r := x.request.Clone(x.request.Context())
	r.Body = http.NoBody
	if len(x.sent) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(x.sent))
	}
	r.ContentLength = int64(len(x.sent))
	return r
}

func mediaTypeOf(h http.Header) string {
	mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return mediaType
}

// decode reads JSON with whole numbers kept whole.
func decode(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}
