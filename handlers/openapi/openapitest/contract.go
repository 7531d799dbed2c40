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
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	validatorerrors "github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"

	"tender/handlers/openapi"
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

// contractOf is the document, compiled.
type contractOf struct {
	validator validator.Validator
	schemas   schema_validation.SchemaValidator
	model     *v3.Document
	paths     []template
}

// template is a path of the document, cut into segments.
type template struct {
	segments []string
	item     *v3.PathItem
}

// compile reads the document once for the whole run.
var compile = sync.OnceValues(func() (*contractOf, error) {
	doc, err := libopenapi.NewDocument(openapi.Document())
	if err != nil {
		return nil, err
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc, config.WithFormatAssertions())
	if len(errs) > 0 {
		return nil, errs[0]
	}
	c := &contractOf{
		validator: v,
		schemas:   schema_validation.NewSchemaValidator(config.WithFormatAssertions()),
		model:     &model.Model,
	}
	for pattern, item := range model.Model.Paths.PathItems.FromOldest() {
		c.paths = append(c.paths, template{segments: strings.Split(pattern, "/"), item: item})
	}
	return c, nil
})

func load(t testing.TB) {
	t.Helper()
	if _, err := compile(); err != nil {
		t.Fatalf("openapi.yaml can't be read: %v", err)
	}
}

// contract returns the compiled document, after load.
func contract() *contractOf {
	c, _ := compile()
	return c
}

// check returns everything that is wrong with an exchange, in sentences.
func (c *contractOf) check(x exchange) []string {
	item := c.find(x.request.URL.Path)
	if item == nil {
		return c.checkUnrouted(x, http.StatusNotFound)
	}
	op := operationOf(item, x.request.Method)
	if op == nil {
		complaints := c.checkUnrouted(x, http.StatusMethodNotAllowed)
		if x.header.Get("Allow") == "" {
			complaints = append(complaints, "the header Allow is missing")
		}
		return complaints
	}
	response := op.Responses.Codes.GetOrZero(strconv.Itoa(x.status))
	if response == nil {
		return []string{fmt.Sprintf("status %d is not documented", x.status)}
	}
	complaints := c.checkHeaders(x, response)
	complaints = append(complaints, c.checkContent(x, response)...)
	complaints = append(complaints, c.checkRequest(x, slices.Concat(item.Parameters, op.Parameters))...)
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

// find returns the path item for a path; a literal segment beats a parameter.
func (c *contractOf) find(path string) *v3.PathItem {
	segments := strings.Split(path, "/")
	var best *v3.PathItem
	fewest := len(segments) + 1
	for _, t := range c.paths {
		if parameters, ok := t.match(segments); ok && parameters < fewest {
			best, fewest = t.item, parameters
		}
	}
	return best
}

func (t template) match(segments []string) (parameters int, ok bool) {
	if len(segments) != len(t.segments) {
		return 0, false
	}
	for i, s := range t.segments {
		if strings.HasPrefix(s, "{") && segments[i] != "" {
			parameters++
			continue
		}
		if s != segments[i] {
			return 0, false
		}
	}
	return parameters, true
}

func operationOf(item *v3.PathItem, method string) *v3.Operation {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return item.GetOperations().GetOrZero(strings.ToLower(method))
}

// pagesPrefix is where people go: there a page may say that there is nothing.
const pagesPrefix = "/checkout/"

// checkUnrouted checks the answer to a request that the document has no
// operation for.
func (c *contractOf) checkUnrouted(x exchange, status int) []string {
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
	schema := c.model.Components.Schemas.GetOrZero("Problem").Schema()
	_, errs := c.schemas.ValidateSchemaBytes(schema, x.body)
	return append(sentences(errs), checkProblem(x)...)
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
func (c *contractOf) checkHeaders(x exchange, response *v3.Response) []string {
	var complaints []string
	for name, values := range x.header {
		if slices.Contains(transportHeaders, name) {
			continue
		}
		if !declares(response, name) {
			complaints = append(complaints, fmt.Sprintf("the header %s is not documented", name))
		}
		if len(values) > 1 {
			complaints = append(complaints, fmt.Sprintf("the header %s is there %d times", name, len(values)))
		}
	}
	slices.Sort(complaints)
	return complaints
}

func declares(response *v3.Response, header string) bool {
	for name := range response.Headers.KeysFromOldest() {
		if http.CanonicalHeaderKey(name) == header {
			return true
		}
	}
	return false
}

// checkContent compares body and required headers with the document.
func (c *contractOf) checkContent(x exchange, response *v3.Response) []string {
	if x.request.Method == http.MethodHead {
		if len(x.body) > 0 {
			return []string{"an answer to HEAD has a body"}
		}
		return nil
	}
	switch {
	case orderedmap.Len(response.Content) == 0:
		if len(x.body) > 0 {
			return []string{"the document has no body for this answer"}
		}
	case response.Content.GetOrZero(mediaTypeOf(x.header)) == nil:
		return []string{fmt.Sprintf("the content type %q is not documented", x.header.Get("Content-Type"))}
	}
	_, errs := c.validator.ValidateHttpResponse(x.requestAgain(), &http.Response{
		StatusCode: x.status,
		Header:     x.header,
		Body:       io.NopCloser(bytes.NewReader(x.body)),
		Request:    x.request,
	})
	return sentences(errs)
}

// checkRequest compares the request with the document where the server took it:
// what it accepts must be documented as well.
func (c *contractOf) checkRequest(x exchange, parameters []*v3.Parameter) []string {
	taken := x.status < 400 || x.status == http.StatusPaymentRequired ||
		x.status == http.StatusConflict || x.status == http.StatusUnprocessableEntity
	if !taken || !x.sentWhole || x.request.Method == http.MethodHead {
		return nil
	}
	_, errs := c.validator.ValidateHttpRequestSync(x.requestAgain())
	complaints := append(sentences(errs), undocumented(x.request.URL.Query(), parameters)...)
	for i := range complaints {
		complaints[i] = "the request was taken, and is not as documented: " + complaints[i]
	}
	return complaints
}

// undocumented finds query parameters that the operation does not have.
func undocumented(query url.Values, parameters []*v3.Parameter) []string {
	var complaints []string
	for name := range query {
		if !slices.ContainsFunc(parameters, func(p *v3.Parameter) bool {
			return p.In == "query" && (p.Name == name || p.Style == "deepObject" && strings.HasPrefix(name, p.Name+"["))
		}) {
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

// sentences says what the validator found, each thing once.
func sentences(errs []*validatorerrors.ValidationError) []string {
	var out []string
	for _, e := range errs {
		if len(e.SchemaValidationErrors) == 0 {
			out = append(out, e.Message+": "+e.Reason)
		}
		for _, s := range e.SchemaValidationErrors {
			place := s.FieldPath
			if place == "" {
				place = s.KeywordLocation
			}
			out = append(out, fmt.Sprintf("%s: %s (at %s)", e.Message, s.Reason, place))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// decode reads JSON with whole numbers kept whole.
func decode(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}
