package merchant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of the origins that a merchant allows.
const (
	OriginsMax     = 20
	OriginBytesMax = 300 // a host name has at most 253
)

// anyPort stands for every port of this machine, in test mode: those who develop
// a shop change theirs.
const anyPort = "*"

// OriginProblem says what is wrong with an origin as a merchant may allow it in a
// mode, or "". It is written as browsers write it (scheme, host and port, nothing
// behind, no default port, small letters), so that comparing is enough: https; in
// test mode http to a loopback address, too, there with * for any port.
func OriginProblem(raw, mode string) string {
	if len(raw) > OriginBytesMax {
		return fmt.Sprintf("An origin has at most %d bytes.", OriginBytesMax)
	}
	base, wild := strings.CutSuffix(raw, ":"+anyPort)
	o, ok := readOrigin(base)
	if !ok {
		return "An origin is a scheme and a host, with a port if it is not the default, in small letters and without a path, for example https://shop.example."
	}
	loopback := mode == "test" && o.loopback()
	switch {
	case o.scheme != "https" && (o.scheme != "http" || !loopback):
		return "An origin is https; http is for loopback addresses in test mode."
	case wild && (!loopback || o.port != ""):
		return "Only a loopback address in test mode may have any port."
	case o.scheme == "https" && o.port == "443", o.scheme == "http" && o.port == "80":
		return "An origin leaves out its scheme's default port, as browsers do."
	}
	return ""
}

// origin is one in its parts; without a port its scheme's is meant.
type origin struct{ scheme, host, port string }

// readOrigin takes an origin apart. The host is a name, or an IPv4 address, that may
// stand in a header as it is: no wildcard, nothing that ends a list or a directive
// there. IPv6 addresses have no place in frame-ancestors.
func readOrigin(raw string) (origin, bool) {
	scheme, rest, _ := strings.Cut(raw, "://")
	host, port, withPort := strings.Cut(rest, ":")
	if withPort {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port {
			return origin{}, false
		}
	}
	for label := range strings.SplitSeq(host, ".") {
		named := label != "" && len(label) <= 63 && label[0] != '-' && label[len(label)-1] != '-'
		if !named || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return origin{}, false
		}
	}
	return origin{scheme, host, port}, true
}

// loopback reports whether the host is this machine: localhost, or 127.0.0.0/8 as it
// is written out (RFC 6890).
func (o origin) loopback() bool {
	if o.host == "localhost" {
		return true
	}
	parts := strings.Split(o.host, ".")
	if len(parts) != 4 || parts[0] != "127" {
		return false
	}
	for _, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || n > 255 || strconv.Itoa(n) != p {
			return false
		}
	}
	return true
}

// OriginsProblem says what is wrong with the list as a whole, or "".
func OriginsProblem(origins []string, mode string) string {
	if len(origins) > OriginsMax {
		return fmt.Sprintf("A merchant allows at most %d origins.", OriginsMax)
	}
	for i, o := range origins {
		if says := OriginProblem(o, mode); says != "" {
			return fmt.Sprintf("%q: %s", o, says)
		}
		if slices.Contains(origins[:i], o) {
			return fmt.Sprintf("%q stands there twice.", o)
		}
	}
	return ""
}

// Allowable reports whether some merchant could allow the origin that a browser names.
// One that is may stand in a header as it is.
func Allowable(origin string) bool {
	return OriginProblem(origin, "test") == "" && !strings.HasSuffix(origin, anyPort)
}

// AllowsOrigin reports whether the merchant's own pages are at origin, as a browser
// writes it: they may call with a public key, and show the checkout in a frame.
func (s State) AllowsOrigin(origin string) bool {
	for _, allowed := range s.Settings.AllowedOrigins {
		base, wild := strings.CutSuffix(allowed, ":"+anyPort)
		if !wild && origin == allowed {
			return true
		}
		port, ofBase := strings.CutPrefix(origin, base)
		if wild && ofBase && isPort(port) {
			return true
		}
	}
	return false
}

// isPort reports whether s is what may stand between a host and a path: nothing, or a
// colon and digits.
func isPort(s string) bool {
	digits, colon := strings.CutPrefix(s, ":")
	return s == "" || colon && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// atAnyPort returns url with * for its port, where allowed has that on the same
// loopback address; else url as it is.
func atAnyPort(url, allowed string) string {
	const any = ":" + anyPort + "/"
	base, _, wild := strings.Cut(allowed, any)
	o, ok := readOrigin(base)
	if !wild || !ok || o.port != "" || !o.loopback() {
		return url
	}
	rest, ofBase := strings.CutPrefix(url, base)
	port, path, below := strings.Cut(rest, "/")
	if !ofBase || !below || !isPort(port) {
		return url
	}
	return base + any + path
}
