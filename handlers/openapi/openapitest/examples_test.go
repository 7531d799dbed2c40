package openapitest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"
)

// Whoever copies an example must get what the document describes.
func TestExamplesAreTrue(t *testing.T) {
	t.Parallel()
	load(t)
	c := contract()
	checked := 0
	check := func(place string, content *orderedmap.Map[string, *v3.MediaType]) {
		for mediaType, m := range content.FromOldest() {
			for name, e := range m.Examples.FromOldest() {
				checked++
				c.checkExample(t, place+" "+mediaType+" "+name, m.Schema, e)
			}
		}
	}
	for path, item := range c.model.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			c.checkOperation(check, method+" "+path, op)
		}
	}
	for name, item := range c.model.Webhooks.FromOldest() {
		for _, op := range item.GetOperations().FromOldest() {
			c.checkOperation(check, "webhook "+name, op)
		}
	}
	if checked < 30 {
		t.Errorf("only %d examples were found: the test looks in the wrong place", checked)
	}
}

func (c *contractOf) checkOperation(check func(string, *orderedmap.Map[string, *v3.MediaType]), name string, op *v3.Operation) {
	if op.RequestBody != nil {
		check(name, op.RequestBody.Content)
	}
	for status, r := range op.Responses.Codes.FromOldest() {
		check(name+" "+status, r.Content)
	}
}

func (c *contractOf) checkExample(t *testing.T, place string, schema *base.SchemaProxy, e *base.Example) {
	t.Helper()
	var value any
	if err := e.Value.Decode(&value); err != nil {
		t.Fatalf("%s: %v", place, err)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("%s: %v", place, err)
	}
	_, errs := c.schemas.ValidateSchemaBytes(schema.Schema(), encoded)
	if complaints := append(sentences(errs), checkSums(encoded)...); len(complaints) > 0 {
		t.Errorf("the example of %s is not true:\n  - %s", place, strings.Join(complaints, "\n  - "))
	}
}
