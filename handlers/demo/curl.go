package demo

import (
	"net/http"
	"strings"
)

// curl is a call as a command, with the names that `tender dev` writes into
// dev.env. It has the call's own idempotency key: run as it is, it changes nothing
// and gets the same answer.
func (e *entry) curl() string {
	lines := []string{`curl "$TENDER_URL` + e.target + `"`}
	if e.method != http.MethodGet {
		lines[0] = "curl -X " + e.method + ` "$TENDER_URL` + e.target + `"`
	}
	lines = append(lines, `-H "Authorization: Bearer $TENDER_SECRET_KEY"`)
	if e.key != "" {
		lines = append(lines, "-H "+shellQuote("Idempotency-Key: "+e.key))
	}
	if len(e.request) > 0 {
		lines = append(lines, "-H 'Content-Type: application/json'", "-d "+shellQuote(string(e.request)))
	}
	return strings.Join(lines, " \\\n  ")
}

// shellQuote puts a text into single quotes, in which a shell reads nothing.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
