package demo

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// tokenKind is how a part of a text is set.
type tokenKind string

const (
	tokenPlain   tokenKind = ""
	tokenName    tokenKind = "n"
	tokenString  tokenKind = "s"
	tokenLiteral tokenKind = "l" // a number, true, false or null
)

// token is a part of a JSON text.
type token struct {
	Kind tokenKind
	Text string
}

// pretty indents a JSON text and takes it apart, so that a page can set it in
// colours without a word of it being taken for HTML. What is no JSON stays as it is.
func pretty(body []byte) []token {
	if len(body) == 0 {
		return nil
	}
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return []token{{Text: strings.ToValidUTF8(string(body), string(utf8.RuneError))}}
	}
	return tokens(b.String())
}

// tokens takes a valid JSON text apart.
func tokens(text string) []token {
	var all []token
	for len(text) > 0 {
		t := nextToken(text)
		text = text[len(t.Text):]
		if n := len(all); t.Kind == tokenPlain && n > 0 && all[n-1].Kind == tokenPlain {
			all[n-1].Text += t.Text
			continue
		}
		all = append(all, t)
	}
	return all
}

// nextToken is what a text begins with. It is at least one byte.
func nextToken(text string) token {
	switch c := text[0]; {
	case c == '"':
		end := 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(text))
		if strings.HasPrefix(text[end:], ":") {
			return token{tokenName, text[:end]}
		}
		return token{tokenString, text[:end]}
	case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z':
		end := strings.IndexAny(text, ",]} \n")
		if end < 0 {
			end = len(text)
		}
		return token{tokenLiteral, text[:end]}
	default:
		end := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune("{}[],: \n", r) })
		if end <= 0 {
			end = len(text)
		}
		return token{tokenPlain, text[:end]}
	}
}
