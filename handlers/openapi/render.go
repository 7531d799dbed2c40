package openapi

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/handlers/problem"
)

//go:embed pages
var pages embed.FS

// styleSheet stands in every page; the policy allows it by its hash.
var styleSheet = readStyleSheet()

func readStyleSheet() string {
	css, err := pages.ReadFile("pages/style.css")
	if err != nil {
		panic(fmt.Sprintf("embedded style sheet: %v", err))
	}
	return string(css)
}

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"anchor":   anchor,
	"line":     markdownLine,
	"lower":    strings.ToLower,
	"style":    func() template.HTML { return template.HTML("<style>" + styleSheet + "</style>") }, //nolint:gosec // our own file
	"statusOf": http.StatusText,
	"errors":   func() string { return problem.IndexPath },
	"docs":     func() string { return DocsPath },
	"source":   func() string { return DocumentPath },
}).ParseFS(pages, "pages/*.html"))

// render makes a page of a template and what it shows.
func render(name string, view any) (page, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, view); err != nil {
		return page{}, errors.Wrapf(err, "render %s", name)
	}
	return newPage(http.StatusOK, "text/html; charset=utf-8", b.Bytes()), nil
}
