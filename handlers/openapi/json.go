package openapi

import (
	"encoding/json"
	"html/template"
	"strings"

	"github.com/pb33f/go-yaml"
)

// jsonText writes a YAML value as JSON in the order of the file, two spaces for
// each level. A list or object that is short stands on one line.
func jsonText(n *yaml.Node) string {
	var b strings.Builder
	writeJSON(&b, n, "")
	return b.String()
}

// lineMax is how long a list or object may be to stand on one line.
const lineMax = 60

func writeJSON(b *strings.Builder, n *yaml.Node, indent string) {
	switch n.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		if line := oneLine(n); len(line) <= lineMax && !holdsCollections(n) {
			b.WriteString(line)
			return
		}
		writeCollection(b, n, indent)
	case yaml.AliasNode:
		writeJSON(b, n.Alias, indent)
	default:
		b.WriteString(scalar(n))
	}
}

func writeCollection(b *strings.Builder, n *yaml.Node, indent string) {
	deeper := indent + "  "
	open, closing, step := "{", "}", 2
	if n.Kind == yaml.SequenceNode {
		open, closing, step = "[", "]", 1
	}
	b.WriteString(open + "\n")
	for i := 0; i < len(n.Content); i += step {
		b.WriteString(deeper)
		if step == 2 {
			b.WriteString(quote(n.Content[i].Value) + ": ")
		}
		writeJSON(b, n.Content[i+step-1], deeper)
		if i+step < len(n.Content) {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString(indent + closing)
}

func holdsCollections(n *yaml.Node) bool {
	for _, c := range n.Content {
		if len(c.Content) > 0 {
			return true
		}
	}
	return false
}

func oneLine(n *yaml.Node) string {
	var parts []string
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			parts = append(parts, compact(c))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		parts = append(parts, quote(n.Content[i].Value)+": "+compact(n.Content[i+1]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func compact(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return scalar(n)
	}
	return oneLine(n)
}

func scalar(n *yaml.Node) string {
	switch n.Tag {
	case "!!int", "!!float", "!!bool":
		return n.Value
	case "!!null":
		return "null"
	}
	return quote(n.Value)
}

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// highlight marks names and strings in JSON that jsonText wrote, as HTML.
func highlight(text string) template.HTML {
	var b strings.Builder
	for text != "" {
		start := strings.IndexByte(text, '"')
		if start < 0 {
			break
		}
		end := start + 1
		for text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end++
		class := "s"
		if strings.HasPrefix(text[end:], ":") {
			class = "k"
		}
		b.WriteString(template.HTMLEscapeString(text[:start]))
		b.WriteString(`<span class="` + class + `">` + template.HTMLEscapeString(text[start:end]) + "</span>")
		text = text[end:]
	}
	b.WriteString(template.HTMLEscapeString(text))
	return template.HTML(b.String()) //nolint:gosec // all of it is escaped above
}
