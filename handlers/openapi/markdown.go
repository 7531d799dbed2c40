package openapi

import (
	"html/template"
	"regexp"
	"strings"
)

// markdown renders the little of CommonMark that the document uses: paragraphs,
// ### headings, lists, tables, `code`, **bold**, *emphasis* and links. All else
// is escaped.
func markdown(text string) template.HTML {
	var b strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		switch {
		case lines[0] == "":
		case strings.HasPrefix(lines[0], "### "):
			title := strings.TrimPrefix(lines[0], "### ")
			b.WriteString(`<h3 id="` + anchor(title) + `">` + inline(title) + "</h3>")
		case strings.HasPrefix(lines[0], "- "):
			renderList(&b, lines)
		case strings.HasPrefix(lines[0], "|"):
			renderTable(&b, lines)
		default:
			b.WriteString("<p>" + inline(strings.Join(lines, " ")) + "</p>")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every text went through inline, which escapes
}

// markdownLine renders text that stands in a line: no paragraphs, no blocks.
func markdownLine(text string) template.HTML {
	return template.HTML(inline(strings.Join(strings.Fields(text), " "))) //nolint:gosec // inline escapes
}

// renderList writes a list; a line that does not begin one continues an item.
func renderList(b *strings.Builder, lines []string) {
	b.WriteString("<ul>")
	item := ""
	for _, line := range lines {
		rest, begins := strings.CutPrefix(line, "- ")
		if begins && item != "" {
			b.WriteString("<li>" + inline(item) + "</li>")
			item = ""
		}
		item = strings.TrimSpace(item + " " + strings.TrimSpace(rest))
	}
	b.WriteString("<li>" + inline(item) + "</li></ul>")
}

// renderTable writes a table: a line of heads, a line of dashes, lines of cells.
func renderTable(b *strings.Builder, lines []string) {
	b.WriteString(`<div class="wide"><table>`)
	for i, line := range lines {
		if i == 1 {
			continue
		}
		cell := "td"
		if i == 0 {
			cell = "th"
		}
		b.WriteString("<tr>")
		for column := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			b.WriteString("<" + cell + ">" + inline(strings.TrimSpace(column)) + "</" + cell + ">")
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</table></div>")
}

var (
	boldText     = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	emphasisText = regexp.MustCompile(`\*([^*]+)\*`)
	linkText     = regexp.MustCompile(`\[([^\]]+)\]\((https://[^)\s]+|[/#][^)\s]*)\)`)
)

// inline escapes text and renders what stands within a line. Between backticks
// nothing else is read.
func inline(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			b.WriteString("<code>" + part + "</code>")
			continue
		}
		part = boldText.ReplaceAllString(part, "<strong>$1</strong>")
		part = emphasisText.ReplaceAllString(part, "<em>$1</em>")
		b.WriteString(linkText.ReplaceAllString(part, `<a href="$2">$1</a>`))
	}
	return b.String()
}

var notAnchor = regexp.MustCompile(`[^a-z0-9]+`)

// anchor makes a fragment of a title.
func anchor(title string) string {
	return strings.Trim(notAnchor.ReplaceAllString(strings.ToLower(title), "-"), "-")
}
