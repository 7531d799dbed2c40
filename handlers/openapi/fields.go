package openapi

import (
	"fmt"
	"html/template"
	"slices"

	"github.com/pb33f/go-yaml"
)

// nestingMax bounds how deep a schema is written out.
const nestingMax = 6

// object is a schema that is shown with its properties.
type object struct {
	Name        string
	Description template.HTML
	Properties  []property
}

// property is a member of an object, or a parameter.
type property struct {
	Name        string
	Place       string // of a parameter: path, query, header
	Required    bool
	Deprecated  bool
	Type        string
	Facts       []string
	Values      []string // of an enum
	Description template.HTML
	Properties  []property
}

func (d *document) parameterView(p *parameter) property {
	v := d.property(p.Name, p.Schema, p.Required, 0)
	v.Place = p.In
	if p.Description != "" {
		v.Description = markdown(p.Description)
	}
	return v
}

func (d *document) object(s *schema, name string) object {
	resolved, refName := d.resolve(s)
	if name == "" {
		name = refName
	}
	return object{Name: name, Description: markdown(resolved.Description), Properties: d.properties(resolved, 0)}
}

func (d *document) properties(s schema, depth int) []property {
	if depth > nestingMax {
		return nil
	}
	var out []property
	for _, m := range s.Properties {
		out = append(out, d.property(m.Name, m.Value, slices.Contains(s.Required, m.Name), depth))
	}
	return out
}

func (d *document) property(name string, s *schema, required bool, depth int) property {
	resolved, _ := d.resolve(s)
	p := property{
		Name: name, Required: required, Deprecated: resolved.Deprecated,
		Type: resolved.Type, Facts: facts(resolved), Values: resolved.Enum,
		Description: markdown(resolved.Description),
		Properties:  d.properties(resolved, depth+1),
	}
	switch {
	case len(resolved.AnyOf) > 0:
		one, _ := d.resolve(resolved.AnyOf[0])
		p.Type = one.Type
	case resolved.Items != nil:
		item, _ := d.resolve(resolved.Items)
		p.Type = "list of " + plural(item.Type)
		p.Values = item.Enum
		p.Properties = d.properties(item, depth+1)
	case resolved.Type == "object" && len(resolved.Properties) == 0:
		p.Type = "object of strings"
	}
	return p
}

func plural(jsonType string) string { return jsonType + "s" }

// facts are the limits of a schema, in words.
func facts(s schema) []string {
	var out []string
	if s.Format == "uri" || s.Format == "date-time" {
		out = append(out, map[string]string{"uri": "URL", "date-time": "RFC 3339"}[s.Format])
	}
	out = appendRange(out, s.Minimum, s.Maximum, "")
	if len(s.Enum) == 0 {
		out = appendRange(out, s.MinLength, s.MaxLength, " characters")
	}
	out = appendRange(out, s.MinItems, s.MaxItems, " members")
	out = appendRange(out, nil, s.MaxProperties, " members")
	if s.Default.Kind == yaml.ScalarNode {
		out = append(out, "default "+s.Default.Value)
	}
	return out
}

func appendRange(out []string, least, most *int64, unit string) []string {
	switch {
	case least != nil && most != nil:
		return append(out, fmt.Sprintf("%d to %d%s", *least, *most, unit))
	case most != nil:
		return append(out, fmt.Sprintf("at most %d%s", *most, unit))
	case least != nil && *least > 0:
		return append(out, fmt.Sprintf("at least %d%s", *least, unit))
	}
	return out
}
