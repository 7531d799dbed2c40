package openapi

// Markdown and Highlight are tested by themselves.
var (
	Markdown  = markdown
	Highlight = highlight
)
