package page

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
)

// nonceBytes makes a nonce that can't be guessed: 128 bits.
const nonceBytes = 16

// NewNonce draws a nonce for one answer. It must never be used for two.
func NewNonce() string {
	b := make([]byte, nonceBytes)
	_, _ = rand.Read(b) // never fails: the program ends if the system has no randomness
	return base64.RawURLEncoding.EncodeToString(b)
}

// SetHeaders sets what a page must be sent with: only what carries the nonce
// runs or paints, nothing is loaded but pictures of this origin, forms go to this
// origin, no site but the ancestors may frame the page, and neither its address nor its
// content is kept or passed on. Ancestors are origins as merchants allow them.
//
// Where there are any the page does not part from the window that opened it: that is
// its own frame, which closes it again.
//
// With Referrer-Policy no-referrer browsers send "Origin: null" with forms, even
// to their own origin: judge a form by Sec-Fetch-Site and its token instead.
func SetHeaders(h http.Header, nonce string, ancestors []string) {
	framers := "'none'"
	if len(ancestors) > 0 {
		framers = strings.Join(ancestors, " ")
	} else {
		h.Set("X-Frame-Options", "DENY") // it knows no list
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; "+
		"style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+"'; "+
		"img-src 'self' data:; connect-src 'self'; form-action 'self'; "+
		"base-uri 'none'; frame-ancestors "+framers)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
}
