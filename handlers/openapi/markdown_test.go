package openapi_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"tender/handlers/openapi"
)

func TestMarkdown(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"a paragraph", "one\ntwo", "<p>one two</p>"},
		{"two", "one\n\ntwo", "<p>one</p><p>two</p>"},
		{"marks", "**b** *e* `c`", "<p><strong>b</strong> <em>e</em> <code>c</code></p>"},
		{"code keeps its signs", "`a*b*c <x>`", "<p><code>a*b*c &lt;x&gt;</code></p>"},
		{"what is not ours is escaped", "<b>&", "<p>&lt;b&gt;&amp;</p>"},
		{"a heading", "### What it is", `<h3 id="what-it-is">What it is</h3>`},
		{"a list", "- a\n  b\n- c", "<ul><li>a b</li><li>c</li></ul>"},
		{"a table", "| h |\n|---|\n| `c` |", `<div class="wide"><table><tr><th>h</th></tr><tr><td><code>c</code></td></tr></table></div>`},
		{"a link", "[a](https://a.example/)", `<p><a href="https://a.example/">a</a></p>`},
		{"no link to a script", "[a](javascript:x)", `<p>[a](javascript:x)</p>`},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(openapi.Markdown(tt.text)); got != tt.want {
				t.Errorf("it is %s, not %s", got, tt.want)
			}
		})
	}
}

func TestHighlightKeepsTheText(t *testing.T) {
	t.Parallel()
	const text = `{"a<b": "c\"d", "n": [1, true], "u": "https://x/?a&b"}`
	marked := string(openapi.Highlight(text))
	if !strings.Contains(marked, `<span class="k">`) || !strings.Contains(marked, `<span class="s">`) {
		t.Errorf("nothing is marked in %s", marked)
	}
	plain := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(marked, ""))
	if plain != text {
		t.Errorf("the text became %s", plain)
	}
}
