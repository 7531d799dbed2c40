// Package document reads an OpenAPI document, and compares requests, answers and
// examples with it. It says what the document says and nothing of Tender's own.
//
// It stands apart because the libraries that it reads with take long to compile:
// nothing here changes when Tender does.
package document

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	validatorerrors "github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"
)

// Document is an OpenAPI document, compiled. It is safe for concurrent use.
//
// It holds plain values and functions alone: a type of the libraries in its fields
// would have every package that uses it compile them again.
type Document struct {
	paths []template

	answer   func(*http.Request, *http.Response) []string
	request  func(*http.Request) []string
	body     func(schema string, body []byte) []string
	examples func() ([]Example, error)
}

// template is a path of the document, cut into segments.
type template struct {
	segments   []string
	operations map[string]*Operation // by method, upper case
}

// Operation is what the document says of one method at one path.
type Operation struct {
	parameters []parameter
	responses  map[int]*Response
	listed     map[string][]string
}

// parameter is one of the query's. A deep one has members, named created[gte].
type parameter struct {
	name string
	deep bool
}

// Response is what the document says of one status.
type Response struct {
	headers map[string]bool // by canonical name
	content map[string]bool // by media type
}

// Read compiles a document.
func Read(text []byte) (*Document, error) {
	doc, err := libopenapi.NewDocument(text)
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
	schemas := schema_validation.NewSchemaValidator(config.WithFormatAssertions())
	d := &Document{
		answer: func(r *http.Request, a *http.Response) []string {
			_, errs := v.ValidateHttpResponse(r, a)
			return sentences(errs)
		},
		request: func(r *http.Request) []string {
			_, errs := v.ValidateHttpRequestSync(r)
			return sentences(errs)
		},
		body: func(schema string, body []byte) []string {
			_, errs := schemas.ValidateSchemaBytes(model.Model.Components.Schemas.GetOrZero(schema).Schema(), body)
			return sentences(errs)
		},
		examples: func() ([]Example, error) { return examples(&model.Model, schemas) },
	}
	for pattern, item := range model.Model.Paths.PathItems.FromOldest() {
		t := template{segments: strings.Split(pattern, "/"), operations: map[string]*Operation{}}
		for method, op := range item.GetOperations().FromOldest() {
			t.operations[strings.ToUpper(method)] = newOperation(item, op)
		}
		d.paths = append(d.paths, t)
	}
	return d, nil
}

func newOperation(item *v3.PathItem, op *v3.Operation) *Operation {
	o := &Operation{responses: map[int]*Response{}, listed: map[string][]string{}}
	for _, p := range slices.Concat(item.Parameters, op.Parameters) {
		if p.In == "query" {
			o.parameters = append(o.parameters, parameter{p.Name, p.Style == "deepObject"})
		}
	}
	for name, node := range op.Extensions.FromOldest() {
		for _, n := range node.Content {
			o.listed[name] = append(o.listed[name], n.Value)
		}
	}
	for code, response := range op.Responses.Codes.FromOldest() {
		status, err := strconv.Atoi(code)
		if err != nil {
			continue // a range of statuses, as 4XX: nothing is held to one
		}
		r := &Response{headers: map[string]bool{}, content: map[string]bool{}}
		for name := range response.Headers.KeysFromOldest() {
			r.headers[http.CanonicalHeaderKey(name)] = true
		}
		for mediaType := range response.Content.KeysFromOldest() {
			r.content[mediaType] = true
		}
		o.responses[status] = r
	}
	return o
}

// Find returns the operation of a method at a path; nil: there is none. Known
// reports whether the path has any. A literal segment beats a parameter.
func (d *Document) Find(method, path string) (op *Operation, known bool) {
	segments := strings.Split(path, "/")
	var operations map[string]*Operation
	fewest := len(segments) + 1
	for _, t := range d.paths {
		if parameters, ok := t.match(segments); ok && parameters < fewest {
			operations, fewest = t.operations, parameters
		}
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return operations[method], operations != nil
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

// Response returns what is said of a status; nil: nothing.
func (o *Operation) Response(status int) *Response { return o.responses[status] }

// Takes reports whether the operation has a query parameter of that name, or one
// whose members are named so: created[gte] of created.
func (o *Operation) Takes(name string) bool {
	return slices.ContainsFunc(o.parameters, func(p parameter) bool {
		return p.name == name || p.deep && strings.HasPrefix(name, p.name+"[")
	})
}

// Listed are the values of an extension of the operation that is a list.
func (o *Operation) Listed(extension string) []string { return o.listed[extension] }

// HasHeader reports whether the document has a header, by its canonical name.
func (r *Response) HasHeader(name string) bool { return r.headers[name] }

// HasBody reports whether there is a body at all.
func (r *Response) HasBody() bool { return len(r.content) > 0 }

// HasContent reports whether there may be a body of that media type.
func (r *Response) HasContent(mediaType string) bool { return r.content[mediaType] }

// CheckAnswer returns everything that is wrong with an answer, in sentences.
func (d *Document) CheckAnswer(request *http.Request, answer *http.Response) []string {
	return d.answer(request, answer)
}

// CheckRequest returns everything that is wrong with a request, in sentences.
func (d *Document) CheckRequest(request *http.Request) []string { return d.request(request) }

// CheckBody compares JSON with one of the document's schemas, by its name.
func (d *Document) CheckBody(schema string, body []byte) []string { return d.body(schema, body) }

// Example is one example of the document, and what is wrong with it.
type Example struct {
	Place string
	JSON  []byte
	Wrong []string
}

// Examples compares every example of every operation and webhook with its schema.
func (d *Document) Examples() ([]Example, error) { return d.examples() }

func examples(model *v3.Document, schemas schema_validation.SchemaValidator) ([]Example, error) {
	var all []Example
	var failed error
	check := func(place string, content *orderedmap.Map[string, *v3.MediaType]) {
		for mediaType, m := range content.FromOldest() {
			for name, e := range m.Examples.FromOldest() {
				var value any
				err := e.Value.Decode(&value)
				encoded, encodeErr := json.Marshal(value)
				if err != nil || encodeErr != nil {
					failed = fmt.Errorf("%s %s %s can't be read: %w, %w", place, mediaType, name, err, encodeErr)
					return
				}
				_, errs := schemas.ValidateSchemaBytes(m.Schema.Schema(), encoded)
				all = append(all, Example{Place: place + " " + mediaType + " " + name, JSON: encoded, Wrong: sentences(errs)})
			}
		}
	}
	operation := func(name string, op *v3.Operation) {
		if op.RequestBody != nil {
			check(name, op.RequestBody.Content)
		}
		for status, r := range op.Responses.Codes.FromOldest() {
			check(name+" "+status, r.Content)
		}
	}
	for path, item := range model.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			operation(method+" "+path, op)
		}
	}
	for name, item := range model.Webhooks.FromOldest() {
		for _, op := range item.GetOperations().FromOldest() {
			operation("webhook "+name, op)
		}
	}
	return all, failed
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
