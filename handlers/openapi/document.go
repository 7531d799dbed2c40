package openapi

import (
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/pb33f/go-yaml"
)

// ordered is a YAML mapping whose members keep the order of the file.
type ordered[T any] []member[T]

type member[T any] struct {
	Name  string
	Value T
}

// UnmarshalYAML reads a mapping.
func (o *ordered[T]) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return errors.Newf("line %d: a mapping is needed", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		m := member[T]{Name: n.Content[i].Value}
		if err := n.Content[i+1].Decode(&m.Value); err != nil {
			return err
		}
		*o = append(*o, m)
	}
	return nil
}

// get returns the member of that name.
func (o ordered[T]) get(name string) (T, bool) {
	for _, m := range o {
		if m.Name == name {
			return m.Value, true
		}
	}
	var none T
	return none, false
}

// document is as much of OpenAPI as our own document uses.
type document struct {
	Info struct {
		Title       string `yaml:"title"`
		Version     string `yaml:"version"`
		Summary     string `yaml:"summary"`
		Description string `yaml:"description"`
	} `yaml:"info"`
	Tags       []tag             `yaml:"tags"`
	Paths      ordered[pathItem] `yaml:"paths"`
	Webhooks   ordered[pathItem] `yaml:"webhooks"`
	Components struct {
		Schemas    ordered[*schema]    `yaml:"schemas"`
		Parameters ordered[*parameter] `yaml:"parameters"`
		Headers    ordered[*parameter] `yaml:"headers"`
		Responses  ordered[*response]  `yaml:"responses"`
		Examples   ordered[*example]   `yaml:"examples"`
	} `yaml:"components"`
	FieldErrorCodes []struct {
		Code string `yaml:"code"`
		Says string `yaml:"says"`
	} `yaml:"x-field-error-codes"`
}

type tag struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
}

// pathItem is a path with its operations, in the order of the file.
type pathItem struct {
	Parameters []*parameter
	Operations []methodOperation
}

type methodOperation struct {
	Method    string
	Operation operation
}

// UnmarshalYAML reads a path item: its parameters and its operations.
func (p *pathItem) UnmarshalYAML(n *yaml.Node) error {
	var members ordered[yaml.Node]
	if err := n.Decode(&members); err != nil {
		return err
	}
	for _, m := range members {
		if m.Name == "parameters" {
			if err := m.Value.Decode(&p.Parameters); err != nil {
				return err
			}
			continue
		}
		mo := methodOperation{Method: strings.ToUpper(m.Name)}
		if err := m.Value.Decode(&mo.Operation); err != nil {
			return err
		}
		p.Operations = append(p.Operations, mo)
	}
	return nil
}

type operation struct {
	ID          string                 `yaml:"operationId"`
	Tags        []string               `yaml:"tags"`
	Summary     string                 `yaml:"summary"`
	Description string                 `yaml:"description"`
	Security    *[]map[string][]string `yaml:"security"`
	Parameters  []*parameter           `yaml:"parameters"`
	RequestBody *body                  `yaml:"requestBody"`
	Responses   ordered[*response]     `yaml:"responses"`
	Problems    []string               `yaml:"x-problems"`
}

// parameter is a parameter or a header.
type parameter struct {
	Ref         string    `yaml:"$ref"`
	Name        string    `yaml:"name"`
	In          string    `yaml:"in"`
	Description string    `yaml:"description"`
	Required    bool      `yaml:"required"`
	Schema      *schema   `yaml:"schema"`
	Example     yaml.Node `yaml:"example"`
}

type body struct {
	Required bool               `yaml:"required"`
	Content  ordered[mediaType] `yaml:"content"`
}

type mediaType struct {
	Schema   *schema           `yaml:"schema"`
	Examples ordered[*example] `yaml:"examples"`
}

type example struct {
	Ref     string    `yaml:"$ref"`
	Summary string    `yaml:"summary"`
	Value   yaml.Node `yaml:"value"`
}

type response struct {
	Ref         string              `yaml:"$ref"`
	Description string              `yaml:"description"`
	Headers     ordered[*parameter] `yaml:"headers"`
	Content     ordered[mediaType]  `yaml:"content"`
}

type schema struct {
	Ref           string           `yaml:"$ref"`
	Type          string           `yaml:"type"`
	Format        string           `yaml:"format"`
	Description   string           `yaml:"description"`
	Enum          []string         `yaml:"enum"`
	Default       yaml.Node        `yaml:"default"`
	Minimum       *int64           `yaml:"minimum"`
	Maximum       *int64           `yaml:"maximum"`
	MinLength     *int64           `yaml:"minLength"`
	MaxLength     *int64           `yaml:"maxLength"`
	MinItems      *int64           `yaml:"minItems"`
	MaxItems      *int64           `yaml:"maxItems"`
	MaxProperties *int64           `yaml:"maxProperties"`
	Pattern       string           `yaml:"pattern"`
	Deprecated    bool             `yaml:"deprecated"`
	Properties    ordered[*schema] `yaml:"properties"`
	Required      []string         `yaml:"required"`
	Items         *schema          `yaml:"items"`
	AnyOf         []*schema        `yaml:"anyOf"`
	Examples      []yaml.Node      `yaml:"examples"`
}

func parse(source []byte) (*document, error) {
	var d document
	if err := yaml.Unmarshal(source, &d); err != nil {
		return nil, errors.Wrap(err, "parse YAML")
	}
	return &d, nil
}

// refName is the last part of a reference, the component's name.
func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// resolve follows a schema's reference; a description beside it wins. The name
// is that of the component, "" for a schema that has none.
func (d *document) resolve(s *schema) (resolved schema, name string) {
	if s.Ref == "" {
		return *s, ""
	}
	name = refName(s.Ref)
	target, ok := d.Components.Schemas.get(name)
	if !ok {
		return schema{Type: "unknown"}, name
	}
	resolved, _ = d.resolve(target)
	if s.Description != "" {
		resolved.Description = s.Description
	}
	return resolved, name
}

func (d *document) parameter(p *parameter) *parameter {
	if p.Ref == "" {
		return p
	}
	found, ok := d.Components.Parameters.get(refName(p.Ref))
	if !ok {
		return p
	}
	return found
}

func (d *document) response(r *response) *response {
	if r.Ref == "" {
		return r
	}
	found, ok := d.Components.Responses.get(refName(r.Ref))
	if !ok {
		return r
	}
	return found
}

func (d *document) example(e *example) *example {
	if e.Ref == "" {
		return e
	}
	found, ok := d.Components.Examples.get(refName(e.Ref))
	if !ok {
		return e
	}
	return found
}
