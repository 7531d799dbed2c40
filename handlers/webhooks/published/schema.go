package published

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/domain/method"
	shown "tender/projections/object"
)

// Schema is as much of JSON Schema as a body needs. The zero value allows anything,
// and none is published.
type Schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type,omitempty"`
	Const       string             `json:"const,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Format      string             `json:"format,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Others      *Others            `json:"additionalProperties,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	AnyOf       []*Schema          `json:"anyOf,omitempty"`
}

// Others says what members that have no name in the schema may be: nothing, or, in
// a map, values of one kind.
type Others struct{ Values *Schema }

// MarshalJSON writes false for nothing.
func (o Others) MarshalJSON() ([]byte, error) {
	if o.Values == nil {
		return []byte("false"), nil
	}
	return json.Marshal(o.Values)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (o *Others) UnmarshalJSON(b []byte) error {
	if string(b) == "false" {
		*o = Others{}
		return nil
	}
	return errors.Wrap(json.Unmarshal(b, &o.Values), "read additionalProperties")
}

// dialect is the draft that the schemas are written in.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// object returns a closed object; those of the properties that are not optional
// are required.
func object(properties map[string]*Schema, optional ...string) *Schema {
	s := &Schema{Type: "object", Properties: properties, Others: &Others{}}
	for name := range properties {
		if !slices.Contains(optional, name) {
			s.Required = append(s.Required, name)
		}
	}
	slices.Sort(s.Required)
	return s
}

func list(items *Schema) *Schema { return &Schema{Type: "array", Items: items} }

func oneOf(values ...string) *Schema { return &Schema{Type: "string", Enum: values} }

func integer() *Schema { return &Schema{Type: "integer"} }

// schemaOf reads a schema off a Go type: what encoding/json writes for a value.
// A type whose JSON can't be seen from its Go is in [shapes]; one that is in
// neither way known is a mistake in the program.
func schemaOf(t reflect.Type) *Schema {
	switch t {
	case reflect.TypeFor[method.Details]():
		return details()
	case reflect.TypeFor[shown.PaymentMethod]():
		return paymentMethod()
	}
	if shape, ok := shapes[t]; ok {
		return shape()
	}
	if set, ok := sets[t]; ok {
		return oneOf(set...)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Struct:
		s := object(map[string]*Schema{})
		s.addFields(t)
		slices.Sort(s.Required)
		return s
	case reflect.Slice:
		return list(schemaOf(t.Elem()))
	case reflect.Map:
		return &Schema{Type: "object", Others: &Others{Values: schemaOf(t.Elem())}}
	case reflect.String:
		return &Schema{Type: "string"}
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return integer()
	default:
		panic("published: no schema for " + t.String())
	}
}

// addFields adds what encoding/json writes of a struct. An embedded struct's fields
// stand among its own.
func (s *Schema) addFields(t reflect.Type) {
	for f := range fieldsOf(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Pointer:
			s.addOptional(f.Type.Elem())
			continue
		case f.Anonymous && name == "":
			s.addFields(f.Type)
			continue
		case name == "-":
			continue // its shape is known otherwise
		case name == "":
			panic("published: " + t.String() + "." + f.Name + " has no name on the wire")
		}
		s.Properties[name] = fieldOf(t, name, f.Type)
		if !strings.Contains(options, "omit") {
			s.Required = append(s.Required, name)
		}
	}
}

// addOptional adds the fields of a struct that is embedded by a pointer: where that
// is nil, none of them is written.
func (s *Schema) addOptional(t reflect.Type) {
	for name, property := range schemaOf(t).Properties {
		s.Properties[name] = property
	}
}

// fieldsOf goes through the exported fields of a struct.
func fieldsOf(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && !yield(f) {
				return
			}
		}
	}
}

// fieldOf is the schema of one field, about which more may be known than its type
// says.
func fieldOf(t reflect.Type, name string, typ reflect.Type) *Schema {
	switch f := (field{t, name}); f {
	case of[shown.Options]("mandate_options"):
		return mandateOptions()
	case of[shown.Options]("subscription_options"):
		return subscriptionOptions()
	default:
		if shape, ok := fields[f]; ok {
			return shape()
		}
	}
	if typ.Kind() == reflect.String && typ.PkgPath() == "" {
		if p, ok := references[name]; ok {
			return idOf(p)
		}
	}
	return schemaOf(typ)
}
