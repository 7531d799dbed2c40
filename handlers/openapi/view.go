package openapi

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tender/handlers/problem"
)

// docsPage is what docs.html shows.
type docsPage struct {
	Title, Version, Summary string
	Introduction            template.HTML
	Sections                []string // titles within the introduction
	Groups                  []group
	Objects                 []object
	Problems                []problem.Kind
	FieldErrors             []fieldError
}

type group struct {
	Name        string
	Description template.HTML
	Operations  []operationView
}

type operationView struct {
	ID, Method, Path, Summary string
	Description               template.HTML
	Access                    string // who may call it
	Event                     bool   // sent to the merchant, not received from them
	Parameters                []property
	Body                      *object
	Requests                  []sample
	Successes                 []answer
	Failures                  []answer
	Everywhere                []string // statuses of failures that need no word here
}

// answer is a response: its status, what it means, and what it looks like.
type answer struct {
	Status      string
	Description template.HTML
	Object      string // the name of its object, "" for none
	MediaType   string
	Headers     []string
	Problems    []problem.Kind
	Samples     []sample
}

type sample struct {
	Title string
	Text  template.HTML
}

type fieldError struct {
	Code string
	Says template.HTML
}

// docsView arranges the whole document for docs.html.
func docsView(d *document) docsPage {
	view := docsPage{
		Title:        d.Info.Title,
		Version:      d.Info.Version,
		Summary:      d.Info.Summary,
		Introduction: markdown(d.Info.Description),
		Problems:     problem.Kinds(),
		FieldErrors:  fieldErrorViews(d),
	}
	for line := range strings.Lines(d.Info.Description) {
		if title, ok := strings.CutPrefix(strings.TrimSpace(line), "### "); ok {
			view.Sections = append(view.Sections, title)
		}
	}
	shown := map[string]bool{}
	for _, t := range d.Tags {
		g := group{Name: t.Name, Description: markdown(t.Description)}
		d.eachOperation(t.Name, func(path string, p pathItem, mo methodOperation, event bool) {
			g.Operations = append(g.Operations, d.operationView(path, p, mo, event))
			for _, name := range d.objectsOf(mo.Operation) {
				shown[name] = true
			}
		})
		view.Groups = append(view.Groups, g)
	}
	for _, m := range d.Components.Schemas {
		if shown[m.Name] {
			view.Objects = append(view.Objects, d.object(m.Value, m.Name))
		}
	}
	return view
}

func fieldErrorViews(d *document) []fieldError {
	out := make([]fieldError, len(d.FieldErrorCodes))
	for i, f := range d.FieldErrorCodes {
		out[i] = fieldError{Code: f.Code, Says: markdownLine(f.Says)}
	}
	return out
}

// eachOperation calls f for the operations with a tag: paths, then webhooks.
func (d *document) eachOperation(tag string, f func(path string, p pathItem, mo methodOperation, event bool)) {
	for i, items := range []ordered[pathItem]{d.Paths, d.Webhooks} {
		for _, item := range items {
			for _, mo := range item.Value.Operations {
				if slices.Contains(mo.Operation.Tags, tag) {
					f(item.Name, item.Value, mo, i == 1)
				}
			}
		}
	}
}

// objectsOf names the objects that an operation's answers hold.
func (d *document) objectsOf(o operation) []string {
	var names []string
	for _, r := range o.Responses {
		for _, c := range d.response(r.Value).Content {
			names = append(names, objectNames(c.Value.Schema)...)
		}
	}
	return names
}

// objectNames names the components that a schema is, or may be.
func objectNames(s *schema) []string {
	if s == nil {
		return nil
	}
	var names []string
	if s.Ref != "" {
		names = append(names, refName(s.Ref))
	}
	for _, one := range s.AnyOf {
		names = append(names, objectNames(one)...)
	}
	return names
}

func (d *document) operationView(path string, p pathItem, mo methodOperation, event bool) operationView {
	o := mo.Operation
	v := operationView{
		ID: o.ID, Method: mo.Method, Path: path, Summary: o.Summary,
		Description: markdown(o.Description), Access: access(o), Event: event,
	}
	for _, param := range slices.Concat(p.Parameters, o.Parameters) {
		v.Parameters = append(v.Parameters, d.parameterView(d.parameter(param)))
	}
	if o.RequestBody != nil && len(o.RequestBody.Content) > 0 {
		content := o.RequestBody.Content[0].Value
		if content.Schema != nil {
			body := d.object(content.Schema, "")
			v.Body = &body
		}
	}
	v.Requests = d.requests(path, p, mo, event)
	for _, r := range o.Responses {
		a := d.answer(r.Name, d.response(r.Value), o.Problems)
		switch {
		case event || r.Name < "400":
			v.Successes = append(v.Successes, a)
		case len(a.Problems) == 0 && slices.Contains(everywhere, r.Name):
			v.Everywhere = append(v.Everywhere, r.Name)
		default:
			v.Failures = append(v.Failures, a)
		}
	}
	return v
}

// everywhere lists the statuses that mean the same for every operation.
var everywhere = []string{"401", "403", "413", "415", "429", "500", "503"}

// access says which key an operation takes.
func access(o operation) string {
	if o.Security == nil {
		return "secret key"
	}
	if len(*o.Security) == 0 {
		return "no key"
	}
	return "secret or public key"
}

func (d *document) answer(status string, r *response, codes []string) answer {
	a := answer{Status: status, Description: markdown(r.Description)}
	for _, h := range r.Headers {
		a.Headers = append(a.Headers, h.Name)
	}
	for _, code := range codes {
		for _, k := range problem.Kinds() {
			if string(k.Code) == code && strconv.Itoa(k.Status) == status {
				a.Problems = append(a.Problems, k)
			}
		}
	}
	if len(r.Content) == 0 {
		return a
	}
	a.MediaType = r.Content[0].Name
	if names := objectNames(r.Content[0].Value.Schema); len(names) > 0 {
		a.Object = names[0]
	}
	for _, e := range r.Content[0].Value.Examples {
		a.Samples = append(a.Samples, d.sample(e))
	}
	return a
}

func (d *document) sample(m member[*example]) sample {
	e := d.example(m.Value)
	return sample{Title: e.Summary, Text: highlight(jsonText(&e.Value))}
}

// requests shows how an operation is called, or what an event looks like.
func (d *document) requests(path string, p pathItem, mo methodOperation, event bool) []sample {
	var examples ordered[*example]
	if b := mo.Operation.RequestBody; b != nil && len(b.Content) > 0 {
		examples = b.Content[0].Value.Examples
	}
	if event {
		var out []sample
		for _, e := range examples {
			out = append(out, d.sample(e))
		}
		return out
	}
	if len(examples) == 0 {
		return []sample{{Text: d.curl(path, p, mo, "")}}
	}
	var out []sample
	for _, m := range examples {
		e := d.example(m.Value)
		out = append(out, sample{Title: e.Summary, Text: d.curl(path, p, mo, jsonText(&e.Value))})
	}
	return out
}

// curl writes a command that calls the operation; it reads the names that
// `tender dev` writes into dev.env.
func (d *document) curl(path string, p pathItem, mo methodOperation, body string) template.HTML {
	for _, param := range slices.Concat(p.Parameters, mo.Operation.Parameters) {
		param = d.parameter(param)
		if param.In == "path" {
			path = strings.ReplaceAll(path, "{"+param.Name+"}", d.exampleOf(param))
		}
	}
	lines := []string{`curl "$TENDER_URL` + path + `"`}
	if mo.Method != http.MethodGet {
		lines[0] = fmt.Sprintf(`curl -X %s "$TENDER_URL%s"`, mo.Method, path)
	}
	if mo.Operation.Security == nil || len(*mo.Operation.Security) > 0 {
		lines = append(lines, `-H "Authorization: Bearer $TENDER_SECRET_KEY"`)
	}
	for _, param := range mo.Operation.Parameters {
		if param = d.parameter(param); param.Name == "Idempotency-Key" && param.Required {
			lines = append(lines, `-H "Idempotency-Key: $(uuidgen)"`)
		}
	}
	command := template.HTMLEscapeString(strings.Join(lines, " \\\n  "))
	if body == "" {
		return template.HTML(command) //nolint:gosec // escaped above
	}
	command += template.HTMLEscapeString(" \\\n  -H \"Content-Type: application/json\" \\\n  -d '")
	return template.HTML(command) + highlight(body) + "'" //nolint:gosec // escaped above
}

func (d *document) exampleOf(p *parameter) string {
	if p.Example.Value != "" {
		return p.Example.Value
	}
	if s, _ := d.resolve(p.Schema); len(s.Examples) > 0 {
		return s.Examples[0].Value
	}
	return "{" + p.Name + "}"
}

// problemsPage is what problems.html shows: all problems, one, or, with none,
// that there is no such problem.
type problemsPage struct {
	Title       string // of the one problem
	Problems    []problem.Kind
	FieldErrors []fieldError
}

func problemsView(d *document, kinds []problem.Kind) problemsPage {
	return problemsPage{Problems: kinds, FieldErrors: fieldErrorViews(d)}
}
